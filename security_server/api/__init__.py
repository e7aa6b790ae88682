"""HTTP and WebSocket front: requests are parsed, their sender is verified, the answer is written."""
