"""The station's database: schema, payments, ledger of tickets, retention."""
