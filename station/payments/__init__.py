"""What the station owes and pays: statements checked against its own tickets, transfers, vouchers."""
