"""The ledger: a durable SQLite record of invocations, receipts, grants and payments."""

from native_host.ledger.database import Ledger
from native_host.ledger.tables import InvocationRow, PayeeRow, ReceiptRow, SessionRow, TicketRow, UsageRow

__all__ = ["InvocationRow", "Ledger", "PayeeRow", "ReceiptRow", "SessionRow", "TicketRow", "UsageRow"]
