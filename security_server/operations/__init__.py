"""What an operator sees and does while the server runs: metrics, readiness, drain, quotas, overview and its page."""
