"""Site grants: states and budgets, and debits before paid intervals are played."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from native_host.ledger import InvocationRow, Ledger, SessionRow, TicketRow
from native_host.ledger.site_store import EVERYWHERE, SiteRow
from native_host.playback import site_grants
from native_host.remote.clock import DAY_MS
from pywallet.errors import Refusal
from pywallet.policy import Meter, Price

HERE, THERE, TICKET = "https://radio.example", "https://other.example", b"t" * 32
PAID, STATION_PAYS = Price(30, 7, 0, "listener"), Price(30, 7, 1)
VECTORS = Path(__file__).parents[2] / "vectors" / "ledger"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """An empty ledger."""
    with Ledger(tmp_path / "ledger.sqlite") as one:
        yield one


def grant(ledger: Ledger, origin: str, state: str = "allowed", day_wei: int = 0) -> None:
    """Set a site's grant."""
    with ledger.write():
        ledger.set_site(SiteRow(origin, state, day_wei))


def act(
    ledger: Ledger,
    action: str = "play",
    heard_ms: int = 0,
    price: Price = PAID,
    origin: str = HERE,
    ticket: bytes = TICKET,
    day: int = 5,
    start_action: str = "play",
    top_origin: str = "",
) -> str | None:
    """One action in a transaction of its own; the code of its refusal."""
    try:
        with ledger.write():
            site_grants.allow(
                ledger,
                origin,
                ticket,
                price,
                action,
                Meter(heard_ms),
                day * DAY_MS,
                start_action,
                top_origin=top_origin,
            )
    except Refusal as refusal:
        return refusal.code
    return None


@pytest.mark.parametrize(("state", "code"), [("allowed", None), ("paused", "site.paused"), ("revoked", "site.consent")])
def test_a_grants_state_decides_the_actions(ledger: Ledger, state: str, code: str | None) -> None:
    """While a site is paused or revoked only pause and stop are allowed.

    Other sites are not affected.
    """
    grant(ledger, HERE, state)
    for action in ("play", "resume", "seek", "renew", "preview"):
        assert act(ledger, action, price=STATION_PAYS) == code
    for action in ("pause", "stop"):
        assert act(ledger, action, price=STATION_PAYS) is None
    assert act(ledger, price=STATION_PAYS, origin=THERE) is None


@pytest.mark.parametrize(("state", "code"), [("allowed", None), ("paused", "site.paused"), ("revoked", "site.consent")])
def test_a_pause_applies_to_the_frames_of_a_page(ledger: Ledger, state: str, code: str | None) -> None:
    """A frame of another origin is paused with its page; in its own page it plays."""
    grant(ledger, HERE, state)
    assert act(ledger, price=STATION_PAYS, origin=THERE, top_origin=HERE) == code
    assert act(ledger, "pause", price=STATION_PAYS, origin=THERE, top_origin=HERE) is None
    assert act(ledger, price=STATION_PAYS, origin=THERE, top_origin=THERE) is None


def test_no_budget_is_spent_in_a_frame_of_another_site(ledger: Ledger) -> None:
    """Neither the frame's budget nor that of the page; a preview costs nothing."""
    for origin in (HERE, THERE, EVERYWHERE):
        grant(ledger, origin, day_wei=100)
    assert act(ledger, top_origin=THERE) == "site.budget"
    assert act(ledger, start_action="preview", top_origin=THERE) is None
    assert (ledger.spent(HERE, 5), ledger.spent(THERE, 5)) == (0, 0)
    assert act(ledger, top_origin=HERE) is None
    assert ledger.spent(HERE, 5) == 7


def test_without_a_budget_nothing_is_paid(ledger: Ledger) -> None:
    """A new site has a budget of 0; site budget and common budget are both required."""
    assert act(ledger) == "site.budget"
    grant(ledger, HERE, day_wei=100)
    assert act(ledger) == "site.budget"
    grant(ledger, EVERYWHERE, day_wei=100)
    assert act(ledger) is None
    assert act(ledger, origin=THERE, ticket=b"u" * 32) == "site.budget"
    assert (ledger.spent(HERE, 5), ledger.spent(THERE, 5)) == (7, 0)


def test_an_interval_is_debited_before_it_is_played(ledger: Ledger) -> None:
    """The first at the play, each next one when the last is full; a repetition debits nothing more."""
    grant(ledger, HERE, day_wei=20)
    grant(ledger, EVERYWHERE, day_wei=1000)
    spent = []
    for heard_ms in (0, 0, 29_999, 30_000, 45_000):
        assert act(ledger, "renew", heard_ms) is None
        spent.append(ledger.spent(HERE, 5))
    assert spent == [7, 7, 7, 14, 14]
    assert act(ledger, "renew", 60_000) == "site.budget"
    assert ledger.spent(HERE, 5) == 14
    assert act(ledger, "pause", 60_000) is None


def test_budgets_are_daily(ledger: Ledger) -> None:
    """Debits of yesterday do not count today; what a ticket paid yesterday is not debited again."""
    grant(ledger, HERE, day_wei=7)
    grant(ledger, EVERYWHERE, day_wei=7)
    assert act(ledger) is None
    assert act(ledger, "renew", 30_000) == "site.budget"
    assert act(ledger, "renew", 30_000, day=6) is None
    assert (ledger.spent(HERE, 5), ledger.spent(HERE, 6), ledger.debited(TICKET)) == (7, 7, 14)


def test_no_debit_unless_the_listener_pays(ledger: Ledger) -> None:
    """Where the station pays, the price is 0, or the action is a preview."""
    for price in (STATION_PAYS, Price(30, 0, 0, "nobody")):
        assert act(ledger, price=price) is None
    for action in ("preview", "renew", "seek", "resume"):
        assert act(ledger, action, start_action="preview") is None
    assert ledger.spent(EVERYWHERE, 5) == 0


def test_a_failed_transaction_reverts_its_debit(ledger: Ledger) -> None:
    """Debit and invocation are one transaction."""
    grant(ledger, HERE, day_wei=100)
    grant(ledger, EVERYWHERE, day_wei=100)

    def interrupted() -> None:
        with ledger.write():
            site_grants.allow(ledger, HERE, TICKET, PAID, "play", Meter(), 0)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        interrupted()
    assert ledger.spent(EVERYWHERE, 0) == 0


def test_a_refused_play_reverts_its_debit_once(ledger: Ledger) -> None:
    """Debits of other tickets stay."""
    grant(ledger, HERE, day_wei=100)
    grant(ledger, EVERYWHERE, day_wei=100)
    with ledger.write():
        ledger.add_session(SessionRow(b"s" * 32, 31337, b"m" * 20, b"r" * 20, b"l" * 20, b"p" * 20, 10_000, "{}"))
        ledger.add_ticket(
            TicketRow(TICKET, b"s" * 32, b"c" * 20, b"l" * 20, b"v" * 20, "http://x", "radio.example", 0, 30, 1, 9_000)
        )
        sequence = ledger.next_sequence(b"s" * 32)
        ledger.add_invocation(
            InvocationRow(b"s" * 32, sequence, TICKET, b"c" * 20, b"l" * 20, "play", 0, 1, b"x" * 65),
            Meter(),
            "playing",
        )
    assert act(ledger) is None
    assert act(ledger, ticket=b"u" * 32) is None
    for _ in range(2):
        with ledger.write():
            ledger.acknowledge(b"s" * 32, [sequence], {sequence: "policy.count.exhausted"})
        assert ledger.spent(HERE, 5) == 7


@given(
    st.lists(
        st.tuples(st.sampled_from((HERE, THERE)), st.integers(0, 3), st.integers(0, 200_000), st.integers(5, 7)),
        max_size=30,
    )
)
def test_no_budget_is_ever_exceeded(acts: list[tuple[str, int, int, int]]) -> None:
    """For any actions at any sites and times.

    No site and no day costs more than its budget, and each debit precedes its interval.
    """
    with TemporaryDirectory() as folder, Ledger(Path(folder) / "ledger.sqlite") as ledger:
        for origin, most in ((HERE, 30), (THERE, 50), (EVERYWHERE, 60)):
            grant(ledger, origin, day_wei=most)
        for origin, ticket, heard_ms, day in acts:
            name = origin.encode() + bytes([ticket])
            if act(ledger, "renew", heard_ms, origin=origin, ticket=name, day=day) is None:
                assert ledger.debited(name) >= (heard_ms // 30_000 + 1) * 7
        for day in (5, 6, 7):
            assert ledger.spent(HERE, day) <= 30
            assert ledger.spent(THERE, day) <= 50
            assert ledger.spent(EVERYWHERE, day) <= 60


def test_a_ledger_without_grants_is_migrated(tmp_path: Path) -> None:
    """The tables are added to an older file, whose rows stay."""
    path = tmp_path / "ledger.sqlite"
    with sqlite3.connect(path) as db:
        db.executescript((VECTORS / "8.sql").read_text())
        db.executescript(
            "DROP TABLE sites; DROP TABLE debits; DROP TABLE payments; DROP TABLE vouchers; PRAGMA user_version=2;"
        )
    with Ledger(path) as again:
        grant(again, HERE, "paused")
        assert again.site(HERE) == SiteRow(HERE, "paused")
        assert again.title_and_artist(b"c" * 20) == ("Slow Tide", "The Lamps")
