"""Statements heal: whatever is lost, delayed or doubled, station and server agree again, and nobody pays twice."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from pywallet.protocol import digest
from pywallet.settlement import gross
from security_server.billing import settling
from security_server.db.tables import (
    debits,
    lines,
    payees,
    receipts,
)
from tests.budget import examples
from tests.unit.security_server.books_chain import DOMAIN, SCHEDULE, SERVER
from tests.unit.security_server.books_world import CONTENTS, BooksWorld

FAULTS = ("none", "lost request", "lost answer", "delayed", "doubled")
MEMORY = Path("/dev/shm")
ROUNDS = 6
"""So many rounds after the last fault both sides agree."""


class BooksMachine(RuleBasedStateMachine):
    """The real bookkeeper of a station and the real books of a server, with faults on the line and losses on one
    side.
    """

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)
        self.world = BooksWorld(Path(self.folder.name))
        self.loser: str | None = None
        # Most vouchers take several transactions, and a fault or an epoch's end can come between them.
        self.parts = patch.object(settling, "PART_LINES", 2)
        self.parts.start()

    @initialize()
    def begin(self) -> None:
        """A first play, so that there is something to settle."""
        self.play(0, 700, 300, 3)

    @rule(content=st.integers(0, 1), price=st.integers(1, 999), reward=st.integers(0, 999), intervals=st.integers(0, 8))
    def play(self, content: int, price: int, reward: int, intervals: int) -> None:
        """A ticket and some intervals under it."""
        number = self.world.issue(CONTENTS[content], price, reward)
        self.world.hear(number, intervals)

    @rule(which=st.integers(0, 30), more=st.integers(1, 5))
    def hear_on(self, which: int, more: int) -> None:
        """One of the last plays goes on."""
        known = sorted(self.world.heard.keys() - self.world.over)
        if known:
            self.world.hear(known[-1 - which % min(5, len(known))], more)

    @rule(fault=st.sampled_from(FAULTS))
    def settle(self, fault: str) -> None:
        """A round of the station, over a line with this fault."""
        self.world.line.fault = fault
        self.world.settle()
        self.world.line.fault = "none"

    @precondition(lambda self: self.world.line.late)
    @rule()
    def arrive_late(self) -> None:
        """A delayed voucher arrives."""
        self.world.deliver_late()

    @rule(seconds=st.integers(1, 2 * SCHEDULE.length))
    def wait(self, seconds: int) -> None:
        """Time passes; epochs end, and are posted or missed."""
        self.world.chain.now_s += seconds
        self.world.post()

    @rule()
    def next_epoch(self) -> None:
        """The running epoch ends, and is posted in time."""
        self.world.chain.now_s = SCHEDULE.ends(self.world.epoch)
        self.world.post()

    @rule()
    def epoch_ends_unposted(self) -> None:
        """The running epoch ends; nothing is posted yet."""
        self.world.chain.now_s = SCHEDULE.ends(self.world.epoch)

    @rule()
    def epoch_ends_meanwhile(self) -> None:
        """The epoch ends while the facts of a voucher are read."""

        def end() -> None:
            self.world.chain.now_s = SCHEDULE.ends(self.world.epoch)

        self.world.door.during = end
        self.world.settle()
        self.world.door.during = None

    @rule()
    def age(self) -> None:
        """What is settled gets old, and the station deletes it."""
        self.world.age()

    @rule(bps=st.sampled_from((0, 250, 500, 501, 3_000)))
    def rate_changes(self, bps: int) -> None:
        """Another commission, two epochs ahead."""
        self.world.chain.rates[self.world.epoch + 2] = bps

    @rule(content=st.integers(0, 1), buyer=st.integers(1, 5))
    def sale(self, content: int, buyer: int) -> None:
        """Another owner, from the next epoch on."""
        self.world.chain.sales[CONTENTS[content], self.world.epoch + 1] = bytes([0xB0 + buyer]) * 20

    @rule(side=st.sampled_from(("server", "station")))
    def restart(self, side: str) -> None:
        """A process starts anew."""
        self.world.restart(side)

    @rule(side=st.sampled_from(("server", "station")))
    def back_up(self, side: str) -> None:
        """A side's file is copied."""
        self.world.save(side)

    @rule(side=st.sampled_from(("server", "station")))
    def lose(self, side: str) -> None:
        """A side loses its books, or gets an older copy back; it is the same side in one run."""
        if self.loser in (None, side):
            self.loser = side
            self.world.lose(side)
            if side == "server":
                # Hosts whose plays go on show their tickets, and what they have signed, again.
                for number in sorted(self.world.heard)[-5:]:
                    self.world.open_ticket(number)

    @rule(net=st.integers(0, 3_000))
    def escrow_is_short(self, net: int) -> None:
        """The station asks most of its escrow back, settles, and takes that back."""
        self.world.chain.requested = max(0, self.world.chain.escrow - net)
        self.world.settle()
        self.world.chain.requested = 0

    @invariant()
    def nobody_pays_twice(self) -> None:
        """No signature and no debit is worth more than what was heard."""
        worth = self.world.worth()
        assert self.world.chain.spent * 10_000 <= worth
        assert all(cap * 10_000 <= worth for cap in self.world.caps)

    @invariant()
    def vouchers_cover_debits(self) -> None:
        """In each epoch.

        Payees' sums are the debits, owners' parts the prices, every receipt has its line, all within the bond.
        """

        def read(connection: Any) -> list[list[Any]]:
            return [list(connection.execute(select(table)).mappings()) for table in (debits, payees, receipts, lines)]

        owed, paid, promised, settled = self.world.run(self.world.store.run(read))
        spent = self.world.chain.spent
        for row in sorted(owed, key=lambda row: row["epoch"]):
            assert (
                sum(one["amount"] for one in paid if one["epoch"] == row["epoch"])
                == row["net"]
                <= self.world.chain.bond
            )
            assert row["bps"] == self.world.chain.rate_at(row["epoch"])
            if row["epoch"] >= self.world.epoch - 1 and row["epoch"] not in self.world.chain.posted:
                spent += gross(row["net"], row["bps"])
                assert spent <= row["cap"]
        kept = {(row["epoch"], row["ticket"]) for row in settled} | {
            (row["epoch"], row["content"].rjust(32, b"\0")) for row in settled
        }
        assert all((row["epoch"], row["source"]) in kept for row in promised)
        earned: Counter[tuple[int, bytes]] = Counter()
        for row in settled:
            earned[row["epoch"], row["owner"]] += row["settled_intervals"] * row["price"]
        assert {(row["epoch"], row["payee"]): row["owner_amount"] for row in paid if row["owner_amount"]} == earned
        amounts = {(row["epoch"], row["payee"]): row["amount"] for row in paid}
        assert all(row["amount"] <= amounts[row["epoch"], row["payee"]] for row in promised)

    def teardown(self) -> None:
        """The faults end: within a few rounds nothing is owed but what is set aside, and both know the same."""
        try:
            self.agree()
        finally:
            self.parts.stop()
            self.world.close()
            self.folder.cleanup()

    def agree(self) -> None:
        """After the last fault."""
        world = self.world
        while world.line.late:
            world.deliver_late()
        # A new epoch, so that nothing waits for the end of an old one.
        world.post()
        world.chain.now_s = SCHEDULE.ends(world.epoch)
        world.post()
        for _ in range(ROUNDS):
            world.settle()
        aside = {row.number for row in world.station.quarantine(SERVER)}
        assert set(world.due()) <= (aside if self.loser == "server" else set())
        rows = world.station.tickets(world.heard)
        for number, row in rows.items():
            assert row.vouchered <= world.heard[number][1]
        if self.loser is None:
            pruned_s = world.station.pruned_s(SERVER)
            heard = {n: count for n, (ticket, count, _) in world.heard.items() if n in rows or ticket.expiry > pruned_s}
            assert {number: row.vouchered for number, row in rows.items()} == heard
        self.nobody_pays_twice()
        self.vouchers_cover_debits()
        assert all(digest(ticket, DOMAIN) for ticket, _, _ in world.heard.values())


TestBooks = BooksMachine.TestCase
TestBooks.settings = settings(
    max_examples=examples(0.4), stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
