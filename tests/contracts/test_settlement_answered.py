"""Coverage of an answer: every smaller receipt of its payee, under its own commitment, and nothing else."""

from __future__ import annotations

import pytest

from pywallet.crypto import address_of, keccak256
from pywallet.settlement import commitment
from tests.contracts.anvil_world import BOND, EPOCH, SCHEDULE, Book, World, reverts
from tests.contracts.challenged import DUE, posted


def shown(w: World, book: Book, payee: bytes) -> int:
    """Return the amount that an answer has shown of a payee."""
    return int(w.call("Settlement", "answered", commitment(book.header), payee))


def open_challenges(w: World) -> tuple[int, int]:
    """Return the open challenges of the epoch and of the server."""
    return w.call("Settlement", "epoch_meta", address_of(w.server), EPOCH) >> 232 & (1 << 23) - 1, w.server_state()[1]


def test_one_answer_covers_all_receipts_of_a_payee(w: World) -> None:
    """25 receipts of one payee: none of the others slashes, and any account dismisses them, for the server."""
    book, fan = posted(w), address_of(w.fan)
    w.at(DUE)
    receipts = [w.receipt(book, fan, amount) for amount in range(476, 501)]
    for signed in receipts:
        w.challenge(signed)
    # The last ones came after the window: they only risk the bond.
    assert open_challenges(w) == (15, 25)
    w.answer(book, 1, 500)
    assert shown(w, book, fan) == 500
    w.mine(DUE + 60)
    for signed in receipts[:-1]:
        with reverts("settlement: already answered"):
            w.slash(signed)
        w.dismiss(signed)
    assert open_challenges(w) == (0, 0)
    assert w.server_state() == (BOND + 25 * w.deployment.stake, 0)
    assert w.call("Settlement", "final", address_of(w.server), EPOCH)


def test_a_challenge_of_a_shown_amount_is_refused(w: World) -> None:
    """At or below the amount shown, to the wei, for this payee and no other, and late ones too."""
    book = w.book((address_of(w.owner), 1000), (address_of(w.fan), 500), (address_of(w.fan), 400))
    posted(w, book)
    fan = address_of(w.fan)
    w.at(DUE).challenge(w.receipt(book, fan, 10))
    w.answer(book, 2, 10)
    assert shown(w, book, fan) == 400
    for amount in (10, 400):
        with reverts("settlement: already answered"):
            w.challenge(w.receipt(book, fan, amount))
    w.challenge(w.receipt(book, fan, 401))
    w.challenge(w.receipt(book, address_of(w.owner), 10))
    w.answer(book, 1, 401)
    assert shown(w, book, fan) == 500
    w.mine(DUE + SCHEDULE.length)
    with reverts("settlement: already answered"):
        w.challenge(w.receipt(book, fan, 500))
    w.challenge(w.receipt(book, fan, 501))


def test_a_smaller_answer_lowers_nothing(w: World) -> None:
    """The greatest leaf that was shown counts."""
    book = posted(w, w.book((address_of(w.fan), 500), (address_of(w.fan), 400)))
    fan = address_of(w.fan)
    w.at(DUE).challenge(w.receipt(book, fan, 20))
    w.challenge(w.receipt(book, fan, 30))
    w.answer(book, 0, 20)
    w.answer(book, 1, 30)
    assert shown(w, book, fan) == 500


def test_a_dismissal_closes_only_covered_challenges(w: World) -> None:
    """Event, stake, both counters; never above the leaf, never twice, never before an answer."""
    book, fan = posted(w), address_of(w.fan)
    low, high = w.receipt(book, fan, 400), w.receipt(book, fan, 501)
    w.at(DUE).challenge(low)
    w.challenge(high)
    w.challenge(w.receipt(book, fan, 500))
    with reverts("settlement: not answered"):
        w.dismiss(low)
    w.answer(book, 1, 500)
    with reverts("settlement: not answered"):
        w.dismiss(high)
    receipt = w.dismiss(low)
    assert w.events("Settlement", "Dismissed", receipt) == [
        {"server": address_of(w.server), "epoch": EPOCH, "payee": fan, "amount": 400}
    ]
    assert w.server_state() == (BOND + 2 * w.deployment.stake, 1)
    with reverts("settlement: no open challenge"):
        w.dismiss(low)
    assert w.call("Settlement", "open_challenge", address_of(w.server), EPOCH, fan, 400)[1] == 0


def test_an_answer_does_not_cover_the_next_root(w: World) -> None:
    """A server that answers, lets the post be voided and posts a smaller leaf owes the leaf again."""
    book, fan = posted(w), address_of(w.fan)
    more, mine, other = w.receipt(book, fan, 501), w.receipt(book, fan, 500), w.receipt(book, fan, 499)
    w.at(DUE).challenge(more)
    w.challenge(mine)
    w.challenge(other)
    w.answer(book, 1, 500)
    w.mine(DUE + SCHEDULE.answer + 9).slash(more)
    with reverts("settlement: not answered"):
        w.dismiss(other)
    w.refund(book)
    with reverts("settlement: not answered"):
        w.dismiss(other)
    w.send(w.platform, "Settlement", "bond", address_of(w.server), BOND)
    again = w.book((address_of(w.owner), 1001), (fan, 400), (bytes([5]) * 20, 100))
    w.post(again)
    with reverts("settlement: not answered"):
        w.dismiss(other)
    w.challenge(mine)
    w.slash(other)
    assert w.server_state()[0] == 0


def test_an_answer_under_a_void_post_covers_nothing(w: World) -> None:
    """Its answers stop no slash, for a void post pays nobody."""
    book, fan = posted(w), address_of(w.fan)
    more, mine, other = w.receipt(book, fan, 501), w.receipt(book, fan, 500), w.receipt(book, fan, 499)
    w.at(DUE).challenge(more)
    w.challenge(mine)
    w.challenge(other)
    w.answer(book, 1, 500)
    w.mine(DUE + SCHEDULE.answer + 9).slash(more)
    w.send(w.platform, "Settlement", "bond", address_of(w.server), BOND)
    w.challenge(mine)
    w.slash(other)
    assert w.server_state()[0] == 0


def test_an_answer_covers_the_same_root_posted_again(w: World) -> None:
    """The leaf is under that root, whatever the time of the post."""
    book, fan = posted(w), address_of(w.fan)
    more, mine = w.receipt(book, fan, 501), w.receipt(book, fan, 500)
    w.at(DUE).challenge(more)
    w.challenge(mine)
    w.answer(book, 1, 500)
    w.mine(DUE + SCHEDULE.answer + 9).slash(more)
    w.refund(book)
    w.send(w.platform, "Settlement", "bond", address_of(w.server), BOND)
    w.post(book)
    with reverts("settlement: already answered"):
        w.challenge(mine)


def crowd(w: World, count: int) -> Book:
    """Return a post with so many payees."""
    return posted(w, w.book(*[(keccak256(bytes([n]))[:20], 10 + n) for n in range(count)]))


def test_a_batch_answers_many_payees(w: World) -> None:
    """Thirty-two in one transaction, each with its event; a thirty-third exceeds the bound."""
    book = crowd(w, 33)
    w.at(DUE)
    for payee, amount in book.leaves:
        w.challenge(w.receipt(book, payee, amount))
    with pytest.raises(Exception, match=r"chain\.reverted"):
        w.answers(book, [(leaf, 10 + leaf) for leaf in range(33)])
    receipt = w.answers(book, [(leaf, 10 + leaf) for leaf in range(32)])
    events = w.events("Settlement", "Answered", receipt)
    assert [(event["payee"], event["amount"], event["shown"], event["index"]) for event in events] == [
        (payee, amount, amount, leaf) for leaf, (payee, amount) in enumerate(book.leaves[:32])
    ]
    assert open_challenges(w) == (0, 1)
    assert w.server_state()[0] == BOND + 32 * w.deployment.stake


def test_a_batch_skips_closed_challenges(w: World) -> None:
    """Answering one of them first cannot stop the others, also where one is in the batch twice."""
    book = crowd(w, 5)
    w.at(DUE)
    for payee, amount in book.leaves[:3]:
        w.challenge(w.receipt(book, payee, amount))
    w.answer(book, 1, 11)
    receipt = w.answers(book, [(1, 11), (0, 10), (4, 14), (0, 10), (2, 12)])
    assert [event["amount"] for event in w.events("Settlement", "Answered", receipt)] == [10, 12]
    assert w.server_state() == (BOND + 3 * w.deployment.stake, 0)
    with reverts("settlement: no open challenge"):
        w.answers(book, [(0, 10), (1, 11)])
    with reverts("settlement: no open challenge"):
        w.answers(book, [])


def test_a_receipt_over_exactly_the_shown_amount_is_covered(w: World) -> None:
    """The leaf was shown for a smaller receipt: the one over all of it neither slashes nor stays open."""
    book, fan = posted(w), address_of(w.fan)
    w.at(DUE)
    smaller, whole = (w.receipt(book, fan, amount) for amount in (499, 500))
    for signed in (smaller, whole):
        w.challenge(signed)
    w.answer(book, 1, 499)
    assert (shown(w, book, fan), open_challenges(w)) == (500, (1, 1))
    w.mine(w.now() + SCHEDULE.answer + 1)
    with reverts("settlement: already answered"):
        w.slash(whole)
    w.dismiss(whole)
    assert w.server_state() == (BOND + 2 * w.deployment.stake, 0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"amount": 9}, "settlement: leaf below challenge"),
        ({"amount": 11}, "settlement: invalid proof"),
        ({"index": 1}, "settlement: invalid proof"),
        ({"index": 8}, "settlement: index out of range"),
        ({"depth": 33}, "settlement: index out of range"),
        ({"proof": []}, "settlement: invalid proof"),
    ],
)
def test_an_invalid_leaf_reverts_its_batch(w: World, change: dict[str, object], reason: str) -> None:
    """It is the sender's own error: no answer of the batch counts."""
    book = crowd(w, 5)
    w.at(DUE)
    for payee, amount in book.leaves:
        w.challenge(w.receipt(book, payee, amount))
    with reverts(reason):
        w.answers(book, [(0, 10)], **change)
    assert open_challenges(w) == (5, 5)
