"""An epoch's slots and bond are shared: nobody's small change, and nobody's large sum, keeps the others out."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from pywallet.errors import Refusal
from security_server.billing.fair_slots import EpochBounds
from security_server.db.tables import debits
from tests.unit.security_server.payers import Payers, name
from tests.unit.security_server.server_desk import STATION, Desk


@pytest.mark.long
def test_listeners_never_take_stations_slots(desk: Desk) -> None:
    """Three hundred listeners pay in one epoch, more than their slots.

    A station, and more than 256 stations, still settle.
    """
    payers = Payers(desk, EpochBounds(stations=400, listeners=256), 10**9)
    for number in range(300):
        payers.heard(name(number), 1, 2, station=False)
    codes = []
    for number in range(300):
        try:
            payers.pay(name(number))
        except Refusal as refusal:
            codes.append(refusal.code)
    assert codes == ["server.epoch.full"] * 44
    for number in range(1_000, 1_300):
        payers.heard(name(number), 1, 1_000)
        assert payers.pay(name(number)).waiting is None
    # Who waits is told so, and settles in the next epoch.
    assert payers.stated(name(299)).waiting == "server.epoch.full"
    payers.epoch = 8
    assert payers.pay(name(299)).waiting is None


def test_amounts_below_the_minimum_are_not_stated(desk: Desk) -> None:
    """Below the minimum nothing is stated or settled; together with later plays it is."""
    payers = Payers(desk, EpochBounds(least_wei=1_000), 10**9)
    payers.heard(STATION, 2, 100)
    assert (payers.stated(STATION).lines, payers.stated(STATION).waiting) == ((), "statement.minimum")
    with pytest.raises(Refusal) as refused:
        payers.pay(STATION)
    assert refused.value.code == "statement.minimum"
    assert payers.net(STATION) == 0
    payers.epoch = 8
    payers.heard(STATION, 8, 100)
    assert payers.stated(STATION).waiting is None
    payers.pay(STATION)
    assert payers.net(STATION) == 1_000
    # With something in the epoch already, the rest is never too small.
    payers.heard(STATION, 1, 100)
    payers.pay(STATION)
    assert payers.net(STATION) == 1_100


def test_one_station_does_not_take_the_bond_from_the_others(desk: Desk) -> None:
    """A station that owes ten bonds leaves three others their equal parts, and gets what they do not use."""
    bond = 100_000
    payers = Payers(desk, EpochBounds(), bond)
    payers.heard(name(1), 1_000, 1_000)
    payers.heard(name(2), 40, 1_000)
    payers.heard(name(3), 10, 1_000)
    payers.heard(name(4), 1, 1_000)
    assert payers.pay(name(1)).waiting == "server.epoch.full"
    # Equal parts are 25,000: kept are 25,000, 10,000 and 1,000.
    assert payers.net(name(1)) == 64_000
    for number, net in ((2, 25_000), (3, 10_000), (4, 1_000)):
        payers.pay(name(number))
        assert payers.net(name(number)) == net
    total = sum(desk.connection.execute(select(debits.c.net)).scalars())
    assert total == bond


def test_a_station_that_settled_in_the_last_epoch_has_its_part_kept(desk: Desk) -> None:
    """It owes nothing now; another station still cannot take all of the bond."""
    payers = Payers(desk, EpochBounds(), 100_000)
    payers.heard(name(2), 30, 1_000)
    payers.pay(name(2))
    payers.epoch = 8
    payers.heard(name(1), 1_000, 1_000)
    payers.pay(name(1))
    assert payers.net(name(1)) == 70_000
    payers.heard(name(2), 30, 1_000)
    payers.pay(name(2))
    assert payers.net(name(2)) == 30_000


def test_listeners_together_leave_half_of_the_bond(desk: Desk) -> None:
    """Listeners with large sums stop at their part; the stations' half is there for a station that comes later."""
    payers = Payers(desk, EpochBounds(), 100_000)
    for number in range(10):
        payers.heard(name(number), 20, 1_000, station=False)
    for number in range(10):
        try:
            payers.pay(name(number))
        except Refusal as refusal:
            assert refusal.code == "server.epoch.full"
    total = sum(desk.connection.execute(select(debits.c.net)).scalars())
    assert total <= 50_000
    payers.heard(name(99), 50, 1_000)
    payers.pay(name(99))
    assert payers.net(name(99)) == 50_000


@pytest.mark.long
def test_a_long_history_costs_a_voucher_nothing(desk: Desk) -> None:
    """Six hundred lines.

    As many statements to the database with 5,000 old tickets as with none, and no full scan among them.
    """
    asked: list[str] = []

    def count(history: int) -> int:
        payers = Payers(desk, EpochBounds(), 10**9)
        payers.number = 100_000 * (history + 1)
        for _ in range(history):
            payers.heard(STATION, 0, 10)
        for _ in range(600):
            payers.heard(STATION, 1, 10)
        asked.clear()
        payers.stated(STATION)
        payers.pay(STATION)
        return len(asked)

    driver: Any = desk.connection.raw.connection.driver_connection
    driver.set_trace_callback(asked.append)
    before, after = count(0), count(5_000)
    driver.set_trace_callback(None)
    assert after <= before
    reads = {text for text in asked if text.lstrip().upper().startswith("SELECT")}
    # Per line only what writes its published row; all else is asked once.
    assert len([text for text in asked if "FROM tickets" in text]) <= 4
    for text in reads:
        plan = desk.connection.raw.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")
        scans = [row[3] for row in plan if row[3].startswith("SCAN") and "tickets" in row[3]]
        assert scans == [], text
