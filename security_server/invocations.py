"""The server decides again: each signed action against its own durable counters, once per sequence number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, insert, update
from sqlalchemy.engine import RowMapping

from pywallet.hexes import ZERO_ADDRESS
from pywallet.messages import Action, Invocation
from pywallet.policy import Context, Meter, Policy, decide
from security_server.accounts import Money, outstanding, short
from security_server.rows import add, get, put
from security_server.tables import epoch_contents, invocations, listeners, refusals, sessions, tickets
from security_server.usage import Counters

AHEAD_MS: Final = 5_000
"""By so much may a host's clock, and the time it reports as heard, run ahead of the server's."""

SKEW_MS: Final = 30_000
"""By so much may a session seem to begin in the future."""

STARTS: Final = frozenset({"play", "preview", "live_join"})
ENDS: Final = frozenset({"pause", "stop"})
_MOVES: Final = frozenset({"seek", "forward", "rewind"})


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


def accept(connection: Connection, item: Received, policy: Policy, now: Now, silence_ms: int) -> Outcome:
    """Decide one action and count it, all in the caller's transaction.

    A refusal is recorded with its code and moves no counter but
    ``unvalidated``. The same bytes again give the same answer.
    """
    message = item.message
    session = get(connection, sessions, id=message.session)
    if session is None or session["device"] != item.device:
        return Outcome("session.device" if session else "ticket.missing", message.sequence)
    ticket = get(connection, tickets, id=message.ticket)
    known = get(connection, invocations, session=message.session, sequence=message.sequence)
    if known is not None:
        if known["id"] != item.id:
            _note(connection, now, item, "invocation.replayed")
            return Outcome("invocation.replayed", session["sequence"])
        return _answer(connection, session["sequence"], ticket, policy, now, known["code"], replay=True)
    if message.sequence <= session["sequence"]:
        _note(connection, now, item, "invocation.sequence")
        return Outcome("invocation.sequence", session["sequence"])
    code = _misfit(item, session, ticket, now) or (_decide(connection, item, ticket, policy, now, silence_ms) if ticket else None)
    _record(connection, item, now, code)
    if code is not None and item.action == "play" and ticket is not None:
        add(connection, epoch_contents, {"epoch": now.epoch, "content": ticket["content"]}, unvalidated=1)
    after = get(connection, tickets, id=message.ticket)
    return _answer(connection, message.sequence, after, policy, now, code)


def _misfit(item: Received, session: RowMapping, ticket: RowMapping | None, now: Now) -> str | None:
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


def _decide(connection: Connection, item: Received, ticket: RowMapping, policy: Policy, now: Now, silence_ms: int) -> str | None:
    """The code of a refusal; or None, with everything counted."""
    action, message = item.action, item.message
    state = ticket["state"]
    if action in STARTS:
        if state != "none":
            return "ticket.used"
    elif state in ("none", "ended"):
        return "invocation.state"
    holder = get(connection, listeners, listener=ticket["listener"])
    code = _busy(ticket, action, message.time, holder, silence_ms)
    if code is not None:
        return code
    # A report tells of an action under a lease: the terms of its own time hold, within what the server can bound.
    time_s = min(now.time_ms, max(message.time, ticket["opened_ms"])) // 1000
    counters = Counters(connection, ticket["listener"], ticket["content"])
    wallet = ticket["payee"] != ZERO_ADDRESS
    decision = decide(policy, counters.usage(policy, time_s), Context(time_s, now.domain, wallet, now.revoked, now.destroyed), action)
    if decision.code is not None:
        return decision.code
    # Two plays of one listener never count the same moment: what another ticket has taken is gone.
    mine = holder is None or holder["ticket"] in (None, ticket["id"])
    since_ms = max(ticket["time_ms"], holder["time_ms"] if holder else 0)
    before = Meter(ticket["heard_ms"], state == "playing" and mine, ticket["position_ms"], since_ms)
    meter = _bounded(before, before.advance(action, message.position, message.time), ticket, now)
    interval_ms = policy.price.interval_s * 1000
    intervals = meter.heard_ms // interval_ms
    if action not in ENDS and _unpaid(connection, ticket, action, intervals, now):
        return "station.escrow.short"
    counters.count(policy, action, time_s)
    _count(connection, item, ticket, counters, meter, intervals, now)
    return None


def _busy(ticket: RowMapping, action: str, time_ms: int, holder: RowMapping | None, silence_ms: int) -> str | None:
    """One playing stream per listener: another one waits until the first stops or falls silent."""
    if action in ENDS or holder is None or holder["ticket"] in (None, ticket["id"]):
        return None
    if action in STARTS | {"resume"} and time_ms >= holder["time_ms"] + silence_ms:
        return None
    return "session.busy"


def _bounded(before: Meter, after: Meter, ticket: RowMapping, now: Now) -> Meter:
    """Heard time never exceeds the server's own clock since the ticket was opened, whatever the host signs."""
    most = max(before.heard_ms, now.time_ms - ticket["opened_ms"] + AHEAD_MS)
    return after if after.heard_ms <= most else Meter(most, after.playing, after.position_ms, after.time_ms)


def _unpaid(connection: Connection, ticket: RowMapping, action: str, intervals: int, now: Now) -> bool:
    """Whether escrow no longer covers the next interval. Asked when a play starts and when an interval is full."""
    each = ticket["price"] + ticket["reward"]
    if not each or (action not in STARTS and intervals == ticket["intervals"]):
        return False
    new = max(1, intervals - ticket["intervals"])
    owed = outstanding(connection, ticket["station"], now.epoch)
    return now.money is None or short(now.money, owed, new * each) > 0


def _count(connection: Connection, item: Received, ticket: RowMapping, counters: Counters, meter: Meter, intervals: int, now: Now) -> None:
    action, message = item.action, item.message
    heard = meter.heard_ms - ticket["heard_ms"]
    counters.heard_ms += heard
    counters.save(now.epoch)
    moved = {"plays": int(action == "play"), "seeks": int(action == "seek"), "heard_ms": heard}
    if any(moved.values()):
        add(connection, epoch_contents, {"epoch": now.epoch, "content": ticket["content"]}, **moved)
    values: dict[str, Any] = {
        "state": "ended" if action == "stop" else "playing" if meter.playing else "paused",
        "heard_ms": meter.heard_ms,
        "position_ms": meter.position_ms,
        "time_ms": meter.time_ms,
        "seeks": ticket["seeks"] + (action == "seek"),
        "sequence": message.sequence,
        "invocation": item.id,
        "intervals": intervals,
        "due": intervals - ticket["vouchered"] if ticket["price"] + ticket["reward"] else 0,
    }
    if action in STARTS | _MOVES:
        values |= {"anchor_position_ms": message.position, "anchor_ms": now.time_ms}
    connection.execute(update(tickets).where(tickets.c.id == ticket["id"]).values(**values))
    holder = ticket["id"] if meter.playing else None
    current = get(connection, listeners, listener=ticket["listener"])
    if action in ENDS and current is not None and current["ticket"] not in (None, ticket["id"]):
        return
    time_ms = max(meter.time_ms, current["time_ms"]) if current else meter.time_ms
    put(connection, listeners, {"listener": ticket["listener"]}, ticket=holder, time_ms=time_ms)


def _record(connection: Connection, item: Received, now: Now, code: str | None) -> None:
    message = item.message
    connection.execute(
        insert(invocations).values(
            session=message.session,
            sequence=message.sequence,
            id=item.id,
            ticket=message.ticket,
            action=item.action,
            position_ms=message.position,
            time_ms=message.time,
            received_ms=now.time_ms,
            epoch=now.epoch,
            signature=item.signature,
            code=code,
        )
    )
    connection.execute(update(sessions).where(sessions.c.id == message.session).values(sequence=message.sequence))


def _note(connection: Connection, now: Now, item: Received, code: str) -> None:
    subject = f"{item.message.session.hex()}/{item.message.sequence}"
    connection.execute(insert(refusals).values(time_ms=now.time_ms, what="invocation", code=code, subject=subject))


def _answer(
    connection: Connection, sequence: int, ticket: RowMapping | None, policy: Policy, now: Now, code: str | None, replay: bool = False
) -> Outcome:
    if ticket is None:
        return Outcome(code, sequence, replay)
    counters = Counters(connection, ticket["listener"], ticket["content"])
    now_s = now.time_ms // 1000
    left = decide(policy, counters.usage(policy, now_s), Context(now_s, now.domain, True), "pause").left
    return Outcome(code, sequence, replay, counters.to_json(), dict(left), ticket["heard_ms"], ticket["intervals"])
