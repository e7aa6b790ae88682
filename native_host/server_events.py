"""Events of security servers: receipts, revocations, and the state of the connection."""

from __future__ import annotations

from typing import Any

from messages.browser_host.events import ProblemFound, ReceiptIssued, ServerState
from native_host.background import BackgroundTasks
from native_host.extension_events import Emit
from native_host.ledger import Ledger
from native_host.payments import receipts
from native_host.playback.reporters import Reporters
from native_host.playback.streams import Streams
from native_host.playback.withdrawal import Withdrawals
from native_host.remote.network import Network
from native_host.remote.server import Server
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import GomaaError


class ServerEvents:
    """Handles the events of every connection."""

    def __init__(
        self,
        ledger: Ledger,
        streams: Streams,
        reporters: Reporters,
        withdrawals: Withdrawals,
        tasks: BackgroundTasks,
        emit: Emit,
    ) -> None:
        self._ledger, self._streams, self._reporters = ledger, streams, reporters
        self._withdrawals, self._tasks, self._emit = withdrawals, tasks, emit

    def on_event(self, network: Network, server: Server, event: dict[str, Any]) -> None:
        """Store a receipt, or check a revocation against the chain; a malformed event becomes a ``problem`` event."""
        try:
            if event.get("event") == "receipt":
                self._receipt(network, server, event)
            elif event.get("event") == "revoked":
                self._tasks.start(self._withdrawals.check(network, from_hex(event.get("content"), 20)))
        except GomaaError as e:
            self._emit(ProblemFound("", e.code, e.message))

    async def on_state(self, server: Server, up: bool) -> None:
        """Send a ``server`` event, and report what is unreported to a server that is connected again."""
        self._emit(ServerState(up))
        if up:
            self._reporters.wake(server)

    def _receipt(self, network: Network, server: Server, event: dict[str, Any]) -> None:
        row = receipts.store(self._ledger, server.address, network.domain, event)
        if row is None:
            return
        stream = next((s.name for s in self._streams.values() if s.session and s.session.payee == row.payee), "")
        self._emit(ReceiptIssued(stream, row.epoch, str(row.amount_wei), to_hex(row.payee)))
