"""Withdrawals: escrow after its delay, a server's retirement, and its bond at the end."""

from __future__ import annotations

import pytest

from pywallet.crypto import address_of
from pywallet.settlement import gross
from tests.contracts.anvil_world import BOND, BPS, EPOCH, ESCROW, SCHEDULE, ZERO, World, reverts

ENDS = SCHEDULE.ends(EPOCH)
LAST = SCHEDULE.ends(EPOCH) + SCHEDULE.grace + SCHEDULE.late + SCHEDULE.answer
"""The last second in which a server that retired in EPOCH can be slashed for it."""


def test_escrow_is_withdrawn_after_its_delay(w: World) -> None:
    """To the second, to the payer, once; event and record have the time."""
    station, server = address_of(w.station), address_of(w.server)
    before = w.balance(station)
    receipt = w.send(w.station, "Settlement", "request", server, 700)
    ready = w.now() + SCHEDULE.delay
    expected = {"server": server, "payer": station, "amount": 700, "ready": ready}
    assert w.events("Settlement", "WithdrawRequested", receipt) == [expected]
    assert w.call("Settlement", "requests", server, station) == (700, ready)
    w.at(ready - 1)
    with reverts("settlement: delay not over"):
        w.send(w.station, "Settlement", "withdraw", server)
    receipt = w.at(ready).send(w.station, "Settlement", "withdraw", server)
    assert w.events("Settlement", "Withdrawn", receipt) == [{"server": server, "payer": station, "amount": 700}]
    assert w.account(station) == (0, ESCROW - 700)
    assert w.balance(station) == before + 700
    with reverts("settlement: nothing requested"):
        w.send(w.station, "Settlement", "withdraw", server)


def test_only_existing_escrow_can_be_requested(w: World) -> None:
    """One wei more is refused, and requests or withdrawals for others."""
    server = address_of(w.server)
    with reverts("settlement: escrow too low"):
        w.send(w.station, "Settlement", "request", server, ESCROW + 1)
    with reverts("settlement: escrow too low"):
        w.send(w.other, "Settlement", "request", server, 1)
    w.send(w.station, "Settlement", "request", server, ESCROW)
    w.mine(w.now() + SCHEDULE.delay + 1)
    with reverts("settlement: nothing requested"):
        w.send(w.other, "Settlement", "withdraw", server)


def test_a_new_request_replaces_the_old_one(w: World) -> None:
    """It restarts the delay; a request of zero cancels it."""
    server = address_of(w.server)
    w.send(w.station, "Settlement", "request", server, 700)
    first = w.now() + SCHEDULE.delay
    w.at(first - 1).send(w.station, "Settlement", "request", server, 300)
    w.at(first)
    with reverts("settlement: delay not over"):
        w.send(w.station, "Settlement", "withdraw", server)
    w.at(first - 1 + SCHEDULE.delay).send(w.station, "Settlement", "withdraw", server)
    assert w.account(address_of(w.station))[1] == ESCROW - 300
    w.send(w.station, "Settlement", "request", server, 300)
    w.send(w.station, "Settlement", "request", server, 0)
    w.mine(w.now() + SCHEDULE.delay + 1)
    with reverts("settlement: nothing requested"):
        w.send(w.station, "Settlement", "withdraw", server)


def test_a_debit_comes_before_a_withdrawal(w: World) -> None:
    """A play before the request is posted before the delay is over; the payer gets what is left."""
    server, station = address_of(w.server), address_of(w.station)
    w.at(ENDS - 2).send(w.station, "Settlement", "request", server, ESCROW)
    ready = w.now() + SCHEDULE.delay
    w.at(ENDS + SCHEDULE.grace).post(w.book())
    before = w.balance(station)
    w.at(ready).send(w.station, "Settlement", "withdraw", server)
    assert w.balance(station) == before + ESCROW - gross(1501, BPS)
    assert w.account(station) == (gross(1501, BPS), 0)


def test_only_the_bond_owner_retires_a_server(w: World) -> None:
    """Once; the last epoch is the running one.

    Neither the server's own key nor others can, nor anyone where the server has no bond owner.
    """
    server = address_of(w.server)
    for key in (w.server, w.other):
        with reverts("settlement: not the bond owner"):
            w.send(key, "Settlement", "retire", server)
        with reverts("settlement: not the bond owner"):
            w.send(key, "Settlement", "unbond", server)
    with reverts("settlement: not the bond owner"):
        w.send(w.platform, "Settlement", "retire", bytes([1]) * 20)
    with reverts("settlement: server not retired"):
        w.send(w.platform, "Settlement", "unbond", server)
    receipt = w.send(w.platform, "Settlement", "retire", server)
    assert w.events("Settlement", "Retired", receipt) == [{"server": server, "epoch": EPOCH}]
    assert w.call("Settlement", "server_state", server) == (EPOCH + 1) << 128 | BOND
    with reverts("settlement: server retired"):
        w.send(w.platform, "Settlement", "retire", server)
    assert w.call("Settlement", "bond_owner", ZERO) == "0x" + "00" * 20


@pytest.mark.parametrize("second", [ENDS - 40, ENDS - 1])
def test_a_bond_is_locked_while_a_challenge_is_possible(w: World, second: int) -> None:
    """To the second: until the deadline of the last epoch's last challenge. After that it is the owner's, once."""
    server, owner = address_of(w.server), address_of(w.platform)
    w.at(second).send(w.platform, "Settlement", "retire", server)
    w.at(LAST)
    with reverts("settlement: delay not over"):
        w.send(w.platform, "Settlement", "unbond", server)
    before = w.balance(owner)
    receipt = w.at(LAST + 1).send(w.platform, "Settlement", "unbond", server)
    assert w.events("Settlement", "Unbonded", receipt) == [{"server": server, "amount": BOND}]
    assert w.balance(owner) == before + BOND
    with reverts("settlement: no bond"):
        w.send(w.platform, "Settlement", "unbond", server)


def test_an_unanswered_challenge_precedes_the_bonds_return(w: World) -> None:
    """A challenge in the last second is slashed before the bond can be withdrawn."""
    server = address_of(w.server)
    w.send(w.platform, "Settlement", "retire", server)
    signed = w.receipt(w.book(), address_of(w.fan), 500)
    w.at(LAST - SCHEDULE.answer).challenge(signed)
    w.at(LAST + 1)
    with reverts("settlement: challenge open"):
        w.send(w.platform, "Settlement", "unbond", server)
    w.slash(signed)
    with reverts("settlement: no bond"):
        w.send(w.platform, "Settlement", "unbond", server)


def test_receipts_after_the_retirement_cost_the_bond(w: World) -> None:
    """An epoch that a retired server may not post can be challenged while there is a bond."""
    w.send(w.platform, "Settlement", "retire", address_of(w.server))
    following = w.book(epoch=EPOCH + 1)
    signed = w.receipt(following, address_of(w.fan), 500)
    w.at(SCHEDULE.ends(EPOCH + 1) + SCHEDULE.grace).challenge(signed)
    with reverts("settlement: server retired"):
        w.post(following)
    w.at(w.now() + SCHEDULE.answer + 2).slash(signed)
    assert w.server_state()[0] == 0


def test_claims_outlive_the_server(w: World) -> None:
    """A retired server without a bond still pays what it owes."""
    book = w.final()
    w.send(w.platform, "Settlement", "retire", address_of(w.server))
    retired = w.now() // SCHEDULE.length
    w.at(SCHEDULE.ends(retired) + SCHEDULE.grace + SCHEDULE.late + SCHEDULE.answer + 1)
    w.send(w.platform, "Settlement", "unbond", address_of(w.server))
    w.claim([w.item(book, 0)], book.tree.proof(0), address_of(w.owner))
    assert w.balance(address_of(w.owner)) == 1000
