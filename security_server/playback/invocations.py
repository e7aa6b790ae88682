"""Acceptance of signed invocations: each is checked, decided and counted once, in the server's own database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from messages.host_server.playback import UsageCounters
from pywallet.policy import Context, Policy, decide
from pywallet.rules.admissibility import Play, inadmissible
from pywallet.rules.limits import CLOCK_AHEAD_MS, ONLINE_LATE_MS
from security_server.billing.intake_limits import keeps_refused
from security_server.db.connection import Connection
from security_server.db.queries import add, change, get, new
from security_server.db.refusal_counts import count_refusal
from security_server.db.tables import epoch_contents, invocations, sessions, tickets
from security_server.playback.conditions import Conditions, VerifiedInvocation
from security_server.playback.decision import decide_action
from security_server.playback.usage import Counters


@dataclass(frozen=True)
class Outcome:
    """Result of an invocation.

    Attributes:
        code: Code of the refusal; None: accepted.
        sequence: Last accepted sequence number of the session.
        replay: True if it is a duplicate, not counted again.
        usage: The listener's usage of the content; None without a ticket.
        left: Uses that remain of each action that the terms count; None without a ticket.
        heard_ms: Heard time of the ticket, milliseconds.
        intervals: Full intervals of the ticket.
        ticket: The ticket's row afterwards.
    """

    code: str | None
    sequence: int
    replay: bool = False
    usage: UsageCounters | None = None
    left: Mapping[str, int] | None = None
    heard_ms: int = 0
    intervals: int = 0
    ticket: Mapping[str, Any] | None = None


def accept(
    connection: Connection,
    item: VerifiedInvocation,
    policy: Policy,
    conditions: Conditions,
    silence_ms: int,
    *,
    online: bool = False,
    duration_ms: int | None = None,
) -> Outcome:
    """Decide one action and count it, all in the caller's transaction.

    A refusal is recorded with its code and moves no counter but ``unvalidated``. The same bytes again give the same
    result.

    Args:
        connection: Of the deciding transaction.
        item: The action.
        policy: The terms of its content.
        conditions: State of chain and clock.
        silence_ms: Time without an invocation after which another play of the listener may begin, milliseconds.
        online: True if keys are requested now, so that the server's own time decides; a report is about the past.
        duration_ms: The song's length, milliseconds; None: not known.
    """
    message = item.message
    session = get(connection, sessions, id=message.session)
    if session is None or session["device"] != item.device:
        return Outcome("ticket.missing", message.sequence)
    ticket = get(connection, tickets, id=message.ticket)
    counters = Counters(connection, ticket["listener"], ticket["content"]) if ticket else None
    # What was recorded is not beyond the last sequence number.
    is_known = message.sequence <= session["last_sequence"]
    stored = get(connection, invocations, session=message.session, sequence=message.sequence) if is_known else None
    if stored is not None:
        if stored["id"] != item.id:
            count_refusal(connection, conditions.time_ms, "invocation", "invocation.replayed")
            return Outcome("invocation.replayed", session["last_sequence"])
        return _outcome(session["last_sequence"], ticket, counters, policy, conditions, stored["code"], replay=True)
    if is_known:
        count_refusal(connection, conditions.time_ms, "invocation", "invocation.sequence")
        return Outcome("invocation.sequence", session["last_sequence"])
    code = _inadmissible_code(item, session, ticket, conditions, online)
    after: Mapping[str, Any] | None = ticket
    if code is None and ticket is not None and counters is not None:
        decided = decide_action(connection, item, ticket, counters, policy, conditions, silence_ms, online, duration_ms)
        if isinstance(decided, str):
            code = decided
        else:
            after = {**ticket, **decided}
    if code is None or item.action != "play" or ticket is None:
        _record(connection, item, conditions, code)
    elif keeps_refused(connection, conditions.epoch, ticket):
        _record(connection, item, conditions, code)
        add(connection, tickets, {"id": ticket["id"]}, kept_refusals=1)
        add(connection, epoch_contents, {"epoch": conditions.epoch, "content": ticket["content"]}, unvalidated=1)
    else:
        count_refusal(connection, conditions.time_ms, "invocation", code)
        change(connection, sessions, {"id": message.session}, last_sequence=message.sequence)
    return _outcome(message.sequence, after, counters, policy, conditions, code)


def _inadmissible_code(
    item: VerifiedInvocation,
    session: Mapping[str, Any],
    ticket: Mapping[str, Any] | None,
    conditions: Conditions,
    online: bool,
) -> str | None:
    """Code of the refusal where this action cannot belong to this ticket and session at this time."""
    message = item.message
    now_ms = conditions.time_ms
    if message.time > now_ms + CLOCK_AHEAD_MS or (online and message.time < now_ms - ONLINE_LATE_MS):
        return "invocation.time"
    if ticket is None:
        return "ticket.missing"
    if ticket["session"] != message.session or ticket["content"] != message.content:
        return "ticket.mismatch"
    play = Play(ticket["play_state"], session["not_before_s"], session["not_after_s"], ticket["expiry_s"])
    return inadmissible(play, item.action, message.time)


def _record(connection: Connection, item: VerifiedInvocation, conditions: Conditions, code: str | None) -> None:
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
        received_ms=conditions.time_ms,
        epoch=conditions.epoch,
        signature=item.signature,
        code=code,
    )
    change(connection, sessions, {"id": message.session}, last_sequence=message.sequence)


def _outcome(
    sequence: int,
    ticket: Mapping[str, Any] | None,
    counters: Counters | None,
    policy: Policy,
    conditions: Conditions,
    code: str | None,
    replay: bool = False,
) -> Outcome:
    if ticket is None or counters is None:
        return Outcome(code, sequence, replay)
    now_s = conditions.time_ms // 1000
    usage = counters.usage(policy, now_s, ticket["id"])
    left = decide(policy, usage, Context(now_s, conditions.domain, True), "pause").left
    return Outcome(
        code, sequence, replay, counters.totals(), dict(left), ticket["heard_ms"], ticket["heard_intervals"], ticket
    )
