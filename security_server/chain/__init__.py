"""The server's access to the chain: cached reads, transactions, subscriptions."""
