"""Payments of the listener and earnings of the payee: statements, receipts, proofs, recovery."""
