"""Operation of a running server: metrics, readiness, drain, quotas, overview and its page."""
