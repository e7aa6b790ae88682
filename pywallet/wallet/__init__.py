"""The fan's wallet: words, keys, vault, amounts."""
