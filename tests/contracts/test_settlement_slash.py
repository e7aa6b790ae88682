"""Effects of an unanswered challenge: bond, epoch, and refunds to its payers."""

from __future__ import annotations

import pytest

from pywallet.crypto import address_of
from pywallet.errors import GomaaError
from pywallet.settlement import gross
from tests.contracts.anvil_world import BOND, BPS, EPOCH, ESCROW, SCHEDULE, Book, World, reverts
from tests.contracts.challenged import DUE, ENDS, posted

_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def lie(w: World) -> tuple[Book, int]:
    """Post without the fan's leaf and challenge it at DUE; return the book and the escrow before it."""
    escrow = w.account(address_of(w.station))[1]
    book = posted(w, w.book((address_of(w.owner), 1000), (bytes([5]) * 20, 501)))
    w.at(DUE).challenge(w.receipt(book, address_of(w.fan), 500))
    return book, escrow


def test_an_omitted_leaf_costs_the_bond(w: World) -> None:
    """Half and the stake to the challenger, half to the treasury, to the wei and the second; the epoch is void."""
    book, _ = lie(w)
    before, kept = w.balance(address_of(w.platform)), w.balance(w.deployment.settlement)
    signed = w.receipt(book, address_of(w.fan), 500)
    w.mine(DUE + SCHEDULE.answer - 1)
    with reverts("settlement: deadline not over"):
        w.slash(signed)
    receipt = w.slash(signed)
    (event,) = w.events("Settlement", "Slashed", receipt)
    assert (event["amount"], event["bond"], event["void"]) == (500, BOND, True)
    assert w.balance(address_of(w.platform)) == before + BOND // 2 + w.deployment.stake
    assert w.balance(w.deployment.treasury) == BOND - BOND // 2
    assert w.balance(w.deployment.settlement) == kept - BOND - w.deployment.stake
    assert w.server_state() == (0, 0)
    with reverts("settlement: no open challenge"):
        w.slash(signed)
    assert w.now() > w.left(EPOCH)[2]
    with reverts("settlement: epoch not final"):
        w.claim([w.item(book, 0)], book.tree.proof(0), address_of(w.owner))
    with reverts("settlement: epoch not final"):
        w.send(w.relayer, "Settlement", "collect", address_of(w.server), EPOCH)


def test_an_odd_bond_is_split_to_the_wei(w: World) -> None:
    """The greater half goes to the treasury."""
    w.send(w.platform, "Settlement", "bond", address_of(w.server), 1)
    book, _ = lie(w)
    w.at(DUE + SCHEDULE.answer + 1).slash(w.receipt(book, address_of(w.fan), 500))
    assert w.balance(w.deployment.treasury) == BOND // 2 + 1


def test_a_void_epoch_is_refunded_and_posted_again(w: World) -> None:
    """Payers get their gross back; with a new bond the true leaves can be posted in time, and are paid."""
    book, escrow = lie(w)
    with reverts("settlement: epoch not void"):
        w.refund(book)
    w.at(DUE + SCHEDULE.answer + 1).slash(w.receipt(book, address_of(w.fan), 500))
    true = w.book()
    with reverts("settlement: epoch posted"):
        w.post(true)
    with reverts("settlement: header differs"):
        w.refund(book, [(address_of(w.station), 1500)])
    with reverts("settlement: header differs"):
        w.refund(book, [])
    assert w.account(address_of(w.station)) == (gross(1501, BPS), escrow - gross(1501, BPS))
    receipt = w.refund(book)
    assert w.events("Settlement", "Refunded", receipt) == [{"server": address_of(w.server), "epoch": EPOCH}]
    assert w.account(address_of(w.station)) == (0, escrow)
    assert w.left(EPOCH) == (0, 0, 0)
    with reverts("settlement: epoch not void"):
        w.refund(book)
    with reverts("settlement: bond exceeded"):
        w.post(true)
    w.send(w.platform, "Settlement", "bond", address_of(w.server), 1501)
    w.final(true)
    w.claim([w.item(true, 1)], true.tree.proof(1), address_of(w.fan), key=w.fan)
    assert w.balance(address_of(w.fan)) == 500


def test_a_void_epoch_blocks_until_its_refund(w: World) -> None:
    """Until the payers are refunded the server cannot post, and the void post has no answers."""
    book, _ = lie(w)
    other = w.receipt(book, address_of(w.owner), 1000)
    w.challenge(other)
    w.at(DUE + SCHEDULE.answer + 1).slash(w.receipt(book, address_of(w.fan), 500))
    with reverts("settlement: epoch void"):
        w.answer(book, 0, 1000)
    w.send(w.platform, "Settlement", "bond", address_of(w.server), BOND)
    w.mine(ENDS + 60)
    following = w.book(epoch=EPOCH + 1)
    with reverts("settlement: last epoch pending"):
        w.post(following)
    w.refund(book)
    w.post(following)
    before = w.balance(address_of(w.platform))
    w.slash(other)
    assert w.balance(address_of(w.platform)) == before + w.deployment.stake + BOND // 2


def test_a_challenge_outlives_a_refund(w: World) -> None:
    """An open challenge blocks the next post too, and voids it if it stays unanswered."""
    book, _ = lie(w)
    other = w.receipt(book, address_of(w.owner), 1000)
    w.challenge(other)
    w.at(DUE + SCHEDULE.answer + 1).slash(w.receipt(book, address_of(w.fan), 500))
    w.refund(book)
    assert w.call("Settlement", "commitment", address_of(w.server), EPOCH) == bytes(32)
    with reverts("settlement: invalid proof"):
        w.answer(book, 0, 1000)
    w.send(w.platform, "Settlement", "bond", address_of(w.server), BOND)
    again = w.book((bytes([5]) * 20, 1501))
    w.post(again)
    assert w.call("Settlement", "epoch_meta", address_of(w.server), EPOCH) >> 232 == 1
    (event,) = w.events("Settlement", "Slashed", w.slash(other))
    assert event["void"]
    w.refund(again)


def test_a_late_challenge_slashes_but_never_voids(w: World) -> None:
    """A final epoch stays paid; the server loses its bond nevertheless."""
    book = w.final(w.book((address_of(w.owner), 1000), (address_of(w.other), 501)))
    signed = w.receipt(book, address_of(w.fan), 500)
    (event,) = w.events("Settlement", "Challenged", w.challenge(signed))
    assert not event["blocking"]
    w.claim([w.item(book, 0)], book.tree.proof(0), address_of(w.owner))
    w.mine(event["deadline"] + 1)
    (slashed,) = w.events("Settlement", "Slashed", w.slash(signed))
    assert (slashed["bond"], slashed["void"]) == (BOND, False)
    w.claim([w.item(book, 1)], book.tree.proof(1), address_of(w.other), key=w.other)


@pytest.mark.parametrize("late", [0, 1])
def test_a_challenge_blocks_until_the_second_before_ready(w: World, late: int) -> None:
    """In the last second of the window it blocks the epoch; one second later the epoch is final."""
    book = posted(w)
    ready = w.left(EPOCH)[2]
    receipt = w.at(ready - 1 + late).challenge(w.receipt(book, address_of(w.fan), 500))
    assert w.events("Settlement", "Challenged", receipt)[0]["blocking"] is (late == 0)
    w.mine(ready + 1)
    assert w.call("Settlement", "final", address_of(w.server), EPOCH) is bool(late)


def test_a_server_that_posts_nothing_is_slashed(w: World) -> None:
    """A receipt for an epoch that was never posted costs the bond; there is nothing to void or refund."""
    signed = w.receipt(w.book(), address_of(w.fan), 500)
    w.at(DUE).challenge(signed)
    (event,) = w.events("Settlement", "Slashed", w.at(DUE + SCHEDULE.answer + 1).slash(signed))
    assert (event["bond"], event["void"]) == (BOND, False)
    with reverts("settlement: epoch not void"):
        w.refund(w.book())
    with reverts("settlement: no bond"):
        w.challenge(signed)


def test_a_late_post_answers_earlier_challenges(w: World) -> None:
    """A server that was down posts within its epoch and answers; only time is lost."""
    book = w.book()
    w.at(DUE).challenge(w.receipt(book, address_of(w.fan), 500))
    w.post(book)
    w.mine(w.left(EPOCH)[2])
    assert not w.call("Settlement", "final", address_of(w.server), EPOCH)
    w.answer(book, 1, 500)
    assert w.call("Settlement", "final", address_of(w.server), EPOCH)


def test_a_post_in_its_window_can_be_challenged_without_a_bond(w: World) -> None:
    """A server that has itself slashed for an old epoch cannot finalise the pending one."""
    old = w.final(w.book((address_of(w.owner), 1501)))
    friend = w.receipt(old, address_of(w.other), 1)
    w.challenge(friend)
    pending = w.book((address_of(w.server), 1501), epoch=EPOCH + 1)
    w.at(SCHEDULE.ends(EPOCH + 1)).post(pending)
    w.slash(friend)
    assert w.server_state()[0] == 0
    victim = w.receipt(pending, address_of(w.fan), 500)
    w.at(SCHEDULE.ends(EPOCH + 1) + SCHEDULE.grace).challenge(victim)
    late = w.receipt(old, address_of(w.fan), 5)
    with reverts("settlement: no bond"):
        w.challenge(late)
    w.mine(SCHEDULE.ends(EPOCH + 1) + SCHEDULE.grace + SCHEDULE.answer + 2)
    (event,) = w.events("Settlement", "Slashed", w.slash(victim))
    assert (event["bond"], event["void"]) == (0, True)
    with reverts("settlement: no bond"):
        w.challenge(w.receipt(pending, address_of(w.fan), 6))


def test_the_challenge_counter_does_not_overflow(w: World) -> None:
    """The counter of open challenges is full at 2^23 - 1, and never reaches the void bit."""
    book = posted(w)
    server = address_of(w.server)
    word = w.call("Settlement", "epoch_meta", server, EPOCH)
    w.store(word, word | (2**23 - 2) << 232, server, EPOCH)
    w.at(DUE).challenge(w.receipt(book, address_of(w.fan), 1))
    assert w.call("Settlement", "epoch_meta", server, EPOCH) >> 232 == 2**23 - 1
    with reverts("settlement: too many challenges"):
        w.challenge(w.receipt(book, address_of(w.fan), 2))
    w.answer(book, 1, 1)


def test_a_refund_is_at_the_rate_of_its_epoch(w: World) -> None:
    """However late, and whatever the commission is by then."""
    w.send(w.platform, "Registry", "set_rate", 1000, EPOCH + 2)
    book, escrow = lie(w)
    w.at(DUE + SCHEDULE.answer + 1).slash(w.receipt(book, address_of(w.fan), 500))
    w.mine(SCHEDULE.ends(EPOCH + 9))
    w.send(w.platform, "Registry", "set_rate", 2000, EPOCH + 20)
    w.mine(SCHEDULE.ends(EPOCH + 29))
    w.send(w.platform, "Registry", "set_rate", 3000, EPOCH + 40)
    w.refund(book)
    assert w.account(address_of(w.station)) == (0, escrow)
    assert escrow == ESCROW


@pytest.mark.parametrize("amount", [2**96, 2**128 - 1, 2**128, 2**256 - 1])
def test_a_receipt_beyond_every_bound_slashes_its_server(w: World, amount: int) -> None:
    """A receipt over more than any tree can hold is valid.

    No leaf answers it, and sums that would overflow revert.
    """
    book = posted(w, w.book((address_of(w.fan), 500), (address_of(w.owner), 1001)))
    signed = w.receipt(book, address_of(w.fan), amount)
    w.at(DUE).challenge(signed)
    with reverts("settlement: leaf below challenge"):
        w.answer(book, 0, amount)
    with pytest.raises(GomaaError) as caught:
        w.answer(book, 0, amount, amount=2**256 - 1)
    assert caught.value.detail["reason"] in ("execution reverted", "proof")
    with reverts("settlement: invalid proof"):
        w.answer(book, 0, amount, amount=amount, proof=[(bytes(32), 0)])
    w.at(DUE + SCHEDULE.answer + 1).slash(signed)
    assert w.server_state()[0] == 0
