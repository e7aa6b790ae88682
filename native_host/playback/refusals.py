"""Refusals: recorded in the ledger, and sent to the extension as events."""

from __future__ import annotations

import time

from messages.browser_host.events import ProblemFound
from native_host.extension_events import Emit
from native_host.ledger import Ledger
from native_host.playback.stream import Stream
from native_host.playback.streams import Streams
from pywallet.errors import SENTENCES


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

    def on_refused(self, session: bytes, _sequence: int, code: str) -> None:
        """Erase the leases of a session whose reported invocation the server has refused.

        Args:
            session: Digest of the session.
            _sequence: Sequence number of the invocation.
            code: Code of the refusal.
        """
        if code == "server.moved":
            # The leases stay valid: the engine gets a ticket of the new server.
            return
        for stream in self._streams.of_session(session):
            if stream.lease is not None:
                stream.lease.discard()
                stream.lease = None
            self.problem(stream, code)
