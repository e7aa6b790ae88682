"""Posts of epochs: times, senders, vouchers and debits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chain.contracts.settlement import Entry
from pywallet.crypto import address_of
from pywallet.settlement import commitment, entries_digest, gross
from tests.contracts.anvil_world import (
    BOND,
    BPS,
    COUNTS,
    DATA,
    EPOCH,
    ESCROW,
    NOBODY,
    SCHEDULE,
    ZERO,
    Book,
    World,
    reverts,
)

ENDS = SCHEDULE.ends(EPOCH)


def test_a_post_debits_and_commits(w: World) -> None:
    """A post debits gross from escrow, stores one hash, and its event has everything that the hash covers."""
    book = w.book()
    (posted,) = w.events("Settlement", "Posted", w.at(ENDS).post(book))
    server, station = address_of(w.server), address_of(w.station)
    fee = gross(1501, BPS) - 1501
    assert fee == 75
    assert w.account(station) == (1501 + fee, ESCROW - 1501 - fee)
    assert w.left(EPOCH) == (1501, fee, ENDS + SCHEDULE.grace + SCHEDULE.window)
    assert w.call("Settlement", "commitment", server, EPOCH) == commitment(book.header)
    assert posted == {
        "server": server,
        "epoch": EPOCH,
        "root": book.tree.root,
        "total": 1501,
        "fee": fee,
        "digest": entries_digest(book.debits),
        "counts": COUNTS,
        "data": DATA,
    }
    assert w.call("Settlement", "server_state", server) == (EPOCH + 1) << 96 | BOND


@pytest.mark.parametrize(
    ("second", "allowed"), [(ENDS - 1, False), (ENDS, True), (ENDS + 60, True), (ENDS + 61, False)]
)
def test_the_post_window_to_the_second(w: World, second: int, allowed: bool) -> None:
    """The first second after the epoch and the first after the next one are in the window.

    The seconds next to them outside are not.
    """
    book = w.book()
    entries = [w.entry(book)]
    w.at(second)
    if allowed:
        w.post(book, entries)
        assert w.left(EPOCH)[2] == max(second, ENDS + SCHEDULE.grace) + SCHEDULE.window
        return
    with reverts("settlement: outside post period"):
        w.post(book, entries)


@pytest.mark.parametrize("second", [ENDS, ENDS + 4, ENDS + 5, ENDS + 6, ENDS + 60])
def test_ready_counts_from_the_grace_time_or_from_a_late_post(w: World, second: int) -> None:
    """An early post is challengeable through grace and window; a late one for its whole window."""
    w.at(second).post(w.book())
    ready = max(second, ENDS + 5) + 15
    server = address_of(w.server)
    assert not w.mine(ready - 1).call("Settlement", "final", server, EPOCH)
    assert w.mine(ready).call("Settlement", "final", server, EPOCH)


def test_an_epoch_is_posted_once(w: World) -> None:
    """A second root for the same epoch is refused, before and after it is final."""
    book = w.book()
    w.at(ENDS).post(book)
    with reverts("settlement: epoch posted"):
        w.post(book)
    w.mine(w.left(EPOCH)[2])
    with reverts("settlement: epoch posted"):
        w.post(w.book((address_of(w.relayer), 1501)))


def test_the_next_epoch_waits_until_the_last_is_final(w: World) -> None:
    """With one bond there is one pending post, to the second."""
    w.at(ENDS + 60).post(w.book())
    ready = w.left(EPOCH)[2]
    following = w.book(epoch=EPOCH + 1)
    entries = [w.entry(following)]
    w.at(ready - 1)
    with reverts("settlement: last epoch pending"):
        w.post(following, entries)
    w.at(ready).post(following, entries)
    assert w.left(EPOCH + 1)[0] == 1501


def test_a_retired_server_posts_earlier_epochs_only(w: World) -> None:
    """The epoch of the retirement is the last one that can be posted; no bond is accepted from then on."""
    server = address_of(w.server)
    w.at(ENDS - 1).send(w.platform, "Settlement", "retire", server)
    with reverts("settlement: server retired"):
        w.send(w.platform, "Settlement", "bond", server, 1)
    w.at(ENDS + 1).post(w.book())
    w.at(ENDS + 60)
    with reverts("settlement: server retired"):
        w.post(w.book(epoch=EPOCH + 1))


def test_a_server_posts_only_for_itself(w: World) -> None:
    """Nobody posts for another server: its voucher names another, and its bond is another's."""
    book = w.book()
    w.at(ENDS)
    with reverts("settlement: invalid voucher"):
        w.post(book, key=w.other)
    w.send(w.station, "Settlement", "deposit", address_of(w.other), address_of(w.station), ESCROW)
    with reverts("settlement: bond exceeded"):
        w.post(book, [w.entry(book, server=address_of(w.other))], key=w.other)


def test_the_total_never_exceeds_the_bond(w: World) -> None:
    """A post of exactly the bond is accepted; one wei more is not."""
    station, server = address_of(w.station), address_of(w.other)
    w.send(w.station, "Settlement", "deposit", server, station, ESCROW)
    w.send(w.platform, "Settlement", "bond", server, 1000)
    exact, over = w.book((ZERO, 1000)), w.book((ZERO, 1001))
    w.at(ENDS)
    with reverts("settlement: bond exceeded"):
        w.post(over, [w.entry(over, server=server)], key=w.other)
    w.post(exact, [w.entry(exact, server=server)], key=w.other)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"r": 1}, "settlement: invalid voucher"),
        ({"net": 1502}, "settlement: voucher cap exceeded"),
        ({"payer": ZERO}, "settlement: invalid voucher"),
    ],
)
def test_a_changed_entry_is_refused(w: World, change: dict[str, object], reason: str) -> None:
    """Signature, net and payer are each bound by the voucher."""
    book = w.book()
    w.at(ENDS)
    with reverts(reason):
        w.post(book, [replace(w.entry(book), **change)])  # type: ignore[arg-type]


def test_a_voucher_of_another_signer_is_refused(w: World) -> None:
    """The signature must be the payer's own."""
    book = w.book()
    signed_by_fan = Entry(address_of(w.station), 1501, *w.voucher(w.fan, 10**18))
    with reverts("settlement: invalid voucher"):
        w.at(ENDS).post(book, [signed_by_fan])


def test_a_voucher_is_for_one_server(w: World) -> None:
    """A voucher for one server is refused with another, escrow and bond or not."""
    book, other = w.book(), address_of(w.other)
    w.send(w.station, "Settlement", "deposit", other, address_of(w.station), ESCROW)
    w.send(w.platform, "Settlement", "bond", other, BOND)
    w.at(ENDS)
    with reverts("settlement: invalid voucher"):
        w.post(book, key=w.other)
    w.post(book, [w.entry(book, server=other)], key=w.other)
    assert w.account(address_of(w.station)) == (0, ESCROW)


def test_a_voucher_is_valid_up_to_its_last_epoch(w: World) -> None:
    """``until`` includes its own epoch and no later one."""
    book = w.book()
    w.at(ENDS)
    with reverts("settlement: voucher expired"):
        w.post(book, [w.entry(book, until=EPOCH - 1)])
    w.post(book, [w.entry(book, until=EPOCH)])


def test_a_voucher_is_cumulative(w: World) -> None:
    """A cap covers everything spent so far: used up it pays no second epoch, raised by one epoch's gross it does."""
    fits = gross(1501, BPS)
    w.at(ENDS)
    with reverts("settlement: voucher cap exceeded"):
        w.post(w.book(), [w.entry(w.book(), cap=fits - 1)])
    w.post(w.book(), [w.entry(w.book(), cap=fits, until=EPOCH + 1)])
    w.mine(ENDS + 60)
    following = w.book(epoch=EPOCH + 1)
    with reverts("settlement: voucher cap exceeded"):
        w.post(following, [w.entry(following, cap=2 * fits - 1)])
    w.post(following, [w.entry(following, cap=2 * fits)])
    assert w.account(address_of(w.station))[0] == 2 * fits


def test_escrow_bounds_every_debit(w: World) -> None:
    """More than the escrow can't be debited, whatever the voucher; all of it can."""
    net = ESCROW * 10_000 // (10_000 + BPS) + 2
    while gross(net, BPS) > ESCROW:
        net -= 1
    over, exact = w.book((ZERO, net + 1)), w.book((ZERO, net))
    assert gross(net + 1, BPS) > ESCROW
    w.at(ENDS)
    with reverts("settlement: escrow too low"):
        w.post(over, [w.entry(over, cap=2**128)])
    w.post(exact)
    assert w.account(address_of(w.station))[1] == ESCROW - gross(net, BPS)


def test_amounts_stay_within_their_fields(w: World) -> None:
    """Nets are bounded by 96 bits and a payer's spent amount by 128, whatever cap was signed."""
    station, server = address_of(w.station), address_of(w.server)
    huge = Entry(station, 2**96, *w.voucher(w.station, 2**256 - 1))
    w.at(ENDS)
    with reverts("settlement: net overflow"):
        w.post(w.book(), [huge])
    with reverts("settlement: escrow too low"):
        w.post(w.book(), [replace(huge, net=2**96 - 1)])
    w.store(ESCROW, (2**128 - 1) << 128 | ESCROW, server, station)
    with reverts("settlement: voucher cap exceeded"):
        w.post(w.book(), [replace(huge, net=1)])
    w.store((2**128 - 1) << 128 | ESCROW, (2**128 - 2) << 128 | ESCROW, server, station)
    w.post(w.book((ZERO, 1)), [replace(huge, net=1)])
    assert w.account(station) == (2**128 - 1, ESCROW - 1)


def test_an_epoch_without_plays_can_be_posted(w: World) -> None:
    """No entries, no total, no fee: final nevertheless, and nothing to collect."""
    w.at(ENDS).post(Book(EPOCH, (), ()), [])
    w.mine(w.left(EPOCH)[2])
    assert w.call("Settlement", "final", address_of(w.server), EPOCH)
    with reverts("settlement: fee collected"):
        w.send(w.relayer, "Settlement", "collect", address_of(w.server), EPOCH)


def test_two_entries_of_one_payer_add_up(w: World) -> None:
    """The same voucher twice debits twice within the same cap: the second entry includes the first one's debit."""
    book = Book(EPOCH, ((ZERO, 1501),), ((address_of(w.station), 1000), (address_of(w.station), 501)))
    cap = gross(1000, BPS) + gross(501, BPS)
    w.at(ENDS)
    short, enough = ([Entry(p, net, *w.voucher(w.station, c)) for p, net in book.debits] for c in (cap - 1, cap))
    with reverts("settlement: voucher cap exceeded"):
        w.post(book, short)
    w.post(book, enough)
    assert w.account(address_of(w.station))[0] == cap
    assert w.call("Settlement", "commitment", address_of(w.server), EPOCH) == commitment(book.header)


def test_an_epoch_has_its_own_commission_rate(w: World) -> None:
    """A rate that begins with the next epoch leaves the last one's fee unchanged, though it is posted later."""
    w.send(w.platform, "Registry", "set_rate", 1000, EPOCH + 2)
    w.mine(SCHEDULE.ends(EPOCH + 1)).post(w.book(epoch=EPOCH + 1))
    assert w.left(EPOCH + 1)[1] == 1501 * BPS // 10_000
    w.mine(SCHEDULE.ends(EPOCH + 2))
    later = w.book(epoch=EPOCH + 2)
    w.post(later, [w.entry(later, cap=10**18)])
    assert w.left(EPOCH + 2)[1] == 150


def test_the_commission_is_paid_to_the_treasury(w: World) -> None:
    """Anyone sends it, once, when the epoch is final, and only to the treasury."""
    server = address_of(w.server)
    w.at(ENDS).post(w.book())
    ready = w.left(EPOCH)[2]
    w.at(ready - 1)
    with reverts("settlement: epoch not final"):
        w.send(w.relayer, "Settlement", "collect", server, EPOCH)
    receipt = w.at(ready).send(w.relayer, "Settlement", "collect", server, EPOCH)
    assert w.events("Settlement", "FeePaid", receipt) == [{"server": server, "epoch": EPOCH, "amount": 75}]
    assert w.balance(w.deployment.treasury) == 75
    with reverts("settlement: fee collected"):
        w.send(w.relayer, "Settlement", "collect", server, EPOCH)
    assert w.left(EPOCH)[:2] == (1501, 0)


def test_malleable_voucher_signatures_are_refused(w: World) -> None:
    """The other parity recovers to another signer, an s over half the order and zeros are invalid."""
    book = w.book()
    good = w.entry(book)
    w.at(ENDS)
    with reverts("settlement: invalid voucher"):
        w.post(book, [replace(good, vs=good.vs ^ 1 << 255)])
    with reverts("ecdsa: invalid signature `s` value"):
        w.post(book, [replace(good, vs=(1 << 255) - 1)])
    with reverts(NOBODY):
        w.post(book, [replace(good, r=0, vs=0)])
    w.post(book, [good])
