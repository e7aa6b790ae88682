"""Decision of an action by the terms, the listener's other plays and the payer's escrow, and the counting of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pywallet.encoding.hex import ZERO_ADDRESS
from pywallet.policy import Context, Meter, Policy, Usage, decide, extent
from pywallet.protocol.actions import BEGINS, ENDS, FREE, HOLDS, JUMPS, STARTS
from pywallet.rules.admissibility import is_busy, state_after
from pywallet.rules.limits import HOLD_DAY_MS
from security_server.db.connection import Connection
from security_server.db.queries import add, change, get, put
from security_server.db.tables import epoch_contents, invocations, listeners, tickets
from security_server.playback import listener_limits
from security_server.playback.conditions import Conditions, VerifiedInvocation
from security_server.playback.invocation_facts import ticket_row
from security_server.playback.payment_check import is_free, unpaid_code
from security_server.playback.usage import Counters


def decide_action(
    connection: Connection,
    item: VerifiedInvocation,
    ticket: Mapping[str, Any],
    counters: Counters,
    policy: Policy,
    conditions: Conditions,
    silence_ms: int,
    online: bool,
    duration_ms: int | None,
) -> str | dict[str, Any]:
    """Decide an action and count it; arguments as of ``accept``.

    Returns:
        The code of the refusal, or the ticket's changed columns once everything is counted.
    """
    action, message = item.action, item.message
    # Heard time is bounded by the opening of the ticket and now, by the server's clock.
    time_ms = max(message.time, ticket["opened_ms"])
    moment_ms = min(time_ms, conditions.time_ms)
    listener = get(connection, listeners, listener=ticket["listener"])
    if policy.concurrent == 1 and is_busy(
        action, _other_silent_ms(connection, item, ticket, moment_ms, listener), silence_ms
    ):
        return "session.busy"
    # A reported action under a lease is decided by the terms of its own time, within what the server can bound.
    time_s = (conditions.time_ms if online else moment_ms) // 1000
    usage = counters.usage(policy, time_s, ticket["id"])
    since_ms = conditions.time_ms - silence_ms
    streams = listener_limits.streams(connection, ticket, since_ms) if policy.concurrent > 1 else 0
    if action == "hold":
        unused = listener_limits.unused_holds(connection, ticket, message.time - HOLD_DAY_MS)
        usage = replace(usage, unused_holds=unused)
    context = policy_context(
        connection, ticket, policy, conditions, item.device, time_s, streams, message.position // 1000
    )
    decision = decide(policy, usage, context, action)
    if decision.code is not None:
        return decision.code
    is_metered = listener is None or listener["playing_ticket"] in (None, ticket["id"])
    # Where one play at a time is allowed, this one continues in place of another that is silent.
    is_metered = is_metered or (policy.concurrent == 1 and action not in BEGINS | ENDS)
    # Where the terms allow it, this play sounds beside another one of the listener that is paid, and is not paid.
    sounding = ticket["play_state"] == "playing" and (is_metered or policy.concurrent > 1)
    started = action if action in STARTS else ticket["start_action"] or "play"
    meter = Meter(ticket["sounded_ms"], sounding, ticket["position_ms"], ticket["last_signed_ms"]).advance(
        action,
        message.position,
        time_ms,
        policy.fastest,
        _end_ms(policy, usage, started, duration_ms),
        (conditions.time_ms - ticket["opened_ms"]) * policy.fastest - ticket["sounded_ms"],
    )
    # One clock for all tickets of a listener: no moment is counted twice.
    clock_ms = max(ticket["opened_ms"], listener["counted_until_ms"] if listener else 0)
    room_ms = max(0, moment_ms - clock_ms) * policy.fastest if is_metered else 0
    heard_ms = ticket["heard_ms"] + min(meter.heard_ms - ticket["sounded_ms"], room_ms)
    intervals = heard_ms // (policy.price.interval_s * 1000)
    if action not in FREE and (code := unpaid_code(connection, ticket, action, intervals, conditions)) is not None:
        return code
    if decision.counts:
        counters.count(policy, action, time_s)
    if (is_metered and action not in HOLDS) or action in BEGINS:
        put(
            connection,
            listeners,
            {"listener": ticket["listener"]},
            playing_ticket=ticket["id"] if meter.playing else None,
            counted_until_ms=max(moment_ms, clock_ms),
        )
    return _count(connection, item, ticket, counters, meter, heard_ms, intervals, conditions, decision.counts)


def policy_context(
    connection: Connection,
    ticket: Mapping[str, Any],
    policy: Policy,
    conditions: Conditions,
    device: bytes,
    now_s: int,
    streams: int = 0,
    position_s: int | None = None,
) -> Context:
    """Context of a ticket's play for the policy's decision.

    Args:
        connection: Of a transaction.
        ticket: Its row.
        policy: The terms of its content.
        conditions: State of chain and clock.
        device: Address of the device of the invocation or request, 20 bytes.
        now_s: The time that counts, Unix seconds.
        streams: Other players of this listener that sound.
        position_s: Position at which the sound begins; None: any.
    """
    others = (0, True)
    if policy.devices is not None:
        others = listener_limits.devices(connection, ticket["listener"], ticket["content"], device)
    return Context(
        now_s=now_s,
        domain=conditions.domain,
        wallet=ticket["payee"] != ZERO_ADDRESS,
        revoked=conditions.revoked,
        destroyed=conditions.destroyed,
        territory=conditions.territory,
        purpose=conditions.purpose,
        devices=others[0],
        device_known=others[1],
        streams=streams,
        position_s=position_s,
    )


def _end_ms(policy: Policy, usage: Usage, started: str, duration_ms: int | None) -> int | None:
    """End of a play that ``started`` with this action: the song's, or that of the part that the terms allow."""
    ends = [end for end in (duration_ms, extent(policy, usage, started).to_ms) if end is not None]
    return min(ends, default=None)


def _other_silent_ms(
    connection: Connection,
    item: VerifiedInvocation,
    ticket: Mapping[str, Any],
    moment_ms: int,
    listener: Mapping[str, Any] | None,
) -> int | None:
    """Time since the listener's other play was reported, milliseconds; None: no other play is playing.

    Two plays of one device have one clock: its own times are compared, as its host compares them, however late they
    are reported. Times of different devices are compared by the server's clock.
    """
    if listener is None or listener["playing_ticket"] in (None, ticket["id"]):
        return None
    other = ticket_row(connection, listener["playing_ticket"])
    last = None
    if other is not None and other["device"] == item.device:
        last = get(connection, invocations, session=other["session"], sequence=other["last_sequence"])
    return int(moment_ms - listener["counted_until_ms"]) if last is None else int(item.message.time - last["signed_ms"])


def _count(
    connection: Connection,
    item: VerifiedInvocation,
    ticket: Mapping[str, Any],
    counters: Counters,
    meter: Meter,
    heard_ms: int,
    intervals: int,
    conditions: Conditions,
    counted: bool,
) -> dict[str, Any]:
    """Write the counters that an action has moved; returns the ticket's changed columns.

    Args:
        connection: Of the deciding transaction.
        item: The action.
        ticket: Its row before.
        counters: The listener's usage of the content.
        meter: Time that has sounded.
        heard_ms: Time that is paid, milliseconds.
        intervals: Full intervals of it.
        conditions: Epoch and clock.
        counted: True if the terms count the action.
    """
    action, message = item.action, item.message
    added_ms = heard_ms - ticket["heard_ms"]
    counters.heard_ms += added_ms
    counters.save(conditions.epoch)
    moved = {
        "plays": int(action == "play" and counted),
        "seeks": int(action == "seek" and counted),
        "heard_ms": added_ms,
    }
    if any(moved.values()):
        add(connection, epoch_contents, {"epoch": conditions.epoch, "content": ticket["content"]}, **moved)
    is_paid = ticket["price"] + ticket["reward"] and not is_free(ticket, action)
    values: dict[str, Any] = {
        "play_state": state_after(action, meter.playing),
        "heard_ms": heard_ms,
        "sounded_ms": meter.heard_ms,
        "position_ms": meter.position_ms,
        "last_signed_ms": meter.time_ms,
        "last_received_ms": conditions.time_ms,
        "seeks": ticket["seeks"] + (action == "seek" and counted),
        "last_sequence": message.sequence,
        "last_invocation": item.id,
        "heard_intervals": intervals,
        "unvouchered_intervals": intervals - ticket["vouchered_intervals"] if is_paid else 0,
    }
    if action in STARTS:
        values["start_action"] = action
    if action in JUMPS:
        values["anchor_position_ms"] = meter.position_ms
    change(connection, tickets, {"id": ticket["id"]}, **values)
    return values
