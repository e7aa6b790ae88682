"""Clients of the contracts, one module each."""
