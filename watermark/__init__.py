"""Audio watermarks that carry a content's address: embedding and blind reading (docs/watermark.md)."""
