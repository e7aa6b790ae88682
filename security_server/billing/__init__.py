"""Accounts, statements and vouchers of payers; claims and sweeps of payees."""
