"""Access to the chain: JSON-RPC client, contract clients, deployment, embedded development node."""
