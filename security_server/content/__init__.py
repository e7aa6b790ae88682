"""Contents that the server keeps keys for: registration, moves between servers, revocation."""
