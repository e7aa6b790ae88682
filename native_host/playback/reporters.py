"""The reporters, one for each server and session."""

from __future__ import annotations

import asyncio
import contextlib

from native_host.ledger import Ledger
from native_host.playback.reporter import OnRefused, Reporter
from native_host.playback.session_servers import SessionServers
from native_host.remote.networks import Networks
from native_host.remote.server import Server
from pywallet.errors import Refusal


class Reporters:
    """Reporters by server address and session, made on first use."""

    def __init__(self, ledger: Ledger, on_refused: OnRefused) -> None:
        self._ledger, self._on_refused = ledger, on_refused
        self._reporters: dict[tuple[bytes, bytes], Reporter] = {}

    def of(self, server: Server, session: bytes) -> Reporter:
        """The reporter of a session at a server."""
        key = (server.address, session)
        if key not in self._reporters:
            self._reporters[key] = Reporter(self._ledger, server, session, self._on_refused)
        return self._reporters[key]

    def resume(self, servers: SessionServers, networks: Networks) -> None:
        """Report the invocations that an earlier run left unreported."""
        for identity, server, url, chain_id in self._ledger.sessions_unreported():
            session = self._ledger.session(identity)
            if chain_id in networks and session is not None:
                with contextlib.suppress(Refusal):
                    self.of(servers.of_session(session, server, url, networks[chain_id]), identity).wake()

    def wake(self, server: Server) -> None:
        """Report what is unreported to a server that is connected again."""
        for reporter in self._reporters.values():
            if reporter.server is server:
                reporter.wake()

    async def flush(self) -> None:
        """Report everything that is unreported; what an unreachable server does not get stays unreported."""
        await asyncio.gather(*(reporter.flush() for reporter in self._reporters.values()), return_exceptions=True)

    async def close(self) -> None:
        """Stop reporting; what is unreported stays in the ledger."""
        await asyncio.gather(*(reporter.close() for reporter in self._reporters.values()), return_exceptions=True)
