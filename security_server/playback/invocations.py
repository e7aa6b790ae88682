"""Decision of signed invocations: each is checked and counted once, in the server's own database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from pywallet.encoding.hex import ZERO_ADDRESS
from pywallet.policy import Context, Meter, Policy, Usage, decide, extent
from pywallet.protocol import Action, Invocation
from pywallet.protocol.actions import BEGINS, ENDS, JUMPS, STARTS
from pywallet.rules.admissibility import Play, inadmissible, is_busy
from pywallet.rules.limits import CLOCK_AHEAD_MS, ONLINE_LATE_MS
from security_server.billing.accounts import Money, outstanding, short
from security_server.billing.intake_limits import keeps_refused
from security_server.db.queries import (
    add,
    change,
    get,
    new,
    put,
)
from security_server.db.refusal_counts import note
from security_server.db.tables import (
    epoch_contents,
    invocations,
    listeners,
    sessions,
    tickets,
)
from security_server.playback import listener_limits
from security_server.playback.usage import Counters


@dataclass(frozen=True)
class Received:
    """A signed invocation whose signer, the device, is verified."""

    id: bytes
    message: Invocation
    signature: bytes
    device: bytes

    @property
    def action(self) -> str:
        """The policy's name of the action."""
        return Action(self.message.action).word


@dataclass(frozen=True)
class Now:
    """State of chain and clock during a decision. ``money`` is None where nobody pays."""

    time_ms: int
    epoch: int
    domain: str | None
    revoked: bool
    destroyed: bool
    money: Money | None
    territory: str | None = None
    purpose: str | None = None
    listener_credit: int = 2
    credit_plays: int = 200
    least_wei: int = 0


@dataclass(frozen=True)
class Outcome:
    """Result of a decision. ``code`` None: counted. ``replay``: a duplicate, not counted again."""

    code: str | None
    sequence: int
    replay: bool = False
    usage: Mapping[str, Any] | None = None
    left: Mapping[str, int] | None = None
    heard_ms: int = 0
    intervals: int = 0
    ticket: Mapping[str, Any] | None = None


def accept(
    connection: Connection,
    item: Received,
    policy: Policy,
    now: Now,
    silence_ms: int,
    *,
    online: bool = False,
    duration_ms: int | None = None,
) -> Outcome:
    """Decide one action and count it, all in the caller's transaction.

    A refusal is recorded with its code and moves no counter but
    ``unvalidated``. The same bytes again give the same answer.

    Args:
        connection: Where the transaction is open.
        item: The action, its signer known.
        policy: The terms of its content.
        now: What chain and clock say.
        silence_ms: So long without an invocation, and another play of the listener may begin.
        online: Keys are asked for now, so the server's own time decides; a report tells of what happened under a lease.
        duration_ms: The song's length; None: not known.
    """
    message = item.message
    session = get(connection, sessions, id=message.session)
    if session is None or session["device"] != item.device:
        return Outcome("ticket.missing", message.sequence)
    ticket = get(connection, tickets, id=message.ticket)
    counters = Counters(connection, ticket["listener"], ticket["content"]) if ticket else None
    known = get(connection, invocations, session=message.session, sequence=message.sequence)
    if known is not None:
        if known["id"] != item.id:
            note(connection, now.time_ms, "invocation", "invocation.replayed")
            return Outcome("invocation.replayed", session["last_sequence"])
        return _answer(session["last_sequence"], ticket, counters, policy, now, known["code"], replay=True)
    if message.sequence <= session["last_sequence"]:
        note(connection, now.time_ms, "invocation", "invocation.sequence")
        return Outcome("invocation.sequence", session["last_sequence"])
    code = _misfit(item, session, ticket, now, online)
    after: Mapping[str, Any] | None = ticket
    if code is None and ticket is not None and counters is not None:
        decided = _decide(connection, item, ticket, counters, policy, now, silence_ms, online, duration_ms)
        if isinstance(decided, str):
            code = decided
        else:
            after = {**ticket, **decided}
    if code is None or item.action != "play" or ticket is None:
        _record(connection, item, now, code)
    elif keeps_refused(connection, now.epoch, ticket):
        _record(connection, item, now, code)
        add(connection, tickets, {"id": ticket["id"]}, kept_refusals=1)
        add(connection, epoch_contents, {"epoch": now.epoch, "content": ticket["content"]}, unvalidated=1)
    else:
        note(connection, now.time_ms, "invocation", code)
        change(connection, sessions, {"id": message.session}, last_sequence=message.sequence)
    return _answer(message.sequence, after, counters, policy, now, code)


def _misfit(
    item: Received, session: Mapping[str, Any], ticket: Mapping[str, Any] | None, now: Now, online: bool
) -> str | None:
    """Code of the refusal where this action cannot belong to this ticket and session at this time."""
    message = item.message
    if message.time > now.time_ms + CLOCK_AHEAD_MS or (online and message.time < now.time_ms - ONLINE_LATE_MS):
        return "invocation.time"
    if ticket is None:
        return "ticket.missing"
    if ticket["session"] != message.session or ticket["content"] != message.content:
        return "ticket.mismatch"
    play = Play(ticket["play_state"], session["not_before_s"], session["not_after_s"], ticket["expiry_s"])
    return inadmissible(play, item.action, message.time)


def _decide(
    connection: Connection,
    item: Received,
    ticket: Mapping[str, Any],
    counters: Counters,
    policy: Policy,
    now: Now,
    silence_ms: int,
    online: bool,
    duration_ms: int | None,
) -> str | dict[str, Any]:
    """The code of the refusal, or the ticket's changed columns once everything is counted."""
    action, message = item.action, item.message
    # Heard time lies between the opening of the ticket and now, by the server's clock.
    time_ms = max(message.time, ticket["opened_ms"])
    moment_ms = min(time_ms, now.time_ms)
    holder = get(connection, listeners, listener=ticket["listener"])
    if policy.concurrent == 1 and is_busy(
        action, _other_silent_ms(connection, item, ticket, moment_ms, holder), silence_ms
    ):
        return "session.busy"
    # A report tells of an action under a lease: the terms of its own time hold, within what the server can bound.
    time_s = (now.time_ms if online else moment_ms) // 1000
    usage = counters.usage(policy, time_s)
    streams = listener_limits.streams(connection, ticket, now.time_ms - silence_ms) if policy.concurrent > 1 else 0
    context = present(connection, ticket, policy, now, item.device, time_s, streams, message.position // 1000)
    decision = decide(policy, usage, context, action)
    if decision.code is not None:
        return decision.code
    mine = holder is None or holder["playing_ticket"] in (None, ticket["id"])
    # Where one play at a time is allowed, this one continues in place of another that fell silent.
    mine = mine or (policy.concurrent == 1 and action not in BEGINS | ENDS)
    # Beside another play of this listener that is paid, this one plays where the terms allow it, and is not paid.
    sounding = ticket["play_state"] == "playing" and (mine or policy.concurrent > 1)
    started = action if action in STARTS else ticket["start_action"] or "play"
    meter = Meter(ticket["sounded_ms"], sounding, ticket["position_ms"], ticket["last_signed_ms"]).advance(
        action,
        message.position,
        time_ms,
        policy.fastest,
        _end(policy, usage, started, duration_ms),
        (now.time_ms - ticket["opened_ms"]) * policy.fastest - ticket["sounded_ms"],
    )
    # One clock for all tickets of a listener: no moment is counted twice.
    clock_ms = max(ticket["opened_ms"], holder["counted_until_ms"] if holder else 0)
    room_ms = max(0, moment_ms - clock_ms) * policy.fastest if mine else 0
    heard_ms = ticket["heard_ms"] + min(meter.heard_ms - ticket["sounded_ms"], room_ms)
    intervals = heard_ms // (policy.price.interval_s * 1000)
    if action not in ENDS and (code := _unpaid(connection, ticket, action, intervals, now)) is not None:
        return code
    if decision.counts:
        counters.count(policy, action, time_s)
    if mine or action in BEGINS:
        clock_ms = max(moment_ms, clock_ms)
        now_heard = ticket["id"] if meter.playing else None
        put(
            connection, listeners, {"listener": ticket["listener"]}, playing_ticket=now_heard, counted_until_ms=clock_ms
        )
    return _count(connection, item, ticket, counters, meter, heard_ms, intervals, now, decision.counts)


def present(
    connection: Connection,
    ticket: Mapping[str, Any],
    policy: Policy,
    now: Now,
    device: bytes,
    now_s: int,
    streams: int = 0,
    position_s: int | None = None,
) -> Context:
    """Context of a ticket's play for the policy's decision.

    Args:
        connection: Where the transaction is open.
        ticket: Its row.
        policy: The terms of its content.
        now: What chain and clock say.
        device: Whose invocation or request it is.
        now_s: The time that counts, Unix seconds.
        streams: Other players of this listener that sound.
        position_s: Where the sound begins; None: not asked.
    """
    others = (0, True)
    if policy.devices is not None:
        others = listener_limits.devices(connection, ticket["listener"], ticket["content"], device)
    return Context(
        now_s=now_s,
        domain=now.domain,
        wallet=ticket["payee"] != ZERO_ADDRESS,
        revoked=now.revoked,
        destroyed=now.destroyed,
        territory=now.territory,
        purpose=now.purpose,
        devices=others[0],
        device_known=others[1],
        streams=streams,
        position_s=position_s,
    )


def _end(policy: Policy, usage: Usage, started: str, duration_ms: int | None) -> int | None:
    """Where a play that ``started`` with this action ends: with the song, or the part of it that the terms allow."""
    ends = [end for end in (duration_ms, extent(policy, usage, started).to_ms) if end is not None]
    return min(ends, default=None)


def _other_silent_ms(
    connection: Connection,
    item: Received,
    ticket: Mapping[str, Any],
    moment_ms: int,
    holder: Mapping[str, Any] | None,
) -> int | None:
    """Time since the listener's other play was reported, milliseconds; None: no other play is playing.

    Two plays of one device have one clock: its own times are compared, as its host compares them, however late they
    are reported. Times of different devices are compared by the server's clock.
    """
    if holder is None or holder["playing_ticket"] in (None, ticket["id"]):
        return None
    reported = (
        select(invocations.c.signed_ms)
        .join(
            tickets, (tickets.c.session == invocations.c.session) & (tickets.c.last_sequence == invocations.c.sequence)
        )
        .join(sessions, sessions.c.id == tickets.c.session)
        .where(tickets.c.id == holder["playing_ticket"], sessions.c.device == item.device)
    )
    time_ms = connection.execute(reported).scalar_one_or_none()
    return int(moment_ms - holder["counted_until_ms"]) if time_ms is None else int(item.message.time - time_ms)


def free(ticket: Mapping[str, Any], action: str) -> bool:
    """Whether the play is free: a preview where the listener would pay."""
    return ticket["payer"] != ticket["station_address"] and (action == "preview" or ticket["start_action"] == "preview")


def _unpaid(connection: Connection, ticket: Mapping[str, Any], action: str, intervals: int, now: Now) -> str | None:
    """Code of the refusal where escrow no longer covers the next interval, or the payer's vouchers lag.

    Asked when a play starts and when an interval is full; of a listener who pays also at every sign of life and when it
    goes on.
    """
    each, listener_pays = ticket["price"] + ticket["reward"], ticket["payer"] != ticket["station_address"]
    if not each or free(ticket, action):
        return None
    new = intervals - ticket["heard_intervals"]
    if action not in STARTS and not new and not listener_pays:
        return None
    owed = outstanding(connection, ticket["payer"], now.epoch)
    small = now.money is not None and owed.small_change(now.money.bps, now.least_wei, new * each * listener_pays)
    if listener_pays and owed.intervals + new >= now.listener_credit and not small:
        return "listener.voucher.missing"
    # Plays that no voucher covers, beside this one: what a station may owe is bounded at every interval.
    if not listener_pays and owed.plays - (ticket["unvouchered_intervals"] > 0) >= now.credit_plays and not small:
        return "station.credit.exhausted"
    # The interval that has begun is covered before it sounds.
    wanted = new + 1 if listener_pays else max(1, new)
    if now.money is None or short(now.money, owed, wanted * each) > 0:
        return "listener.escrow.short" if listener_pays else "station.escrow.short"
    return None


def _count(
    connection: Connection,
    item: Received,
    ticket: Mapping[str, Any],
    counters: Counters,
    meter: Meter,
    heard_ms: int,
    intervals: int,
    now: Now,
    counted: bool,
) -> dict[str, Any]:
    """Write what an action has moved; the ticket's new columns. ``meter``: what sounded, ``heard_ms``: what is paid."""
    action, message = item.action, item.message
    heard = heard_ms - ticket["heard_ms"]
    counters.heard_ms += heard
    counters.save(now.epoch)
    moved = {"plays": int(action == "play" and counted), "seeks": int(action == "seek" and counted), "heard_ms": heard}
    if any(moved.values()):
        add(connection, epoch_contents, {"epoch": now.epoch, "content": ticket["content"]}, **moved)
    values: dict[str, Any] = {
        "play_state": "ended" if action == "stop" else "playing" if meter.playing else "paused",
        "heard_ms": heard_ms,
        "sounded_ms": meter.heard_ms,
        "position_ms": meter.position_ms,
        "last_signed_ms": meter.time_ms,
        "last_received_ms": now.time_ms,
        "seeks": ticket["seeks"] + (action == "seek" and counted),
        "last_sequence": message.sequence,
        "last_invocation": item.id,
        "heard_intervals": intervals,
        "unvouchered_intervals": intervals - ticket["vouchered_intervals"]
        if ticket["price"] + ticket["reward"] and not free(ticket, action)
        else 0,
    }
    if action in STARTS:
        values["start_action"] = action
    if action in JUMPS:
        values["anchor_position_ms"] = meter.position_ms
    change(connection, tickets, {"id": ticket["id"]}, **values)
    return values


def _record(connection: Connection, item: Received, now: Now, code: str | None) -> None:
    message = item.message
    new(
        connection,
        invocations,
        session=message.session,
        sequence=message.sequence,
        id=item.id,
        ticket=message.ticket,
        action=item.action,
        position_ms=message.position,
        signed_ms=message.time,
        received_ms=now.time_ms,
        epoch=now.epoch,
        signature=item.signature,
        code=code,
    )
    change(connection, sessions, {"id": message.session}, last_sequence=message.sequence)


def _answer(
    sequence: int,
    ticket: Mapping[str, Any] | None,
    counters: Counters | None,
    policy: Policy,
    now: Now,
    code: str | None,
    replay: bool = False,
) -> Outcome:
    if ticket is None or counters is None:
        return Outcome(code, sequence, replay)
    now_s = now.time_ms // 1000
    left = decide(policy, counters.usage(policy, now_s), Context(now_s, now.domain, True), "pause").left
    return Outcome(
        code, sequence, replay, counters.to_json(), dict(left), ticket["heard_ms"], ticket["heard_intervals"], ticket
    )
