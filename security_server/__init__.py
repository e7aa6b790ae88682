"""The security server: keeps content keys, validates invocations, closes epochs."""
