"""Rules that more than one component decides by: host, security server and station call the same functions."""
