"""The durable record of everything this host let through or refused."""

from native_host.ledger.store import Ledger
from native_host.ledger.tables import Entry, ReceiptRow, SessionRow, TicketRow, UsageRow

__all__ = ["Entry", "Ledger", "ReceiptRow", "SessionRow", "TicketRow", "UsageRow"]
