"""Parsing of the browser's requests (docs/protocol.md section 3)."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Struct

from messages.browser_host.exchanges import BROWSER_HOST
from pywallet.errors import InputError

OPERATIONS: Final[dict[str, type[Struct]]] = {
    exchange.name: exchange.request for exchange in BROWSER_HOST if exchange.request is not None
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
