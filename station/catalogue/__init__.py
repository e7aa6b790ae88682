"""The station's songs, and similarity between them."""
