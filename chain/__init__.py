"""The chain behind typed doors: JSON-RPC over WebSocket, the contracts' functions, deployment, an embedded node."""
