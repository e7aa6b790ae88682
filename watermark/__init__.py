"""Watermarks: whose sound it is, in the sound itself. numpy and scipy only; see docs/watermark.md."""
