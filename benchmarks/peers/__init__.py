"""The peers: media, page and libraries."""
