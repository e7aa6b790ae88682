"""The reporter's transactions: each of them is a write to the disk for which the next invocation waits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from messages.host_server.playback import ReportResult, UsageCounters
from native_host.ledger import InvocationRow
from native_host.ledger.report_store import RefusedRow
from native_host.playback.reporter import Reporter


class _Ledger:
    """A ledger with one unreported invocation; its changes by transaction."""

    def __init__(self) -> None:
        self.entry = InvocationRow(b"s" * 32, 4, b"t" * 32, b"c" * 20, b"l" * 20, "seek", 0, 1, b"g" * 65)
        self.transactions: list[list[str]] = []

    @contextmanager
    def write(self) -> Iterator[None]:
        self.transactions.append([])
        yield

    def unreported(self, *_: Any) -> list[InvocationRow]:
        return [] if self.transactions else [self.entry]

    def acknowledge(self, *_: Any) -> list[RefusedRow]:
        self.transactions[-1].append("acknowledge")
        return []

    def set_server_usage(self, *_: Any) -> None:
        self.transactions[-1].append("usage")

    def checkpoint(self) -> None:
        """Nothing is moved."""


class _Server:
    address = b"a" * 20
    url = "http://127.0.0.1:9"

    async def request(self, *_: Any, **__: Any) -> ReportResult:
        return ReportResult(4, [], UsageCounters(1, 1, 0, None), 0, 0)


def test_a_report_is_settled_in_one_transaction() -> None:
    """Acknowledgement and the server's counters are committed together."""
    ledger = _Ledger()

    async def report() -> None:
        stand_ins: Any = (ledger, _Server())
        reporter = Reporter(stand_ins[0], stand_ins[1], ledger.entry.session, lambda *_: None)
        await reporter.flush()
        await reporter.close()

    asyncio.run(report())
    assert ledger.transactions == [["acknowledge", "usage"]]
