"""What a copy of the extension and a host under measurement get, and the packages do not: marks."""
