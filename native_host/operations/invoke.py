"""``invoke``: decide, sign, commit to the disk; only then does a key go out (docs/protocol.md section 3)."""

from __future__ import annotations

from typing import Any

from native_host.context import Services
from native_host.messaging.playback_requests import Invoke
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


async def run(services: Services, request: Invoke) -> dict[str, Any]:
    """Do one action. Raises the refusal; a refused action counts nothing."""
    stream = services.streams.require(request.stream)
    if request.action not in ACTIONS:
        raise InputError("host.message.schema", field="action")
    wanted = plan(services, stream, request)
    done = repeat(services, stream, request)
    if done is None:
        await _reachable(services, stream, request.action, wanted)
        try:
            done = record(services, stream, request, leased=wanted is not None and wanted.leased)
        except Destroyed as refusal:
            services.destructions.destroy(stream, refusal.code)
            raise
    grant = await _grant(services, stream, done, wanted)
    stream.unanswered = None
    session = stream.session
    assert session is not None
    server = services.servers.of_stream(stream)
    services.reporters.of(server, session.id).wake()
    lease_manager.renew_ahead(services, stream, request.position_ms)
    return {
        "sequence": done.entry.sequence,
        "grant": grant,
        "left": dict(done.left),
        "heard_ms": done.meter.heard_ms,
        "intervals": done.meter.intervals(stream.policy.price.interval_s),
    }


async def _reachable(services: Services, stream: Stream, action: str, wanted: Wanted | None) -> None:
    """Without keys nothing shall be counted: see that they can come before the ledger says so.

    Not for a renewal: it records what was heard already.
    """
    if wanted is None or wanted.leased or action == "renew":
        return
    try:
        await services.servers.of_stream(stream).ready()
    except GomaaError as e:
        raise _ended(services, stream) or e from None


def _ended(services: Services, stream: Stream) -> Refusal | None:
    """What to say when the server is away and the lease doesn't help."""
    return stream.lease.refusal(services.clock.now_ms(stream.network) // 1000) if stream.lease is not None else None


async def _grant(services: Services, stream: Stream, done: Recorded, wanted: Wanted | None) -> dict[str, Any] | None:
    if wanted is None:
        return None
    if stream.withdrawn is not None:
        raise Refusal(stream.withdrawn)
    if wanted.leased:
        return from_lease(stream, wanted)
    stream.unanswered = done.entry
    try:
        return await from_server(services, stream, done.entry, wanted)
    except GomaaError as e:
        if e.code == "server.unreachable":
            raise _ended(services, stream) or e from None
        stream.unanswered = None
        raise
