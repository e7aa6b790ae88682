"""Auditors, statements and watchers: everything that needs the chain and the published data, and nobody's word."""
