"""Keys for an action: which segments, and whether from the lease or from the security server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from messages.browser_host.playback import Grant, GrantWait, Invoke
from native_host.context import Services
from native_host.ledger import InvocationRow
from native_host.playback.pacing import MAX_KEYS
from native_host.playback.stream import Stream
from pywallet.encoding.hex import to_b64
from pywallet.errors import Unavailable
from pywallet.policy import extent
from pywallet.protocol.actions import STARTS
from pywallet.protocol.foreign_errors import code_from
from pywallet.sps.segments import segment_aad

LONGEST_WAIT_MS: Final = 60_000
"""Most that a server may make a host wait before it asks again, milliseconds."""


@dataclass(frozen=True)
class Wanted:
    """The segments whose keys are wanted; ``leased``: the lease has all of them."""

    indexes: tuple[int, ...]
    leased: bool


def plan(services: Services, stream: Stream, request: Invoke) -> Wanted | None:
    """The requested segments that are inside the window of keys; None where there are none."""
    if request.segment is None or request.count == 0 or request.action in ("pause", "stop"):
        return None
    ticket = services.ledger.ticket(stream.ticket) if stream.ticket is not None else None
    if ticket is None:
        return None
    now_ms = services.clock.now_ms(stream.network)
    listener = stream.session.listener if stream.session else b""
    usage = services.ledger.usage(listener, stream.header.content, stream.policy, now_ms // 1000)
    # The window after the action: a seek moves it to its target.
    meter = stream.metered(ticket.meter, usage, request.action, request.position_ms, now_ms)
    window = stream.pacer.after(request.action, request.position_ms, now_ms).window(meter.position_ms)
    started = request.action if request.action in STARTS else stream.started or "play"
    window = window.within(extent(stream.policy, usage, started), request.position_ms)
    indexes = window.clip(stream.table.index.starts_ms, request.segment, min(request.count, MAX_KEYS))
    if not indexes:
        return None
    lease = stream.lease
    if lease is not None and lease.refusal(now_ms // 1000) is None:
        held = lease.cover(indexes.start, len(indexes))
        if held:
            return Wanted(tuple(held), True)
    return Wanted(tuple(indexes), False)


def from_lease(stream: Stream, wanted: Wanted) -> Grant:
    """Keys of the lease, wrapped to the renderer. Called only after the invocation is committed to the ledger."""
    lease, header, rendition = stream.lease, stream.header, stream.table.rendition
    assert lease is not None
    keys = []
    for index in wanted.indexes:
        aad = segment_aad(header.content, rendition.id, rendition.key_epoch(index), index)
        keys.append((index, to_b64(stream.wrap.wrap(lease.keys[index], aad))))
    return Grant(to_b64(stream.wrap.ephemeral), keys, lease.expires_s)


async def from_server(services: Services, stream: Stream, entry: InvocationRow, wanted: Wanted) -> Grant:
    """Keys from the server, wrapped there to the renderer, or ``wait``: why none come yet, and for how long.

    Raises the server's refusal, Unavailable ``server.*``.
    """
    server = services.servers.of_stream(stream)
    reporter = services.reporters.of(server, entry.session)
    result = await reporter.grant(
        entry, wanted.indexes[0], len(wanted.indexes), stream.renderer, stream.table.rendition.id
    )
    ephemeral, keys, expires_s = result.get("ephemeral"), result.get("keys"), result.get("expires_s")
    if not isinstance(ephemeral, str) or not isinstance(keys, list) or not isinstance(expires_s, int):
        raise Unavailable("server.answer", op="grant")
    grant = Grant(ephemeral, keys, expires_s)
    wait = result.get("wait")
    if wait is None:
        return grant
    if (
        not isinstance(wait, dict)
        or type(wait.get("retry_ms")) is not int
        or code_from("server", wait.get("code")) != wait.get("code")
    ):
        raise Unavailable("server.answer", op="grant")
    return replace(grant, wait=GrantWait(wait["code"], min(max(wait["retry_ms"], 0), LONGEST_WAIT_MS)))
