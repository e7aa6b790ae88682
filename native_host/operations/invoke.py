"""``invoke``: decide, sign and commit an invocation; keys are returned only after that (docs/protocol.md section 3)."""

from __future__ import annotations

from messages.browser_host.playback import Grant, Invoke, InvokeResult
from native_host.context import Services
from native_host.playback.invocation_log import (
    Destroyed,
    Recorded,
)
from native_host.playback.key_source import (
    Wanted,
    from_lease,
)
from native_host.playback.reporter import PASSING
from native_host.playback.stream import Stream
from pywallet.errors import GomaaError, InputError, Refusal
from pywallet.policy import ACTIONS
from pywallet.protocol.actions import HOLDS


async def run(services: Services, request: Invoke) -> InvokeResult:
    """Record one action, and return its keys.

    Raises:
        GomaaError: The refusal; a refused action counts nothing. ``server.*``, ``host.ledger.*``.
    """
    stream = services.streams.require(request.stream)
    if request.action not in ACTIONS | HOLDS:
        raise InputError("host.message.schema", field="action")
    wanted = services.key_source.plan(stream, request)
    recorded = services.invocations.repeat(stream, request)
    if recorded is None:
        await _require_keys(services, stream, request.action, wanted)
        try:
            recorded = services.invocations.record(stream, request, leased=wanted is not None and wanted.leased)
        except Destroyed as refusal:
            services.destructions.destroy(stream, refusal.code)
            raise
    grant = await _grant(services, stream, recorded, wanted)
    stream.unanswered = None
    session = stream.session
    assert session is not None
    server = services.servers.of_stream(stream)
    services.reporters.of(server, session.id).wake()
    services.leases.renew_ahead(stream, request.position_ms)
    return InvokeResult(
        sequence=recorded.entry.sequence,
        grant=grant,
        left=dict(recorded.left),
        heard_ms=recorded.meter.heard_ms,
        intervals=recorded.meter.intervals(stream.policy.price.interval_s),
    )


async def _require_keys(services: Services, stream: Stream, action: str, wanted: Wanted | None) -> None:
    """Require the server's connection before an action is counted whose keys have to come from it.

    Not for a renewal: it records what was played already.
    """
    if wanted is None or wanted.leased or action == "renew":
        return
    try:
        await services.servers.of_stream(stream).ready()
    except GomaaError as e:
        raise _lease_refusal(services, stream) or e from None


def _lease_refusal(services: Services, stream: Stream) -> Refusal | None:
    """The refusal of an expired or exhausted lease, which is more specific than ``server.unreachable``."""
    return stream.lease.refusal(services.clock.now_ms(stream.network) // 1000) if stream.lease is not None else None


async def _grant(services: Services, stream: Stream, recorded: Recorded, wanted: Wanted | None) -> Grant | None:
    if wanted is None:
        return None
    if stream.withdrawn is not None:
        raise Refusal(stream.withdrawn)
    if wanted.leased:
        return from_lease(stream, wanted)
    stream.unanswered = recorded.entry
    try:
        return await services.key_source.from_server(stream, recorded.entry, wanted)
    except GomaaError as e:
        if e.code == "server.unreachable":
            raise _lease_refusal(services, stream) or e from None
        # An unreported invocation is recorded: the same request again is the same invocation.
        if e.code not in PASSING:
            stream.unanswered = None
        raise
