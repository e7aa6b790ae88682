"""State of an epoch and the next action, as a table over a read of the chain (docs/settlement.md, States of an epoch).

A pure function without memory: a reorganisation, a replaced transaction, a void post or a restored database only change
its input.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class State(StrEnum):
    """State of an epoch."""

    CLOSED = "closed"
    POSTING = "posting"
    POSTED = "posted"
    CHALLENGED = "challenged"
    ANSWERED = "answered"
    RECOMMITTED = "recommitted"
    FINAL = "final"
    VOID = "void"
    MISSED = "missed"
    MISMATCH = "mismatch"


STANDING: Final = frozenset({State.POSTED, State.CHALLENGED, State.ANSWERED, State.RECOMMITTED})
"""States in which a post of ours is on the chain and not final yet."""


DEBITED: Final = STANDING | {State.FINAL, State.VOID, State.MISMATCH, State.MISSED}
"""States in which an epoch's debits are taken from the escrow on the chain, or never will be."""


class Action(StrEnum):
    """Next action of the server."""

    WAIT = "wait"
    POST = "post"
    ANSWER = "answer"
    REFUND = "refund"
    UNDO = "undo"
    HALT = "halt"
    NONE = "none"


@dataclass(frozen=True)
class Facts:
    """One read of an epoch.

    Attributes:
        ours: Commitment of the stored epoch; None: the database has none.
        commit: The chain's commitment; 32 zero bytes: nothing is posted.
        ready: When the post is final, Unix s; 0: nothing is posted.
        final: True if it is final on the chain.
        void: True if an unanswered challenge has made the post void.
        open: Open challenges that delay the epoch.
        draft: Entries that were debited for a post not made yet.
        challenged: True if it was ever challenged.
        refunded: True if a post of it was void and refunded.
        pending: True if a transaction of this server for it waits for a block.
        blocked: True if the server's last post is not final: the contract takes one at a time.
        now_s: The chain's time, Unix s.
        post_from: First time at which it can be posted, Unix s.
        post_until: Last time at which it can be posted, Unix s.
    """

    ours: bytes | None
    commit: bytes
    ready: int
    final: bool
    void: bool
    open: int
    draft: int
    challenged: bool
    refunded: bool
    pending: bool
    blocked: bool
    now_s: int
    post_from: int
    post_until: int


@dataclass(frozen=True)
class Row:
    """One line of the table. ``condition`` is its text in the documentation."""

    condition: str
    holds: Callable[[Facts], bool]
    state: State
    action: Action


TABLE: Final[tuple[Row, ...]] = (
    Row(
        "posted, and the database has no such epoch",
        lambda f: f.ready != 0 and f.ours is None,
        State.MISMATCH,
        Action.HALT,
    ),
    Row("posted with another commitment", lambda f: f.ready != 0 and f.commit != f.ours, State.MISMATCH, Action.HALT),
    Row("void, a refund of ours waits for a block", lambda f: f.void and f.pending, State.VOID, Action.WAIT),
    Row("void", lambda f: f.void, State.VOID, Action.REFUND),
    Row("posted, final", lambda f: f.ready != 0 and f.final, State.FINAL, Action.NONE),
    Row("posted, a challenge is open", lambda f: f.ready != 0 and f.open > 0, State.CHALLENGED, Action.ANSWER),
    Row("posted again after a refund", lambda f: f.ready != 0 and f.refunded, State.RECOMMITTED, Action.WAIT),
    Row("posted, every challenge is answered", lambda f: f.ready != 0 and f.challenged, State.ANSWERED, Action.WAIT),
    Row("posted", lambda f: f.ready != 0, State.POSTED, Action.WAIT),
    Row("not posted, and the database has no such epoch", lambda f: f.ours is None, State.CLOSED, Action.NONE),
    Row("not posted, it has not ended", lambda f: f.now_s < f.post_from, State.CLOSED, Action.WAIT),
    Row("not posted, a transaction of ours waits for a block", lambda f: f.pending, State.POSTING, Action.WAIT),
    Row(
        "not posted in time, a draft is left",
        lambda f: f.now_s > f.post_until and f.draft > 0,
        State.MISSED,
        Action.UNDO,
    ),
    Row("not posted in time", lambda f: f.now_s > f.post_until, State.MISSED, Action.NONE),
    Row("not posted, the last post is not final", lambda f: f.blocked, State.CLOSED, Action.WAIT),
    Row("not posted, a draft is there", lambda f: f.draft > 0, State.POSTING, Action.POST),
    Row("not posted", lambda f: True, State.CLOSED, Action.POST),
)
"""The first row whose condition holds decides."""


def decide(facts: Facts) -> Row:
    """The first row of the table whose condition holds."""
    return next(row for row in TABLE if row.holds(facts))
