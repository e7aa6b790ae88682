"""The host's time under clocks that are set, mended, asleep and wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from native_host.ledger import Ledger
from native_host.ledger.site_store import EVERYWHERE, SiteRow
from native_host.payments import site_grants
from native_host.remote.clock import (
    AGREE_MS,
    DAY_MS,
    LEAD_MS,
    ROLLBACK_MS,
    Clock,
    day_of,
)
from pywallet.errors import Refusal
from pywallet.policy import Meter, Price

HOUR = 3_600_000
MINUTE = 60_000
START = 20_000 * DAY_MS + 12 * HOUR
SITE = "https://radio.example"


@dataclass
class Computer:
    """The true time, and clocks that tell it or do not. ``asleep`` is the time that the steady clock did not count."""

    true: int = START
    error: int = 0
    asleep: int = 0
    newest: int = 0
    clock: Clock = field(init=False)

    def __post_init__(self) -> None:
        self.clock = self.restart()

    def restart(self) -> Clock:
        """The host begins anew, with what its ledger has."""
        self.clock = Clock(self.newest, lambda: self.true + self.error, lambda: self.true - self.asleep - START)
        return self.clock

    def back(self, known: bool = True) -> bool:
        """True where the host takes its clock for set back."""
        return self.clock.rolled_back(self.true if known else None)


def test_a_clock_that_was_ahead_and_is_mended_is_no_rollback() -> None:
    """While the host runs and after a restart, against a ledger that has times of the wrong clock."""
    for ahead in (5 * MINUTE, DAY_MS, 400 * DAY_MS):
        computer = Computer(error=ahead)
        assert not computer.back()
        computer.error = 0
        assert not computer.back()
        computer.newest = computer.true + ahead
        computer.restart()
        assert not computer.back()


@pytest.mark.parametrize("known", [True, False])
def test_a_clock_that_is_set_away_from_the_trusted_time_is_set_back(known: bool) -> None:
    """Also where nobody is there to ask, and against the ledger alone.

    Set right again it is none, without a restart.
    """
    computer = Computer()
    computer.error = -3 * MINUTE
    assert computer.back(known)
    assert computer.back(known)
    computer.error = 0
    assert not computer.back(known)
    computer.newest = computer.true
    computer.error = -DAY_MS
    computer.restart()
    assert computer.back(known)
    computer.error = 0
    assert not computer.back(known)


def test_a_mend_is_believed_once_the_trusted_time_is_known() -> None:
    """A set-back that nobody can judge is a rollback until chain or server can be asked."""
    computer = Computer(error=DAY_MS)
    computer.error = 0
    assert computer.back(known=False)
    assert not computer.back()
    assert not computer.back(known=False)


def test_a_mended_clock_that_is_set_back_after_it_is_set_back() -> None:
    """The mended clock is the new measure."""
    computer = Computer(error=DAY_MS)
    computer.error = 0
    assert not computer.back()
    computer.error = -3 * MINUTE
    assert computer.back()


def test_a_clock_that_was_always_wrong_is_no_rollback() -> None:
    """Ten minutes behind from the start, and a second's mend."""
    computer = Computer(error=-10 * MINUTE)
    assert not computer.back()
    computer.error -= 1000
    assert not computer.back()


def test_sleep_is_no_rollback_and_hides_none() -> None:
    """The steady clock stands still in sleep; a clock that is set back by as long as the sleep is found."""
    computer = Computer()
    computer.true += 8 * HOUR
    computer.asleep += 8 * HOUR
    assert not computer.back()
    computer.error = -8 * HOUR
    assert computer.back()


@given(
    st.lists(
        st.tuples(st.sampled_from(["pass", "sleep", "set", "restart"]), st.integers(-3 * DAY_MS, 3 * DAY_MS)),
        max_size=12,
    )
)
def test_no_order_of_settings_leaves_a_right_clock_refused(steps: list[tuple[str, int]]) -> None:
    """Whatever was set before.

    A clock that tells the trusted time again is no rollback, and one set back from it is.
    """
    computer = Computer()
    for what, amount in steps:
        if what in ("pass", "sleep"):
            computer.true += abs(amount)
            computer.asleep += abs(amount) if what == "sleep" else 0
        elif what == "set":
            computer.error = amount
        else:
            computer.newest = max(computer.newest, computer.true + computer.error)
            computer.restart()
        computer.back()
    computer.error = 0
    assert not computer.back()
    computer.error = -ROLLBACK_MS - 1
    assert computer.back()


@given(
    st.lists(st.tuples(st.integers(0, 6 * HOUR), st.integers(-3 * DAY_MS, 3 * DAY_MS), st.booleans()), max_size=15),
    st.integers(0, 10 * MINUTE),
)
def test_the_time_is_between_the_chains_and_the_servers(steps: list[tuple[int, int, bool]], lag: int) -> None:
    """However this computer's clock is set.

    Never before the chain's time, and never ahead of a server's that is known.
    """
    computer = Computer()
    for passed, computer.error, known in steps:
        computer.true += passed
        now = computer.clock.now_ms(computer.true - lag, computer.true if known else None)
        assert now >= computer.true - lag
        if known:
            assert now <= computer.true + AGREE_MS


@pytest.mark.parametrize("error", [-14_000, -3_217, -40, 0, 40, 999, 47_003, DAY_MS])
def test_two_servers_are_not_told_how_far_this_computers_clock_is_off(error: int) -> None:
    """What a server is told is its own clock and the chain's, however this computer's is set.

    Nothing is the same at another server.
    """
    computer = Computer(error=error)
    for apart in (0, 137, -512):
        # Servers' clocks differ a little; another one's says nothing here.
        assert (
            computer.restart().now_ms(computer.true - 6_000, computer.true + apart, computer.true + 14_000)
            == computer.true + apart
        )


def test_a_server_that_leads_moves_the_clock_by_seconds_at_most() -> None:
    """Within what is believed it is followed; beyond, this computer's clock counts."""
    computer = Computer()
    assert computer.clock.now_ms(computer.true - 6_000, computer.true + LEAD_MS) == computer.true + LEAD_MS
    assert computer.restart().now_ms(computer.true - 6_000, computer.true + LEAD_MS + 1) == computer.true


@given(
    st.lists(
        st.tuples(
            st.integers(0, 5 * HOUR), st.sampled_from([-2 * DAY_MS, -DAY_MS, -HOUR, 0, HOUR, DAY_MS, 2 * DAY_MS])
        ),
        max_size=25,
    )
)
def test_no_setting_of_the_clock_spends_a_budget_twice(steps: list[tuple[int, int]]) -> None:
    """Forward, back, over midnight and with summer time's hour: a true day costs at most one day's budget."""
    spent: dict[int, int] = {}
    computer = Computer()
    with TemporaryDirectory() as folder, Ledger(Path(folder) / "ledger.sqlite") as ledger:
        with ledger.write():
            for origin in (SITE, EVERYWHERE):
                ledger.set_site(SiteRow(origin, "allowed", 10))
        for number, (passed, computer.error) in enumerate(steps):
            # A second before midnight the server's clock may be in the next day.
            computer.true += passed + (2 * AGREE_MS if (computer.true + passed) % DAY_MS > DAY_MS - 2 * AGREE_MS else 0)
            now = computer.clock.now_ms(computer.true - 5 * MINUTE, computer.true)
            try:
                with ledger.write():
                    site_grants.allow(
                        ledger,
                        SITE,
                        number.to_bytes(32, "big"),
                        Price(30, 7, 0, "listener"),
                        "play",
                        Meter(0),
                        now,
                        "play",
                    )
            except Refusal:
                continue
            day = day_of(computer.true)
            spent[day] = spent.get(day, 0) + 7
    # The chain lags by minutes: just after midnight a play may still be the day before's.
    days = day_of(computer.true) - day_of(START - 5 * MINUTE) + 1
    assert sum(spent.values()) <= 10 * days
    assert all(amount <= 20 for amount in spent.values())


def test_a_network_from_tomorrow_moves_no_other_ones_time() -> None:
    """Its blocks say what they like: sessions, budgets and terms of another network go by that network's own."""
    computer = Computer()
    assert computer.clock.now_ms(computer.true + 400 * DAY_MS, None, chain_id=666) == computer.true + 400 * DAY_MS
    assert computer.clock.now_ms(computer.true - MINUTE, None, chain_id=1) == computer.true
    assert computer.clock.now_ms(computer.true - MINUTE, computer.true, chain_id=1) == computer.true
    assert computer.clock.now_ms(computer.true, None, chain_id=666) == computer.true + 400 * DAY_MS
