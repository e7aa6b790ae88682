"""Requests of the extension to the native host (docs/protocol.md section 3)."""
