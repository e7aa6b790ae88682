"""Requests, results and events between the extension and the native host (docs/protocol.md section 3)."""
