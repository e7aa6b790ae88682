"""The server's database: tables, queries, the writer, retention."""
