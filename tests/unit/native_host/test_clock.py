"""Trusted time of the host with clocks that are set, corrected, asleep or wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from native_host.ledger import Ledger
from native_host.ledger.site_store import EVERYWHERE, SiteRow
from native_host.playback import site_grants
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
        """Start the host again with the times in its ledger."""
        self.clock = Clock(self.newest, lambda: self.true + self.error, lambda: self.true - self.asleep - START)
        return self.clock

    def is_rolled_back(self, known: bool = True) -> bool:
        """True if the host detects a clock that was set back."""
        return self.clock.rolled_back(self.true if known else None)


def test_correcting_a_fast_clock_is_no_rollback() -> None:
    """Neither while the host runs nor after a restart with a ledger that has times of the fast clock."""
    for ahead in (5 * MINUTE, DAY_MS, 400 * DAY_MS):
        computer = Computer(error=ahead)
        assert not computer.is_rolled_back()
        computer.error = 0
        assert not computer.is_rolled_back()
        computer.newest = computer.true + ahead
        computer.restart()
        assert not computer.is_rolled_back()


@pytest.mark.parametrize("known", [True, False])
def test_setting_the_clock_away_from_trusted_time_is_a_rollback(known: bool) -> None:
    """Also without a reachable chain or server, and against the ledger alone.

    Correcting the clock ends it without a restart.
    """
    computer = Computer()
    computer.error = -3 * MINUTE
    assert computer.is_rolled_back(known)
    assert computer.is_rolled_back(known)
    computer.error = 0
    assert not computer.is_rolled_back(known)
    computer.newest = computer.true
    computer.error = -DAY_MS
    computer.restart()
    assert computer.is_rolled_back(known)
    computer.error = 0
    assert not computer.is_rolled_back(known)


def test_a_correction_needs_trusted_time() -> None:
    """Without chain or server time a clock that was set back counts as a rollback."""
    computer = Computer(error=DAY_MS)
    computer.error = 0
    assert computer.is_rolled_back(known=False)
    assert not computer.is_rolled_back()
    assert not computer.is_rolled_back(known=False)


def test_setting_back_a_corrected_clock_is_a_rollback() -> None:
    """The corrected clock is the new reference."""
    computer = Computer(error=DAY_MS)
    computer.error = 0
    assert not computer.is_rolled_back()
    computer.error = -3 * MINUTE
    assert computer.is_rolled_back()


def test_a_clock_that_was_always_wrong_is_no_rollback() -> None:
    """Ten minutes slow from the start, with a correction of a second."""
    computer = Computer(error=-10 * MINUTE)
    assert not computer.is_rolled_back()
    computer.error -= 1000
    assert not computer.is_rolled_back()


def test_sleep_is_no_rollback_and_hides_none() -> None:
    """The monotonic clock stops in sleep; a clock that is set back by the length of the sleep is detected."""
    computer = Computer()
    computer.true += 8 * HOUR
    computer.asleep += 8 * HOUR
    assert not computer.is_rolled_back()
    computer.error = -8 * HOUR
    assert computer.is_rolled_back()


@given(
    st.lists(
        st.tuples(st.sampled_from(["pass", "sleep", "set", "restart"]), st.integers(-3 * DAY_MS, 3 * DAY_MS)),
        max_size=12,
    )
)
def test_a_correct_clock_is_never_a_rollback(steps: list[tuple[str, int]]) -> None:
    """After any sequence of settings.

    A clock that agrees with trusted time is no rollback; one set back from it is.
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
        computer.is_rolled_back()
    computer.error = 0
    assert not computer.is_rolled_back()
    computer.error = -ROLLBACK_MS - 1
    assert computer.is_rolled_back()


@given(
    st.lists(st.tuples(st.integers(0, 6 * HOUR), st.integers(-3 * DAY_MS, 3 * DAY_MS), st.booleans()), max_size=15),
    st.integers(0, 10 * MINUTE),
)
def test_trusted_time_is_between_chain_and_server_time(steps: list[tuple[int, int, bool]], lag: int) -> None:
    """Never before the chain's time, and never ahead of a known server's, for any local clock."""
    computer = Computer()
    for passed, computer.error, known in steps:
        computer.true += passed
        now = computer.clock.now_ms(computer.true - lag, computer.true if known else None)
        assert now >= computer.true - lag
        if known:
            assert now <= computer.true + AGREE_MS


@pytest.mark.parametrize("error", [-14_000, -3_217, -40, 0, 40, 999, 47_003, DAY_MS])
def test_servers_do_not_receive_the_error_of_the_local_clock(error: int) -> None:
    """Times for a server are from its own clock and the chain, so that two servers have nothing in common."""
    computer = Computer(error=error)
    for apart in (0, 137, -512):
        # Servers' clocks differ a little; another one's says nothing here.
        assert (
            computer.restart().now_ms(computer.true - 6_000, computer.true + apart, computer.true + 14_000)
            == computer.true + apart
        )


def test_a_fast_server_moves_the_time_by_seconds_at_most() -> None:
    """Up to ``LEAD_MS`` its clock is used; above it the local clock."""
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
    """Forward, back, over midnight and daylight saving: a true day costs at most one daily budget."""
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


def test_blocks_ahead_of_time_do_not_move_another_networks_time() -> None:
    """Sessions, budgets and terms of a network use the time of that network."""
    computer = Computer()
    assert computer.clock.now_ms(computer.true + 400 * DAY_MS, None, chain_id=666) == computer.true + 400 * DAY_MS
    assert computer.clock.now_ms(computer.true - MINUTE, None, chain_id=1) == computer.true
    assert computer.clock.now_ms(computer.true - MINUTE, computer.true, chain_id=1) == computer.true
    assert computer.clock.now_ms(computer.true, None, chain_id=666) == computer.true + 400 * DAY_MS
