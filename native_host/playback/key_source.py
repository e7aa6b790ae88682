"""Keys for an action: which segments, and whether from the lease or from the security server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from msgspec import UNSET
from msgspec.structs import replace

from messages.browser_host.playback import Grant, GrantWait, Invoke
from native_host.ledger import InvocationRow, Ledger
from native_host.playback.pacing import MAX_KEYS
from native_host.playback.reporters import Reporters
from native_host.playback.session_servers import SessionServers
from native_host.playback.stream import Stream
from native_host.remote.trusted_clock import TrustedClock
from pywallet.encoding.hex import to_b64
from pywallet.errors import Unavailable
from pywallet.policy import extent
from pywallet.protocol.actions import FREE, STARTS
from pywallet.protocol.foreign_errors import code_from
from pywallet.rules.limits import HOLD_MS
from pywallet.sps.segments import segment_aad

LONGEST_WAIT_MS: Final = 60_000
"""Longest delay of keys that is passed on to the browser, milliseconds."""


@dataclass(frozen=True)
class Wanted:
    """Segments whose keys are wanted.

    Attributes:
        indexes: Their numbers.
        leased: True if the lease has all of their keys.
    """

    indexes: tuple[int, ...]
    leased: bool


class KeySource:
    """Selects segments, and gets their keys from the security server."""

    def __init__(self, ledger: Ledger, servers: SessionServers, reporters: Reporters, clock: TrustedClock) -> None:
        self._ledger, self._servers, self._reporters, self._clock = ledger, servers, reporters, clock

    def plan(self, stream: Stream, request: Invoke) -> Wanted | None:
        """The requested segments that are inside the window of keys; None where there are none."""
        if request.segment is None or request.count == 0 or request.action in FREE:
            return None
        ticket = self._ledger.ticket(stream.ticket) if stream.ticket is not None else None
        if ticket is None:
            return None
        now_ms = self._clock.now_ms(stream.network)
        listener = stream.session.listener if stream.session else b""
        usage = self._ledger.usage(listener, stream.header.content, stream.policy, now_ms // 1000, ticket.id)
        # The window after the action: a seek moves it to its target.
        meter = stream.metered(ticket.meter, usage, request.action, request.position_ms, now_ms)
        window = stream.pacer.after(request.action, request.position_ms, now_ms).window(meter.position_ms)
        started = request.action if request.action in STARTS else stream.start_action or "play"
        window = window.within(extent(stream.policy, usage, started), request.position_ms)
        if request.action == "hold":
            window = window.until(request.position_ms + HOLD_MS)
        indexes = window.clip(stream.table.index.starts_ms, request.segment, min(request.count, MAX_KEYS))
        if not indexes:
            return None
        lease = stream.lease
        if lease is not None and lease.refusal(now_ms // 1000) is None:
            held = lease.cover(indexes.start, len(indexes))
            if held:
                return Wanted(tuple(held), True)
        return Wanted(tuple(indexes), False)

    async def from_server(self, stream: Stream, entry: InvocationRow, wanted: Wanted) -> Grant:
        """Keys from the server, wrapped there to the renderer; or ``wait``, the reason and length of a delay.

        Args:
            stream: The stream of the invocation.
            entry: The recorded invocation.
            wanted: Its segments.

        Raises:
            GomaaError: The server's refusal; Unavailable ``server.*``.
        """
        server = self._servers.of_stream(stream)
        reporter = self._reporters.of(server, entry.session)
        result = await reporter.grant(
            entry, wanted.indexes[0], len(wanted.indexes), stream.renderer, stream.table.rendition.id
        )
        grant = Grant(result.ephemeral, result.keys, result.expires_s)
        if result.wait is UNSET:
            return grant
        if code_from("server", result.wait.code) != result.wait.code:
            raise Unavailable("server.answer", op="grant")
        return replace(grant, wait=GrantWait(result.wait.code, min(result.wait.retry_ms, LONGEST_WAIT_MS)))


def from_lease(stream: Stream, wanted: Wanted) -> Grant:
    """Keys of the lease, wrapped to the renderer. Called only after the invocation is committed to the ledger."""
    lease, header, rendition = stream.lease, stream.header, stream.table.rendition
    assert lease is not None
    keys = []
    for index in wanted.indexes:
        aad = segment_aad(header.content, rendition.id, rendition.key_epoch(index), index)
        keys.append((index, to_b64(stream.wrap.wrap(lease.keys[index], aad))))
    return Grant(to_b64(stream.wrap.ephemeral), keys, lease.expires_s)
