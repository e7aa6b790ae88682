"""The durable record of everything this host let through or refused."""

from native_host.ledger.database import Ledger
from native_host.ledger.tables import InvocationRow, PayeeRow, ReceiptRow, SessionRow, TicketRow, UsageRow

__all__ = ["InvocationRow", "Ledger", "PayeeRow", "ReceiptRow", "SessionRow", "TicketRow", "UsageRow"]
