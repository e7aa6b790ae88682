"""Streams: segment keys under a lease, the log of invocations and their reports to the security server."""
