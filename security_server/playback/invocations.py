"""The server decides again: each signed action against its own durable counters, once per sequence number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from pywallet.encoding.hex import ZERO_ADDRESS
from pywallet.policy import JUMPS, Context, Meter, Policy, Usage, decide, extent
from pywallet.protocol import Action, Invocation
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

AHEAD_MS: Final = 60_000
"""By so much may a host's clock run ahead of the server's, milliseconds.

Both follow the chain, each from the blocks that it has seen: where blocks come late under load, one of two honest
clocks runs ahead. Nothing is gained by it, since a time ahead counts as the server's own, so it is not refused.
A clock further ahead than this is wrong, and its host has to know.
"""

SKEW_MS: Final = 30_000
"""By so much may a session seem to begin in the future."""

STARTS: Final = frozenset({"play", "preview", "live_join"})
LATE_MS: Final = 120_000
"""Keys are not given for an action that is signed for a time so long ago.

An honest host asks again within an outage.
"""
ENDS: Final = frozenset({"pause", "stop"})


@dataclass(frozen=True)
class Received:
    """A signed action whose signer is already known: the device."""

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
    """What chain and clock say while an action is decided. ``money`` is None where nobody pays."""

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
    """``code`` None: counted. ``replay``: the same bytes were seen before and were not counted again."""

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
    code = _misfit(item, session, ticket, now)
    if code is None and online and message.time < now.time_ms - LATE_MS:
        code = "invocation.time"
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


def _misfit(item: Received, session: Mapping[str, Any], ticket: Mapping[str, Any] | None, now: Now) -> str | None:
    """Why this action can't belong to this ticket and session at this time."""
    message = item.message
    if message.time > now.time_ms + AHEAD_MS:
        return "invocation.time"
    if ticket is None:
        return "ticket.missing"
    if ticket["session"] != message.session or ticket["content"] != message.content:
        return "ticket.mismatch"
    if item.action in ENDS:
        return None
    if not session["not_before_s"] * 1000 - SKEW_MS <= message.time < session["not_after_s"] * 1000:
        return "session.expired"
    return "ticket.expired" if message.time >= ticket["expiry_s"] * 1000 else None


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
    """The code of a refusal; or, with everything counted, what has changed in the ticket."""
    action, message = item.action, item.message
    state = ticket["play_state"]
    if action in STARTS:
        if state != "none":
            return "ticket.used"
    elif state in ("none", "ended"):
        return "invocation.state"
    # Nothing is heard before its ticket was opened, by the server's own clock, nor after now.
    time_ms = max(message.time, ticket["opened_ms"])
    moment_ms = min(time_ms, now.time_ms)
    holder = get(connection, listeners, listener=ticket["listener"])
    if policy.concurrent == 1 and (code := _busy(ticket, action, moment_ms, holder, silence_ms)) is not None:
        return code
    # A report tells of an action under a lease: the terms of its own time hold, within what the server can bound.
    time_s = (now.time_ms if online else moment_ms) // 1000
    usage = counters.usage(policy, time_s)
    streams = listener_limits.streams(connection, ticket, now.time_ms - silence_ms) if policy.concurrent > 1 else 0
    context = present(connection, ticket, policy, now, item.device, time_s, streams, message.position // 1000)
    decision = decide(policy, usage, context, action)
    if decision.code is not None:
        return decision.code
    mine = holder is None or holder["playing_ticket"] in (None, ticket["id"])
    # With another stream of this listener being heard, this one sounds where the terms allow it, and is not paid.
    sounding = state == "playing" and (mine or policy.concurrent > 1)
    started = action if action in STARTS else ticket["start_action"] or "play"
    meter = Meter(ticket["sounded_ms"], sounding, ticket["position_ms"], ticket["last_signed_ms"]).advance(
        action,
        message.position,
        time_ms,
        policy.fastest,
        _end(policy, usage, started, duration_ms),
        (now.time_ms - ticket["opened_ms"]) * policy.fastest - ticket["sounded_ms"],
    )
    # One clock for all tickets of a listener: a moment that was counted is gone for every one of them.
    clock_ms = max(ticket["opened_ms"], holder["counted_until_ms"] if holder else 0)
    room_ms = max(0, moment_ms - clock_ms) * policy.fastest if mine else 0
    heard_ms = ticket["heard_ms"] + min(meter.heard_ms - ticket["sounded_ms"], room_ms)
    intervals = heard_ms // (policy.price.interval_s * 1000)
    if action not in ENDS and (code := _unpaid(connection, ticket, action, intervals, now)) is not None:
        return code
    if decision.counts:
        counters.count(policy, action, time_s)
    if mine or action in STARTS | {"resume"}:
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
    """Where, when and for whom a ticket's play is decided.

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


def _busy(
    ticket: Mapping[str, Any], action: str, time_ms: int, holder: Mapping[str, Any] | None, silence_ms: int
) -> str | None:
    """One playing stream per listener: another one waits until the first stops or falls silent."""
    if action in ENDS or holder is None or holder["playing_ticket"] in (None, ticket["id"]):
        return None
    if action in STARTS | {"resume"} and time_ms >= holder["counted_until_ms"] + silence_ms:
        return None
    return "session.busy"


def free(ticket: Mapping[str, Any], action: str) -> bool:
    """Whether what is heard costs nothing: a preview of what the listener would pay for."""
    return ticket["payer"] != ticket["station_address"] and (action == "preview" or ticket["start_action"] == "preview")


def _unpaid(connection: Connection, ticket: Mapping[str, Any], action: str, intervals: int, now: Now) -> str | None:
    """Why the next interval may not be heard: escrow no longer covers it, or the payer's vouchers lag.

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
