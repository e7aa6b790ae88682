"""Connections: the security server, the network's descriptor, the chain's clock."""
