"""Recording of an invocation: decided, numbered, signed and committed in one transaction of the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from messages.browser_host.playback import Invoke
from native_host.context import Services
from native_host.ledger import InvocationRow, SessionRow, TicketRow
from native_host.payments import site_grants
from native_host.playback.stream import Stream
from native_host.remote.server import Server
from pywallet.errors import Refusal
from pywallet.policy import Context, Meter, decide
from pywallet.protocol import Action, Invocation, sign
from pywallet.protocol.actions import ENDS, STARTS
from pywallet.rules.admissibility import Play, PlayState, inadmissible, is_busy
from pywallet.rules.limits import is_silent


class Destroyed(Refusal):
    """A refusal after which the terms require the keys to be destroyed."""


@dataclass(frozen=True)
class Recorded:
    """A committed invocation: the ledger's row, the meter after it, and the remaining uses of each counted action."""

    entry: InvocationRow
    meter: Meter
    left: Mapping[str, int]


def record(services: Services, stream: Stream, request: Invoke, *, leased: bool) -> Recorded:
    """Decide and commit. ``leased``: its keys come from the lease, whose budget it uses.

    On return the row is on the disk. Raises Refusal (nothing was counted) or
    Unavailable ``services.ledger.failed``.
    """
    session, identity, action = stream.session, stream.ticket, request.action
    if stream.facts.station is None:
        raise Refusal("station.unknown")
    if session is None or identity is None:
        raise Refusal("ticket.missing")
    server = services.servers.of_stream(stream)
    ledger, content = services.ledger, stream.header.content
    with ledger.write():
        ticket = ledger.ticket(identity)
        if ticket is None:
            raise Refusal("ticket.missing")
        time_ms = max(services.clock.now_ms(stream.network, server), ticket.time_ms)
        _require_admissible(services, stream, session, ticket, request, time_ms)
        usage = ledger.usage(session.listener, content, stream.policy, time_ms // 1000)
        decision = decide(stream.policy, usage, _context(services, stream, server, request, time_ms), action)
        if decision.destroy:
            raise Destroyed(decision.code or "content.destroyed", rule=decision.rule)
        decision.require()
        message = Invocation(
            session=session.id,
            ticket=identity,
            content=content,
            action=int(Action.of(action)),
            position=request.position_ms,
            sequence=ledger.next_sequence(session.id),
            time=time_ms,
        )
        signed = sign(message, stream.network.domain, services.keys.of_stream(stream))
        entry = InvocationRow(
            session=session.id,
            sequence=message.sequence,
            ticket=identity,
            content=content,
            listener=session.listener,
            action=action,
            position_ms=request.position_ms,
            time_ms=time_ms,
            signature=signed.signature,
        )
        meter = stream.metered(ticket.meter, usage, action, request.position_ms, time_ms)
        begun = action if action in STARTS else stream.started
        site_grants.allow(
            ledger,
            stream.origin,
            identity,
            stream.policy.price,
            action,
            meter,
            time_ms,
            begun,
            stream.facts.bps,
            stream.site,
        )
        ledger.add_invocation(entry, meter, _state(action, meter), decision.counts)
    if action in STARTS:
        stream.started = action
    stream.pacer = stream.pacer.after(action, request.position_ms, time_ms)
    if leased and stream.lease is not None:
        stream.lease.budget -= 1
    return Recorded(entry, meter, decision.left)


def repeat(services: Services, stream: Stream, request: Invoke) -> Recorded | None:
    """The recorded invocation whose keys never arrived, if ``request`` is the same action again."""
    entry = stream.unanswered
    if (
        entry is None
        or (entry.action, entry.position_ms) != (request.action, request.position_ms)
        or entry.action == "renew"
    ):
        return None
    ticket = services.ledger.ticket(entry.ticket)
    if ticket is None or stream.ticket != entry.ticket:
        return None
    now_s = services.clock.now_ms(stream.network) // 1000
    usage = services.ledger.usage(entry.listener, entry.content, stream.policy, now_s)
    return Recorded(entry, ticket.meter, decide(stream.policy, usage, stream.context(now_s), "pause").left)


def _state(action: str, meter: Meter) -> str:
    return "ended" if action == "stop" else "playing" if meter.playing else "paused"


def _require_admissible(
    services: Services, stream: Stream, session: SessionRow, ticket: TicketRow, request: Invoke, time_ms: int
) -> None:
    """Raise the refusal of an action that cannot happen in this state or at this time."""
    action = request.action
    # ``identify`` took the session's start; no time of this ticket is before that.
    play = Play(cast("PlayState", ticket.state), 0, session.not_after_s, ticket.expiry_s)
    code = inadmissible(play, action, time_ms)
    if code is not None:
        raise Refusal(code, **_DETAIL[code](session, ticket))
    if action not in ENDS and not stream.pacer.plausible(action, request.position_ms, time_ms):
        raise Refusal("invocation.state", position_ms=request.position_ms, reach_ms=stream.pacer.reach_ms(time_ms))
    if stream.policy.concurrent > 1:
        return
    latest = max(_playing(services, stream), key=lambda row: row.time_ms, default=None)
    if latest is not None and is_busy(action, time_ms - latest.time_ms):
        names = (name for name, other in services.streams.items() if other.ticket == latest.id)
        raise Refusal("session.busy", stream=next(names, None))


_DETAIL: Final[Mapping[str, Callable[[SessionRow, TicketRow], dict[str, Any]]]] = {
    "ticket.used": lambda _, ticket: {"state": ticket.state},
    "invocation.state": lambda _, ticket: {"state": ticket.state},
    "session.expired": lambda session, _: {"not_after_s": session.not_after_s},
    "ticket.expired": lambda _, ticket: {"expiry_s": ticket.expiry_s},
}


def _context(services: Services, stream: Stream, server: Server, request: Invoke, time_ms: int) -> Context:
    """Context of the decision; devices and streams elsewhere are counted by the server."""
    silent_s = server.silent_s()
    return stream.context(
        time_ms // 1000,
        renewed_s=None if silent_s is None else time_ms // 1000 - silent_s,
        rolled_back=services.clock.rolled_back(stream.network, server),
        streams=sum(not is_silent(row.time_ms, time_ms) for row in _playing(services, stream))
        if stream.policy.concurrent > 1
        else 0,
        position_s=request.position_ms // 1000,
    )


def _playing(services: Services, stream: Stream) -> Iterator[TicketRow]:
    """Tickets of this listener that are playing in other open streams."""
    session = stream.session
    for other in services.streams.values():
        if other is stream or other.ticket is None or other.session is None or session is None:
            continue
        row = services.ledger.ticket(other.ticket) if other.session.listener == session.listener else None
        if row is not None and row.state == "playing":
            yield row
