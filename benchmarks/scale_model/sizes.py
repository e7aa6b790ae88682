"""Bytes of messages and of published data, from the encoders that the programs use.

Values have the lengths of real ones; signatures and keys are zeros, which JSON writes as long as any other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

import msgspec

from messages.host_server.events import ReceiptEvent
from messages.host_server.playback import (
    HelloResult,
    LeasePart,
    LeaseResult,
    OpenResult,
    Place,
    ReportResult,
    UsageCounters,
)
from messages.settlement import ReceiptDetail, StatementLineResult
from messages.station_http import TicketRequest, TicketResult
from pywallet.crypto.key_wrap import WrapKey, generate_keypair
from pywallet.encoding.hex import to_b64, to_hex
from pywallet.protocol import Invocation, Receipt, Session, Signed, Ticket
from pywallet.settlement import DebitRow, EpochData, PayeeRow, PlayRow, StationRow, UsageRow
from pywallet.settlement.published_rows import ContentRow, OwnerRow, TermsRow

ADDRESS: Final = bytes(20)
DIGEST: Final = bytes(32)
NOW_S: Final = 1_800_000_000
TOKENS: Final = 10**16
"""A price of a hundredth token."""


@dataclass(frozen=True)
class Sizes:
    """Bytes without the headers of WebSocket, TLS and TCP.

    Attributes:
        hello: Greeting and answer.
        ticket: Request to the station and its answer, as JSON.
        open: Request to open a ticket and its answer, with a lease of no key.
        lease: Request for a lease and its answer, without keys.
        key: One wrapped key in an answer.
        report: Report of one invocation and its answer.
        receipt: A receipt that the server sends.
        line: One line of a statement.
        play: Published row of a play.
        payee: Published row of a leaf.
        usage: Published row of a listener's counters.
        content: Published row of a content, with its owner.
        payer: Published rows of a station that pays.
        epoch: Published data without a row, and one row of terms.
    """

    hello: int
    ticket: int
    open: int
    lease: int
    key: int
    report: int
    receipt: int
    line: int
    play: int
    payee: int
    usage: int
    content: int
    payer: int
    epoch: int


@cache
def sizes() -> Sizes:
    """Encode one of each."""
    asked = {name: len(request) for name, request in requests().items()}
    signed, public = _signed(), generate_keypair()[1]
    key = to_b64(public)
    empty, leased = (LeaseResult(key, keys, NOW_S, 40) for keys in ([], [(100, to_b64(_wrapped(public)))]))
    counters = UsageCounters(10, 10, 1_000, NOW_S)
    opened = OpenResult(counters, 1_000, to_hex(DIGEST), Place(None, None), LeasePart(empty, None))
    detail = ReceiptDetail(to_hex(ADDRESS), to_hex(DIGEST), 1, 1, 100, 100, to_hex(DIGEST))
    line = StatementLineResult(10**6, to_hex(ADDRESS), to_hex(DIGEST), 10, str(TOKENS), str(TOKENS), 9)
    return Sizes(
        hello=asked["hello"] + _answered(HelloResult(1, NOW_S * 1000)),
        ticket=_length(TicketRequest(signed[Session], to_hex(ADDRESS))) + _length(TicketResult(signed[Ticket])),
        open=asked["open"] + _answered(opened),
        lease=asked["lease"] + _answered(empty),
        # Between two keys there is a comma.
        key=_answered(leased) - _answered(empty) + 1,
        report=asked["report"] + _answered(ReportResult(1_000, [], counters, 100_000, 10)),
        receipt=_length(ReceiptEvent(signed[Receipt], detail)),
        line=_length(line),
        **_published(),
    )


@cache
def requests() -> dict[str, bytes]:
    """Encoded requests of a host, as it encodes them, by operation."""
    signed, key = _signed(), to_b64(generate_keypair()[1])
    wish = {"first": 100, "count": 30, "key": key}
    greeting = {"protocol": 1, "device": to_hex(ADDRESS), "time_ms": NOW_S * 1000, "signature": to_hex(bytes(65))}
    fields: dict[str, dict[str, Any]] = {
        "hello": greeting,
        "open": {"session": signed[Session], "ticket": signed[Ticket], "lease": wish},
        "lease": {"ticket": to_hex(DIGEST), **wish},
        "report": {"invocations": [signed[Invocation]]},
    }
    return {name: msgspec.json.encode({"id": 1_000, "op": name, **values}) for name, values in fields.items()}


def _signed() -> dict[type[Any], dict[str, Any]]:
    """Signed messages as JSON objects, by type."""
    messages = (
        Session(ADDRESS, ADDRESS, ADDRESS, ADDRESS, NOW_S, NOW_S),
        Ticket(ADDRESS, ADDRESS, ADDRESS, DIGEST, 10**6, TOKENS, TOKENS, 500, NOW_S),
        Invocation(DIGEST, DIGEST, ADDRESS, 1, 100_000, 1_000, NOW_S * 1000),
        Receipt(ADDRESS, NOW_S // 3600, ADDRESS, TOKENS, DIGEST),
    )
    return {type(one): Signed(one, bytes(65)).to_json() for one in messages}


def _wrapped(public: bytes) -> bytes:
    return WrapKey.to(public).wrap(bytes(32), b"")


def _length(value: Any) -> int:
    return len(msgspec.json.encode(value))


def _answered(result: Any) -> int:
    return _length({"id": 1_000, "ok": True, "result": result})


def _published() -> dict[str, int]:
    """Bytes that one more row of each kind adds to an epoch's encoded data."""
    station, content = StationRow(ADDRESS), ContentRow(ADDRESS, ADDRESS, ADDRESS, 1, 0, 0, 10)
    terms, payee, usage = TermsRow(1, 1, 10), PayeeRow(ADDRESS, 1), UsageRow(DIGEST)
    play = PlayRow(0, 0, 0, 0, 10, 0, 0, 1, bytes(7))
    base = EpochData(ADDRESS, 1, DIGEST, 1, DIGEST, 500, (station,), (content,), (terms,), payees=(payee,))
    least = len(base.encode())

    def more(**tables: Any) -> int:
        return len(replace(base, **tables).encode()) - least

    return {
        "play": more(plays=(play,)),
        "payee": more(payees=(payee, payee)),
        "usage": more(usages=(usage,)),
        "content": more(contents=(content, content), payees=(payee, payee), owners=(OwnerRow(0, 1),)),
        "payer": more(stations=(station, station), debits=(DebitRow(ADDRESS, 1),)),
        "epoch": least - station.size() - content.size() - payee.size(),
    }
