"""Refusals: recorded in the ledger, and sent to the extension as events."""

from __future__ import annotations

import time

from messages.browser_host.events import ProblemFound
from native_host.extension_events import Emit
from native_host.ledger import Ledger
from native_host.ledger.report_store import RefusedRow
from native_host.playback.restoration import restore
from native_host.playback.stream import Stream
from native_host.playback.streams import Streams
from pywallet.errors import SENTENCES
from pywallet.protocol.actions import HOLDS


class Refusals:
    """Records refusals and sends ``problem`` events."""

    def __init__(self, ledger: Ledger, streams: Streams, emit: Emit) -> None:
        self._ledger, self._streams, self._emit = ledger, streams, emit

    def problem(self, stream: Stream, code: str) -> None:
        """Send a ``problem`` event about a stream."""
        message = SENTENCES.get(code, SENTENCES["internal"])
        self._emit(ProblemFound(stream.name, code, message))

    def record(self, stream: Stream | None, action: str, code: str) -> None:
        """Write a refusal to the ledger: its amount is zero and it changes no counter."""
        station = stream.facts.station if stream else None
        with self._ledger.write():
            content = stream.header.content if stream else None
            self._ledger.add_refusal(int(time.time()), content, station.domain if station else None, action, code)

    def on_refused(self, refused: RefusedRow, reported: bool) -> None:
        """Return the play of a refused invocation to what its other invocations make of it, and erase its lease.

        Other plays of the session go on. A hold's lease stays: its play is decided by itself.

        Args:
            refused: The invocation.
            reported: True if it was reported after its keys were given: the player is told. Without it the answer to
                the action has the code.
        """
        for stream in self._streams.of_ticket(refused.ticket):
            restore(self._ledger, stream)
            # After ``server.moved`` the lease stays valid: the engine gets a ticket of the new server.
            if refused.code == "server.moved" or refused.action in HOLDS:
                continue
            if stream.lease is not None:
                stream.lease.discard()
                stream.lease = None
            if reported:
                self.problem(stream, refused.code)
