"""Reports the ledger's invocations to the server, in order, until each is acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import asdict

from common.retry import Backoff
from messages.host_server.playback import GrantResult, ReportResult
from native_host.ledger import InvocationRow, Ledger
from native_host.ledger.report_store import RefusedRow
from native_host.remote.server import Server
from pywallet.errors import GomaaError, Unavailable
from pywallet.protocol import Action, Invocation, Signed
from pywallet.protocol.foreign_errors import code_from

BATCH: Final = 64
FIRST_PAUSE_S: Final = 1.0
MAX_PAUSE_S: Final = 60.0
PASSING: Final = frozenset(
    (
        "server.unreachable",
        "server.busy",
        "server.protocol",
        "server.answer",
        "chain.unreachable",
        "internal",
        "message.schema",
    )
)
"""Codes that concern the connection and not the invocation, which stays unreported."""

OnRefused = Callable[[RefusedRow, bool], None]
"""Handler of a refused invocation; True if it was reported, False if the answer to its action has the refusal."""


def wire(entry: InvocationRow) -> dict[str, Any]:
    """The signed invocation of a ledger row as JSON."""
    message = Invocation(
        session=entry.session,
        ticket=entry.ticket,
        content=entry.content,
        action=int(Action.of(entry.action)),
        position=entry.position_ms,
        sequence=entry.sequence,
        time=entry.time_ms,
    )
    return Signed(message, entry.signature).to_json()


class Reporter:
    """Reports of one session to one server. The server is idempotent, so a report is repeated after a fault."""

    def __init__(self, ledger: Ledger, server: Server, session: bytes, on_refused: OnRefused) -> None:
        self._ledger = ledger
        self.server = server
        self._session = session
        self._on_refused = on_refused
        self._wake = asyncio.Event()
        # Held during a request: the server accepts a session's sequence numbers only in ascending order.
        self._line = asyncio.Lock()
        self._task = asyncio.create_task(self._run())

    def wake(self) -> None:
        """Report in the background: after a new invocation, or when the connection is established again."""
        self._wake.set()

    async def flush(self, below: int | None = None) -> None:
        """Report what is unreported, and return once the server has it.

        Args:
            below: Only invocations with a lower sequence number; None: all.

        Raises:
            GomaaError: The server's error.
        """
        async with self._line:
            await self._flush(below)

    async def grant(self, entry: InvocationRow, first: int, count: int, key: str, rendition: int) -> GrantResult:
        """Request keys for a recorded invocation; the result acknowledges it.

        Args:
            entry: The ledger's row.
            first: First wanted segment.
            count: Number of wanted segments.
            key: X25519 public key of the renderer, in base64.
            rendition: Id of the rendition.

        Raises:
            GomaaError: The server's refusal, after which the row is refused; Unavailable, after which it stays
                unreported and the request may be repeated.
        """
        async with self._line:
            await self._flush(entry.sequence)
            try:
                result = await self.server.request(
                    "grant", GrantResult, invocation=wire(entry), first=first, count=count, key=key, rendition=rendition
                )
            except GomaaError as e:
                if e.code not in PASSING:
                    self._tell(self._settle([entry.sequence], {entry.sequence: e.code}), reported=False)
                raise
            self._settle([entry.sequence], {})
            return result

    async def close(self) -> None:
        """Stop reporting; unreported invocations stay in the ledger."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        backoff = Backoff(FIRST_PAUSE_S, MAX_PAUSE_S)
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self.flush()
                backoff.reset()
            except GomaaError as e:
                # ``Reporters.wake`` follows a new connection; other errors of the server are retried with a backoff.
                if e.code != "server.unreachable":
                    await asyncio.sleep(backoff.next_s())
                    self._wake.set()

    async def _flush(self, below: int | None) -> None:
        while batch := self._ledger.unreported(self._session, self.server.address, BATCH, below):
            try:
                result = await self.server.request("report", ReportResult, invocations=[wire(entry) for entry in batch])
            except GomaaError as e:
                # The error's detail has the invocation for which the server refuses the whole list.
                bad = e.detail.get("sequence")
                if e.code in PASSING or bad not in [entry.sequence for entry in batch]:
                    raise
                self._tell(self._settle([bad], {bad: e.code}), reported=True)
                continue
            refused = {row.sequence: code_from("server", row.code) for row in result.refused}
            seen = [entry.sequence for entry in batch if entry.sequence <= result.sequence or entry.sequence in refused]
            if not seen:
                raise Unavailable("server.answer", server=self.server.url, op="report")
            # One transaction: the next invocation waits for this one's write to the disk.
            with self._ledger.write():
                found = self._ledger.acknowledge(self._session, seen, refused)
                if result.usage is not None:
                    last = batch[-1]
                    self._ledger.set_server_usage(last.listener, last.content, asdict(result.usage))
            self._tell(found, reported=True)
        self._ledger.checkpoint()

    def _settle(self, sequences: list[int], refused: dict[int, str]) -> list[RefusedRow]:
        with self._ledger.write():
            return self._ledger.acknowledge(self._session, sequences, refused)

    def _tell(self, refused: list[RefusedRow], *, reported: bool) -> None:
        for row in refused:
            self._on_refused(row, reported)
