"""The wallet: mnemonic, key derivation, keyring, vault, transactions and permits."""
