"""Validation of a node's responses: malformed ones raise GomaaError and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chain.abi import Event, decoding_errors
from pywallet.errors import GomaaError, Unavailable
from pywallet.redaction import without_parts_of


@dataclass(frozen=True)
class Block:
    """A block's number, Unix time in seconds, and hash."""

    number: int
    timestamp: int
    hash: bytes


@dataclass(frozen=True)
class Log:
    """One decoded event."""

    name: str
    address: bytes
    fields: Mapping[str, Any]
    block: int
    transaction: bytes


@dataclass(frozen=True)
class TxReceipt:
    """Receipt of a transaction in a block; ``logs`` are undecoded."""

    hash: bytes
    gas_used: int
    block: int
    logs: Sequence[Mapping[str, Any]]


def number(value: Any) -> int:
    """Parse a quantity, 0x-hex. Raises GomaaError ``chain.mismatch`` for anything else."""
    try:
        if isinstance(value, str) and value[:2].lower() == "0x":
            return int(value[2:], 16)
    except ValueError:
        pass
    raise GomaaError("chain.mismatch", reason="a number was expected")


def data(value: Any, length: int | None = None) -> bytes:
    """Parse bytes, 0x-hex. Raises GomaaError ``chain.mismatch`` for anything else or another length."""
    try:
        if isinstance(value, str) and value[:2].lower() == "0x":
            parsed = bytes.fromhex(value[2:])
            if length is None or len(parsed) == length:
                return parsed
    except ValueError:
        pass
    raise GomaaError("chain.mismatch", reason="bytes were expected")


def mapping(value: Any) -> Mapping[str, Any]:
    """Check for an object. Raises GomaaError ``chain.mismatch`` for anything else."""
    if not isinstance(value, Mapping):
        raise GomaaError("chain.mismatch", reason="an object was expected")
    return value


def listing(value: Any) -> list[Any]:
    """Check for a list. Raises GomaaError ``chain.mismatch`` for anything else."""
    if not isinstance(value, list):
        raise GomaaError("chain.mismatch", reason="a list was expected")
    return value


def block(value: Any) -> Block:
    """Parse a block's header."""
    item = mapping(value)
    return Block(number(item.get("number")), number(item.get("timestamp")), data(item.get("hash"), 32))


def decode_log(kind: Event, value: Any) -> Log:
    """Decode a node's log as an event. Raises GomaaError ``chain.mismatch`` for another event."""
    item = mapping(value)
    topics = [data(topic, 32) for topic in listing(item.get("topics"))]
    if not topics or topics[0] != kind.topic or len(topics) != 1 + sum(kind.indexed):
        raise GomaaError("chain.mismatch", reason=f"no {kind.name} event")
    try:
        fields = kind.decode(topics, data(item.get("data")))
    except decoding_errors() as e:
        raise GomaaError("chain.mismatch", event=kind.name, reason=type(e).__name__) from None
    mined = number(item["blockNumber"]) if item.get("blockNumber") else 0
    return Log(kind.name, data(item.get("address"), 20), fields, mined, data(item.get("transactionHash"), 32))


def receipt(value: Any) -> TxReceipt:
    """Parse a transaction's receipt, whatever its status."""
    item = mapping(value)
    logs = [mapping(log) for log in listing(item.get("logs"))]
    return TxReceipt(
        data(item.get("transactionHash"), 32), number(item.get("gasUsed")), number(item.get("blockNumber")), logs
    )


_UNKNOWN_METHOD = -32601
"""JSON-RPC 2.0, section 5.1."""


class Declined(Unavailable):
    """The node refuses a request: too large, or too frequent."""


class Unsupported(Declined):
    """The node lacks an optional method."""


def failure(method: str, error: Any, rpc: str = "") -> GomaaError:
    """Convert a node's error.

    Args:
        method: The method that was called.
        error: The response's ``error``.
        rpc: The node's URL, whose secret parts are removed from the message.

    Returns:
        ``chain.reverted`` with the contract's reason, ``chain.funds``, or ``chain.unreachable`` with the message.
    """
    item = error if isinstance(error, Mapping) else {"message": error}
    message = without_parts_of(rpc, str(item.get("message", "")))[:500]
    reason = _reason(item.get("data"))
    if reason or "revert" in message.lower():
        return GomaaError(
            "chain.reverted",
            method=method,
            reason=reason or message.split("revert: ")[-1].removeprefix("execution reverted: "),
        )
    if "insufficient funds" in message.lower():
        return Unavailable("chain.funds", method=method, reason=message)
    error_class = Unsupported if item.get("code") == _UNKNOWN_METHOD else Declined
    number = item.get("code")
    return error_class(
        "chain.unreachable", method=method, reason=message, number=number if isinstance(number, int) else 0
    )


def _reason(revert_data: Any) -> str:
    """The text of ``Error(string)`` in a revert's data, or an empty string."""
    if not isinstance(revert_data, str) or not revert_data.startswith("0x08c379a0"):
        return ""
    try:
        raw = bytes.fromhex(revert_data[10:])
    except ValueError:
        return ""
    length = int.from_bytes(raw[32:64], "big")
    return raw[64 : 64 + length].decode("utf-8", "replace")
