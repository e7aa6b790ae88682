"""The station's HTTP API."""
