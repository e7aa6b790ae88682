"""One file per operation of docs/protocol.md section 3; each has ``async run(services, request) -> result``."""
