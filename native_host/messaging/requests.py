"""Parsing of the browser's requests (docs/protocol.md section 3)."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Struct

from messages.browser_host.chain import Read, Send, Simulate, Transaction, Transfers
from messages.browser_host.connection import Doctor, Hello, Network
from messages.browser_host.earnings import Earnings, Payees, ReceiptBreakdown, Summary
from messages.browser_host.listening import Escrow, Owed, Pay, Site, Sites
from messages.browser_host.payout import Claim, Holdings, Leaf, Relayer, Sweep, VerifyCounts
from messages.browser_host.playback import Invoke, Prepare, Rejoin
from messages.browser_host.recovery import Scan
from messages.browser_host.stream import Close, Identify, Open, Problem
from pywallet.errors import InputError

OPERATIONS: Final[dict[str, type[Struct]]] = {
    "hello": Hello,
    "open": Open,
    "identify": Identify,
    "prepare": Prepare,
    "rejoin": Rejoin,
    "invoke": Invoke,
    "problem": Problem,
    "close": Close,
    "summary": Summary,
    "payees": Payees,
    "earnings": Earnings,
    "scan": Scan,
    "origin": ReceiptBreakdown,
    "site": Site,
    "sites": Sites,
    "owed": Owed,
    "pay": Pay,
    "escrow": Escrow,
    "simulate": Simulate,
    "read": Read,
    "send": Send,
    "transaction": Transaction,
    "transfers": Transfers,
    "holdings": Holdings,
    "relayer": Relayer,
    "sweep": Sweep,
    "leaf": Leaf,
    "claim": Claim,
    "verify_counts": VerifyCounts,
    "network": Network,
    "doctor": Doctor,
}
"""By the wire's name of the operation."""


def request_id(message: dict[str, Any]) -> int:
    """The ``id`` that the reply repeats.

    Raises:
        InputError: ``host.message.schema``.
    """
    value = message.get("id")
    if type(value) is not int or not 0 <= value < 1 << 53:
        raise InputError("host.message.schema", field="id")
    return value


def parse(message: dict[str, Any]) -> Any:
    """The request as its type.

    Raises:
        InputError: ``host.message.unknown`` or ``host.message.schema``.
    """
    op = message.get("op")
    kind = OPERATIONS.get(op) if isinstance(op, str) else None
    if kind is None:
        raise InputError("host.message.unknown", op=str(op)[:64])
    try:
        return msgspec.convert(message, kind)
    except (msgspec.ValidationError, RecursionError) as e:
        raise InputError("host.message.schema", reason=str(e)[:200]) from None
