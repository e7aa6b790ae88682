"""The native-messaging line: framing, the schema of requests, the process that serves them."""
