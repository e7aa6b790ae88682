"""Epochs that are debited in parts: the parts add up to one post."""

from __future__ import annotations

from dataclasses import astuple

import pytest

from chain.contracts.settlement import Entry
from pywallet.crypto import address_of
from pywallet.settlement import commitment, gross
from tests.contracts.anvil_world import BOND, BPS, COUNTS, DATA, EPOCH, ESCROW, SCHEDULE, Book, World, reverts
from tests.contracts.challenged import ENDS
from tests.contracts.drafts import LAST, NETS, NOTHING, book, debit, draft, fold, post, rows, undo


def test_three_parts_equal_one_post(w: World) -> None:
    """Digest, commitment, total and fee are those of all entries; the events chain the parts."""
    made, station = book(w), address_of(w.station)
    first = debit(w.at(ENDS), (), NETS[:2])
    assert w.account(station) == (1000 + 50, ESCROW - 1050)
    assert draft(w) == (fold(w, *NETS[:2]), 2, 1000, 35 + 15)
    assert w.events("Settlement", "Debited", first) == [
        {
            "server": address_of(w.server),
            "epoch": EPOCH,
            "previous_digest": NOTHING,
            "digest": fold(w, *NETS[:2]),
            "total": 1000,
            "fee": 50,
        }
    ]
    assert w.call("Settlement", "server_state", address_of(w.server)) == (EPOCH + 1) << 96 | BOND
    (second,) = w.events("Settlement", "Debited", debit(w, NETS[:2], NETS[2:3]))
    assert (second["previous_digest"], second["digest"], second["total"], second["fee"]) == (
        fold(w, *NETS[:2]),
        fold(w, *NETS[:3]),
        400,
        20,
    )
    assert draft(w) == (fold(w, *NETS[:3]), 3, 1400, 70)
    (posted,) = w.events("Settlement", "Posted", post(w, NETS[:3], NETS[3:]))
    assert (posted["total"], posted["fee"], posted["digest"]) == (1501, 75, fold(w, *NETS))
    assert w.call("Settlement", "commitment", address_of(w.server), EPOCH) == commitment(made.header)
    assert w.account(station)[0] == sum(gross(net, BPS) for net in NETS)
    w.mine(w.left(EPOCH)[2])
    w.claim([w.item(made, 1)], made.tree.proof(1), address_of(w.owner))
    w.claim([w.item(made, 0)], made.tree.proof(0), address_of(w.fan), key=w.fan)
    w.send(w.relayer, "Settlement", "collect", address_of(w.server), EPOCH)
    assert w.balance(w.deployment.settlement) == BOND + ESCROW - w.account(address_of(w.station))[0]


def test_a_part_has_at_most_256_entries(w: World) -> None:
    """257 entries are a part of 256 and a post of one; 257 in one call are refused."""
    nets = [1] * 257
    made = Book(EPOCH, ((address_of(w.owner), 257),), [(address_of(w.station), net) for net in nets])
    w.at(ENDS)
    for call in (lambda: debit(w, (), nets), lambda: post(w, (), nets, made)):
        with pytest.raises(Exception, match=r"chain\.reverted"):
            call()
    debit(w, (), nets[:256])
    post(w, nets[:256], nets[256:], made)
    assert w.call("Settlement", "commitment", address_of(w.server), EPOCH) == commitment(made.header)


def test_a_part_sent_twice_is_debited_once(w: World) -> None:
    """Each names its predecessor; so does the post, which completes only the draft of its server's records."""
    debit(w.at(ENDS), (), NETS[:2])
    with reverts("settlement: draft differs"):
        debit(w, (), NETS[:2])
    with reverts("settlement: draft differs"):
        debit(w, NETS[:1], NETS[1:2])
    with reverts("settlement: draft differs"):
        post(w, (), NETS)
    with reverts("settlement: draft differs"):
        post(w, NETS[:3], NETS[3:])
    assert draft(w)[1] == 2
    post(w, NETS[:2], NETS[2:])
    with reverts("settlement: epoch posted"):
        debit(w, NETS[:2], NETS[2:])


def test_a_post_needs_the_draft_that_it_names(w: World) -> None:
    """Where a reorganisation removed the parts, the post reverts."""
    w.at(ENDS)
    with reverts("settlement: draft differs"):
        post(w, NETS[:3], NETS[3:])


@pytest.mark.parametrize(("second", "allowed"), [(ENDS - 1, False), (ENDS, True), (LAST, True), (LAST + 1, False)])
def test_parts_have_the_window_of_the_post(w: World, second: int, allowed: bool) -> None:
    """To the second, at both ends."""
    w.at(second)
    if allowed:
        debit(w, (), NETS[:1])
        return
    with reverts("settlement: outside post period"):
        debit(w, (), NETS[:1])


def test_parts_are_bounded_by_the_vouchers(w: World) -> None:
    """Cap and escrow are counted over all parts; the other rules hold for each entry."""
    cap = gross(700, BPS) + gross(300, BPS)
    capped = [astuple(Entry(address_of(w.station), net, *w.voucher(w.station, cap))) for net in (700, 300, 1)]
    w.at(ENDS).send(w.server, "Settlement", "debit", EPOCH, NOTHING, capped[:2])
    with reverts("settlement: voucher cap exceeded"):
        w.send(w.server, "Settlement", "debit", EPOCH, fold(w, 700, 300), capped[2:])
    with reverts("settlement: invalid voucher"):
        w.send(w.server, "Settlement", "debit", EPOCH, fold(w, 700, 300), rows(w, [1], server=address_of(w.other)))
    with reverts("settlement: voucher expired"):
        w.send(w.server, "Settlement", "debit", EPOCH, fold(w, 700, 300), rows(w, [1], EPOCH - 1))
    with reverts("settlement: net overflow"):
        w.send(w.server, "Settlement", "debit", EPOCH, fold(w, 700, 300), rows(w, [2**96]))
    with reverts("settlement: escrow too low"):
        w.send(w.server, "Settlement", "debit", EPOCH, fold(w, 700, 300), rows(w, [ESCROW]))


def test_the_bond_bounds_all_parts_together(w: World) -> None:
    """Exposure is of the sum, at every part and at the post, and of the bond at that time."""
    other, station = address_of(w.other), address_of(w.station)
    w.send(w.station, "Settlement", "deposit", other, station, ESCROW // 2)
    w.send(w.platform, "Settlement", "bond", other, 1500)
    mine = rows(w, NETS, server=other)
    w.at(ENDS).send(w.other, "Settlement", "debit", EPOCH, NOTHING, mine[:2])
    with reverts("settlement: bond exceeded"):
        w.send(w.other, "Settlement", "debit", EPOCH, fold(w, *NETS[:2]), mine[2:])
    with reverts("settlement: bond exceeded"):
        w.send(w.other, "Settlement", "post", EPOCH, NOTHING, COUNTS, DATA, fold(w, *NETS[:2]), mine[2:])
    w.send(w.platform, "Settlement", "bond", other, 1)
    w.send(w.other, "Settlement", "debit", EPOCH, fold(w, *NETS[:2]), mine[2:])
    word = w.call("Settlement", "server_state", other)
    w.store(word, word - 1, other)
    with reverts("settlement: bond exceeded"):
        w.send(w.other, "Settlement", "post", EPOCH, NOTHING, COUNTS, DATA, fold(w, *NETS), [])


def test_one_draft_at_a_time(w: World) -> None:
    """A draft blocks other epochs until it is posted or undone, and a pending post blocks drafts."""
    debit(w.at(LAST), (), NETS[:2])
    following = book(w, EPOCH + 1)
    for call in (lambda: debit(w, (), NETS, EPOCH + 1), lambda: post(w, (), NETS, following, EPOCH + 1)):
        with reverts("settlement: last epoch pending"):
            call()
    undo(w, NETS[:1], NETS[1:2])
    with reverts("settlement: last epoch pending"):
        debit(w, (), NETS, EPOCH + 1)
    undo(w, (), NETS[:1])
    debit(w, (), NETS[:2], EPOCH + 1)
    post(w, NETS[:2], NETS[2:], following, EPOCH + 1)
    w.mine(SCHEDULE.ends(EPOCH + 2))
    debit(w, (), NETS, EPOCH + 2)


def test_a_pending_post_blocks_drafts(w: World) -> None:
    """To the second in which it is final."""
    w.at(LAST).post(w.book())
    ready = w.left(EPOCH)[2]
    w.at(ready - 1)
    with reverts("settlement: last epoch pending"):
        debit(w, (), NETS, EPOCH + 1)
    debit(w.at(ready), (), NETS, EPOCH + 1)


def test_a_retired_server_debits_earlier_epochs_only(w: World) -> None:
    """Like a post."""
    w.at(ENDS - 1).send(w.platform, "Settlement", "retire", address_of(w.server))
    debit(w.at(ENDS), (), NETS[:1])
    undo(w, (), NETS[:1])
    w.mine(LAST)
    with reverts("settlement: server retired"):
        debit(w, (), NETS[:1], EPOCH + 1)
