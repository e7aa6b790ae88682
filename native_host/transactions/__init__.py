"""Transactions that the wallet sends: what each is going to do, read from the chain before it is signed."""
