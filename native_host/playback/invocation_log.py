"""Recording of an invocation: decided, numbered, signed and committed in one transaction of the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from messages.browser_host.playback import Invoke
from native_host.ledger import InvocationRow, Ledger, SessionRow, TicketRow
from native_host.playback import site_grants
from native_host.playback.device_keys import DeviceKeys
from native_host.playback.session_servers import SessionServers
from native_host.playback.stream import Stream
from native_host.playback.streams import Streams
from native_host.remote.server import Server
from native_host.remote.trusted_clock import TrustedClock
from pywallet.errors import Refusal
from pywallet.policy import Context, Meter, decide
from pywallet.protocol import Action, Invocation, sign
from pywallet.protocol.actions import FREE, STARTS
from pywallet.rules.admissibility import Play, PlayState, inadmissible, is_busy, state_after
from pywallet.rules.limits import HOLD_DAY_MS, is_silent


class Destroyed(Refusal):
    """A refusal after which the terms require the keys to be destroyed."""


@dataclass(frozen=True)
class Recorded:
    """A committed invocation: the ledger's row, the meter after it, and the remaining uses of each counted action."""

    entry: InvocationRow
    meter: Meter
    left: Mapping[str, int]


class InvocationLog:
    """Records invocations in the ledger."""

    def __init__(
        self, ledger: Ledger, streams: Streams, servers: SessionServers, keys: DeviceKeys, clock: TrustedClock
    ) -> None:
        self._ledger, self._streams, self._servers = ledger, streams, servers
        self._keys, self._clock = keys, clock

    def record(self, stream: Stream, request: Invoke, *, leased: bool) -> Recorded:
        """Decide an action, and commit it to the ledger; on return the row is on the disk.

        A play that only the holds of other tickets of this computer leave no room for ends these holds first.

        Args:
            stream: The stream of the action.
            request: The action.
            leased: True if its keys come from the lease, whose budget it then uses.

        Raises:
            GomaaError: The refusal, after which nothing is counted; ``host.ledger.*``.
            Destroyed: A refusal after which the terms require the keys to be destroyed.
        """
        session, identity, action = stream.session, stream.ticket, request.action
        if stream.facts.station is None:
            raise Refusal("station.unknown")
        if session is None or identity is None:
            raise Refusal("ticket.missing")
        if action == "hold" and not leased:
            raise Refusal("policy.hold.denied", rule="lease")
        server = self._servers.of_stream(stream)
        ledger, content = self._ledger, stream.header.content
        with ledger.write():
            ticket = ledger.ticket(identity)
            if ticket is None:
                raise Refusal("ticket.missing")
            time_ms = max(self._clock.now_ms(stream.network, server), ticket.time_ms)
            self._require_admissible(stream, session, ticket, request, time_ms)
            usage = ledger.usage(session.listener, content, stream.policy, time_ms // 1000, identity)
            if action == "hold":
                unused = ledger.unused_holds(session.listener, content, time_ms - HOLD_DAY_MS)
                usage = replace(usage, unused_holds=unused)
            context = self._context(stream, server, request, time_ms)
            decision = decide(stream.policy, usage, context, action)
            if action in STARTS and decision.code == "policy.count.exhausted" and usage.held:
                self._release_others(stream, session, identity, time_ms)
                usage = ledger.usage(session.listener, content, stream.policy, time_ms // 1000, identity)
                decision = decide(stream.policy, usage, context, action)
            if decision.destroy:
                raise Destroyed(decision.code or "content.destroyed", rule=decision.rule)
            decision.require()
            entry = self._signed(stream, session, identity, action, request.position_ms, time_ms)
            meter = stream.metered(ticket.meter, usage, action, request.position_ms, time_ms)
            start_action = action if action in STARTS else stream.start_action
            site_grants.allow(
                ledger,
                stream.origin,
                identity,
                stream.policy.price,
                action,
                meter,
                time_ms,
                start_action,
                stream.facts.bps,
                stream.site,
            )
            ledger.add_invocation(entry, meter, state_after(action, meter.playing), decision.counts)
        if action in STARTS:
            stream.start_action = action
        stream.pacer = stream.pacer.after(action, request.position_ms, time_ms)
        if leased and stream.lease is not None:
            stream.lease.budget -= 1
        return Recorded(entry, meter, decision.left)

    def _signed(
        self, stream: Stream, session: SessionRow, ticket: bytes, action: str, position_ms: int, time_ms: int
    ) -> InvocationRow:
        """Number and sign an invocation, within a transaction of the ledger."""
        content = stream.header.content
        message = Invocation(
            session=session.id,
            ticket=ticket,
            content=content,
            action=int(Action.of(action)),
            position=position_ms,
            sequence=self._ledger.next_sequence(session.id),
            time=time_ms,
        )
        signed = sign(message, stream.network.domain, self._keys.of_stream(stream))
        return InvocationRow(
            session=session.id,
            sequence=message.sequence,
            ticket=ticket,
            content=content,
            listener=session.listener,
            action=action,
            position_ms=position_ms,
            time_ms=time_ms,
            signature=signed.signature,
        )

    def _release_others(self, stream: Stream, session: SessionRow, ticket: bytes, time_ms: int) -> None:
        """End the holds of other tickets of a session, within a transaction of the ledger."""
        for row in self._ledger.held(session.listener, stream.header.content, time_ms // 1000, ticket):
            if row.session == session.id:
                entry = self._signed(stream, session, row.id, "release", row.position_ms, max(time_ms, row.time_ms))
                meter = row.meter.advance("release", row.position_ms, entry.time_ms)
                self._ledger.add_invocation(entry, meter, state_after("release", meter.playing), counts=False)

    def repeat(self, stream: Stream, request: Invoke) -> Recorded | None:
        """The recorded invocation whose keys have not arrived, if ``request`` has the same action and position."""
        entry = stream.unanswered
        if (
            entry is None
            or (entry.action, entry.position_ms) != (request.action, request.position_ms)
            or entry.action == "renew"
        ):
            return None
        ticket = self._ledger.ticket(entry.ticket)
        if ticket is None or stream.ticket != entry.ticket:
            return None
        now_s = self._clock.now_ms(stream.network) // 1000
        usage = self._ledger.usage(entry.listener, entry.content, stream.policy, now_s, entry.ticket)
        return Recorded(entry, ticket.meter, decide(stream.policy, usage, stream.context(now_s), "pause").left)

    def _require_admissible(
        self, stream: Stream, session: SessionRow, ticket: TicketRow, request: Invoke, time_ms: int
    ) -> None:
        """Refuse an action that cannot happen in this state or at this time."""
        action = request.action
        # ``prepare`` checked the begin of the session; no time of this ticket is before it.
        play = Play(cast("PlayState", ticket.state), 0, session.not_after_s, ticket.expiry_s)
        code = inadmissible(play, action, time_ms)
        if code is not None:
            raise Refusal(code, **_DETAIL[code](session, ticket))
        if action not in FREE and not stream.pacer.plausible(action, request.position_ms, time_ms):
            raise Refusal("invocation.state", position_ms=request.position_ms, reach_ms=stream.pacer.reach_ms(time_ms))
        if stream.policy.concurrent > 1:
            return
        latest = max(self._playing(stream), key=lambda row: row.time_ms, default=None)
        if latest is not None and is_busy(action, time_ms - latest.time_ms):
            names = (name for name, other in self._streams.items() if other.ticket == latest.id)
            raise Refusal("session.busy", stream=next(names, None))

    def _context(self, stream: Stream, server: Server, request: Invoke, time_ms: int) -> Context:
        """Context of the decision; devices and streams elsewhere are counted by the server."""
        silent_s = server.silent_s()
        return stream.context(
            time_ms // 1000,
            renewed_s=None if silent_s is None else time_ms // 1000 - silent_s,
            rolled_back=self._clock.rolled_back(stream.network, server),
            streams=sum(not is_silent(row.time_ms, time_ms) for row in self._playing(stream))
            if stream.policy.concurrent > 1
            else 0,
            position_s=request.position_ms // 1000,
        )

    def _playing(self, stream: Stream) -> Iterator[TicketRow]:
        """Tickets of this listener that are playing in other open streams."""
        session = stream.session
        for other in self._streams.values():
            if other is stream or other.ticket is None or other.session is None or session is None:
                continue
            row = self._ledger.ticket(other.ticket) if other.session.listener == session.listener else None
            if row is not None and row.state == "playing":
                yield row


_DETAIL: Final[Mapping[str, Callable[[SessionRow, TicketRow], dict[str, Any]]]] = {
    "ticket.used": lambda _, ticket: {"state": ticket.state},
    "invocation.state": lambda _, ticket: {"state": ticket.state},
    "session.expired": lambda session, _: {"not_after_s": session.not_after_s},
    "ticket.expired": lambda _, ticket: {"expiry_s": ticket.expiry_s},
}
