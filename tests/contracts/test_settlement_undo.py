"""Undo and refund of an epoch that is debited in parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pywallet.crypto import address_of
from pywallet.settlement import gross
from tests.contracts.anvil_world import BOND, BPS, EPOCH, ESCROW, SCHEDULE, Book, World, reverts
from tests.contracts.challenged import DUE, ENDS
from tests.contracts.drafts import LAST, NETS, NOTHING, book, debit, draft, fold, post, undo


def test_an_undo_reverses_the_last_debits(w: World) -> None:
    """Accounts, draft and event, across the parts' bounds; at last the initial state."""
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


def test_only_the_last_debits_can_be_undone(w: World) -> None:
    """Others, an earlier part, and a digest that does not precede them are refused."""
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


def test_undo_by_the_server_or_after_the_post_window(w: World) -> None:
    """The server at any time, anybody from the first second in which it can no longer be posted.

    Never after the post.
    """
    debit(w.at(ENDS), (), NETS[:2])
    w.at(LAST)
    with reverts("settlement: not undoable yet"):
        undo(w, (), NETS[:2], w.relayer)
    undo(w.at(LAST + 1), (), NETS[:2], w.relayer)
    assert w.account(address_of(w.station)) == (0, ESCROW)
    with reverts("settlement: no draft"):
        undo(w, (), NETS[:2], w.relayer)


def test_a_posted_epoch_is_not_undone(w: World) -> None:
    """Not by its server, not late."""
    debit(w.at(ENDS), (), NETS[:2])
    post(w, NETS[:2], NETS[2:])
    for second in (ENDS + 9, LAST + 9):
        w.at(second)
        with reverts("settlement: epoch posted"):
            undo(w, (), NETS[:2])


def void(w: World, parts: int = 2) -> Book:
    """Post so many entries in parts and the rest in the post itself, voided by a receipt without a leaf.

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
    """Refund the post's own debits."""
    return w.refund(made, [(address_of(w.station), net) for net in nets])


def test_a_void_post_of_parts_is_refunded_and_undone_by_anybody(w: World) -> None:
    """The refund returns the post's own debits and leaves a draft.

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


def test_a_void_draft_blocks_other_epochs(w: World) -> None:
    """Until it is undone, which anybody can do at once."""
    made = void(w)
    w.mine(LAST)
    refund(w, made, NETS[2:])
    with reverts("settlement: last epoch pending"):
        debit(w, (), NETS, EPOCH + 1)
    undo(w, (), NETS[:2], w.relayer)
    debit(w, (), NETS, EPOCH + 1)


def test_challenges_outlive_an_undo(w: World) -> None:
    """An open challenge blocks the next post; the void bit is cleared, its count stays."""
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


def test_a_challenge_of_a_draft_is_answered_by_its_post(w: World) -> None:
    """It is counted beside the draft's sums, and answered from the post."""
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


def test_undo_is_at_the_rate_of_the_epoch(w: World) -> None:
    """However late, and whatever the commission is by then."""
    w.send(w.platform, "Registry", "set_rate", 1000, EPOCH + 2)
    debit(w.at(ENDS), (), NETS)
    w.mine(SCHEDULE.ends(EPOCH + 9))
    undo(w, NETS[:2], NETS[2:], w.relayer)
    undo(w, (), NETS[:2], w.relayer)
    assert w.account(address_of(w.station)) == (0, ESCROW)


def test_two_servers_drafts_are_separate(w: World) -> None:
    """A draft is its sender's."""
    debit(w.at(ENDS), (), NETS[:2])
    digest, count = w.call("Settlement", "draft", address_of(w.other), EPOCH)
    assert (digest, count) == (NOTHING, 0)
    with reverts("settlement: draft differs"):
        w.send(w.other, "Settlement", "debit", EPOCH, fold(w, *NETS[:2]), [])
