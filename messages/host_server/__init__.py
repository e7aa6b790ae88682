"""Requests of a host to a security server (docs/protocol.md section 4)."""
