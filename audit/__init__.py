"""Audit, reports and watcher: checks from the chain and the published data alone."""
