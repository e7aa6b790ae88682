"""``invoke``: decide, sign, commit to the disk; only then does a key go out (docs/protocol.md section 3)."""

from __future__ import annotations

from typing import Any

from native_host.host import Host
from native_host.messaging.requests import Invoke
from native_host.playback import lease_manager
from native_host.playback.invocation_log import (
    Destroyed,
    Recorded,
    record,
    repeat,
)
from native_host.playback.key_source import (
    Wanted,
    from_lease,
    from_server,
    plan,
)
from native_host.playback.stream import Stream
from pywallet.errors import GomaaError, InputError, Refusal
from pywallet.policy import ACTIONS


async def run(host: Host, request: Invoke) -> dict[str, Any]:
    """Do one action. Raises the refusal; a refused action counts nothing."""
    stream = host.stream(request.stream)
    if request.action not in ACTIONS:
        raise InputError("host.message.schema", field="action")
    wanted = plan(host, stream, request)
    done = repeat(host, stream, request)
    if done is None:
        await _reachable(host, stream, request.action, wanted)
        try:
            done = record(host, stream, request, leased=wanted is not None and wanted.leased)
        except Destroyed as refusal:
            host.destroy(stream, refusal.code)
            raise
    grant = await _grant(host, stream, done, wanted)
    stream.unanswered = None
    session = stream.session
    assert session is not None
    server = host.server_at(stream)
    host.reporter(server, session.id).wake()
    lease_manager.renew_ahead(host, stream, request.position_ms)
    return {
        "sequence": done.entry.sequence,
        "grant": grant,
        "left": dict(done.left),
        "heard_ms": done.meter.heard_ms,
        "intervals": done.meter.intervals(stream.policy.price.interval_s),
    }


async def _reachable(host: Host, stream: Stream, action: str, wanted: Wanted | None) -> None:
    """Without keys nothing shall be counted: see that they can come before the ledger says so.

    Not for a renewal: it records what was heard already.
    """
    if wanted is None or wanted.leased or action == "renew":
        return
    try:
        await host.server_at(stream).ready()
    except GomaaError as e:
        raise _ended(host, stream) or e from None


def _ended(host: Host, stream: Stream) -> Refusal | None:
    """What to say when the server is away and the lease doesn't help."""
    return stream.lease.refusal(host.now_ms(stream.network) // 1000) if stream.lease is not None else None


async def _grant(host: Host, stream: Stream, done: Recorded, wanted: Wanted | None) -> dict[str, Any] | None:
    if wanted is None:
        return None
    if stream.withdrawn is not None:
        raise Refusal(stream.withdrawn)
    if wanted.leased:
        return from_lease(stream, wanted)
    stream.unanswered = done.entry
    try:
        return await from_server(host, stream, done.entry, wanted)
    except GomaaError as e:
        if e.code == "server.unreachable":
            raise _ended(host, stream) or e from None
        stream.unanswered = None
        raise
