"""The settlement state machine: its table, and a model of everything that chain, node and database can do to it."""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
from collections import Counter
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chain.contracts.settlement import EpochState
from pywallet.errors import GomaaError, Unavailable
from security_server.epochs.settlement_state import (
    TABLE,
    Action,
    Facts,
    State,
    decide,
)
from tests.budget import budget
from tests.unit.security_server.epoch_server import STATION, EpochServer, begin_s
from tests.unit.security_server.ledger_chain import SCHEDULE, LedgerChain

COUNT: Counter[str] = Counter()
"""How often what the model is about has happened: rules that never succeed prove nothing."""

FAULTS = ("stopped node", "full blocks", "limited logs", "lie: nothing posted", "lie: other post")
DOCS = Path(__file__).parents[3] / "docs" / "settlement.md"


def test_the_documentation_has_the_table() -> None:
    """Conditions, states and actions of docs/settlement.md are those of the code, row by row."""
    section = DOCS.read_text().split("## States of an epoch", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| \d+ \| (.*?) \| (\w+) \| (\w+) \|$", section, re.MULTILINE)
    assert rows == [(row.condition, str(row.state), str(row.action)) for row in TABLE]


def test_every_read_has_a_row_and_every_row_is_used() -> None:
    """All combinations of facts: each has one row, and no row is dead."""
    mine, other = b"\1" * 32, b"\2" * 32
    found = set()
    kinds = product(
        (None, mine), (mine, other), (0, 200), (False, True), (False, True), (0, 1), (0, 3), (False, True), (False, True), (False, True),  # noqa: E501
        (False, True), (50, 150, 300),
    )  # fmt: skip
    for ours, commit, ready, final, void, waiting, draft, asked, refunded, pending, blocked, now_s in kinds:
        facts = Facts(
            ours, commit, ready, final, void, waiting, draft, asked, refunded, pending, blocked, now_s, 100, 200
        )
        found.add(decide(facts))
    assert found == set(TABLE)


@pytest.mark.parametrize("action", [Action.POST, Action.REFUND, Action.UNDO])
def test_nothing_is_sent_while_a_transaction_is_pending(action: Action) -> None:
    """No row sends a second transaction while one is pending."""
    facts = Facts(
        b"\1" * 32, b"\1" * 32, 0, False, action is Action.REFUND, 0, 0, False, False, True, False, 150, 100, 200
    )
    assert decide(facts).action is Action.WAIT


class Settling(RuleBasedStateMachine):
    """Traffic, faults and an adversary in any order; then the faults end, and everything has to agree."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp())
        self.chain = LedgerChain(begin_s())
        self.chain.deposit(STATION, 10**12)
        self.backup: Path | None = None
        self.is_restored = False

    def do(self, work: Any) -> Any:
        """Run something on the machine's loop; what a node's failure does is none of the model's."""
        try:
            return self.loop.run_until_complete(work)
        except Unavailable:
            return None
        except GomaaError as error:
            # A restored server may have closed the clock's epoch before: it pays from the next one on.
            restored = {"server.epoch.closed"} if self.is_restored else set()
            assert error.code in {"voucher.cap", "station.escrow.short", "server.unbonded", *restored}, error
            return None

    @initialize()
    def begin(self) -> None:
        """A server, a song that plays and is paid."""
        self.server = EpochServer(self.folder, self.chain)
        self.do(self.server.prepare())
        self.ticket = self.do(self.server.open())
        self.listen()

    def listen(self) -> None:
        """Eleven seconds of the song, and the station pays for them."""
        self.chain.time_s += 11
        self.do(self.server.hear(self.ticket))
        self.do(self.server.pay())

    def look(self) -> None:
        """A round of answers and one of epochs."""
        self.do(self.server.answering.round())
        self.do(self.server.closing.round())

    def until(self, end_s: int, works: bool) -> None:
        """Let the clock go to a time; the server looks every few seconds, as it does, or is down."""
        while self.chain.time_s < end_s:
            self.chain.time_s = min(end_s, self.chain.time_s + 4)
            if works:
                self.look()

    def begin_fault(self, kind: str) -> None:
        """Something fails until ``heal``."""
        chain, nothing = self.chain, EpochState(bytes(32), 0, 0, 0, 0, False, False)
        other = EpochState(b"\7" * 32, chain.time_s, 0, 0, 0, False, False)
        chain.stopped, chain.holds = kind == "stopped node", kind == "full blocks"
        chain.limit = 7 if kind == "limited logs" else None
        lies = {
            "lie: nothing posted": lambda _, found: nothing,
            "lie: other post": lambda _, found: other if found.ready else found,
        }
        chain.lie = lies.get(kind)

    def heal(self, *, lost: bool = False) -> None:
        """Every fault ends. ``lost``: what waited for a block is replaced by nothing."""
        if lost:
            self.chain.pool.clear()
        self.begin_fault("")
        self.chain.take_pool()

    @rule(
        phase=st.sampled_from(("listening", "closing", "challenges", "never")),
        kind=st.sampled_from(FAULTS),
        lost=st.booleans(),
        works=st.sampled_from((True, True, False)),
        thief=st.sampled_from(("none", "window", "late")),
        reorganised=st.sampled_from((0, 0, 1, 3, 5)),
        back=st.booleans(),
    )
    def an_epoch(
        self, phase: str, kind: str, lost: bool, works: bool, thief: str, reorganised: int, back: bool
    ) -> None:
        """An epoch of listening, its close, its window.

        With one fault in one of them, a thief, blocks that are replaced.
        """
        if phase == "listening":
            self.begin_fault(kind)
        self.listen()
        self.heal(lost=lost)
        if phase == "closing":
            self.begin_fault(kind)
        self.until(SCHEDULE.ends(SCHEDULE.epoch_of(self.chain.time_s)) + SCHEDULE.grace + 2, True)
        self.heal(lost=lost)
        self.look()
        if phase == "challenges":
            self.begin_fault(kind)
        if thief != "none":
            self.until(self.chain.time_s + (20 if thief == "late" else 0), works)
            for one in self.server.receipts:
                COUNT["challenged"] += self.chain.challenge(one.epoch, one.payee, one.amount)
        shown = {key for key in self.chain.ledger.open if key[0] in self.chain.ledger.posts}
        self.until(self.chain.time_s + 8, works)
        if reorganised:
            self.chain.replace(min(reorganised, len(self.chain.blocks) - 2), back)
        self.until(self.chain.time_s + 8, works)
        late = self.chain.slash()
        COUNT["slashed"] += len(late)
        # A server that runs, with a node that does: whatever it has posted, it keeps its bond.
        assert not works or phase == "challenges" or not shown & late
        self.heal(lost=lost)
        self.look()

    @rule()
    def restart(self) -> None:
        """The process ends and starts."""
        self.server.restart()
        self.do(self.server.parts.agreement.compare())

    @rule()
    def back_up(self) -> None:
        """A copy of the database."""
        self.backup = self.folder / "backup"
        self.server.copy(self.backup)

    @precondition(lambda self: self.backup is not None)
    @rule()
    def restore(self) -> None:
        """The database is lost, and the copy put in its place: no receipts until the chain's epochs are imported."""
        assert self.backup is not None
        self.heal()
        archive = self.loop.run_until_complete(self.server.bytes_of())
        self.server.kill()
        for path in self.folder.glob("server.sqlite3*"):
            path.unlink(missing_ok=True)
        shutil.copy(self.backup, self.server.database)
        self.is_restored = True
        self.server.start()
        # Nothing else of the lost process comes back: what it had sent is in blocks, or gone.
        self.chain.settle()
        posts = self.chain.ledger.posts
        self.chain.posted = [(epoch, commit) for epoch, commit in self.chain.posted if epoch in posts]
        self.server.receipts = {one for one in self.server.receipts if one.epoch in posts}
        self.do(self.server.parts.agreement.compare())
        stored = self.loop.run_until_complete(self.server.bytes_of())
        lost = [epoch for epoch, post in posts.items() if stored.get(epoch) != archive[epoch]]
        assert self.server.parts.agreement.differing == set(lost)
        COUNT["imported"] += len(lost)
        self.server.imported |= set(lost)
        for epoch in lost:
            with pytest.raises(Unavailable) as refused:
                self.loop.run_until_complete(self.server.pay())
            assert refused.value.code == "server.mismatch.chain"
            self.loop.run_until_complete(self.server.importing.take(archive[epoch]))
        self.server.parts.agreement.require()
        self.ticket = self.do(self.server.open())

    @invariant()
    def only_what_was_closed_is_posted(self) -> None:
        """Whatever happened.

        The chain holds the stored bytes' commitments, and each epoch was only ever posted as that.
        """
        if not hasattr(self, "server"):
            return
        stored = self.loop.run_until_complete(self.server.bytes_of())
        for epoch, post in self.chain.ledger.posts.items():
            assert epoch in stored
            assert self.loop.run_until_complete(self.server.publishing.closed(epoch)).commitment == post.commit
        assert all(
            len({commit for one, commit in self.chain.posted if one == epoch}) == 1 for epoch, _ in self.chain.posted
        )

    def teardown(self) -> None:
        """Faults end: what can still be posted is, and everything agrees.

        No challenge that was made since stays open.
        """
        if hasattr(self, "server") and self.server.running:
            self.heal()
            for _ in range(3):
                self.look()
            self.do(self.server.parts.agreement.compare())
            self.look()
            stored = self.loop.run_until_complete(self.server.bytes_of())
            for epoch in stored:
                # One post at a time: what has to wait for the one before it is posted as soon as that is final.
                in_time = SCHEDULE.post_from(epoch) <= self.chain.time_s <= SCHEDULE.post_until(epoch)
                assert epoch in self.chain.ledger.posts or not in_time or self.waits()
            assert not any(post.void for post in self.chain.ledger.posts.values())
            self.server.parts.agreement.require()
            states = self.loop.run_until_complete(self.server.states())
            for epoch, state in states.items():
                true = self.chain.true_epoch(epoch)
                assert (state in {State.FINAL}) == true.final
                assert state != State.MISMATCH
                if true.ready:
                    self.loop.run_until_complete(self.server.check_epoch(epoch))
            assert not [
                key
                for key in self.chain.ledger.open
                if key[0] in self.chain.ledger.posts and not self.chain.ledger.posts[key[0]].void
            ]
            COUNT["posts"] += len(self.chain.ledger.posts)
            COUNT["answered"] += len(self.chain.ledger.shown)
            COUNT["refunded"] += sum(len(block.refunded) for block in self.chain.blocks)
            self.server.kill()
        self.loop.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def waits(self) -> bool:
        """True if another post is not final yet."""
        last = self.chain.ledger.last
        return last is not None and last in self.chain.ledger.posts and not self.chain.true_epoch(last).final


TestSettling = Settling.TestCase
TestSettling.settings = budget(stateful_step_count=8)


def test_an_epoch_that_a_lying_node_made_missed_is_final_again() -> None:
    """A final epoch that was compared already would stay missed when a node says for a while that nothing is posted."""
    state = Settling()
    state.begin()
    epoch = {"back": True, "lost": True, "works": True}
    state.an_epoch(kind="limited logs", phase="listening", reorganised=3, thief="none", **epoch)
    state.restart()
    state.an_epoch(kind="limited logs", phase="closing", reorganised=0, thief="late", **epoch)
    state.restart()
    state.an_epoch(kind="lie: nothing posted", phase="closing", reorganised=1, thief="late", **epoch)
    assert State.MISSED in state.loop.run_until_complete(state.server.states()).values()
    state.teardown()
