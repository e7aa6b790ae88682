"""An epoch that is debited in parts: how they add up to one post, and how they are taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

import pytest

from chain.contracts.settlement import Entry
from pywallet.crypto import address_of
from pywallet.settlement import commitment, entries_digest, gross
from tests.contracts.anvil_world import BOND, BPS, COUNTS, DATA, EPOCH, ESCROW, SCHEDULE, Book, World, reverts
from tests.contracts.challenged import DUE, ENDS

NETS = (700, 300, 400, 101)
NOTHING = bytes(32)
LAST = ENDS + SCHEDULE.length
"""The last second in which the epoch can be posted."""


def book(w: World, epoch: int = EPOCH) -> Book:
    """An epoch with four debits of the station."""
    return Book(
        epoch, ((address_of(w.fan), 500), (address_of(w.owner), 1001)), [(address_of(w.station), net) for net in NETS]
    )


def rows(w: World, nets: Sequence[int], epoch: int = EPOCH, **voucher: Any) -> list[tuple[Any, ...]]:
    """Entries of the station under a voucher that covers everything."""
    return [astuple(Entry(address_of(w.station), net, *w.voucher(w.station, 2**120, epoch, **voucher))) for net in nets]


def fold(w: World, *nets: int) -> bytes:
    """The digest of the station's debits."""
    return entries_digest([(address_of(w.station), net) for net in nets])


def debit(w: World, before: Sequence[int], nets: Sequence[int], epoch: int = EPOCH) -> dict[str, Any]:
    """Debit a part after another."""
    return w.send(w.server, "Settlement", "debit", epoch, fold(w, *before), rows(w, nets, epoch))


def post(
    w: World, before: Sequence[int], nets: Sequence[int], made: Book | None = None, epoch: int = EPOCH
) -> dict[str, Any]:
    """Complete a draft."""
    root = (made or book(w)).tree.root
    return w.send(w.server, "Settlement", "post", epoch, root, COUNTS, DATA, fold(w, *before), rows(w, nets, epoch))


def undo(
    w: World, before: Sequence[int], nets: Sequence[int], key: bytes | None = None, epoch: int = EPOCH
) -> dict[str, Any]:
    """Take the last debits back, as the server."""
    debits = [(address_of(w.station), net) for net in nets]
    return w.send(key or w.server, "Settlement", "undo", address_of(w.server), epoch, fold(w, *before), debits)


def draft(w: World, epoch: int = EPOCH) -> tuple[bytes, int, int, int]:
    """Digest and count, and what the epoch holds of nets and commissions."""
    digest, count = w.call("Settlement", "draft", address_of(w.server), epoch)
    left, fee, _ = w.left(epoch)
    return digest, count, left, fee


def test_three_parts_make_the_post_that_one_would_be(w: World) -> None:
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


def test_more_payers_than_a_transaction_takes(w: World) -> None:
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


def test_a_part_that_is_sent_twice_is_debited_once(w: World) -> None:
    """Each names what it is added to; so does the post, which completes no other draft than its server knows."""
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
    """Where a reorganisation took the parts away, the post does not go through without them."""
    w.at(ENDS)
    with reverts("settlement: draft differs"):
        post(w, NETS[:3], NETS[3:])


@pytest.mark.parametrize(("second", "allowed"), [(ENDS - 1, False), (ENDS, True), (LAST, True), (LAST + 1, False)])
def test_the_window_of_a_part_is_the_posts(w: World, second: int, allowed: bool) -> None:
    """To the second, at both ends."""
    w.at(second)
    if allowed:
        debit(w, (), NETS[:1])
        return
    with reverts("settlement: outside post period"):
        debit(w, (), NETS[:1])


def test_a_part_is_held_to_the_vouchers(w: World) -> None:
    """Cap and escrow are counted over all parts; the other rules hold entry by entry."""
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
    """Exposure is of the sum, at every part and at the post, and of the bond as it is then."""
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


def test_one_epoch_at_a_time(w: World) -> None:
    """A draft keeps other epochs out until it is posted or undone, and a pending post keeps drafts out."""
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


def test_a_pending_post_keeps_drafts_out(w: World) -> None:
    """To the second in which it is final."""
    w.at(LAST).post(w.book())
    ready = w.left(EPOCH)[2]
    w.at(ready - 1)
    with reverts("settlement: last epoch pending"):
        debit(w, (), NETS, EPOCH + 1)
    debit(w.at(ready), (), NETS, EPOCH + 1)


def test_a_retired_lane_debits_earlier_epochs_only(w: World) -> None:
    """As it posts."""
    w.at(ENDS - 1).send(w.platform, "Settlement", "retire", address_of(w.server))
    debit(w.at(ENDS), (), NETS[:1])
    undo(w, (), NETS[:1])
    w.mine(LAST)
    with reverts("settlement: server retired"):
        debit(w, (), NETS[:1], EPOCH + 1)


def test_an_undo_unwinds_from_the_end(w: World) -> None:
    """Accounts, draft and event, across the parts' bounds; at last as if nothing had been."""
    station = address_of(w.station)
    debit(w.at(ENDS), (), NETS[:2])
    debit(w, NETS[:2], NETS[2:])
    receipt = undo(w, NETS[:1], NETS[1:])
    assert w.events("Settlement", "Undone", receipt) == [
        {
            "server": address_of(w.server),
            "epoch": EPOCH,
            "previous_digest": fold(w, 700),
            "total": 801,
            "fee": 15 + 20 + 5,
        }
    ]
    assert w.account(station) == (735, ESCROW - 735)
    assert draft(w) == (fold(w, 700), 1, 700, 35)
    undo(w, (), NETS[:1])
    assert w.account(station) == (0, ESCROW)
    assert draft(w) == (NOTHING, 0, 0, 0)
    with reverts("settlement: no draft"):
        undo(w, (), ())
    w.post(w.book())


def test_only_the_last_debits_unwind(w: World) -> None:
    """Neither others nor an earlier part, nor a digest that they do not lead from."""
    debit(w.at(ENDS), (), NETS[:3])
    for before, nets in (
        ((), NETS[:2]),
        (NETS[:1], NETS[1:2]),
        (NETS[:2], (401,)),
        (NETS[:1], NETS[2:3]),
        ((), ()),
        (NETS[:2], ()),
    ):
        with reverts("settlement: debits differ"):
            undo(w, before, nets)
    undo(w, NETS[:3], ())
    assert draft(w)[1] == 3


def test_who_may_undo_and_when(w: World) -> None:
    """The server at any time, anybody from the first second in which it can no longer be posted.

    Never what is posted.
    """
    debit(w.at(ENDS), (), NETS[:2])
    w.at(LAST)
    with reverts("settlement: not undoable yet"):
        undo(w, (), NETS[:2], w.relayer)
    undo(w.at(LAST + 1), (), NETS[:2], w.relayer)
    assert w.account(address_of(w.station)) == (0, ESCROW)
    with reverts("settlement: no draft"):
        undo(w, (), NETS[:2], w.relayer)


def test_what_is_posted_is_not_undone(w: World) -> None:
    """Not by its server, not late."""
    debit(w.at(ENDS), (), NETS[:2])
    post(w, NETS[:2], NETS[2:])
    for second in (ENDS + 9, LAST + 9):
        w.at(second)
        with reverts("settlement: epoch posted"):
            undo(w, (), NETS[:2])


def void(w: World, parts: int = 2) -> Book:
    """A post of so many entries in parts and the rest in itself, void by a receipt that it does not honour.

    The server has a bond again.
    """
    made = book(w)
    w.at(ENDS)
    if parts:
        debit(w, (), NETS[:parts])
    post(w, NETS[:parts], NETS[parts:])
    signed = w.receipt(made, address_of(w.fan), 501)
    w.at(DUE).challenge(signed)
    w.at(DUE + SCHEDULE.answer + 1).slash(signed)
    w.send(w.platform, "Settlement", "bond", address_of(w.server), BOND)
    return made


def refund(w: World, made: Book, nets: Sequence[int]) -> dict[str, Any]:
    """Give the post's own debits back."""
    return w.refund(made, [(address_of(w.station), net) for net in nets])


def test_a_void_post_of_parts_is_refunded_and_unwound_by_anybody(w: World) -> None:
    """The refund gives the post's own debits back and leaves a draft.

    When that is undone, the epoch can be posted again.
    """
    made, station = void(w), address_of(w.station)
    for wrong in (NETS, NETS[1:], NETS[3:], ()):
        with reverts("settlement: header differs"):
            refund(w, made, wrong)
    with reverts("settlement: epoch posted"):
        undo(w, (), NETS[:2], w.relayer)
    refund(w, made, NETS[2:])
    assert w.account(station)[0] == gross(700, BPS) + gross(300, BPS)
    assert draft(w) == (fold(w, *NETS[:2]), 2, 1000, 50)
    assert w.left(EPOCH)[2] == 0
    for call in (lambda: debit(w, NETS[:2], NETS[2:]), lambda: post(w, NETS[:2], NETS[2:]), lambda: debit(w, (), NETS)):
        with reverts("settlement: epoch void"):
            call()
    with reverts("settlement: header differs"):
        refund(w, made, NETS[2:])
    undo(w, NETS[:1], NETS[1:2], w.relayer)
    with reverts("settlement: epoch void"):
        debit(w, NETS[:1], NETS[1:])
    undo(w, (), NETS[:1], w.relayer)
    assert w.account(station) == (0, ESCROW)
    assert w.call("Settlement", "epoch_meta", address_of(w.server), EPOCH) == 0
    debit(w, (), NETS[:3])
    post(w, NETS[:3], NETS[3:])


def test_a_void_draft_lets_no_other_epoch_in(w: World) -> None:
    """Until it is unwound, which anybody can do at once."""
    made = void(w)
    w.mine(LAST)
    refund(w, made, NETS[2:])
    with reverts("settlement: last epoch pending"):
        debit(w, (), NETS, EPOCH + 1)
    undo(w, (), NETS[:2], w.relayer)
    debit(w, (), NETS, EPOCH + 1)


def test_challenges_outlive_an_unwinding(w: World) -> None:
    """One that was open holds what is posted next; the void bit goes, its count stays."""
    made = book(w)
    debit(w.at(ENDS), (), NETS[:2])
    post(w, NETS[:2], NETS[2:])
    first, second = w.receipt(made, address_of(w.fan), 501), w.receipt(made, address_of(w.fan), 502)
    w.at(DUE).challenge(first)
    w.challenge(second)
    w.at(DUE + SCHEDULE.answer + 2).slash(first)
    refund(w, made, NETS[2:])
    undo(w, (), NETS[:2], w.relayer)
    assert w.call("Settlement", "epoch_meta", address_of(w.server), EPOCH) == 1 << 232
    w.send(w.platform, "Settlement", "bond", address_of(w.server), BOND)
    debit(w, (), NETS[:2])
    assert w.call("Settlement", "epoch_meta", address_of(w.server), EPOCH) >> 232 == 1
    (event,) = w.events("Settlement", "Slashed", w.slash(second))
    assert not event["void"]
    undo(w, (), NETS[:2])


def test_a_challenge_of_a_draft_waits_for_its_post(w: World) -> None:
    """It counts beside the draft's sums, and the post answers it."""
    made = book(w)
    debit(w.at(DUE), (), NETS[:2])
    w.challenge(w.receipt(made, address_of(w.fan), 500))
    with reverts("settlement: invalid proof"):
        w.answer(made, 0, 500)
    post(w, NETS[:2], NETS[2:])
    assert w.call("Settlement", "epoch_meta", address_of(w.server), EPOCH) >> 232 == 1
    w.answer(made, 0, 500)
    w.mine(w.left(EPOCH)[2])
    assert w.call("Settlement", "final", address_of(w.server), EPOCH)


def test_parts_go_back_at_the_rate_of_their_epoch(w: World) -> None:
    """However late, and whatever the commission is by then."""
    w.send(w.platform, "Registry", "set_rate", 1000, EPOCH + 2)
    debit(w.at(ENDS), (), NETS)
    w.mine(SCHEDULE.ends(EPOCH + 9))
    undo(w, NETS[:2], NETS[2:], w.relayer)
    undo(w, (), NETS[:2], w.relayer)
    assert w.account(address_of(w.station)) == (0, ESCROW)


def test_two_servers_drafts_are_apart(w: World) -> None:
    """A draft is its sender's."""
    debit(w.at(ENDS), (), NETS[:2])
    digest, count = w.call("Settlement", "draft", address_of(w.other), EPOCH)
    assert (digest, count) == (NOTHING, 0)
    with reverts("settlement: draft differs"):
        w.send(w.other, "Settlement", "debit", EPOCH, fold(w, *NETS[:2]), [])
