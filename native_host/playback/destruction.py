"""Destruction of a content's keys where its terms require it, and the signed notice to the server."""

from __future__ import annotations

import contextlib

from messages.browser_host.events import Destroyed
from messages.host_server.playback import DestroyedResult
from native_host.background import BackgroundTasks
from native_host.extension_events import Emit
from native_host.ledger import Ledger
from native_host.playback.device_keys import DeviceKeys
from native_host.playback.session_servers import SessionServers
from native_host.playback.stream import Stream
from native_host.playback.streams import Streams
from native_host.remote.networks import Networks
from native_host.remote.server import Server
from native_host.remote.trusted_clock import TrustedClock
from pywallet.crypto import sign
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError
from pywallet.protocol import destruction_digest


class Destructions:
    """Erases keys for good, and sends each notice to the server of the play that it is about."""

    def __init__(
        self,
        ledger: Ledger,
        streams: Streams,
        networks: Networks,
        servers: SessionServers,
        keys: DeviceKeys,
        clock: TrustedClock,
        tasks: BackgroundTasks,
        emit: Emit,
    ) -> None:
        self._ledger, self._streams, self._networks = ledger, streams, networks
        self._servers, self._keys, self._clock = servers, keys, clock
        self._tasks, self._emit = tasks, emit

    def destroy(self, stream: Stream, code: str) -> None:
        """Erase every key of a stream's content, sign a notice of it, and send the notice in the background.

        Args:
            stream: Stream of the invocation whose refusal requires it; it has a session.
            code: Code of the refusal.
        """
        content = stream.header.content
        time_ms = self._clock.now_ms(stream.network, self._servers.of_stream(stream))
        for other in self._streams.of_content(content):
            other.withdraw(code)
        session = stream.session
        assert session is not None  # an invocation has one
        digest = destruction_digest(content, session.listener, time_ms, code)
        signature = sign(self._keys.of_stream(stream), digest)
        with self._ledger.write():
            self._ledger.end_leases(content, code)
            self._ledger.add_destruction(content, session.listener, time_ms, code, signature)
        self._tasks.start(self._send_notices())
        self._emit(Destroyed(stream.name, to_hex(content), code))

    async def _send_notices(self) -> None:
        """Send each notice to the server of its play, as the device of its play, and to no other server."""
        for content, listener, time_ms, code, signature in self._ledger.unsent_destructions():
            with contextlib.suppress(GomaaError):
                server = self._server_of_play(content, listener)
                if server is None:
                    continue
                fields = {"content": to_hex(content), "listener": to_hex(listener), "time_ms": time_ms, "code": code}
                await server.request("destroyed", DestroyedResult, **fields, signature=to_hex(signature))
                with self._ledger.write():
                    self._ledger.set_destruction_sent(content, listener)

    def _server_of_play(self, content: bytes, listener: bytes) -> Server | None:
        """The connection on which a listener last played a content. Raises Refusal ``session.device``."""
        play = self._ledger.last_play(content, listener)
        session = None if play is None else self._ledger.session(play[0])
        if play is None or session is None or session.chain_id not in self._networks:
            return None
        return self._servers.of_session(session, play[1], play[2], self._networks[session.chain_id])
