"""One invocation into the ledger: decided, numbered, signed and committed in a single transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from native_host.context import Services
from native_host.ledger import InvocationRow, SessionRow, TicketRow
from native_host.messaging.playback_requests import Invoke
from native_host.payments import site_grants
from native_host.playback.stream import Stream
from native_host.remote.server import Server
from pywallet.errors import Refusal
from pywallet.policy import MAX_GAP_MS, Context, Meter, decide
from pywallet.protocol import Action, Invocation, sign

STARTS: Final = frozenset({"play", "preview", "live_join"})
ENDS: Final = frozenset({"pause", "stop"})


class Destroyed(Refusal):
    """A refusal after which the terms want the keys destroyed."""


@dataclass(frozen=True)
class Recorded:
    """What was committed: the ledger's row, the meter after it, and what is left of each count."""

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
        _fits(services, stream, session, ticket, request, time_ms)
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
    """The invocation that is in the ledger already but whose keys never came, if ``request`` asks for it again."""
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


def _fits(
    services: Services, stream: Stream, session: SessionRow, ticket: TicketRow, request: Invoke, time_ms: int
) -> None:
    """Refuse what cannot happen in this state or at this time."""
    action = request.action
    if action in STARTS:
        if ticket.state != "none":
            raise Refusal("ticket.used")
    elif ticket.state == "none":
        raise Refusal("invocation.state", state="none")
    elif ticket.state == "ended":
        raise Refusal("invocation.state" if action in ENDS else "ticket.used", state="ended")
    if action in ENDS:
        return
    if time_ms >= session.not_after_s * 1000:
        raise Refusal("session.expired", not_after_s=session.not_after_s)
    if time_ms >= ticket.expiry_s * 1000:
        raise Refusal("ticket.expired", expiry_s=ticket.expiry_s)
    if not stream.pacer.plausible(action, request.position_ms, time_ms):
        raise Refusal("invocation.state", position_ms=request.position_ms, reach_ms=stream.pacer.reach_ms(time_ms))
    if (action in STARTS or action == "resume") and stream.policy.concurrent == 1:
        _alone(services, stream, time_ms)


def _context(services: Services, stream: Stream, server: Server, request: Invoke, time_ms: int) -> Context:
    """What this computer knows; who else listens elsewhere, the server adds."""
    silent_s = server.silent_s()
    return stream.context(
        time_ms // 1000,
        renewed_s=None if silent_s is None else time_ms // 1000 - silent_s,
        rolled_back=services.clock.rolled_back(stream.network, server),
        streams=sum(1 for _ in _sounding(services, stream, time_ms)) if stream.policy.concurrent > 1 else 0,
        position_s=request.position_ms // 1000,
    )


def _sounding(services: Services, stream: Stream, time_ms: int) -> Iterator[Stream]:
    """Other streams of this listener that play."""
    listener = stream.session.listener if stream.session else None
    for other in services.streams.values():
        if other is stream or other.session is None or other.session.listener != listener or other.ticket is None:
            continue
        row = services.ledger.ticket(other.ticket)
        if row is not None and row.state == "playing" and time_ms < row.time_ms + MAX_GAP_MS:
            yield other


def _alone(services: Services, stream: Stream, time_ms: int) -> None:
    """One stream at a time per listener: the other one must have stopped or fallen silent."""
    for other in _sounding(services, stream, time_ms):
        raise Refusal("session.busy", stream=other.name)
