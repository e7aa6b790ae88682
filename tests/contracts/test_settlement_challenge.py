"""Challenges: valid receipts, deadlines, and valid answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pywallet.crypto import address_of
from tests.contracts.anvil_world import BOND, EPOCH, NOBODY, SCHEDULE, ZERO, Book, World, reverts
from tests.contracts.challenged import DUE, posted

_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def test_a_challenge_takes_a_stake_and_blocks_the_epoch(w: World) -> None:
    """Event, record, tokens and both counters agree."""
    book = posted(w)
    fan, server, stake = address_of(w.fan), address_of(w.server), w.deployment.stake
    before = w.balance(w.deployment.settlement)
    (event,) = w.events("Settlement", "Challenged", w.at(DUE).challenge(w.receipt(book, fan, 500)))
    deadline = DUE + SCHEDULE.answer
    by = address_of(w.platform)
    assert event == {
        "server": server,
        "epoch": EPOCH,
        "payee": fan,
        "amount": 500,
        "challenger": by,
        "deadline": deadline,
        "blocking": True,
    }
    assert w.call("Settlement", "open_challenge", server, EPOCH, fan, 500)[1:] == (deadline, True)
    assert w.balance(w.deployment.settlement) == before + stake
    assert w.server_state() == (BOND, 1)
    w.mine(w.left(EPOCH)[2] + 100)
    assert not w.call("Settlement", "final", server, EPOCH)


@pytest.mark.parametrize(
    ("second", "allowed"),
    [(DUE - 1, False), (DUE, True), (DUE + SCHEDULE.late, True), (DUE + SCHEDULE.late + 1, False)],
)
def test_when_a_challenge_is_allowed_to_the_second(w: World, second: int, allowed: bool) -> None:
    """From the end of the grace time until CHALLENGE_PERIOD after it, posted or not."""
    signed = w.receipt(w.book(), address_of(w.fan), 500)
    w.at(second)
    if allowed:
        w.challenge(signed)
        return
    with reverts("settlement: not challengeable"):
        w.challenge(signed)


@pytest.mark.parametrize(
    "change", [{"amount": 501}, {"epoch": EPOCH - 1}, {"payee": bytes([7]) * 20}, {"detail": bytes(32)}]
)
def test_a_changed_receipt_is_refused(w: World, change: dict[str, int | bytes]) -> None:
    """Every field is under the signature."""
    signed = w.receipt(w.book(), address_of(w.fan), 500)
    w.at(DUE)
    with reverts("settlement: invalid receipt"):
        w.challenge(replace(signed, message=replace(signed.message, **change)))  # type: ignore[arg-type]


def test_only_the_servers_receipt_is_accepted(w: World) -> None:
    """Another signer's, none, and one of the zero server are refused."""
    fan = address_of(w.fan)
    w.at(DUE)
    with reverts("settlement: invalid receipt"):
        w.challenge(w.receipt(w.book(), fan, 500, w.other))
    row = (address_of(w.server), EPOCH, fan, 500, bytes(32))
    for server, r, vs, reason in (
        (row[0], 0, 0, NOBODY),
        (ZERO, 1, 1, "settlement: invalid receipt"),
        (row[0], 1, _ORDER // 2 + 1, "ecdsa: invalid signature `s` value"),
    ):
        with reverts(reason):
            w.send(w.platform, "Settlement", "challenge", (server, *row[1:]), r, vs)


def test_a_receipt_over_zero_is_refused(w: World) -> None:
    """A server that counts a play without earnings owes no leaf, and cannot be slashed for it."""
    w.at(DUE)
    with reverts("settlement: receipt over zero"):
        w.challenge(w.receipt(w.book(), address_of(w.fan), 0))


def test_one_receipt_is_challenged_once_at_a_time(w: World) -> None:
    """The same payee and amount is refused meanwhile.

    Another amount of the same payee is a challenge of its own, with its own answer.
    """
    book = posted(w)
    fan = address_of(w.fan)
    w.at(DUE).challenge(w.receipt(book, fan, 500))
    with reverts("settlement: already challenged"):
        w.challenge(w.receipt(book, fan, 500))
    w.challenge(w.receipt(book, fan, 499))
    assert w.server_state()[1] == 2
    w.answer(book, 1, 500)
    with reverts("settlement: no open challenge"):
        w.answer(book, 1, 500)
    w.answer(book, 1, 499)
    assert w.server_state() == (BOND + 2 * w.deployment.stake, 0)


def test_a_servers_own_challenge_blocks_no_greater_one(w: World) -> None:
    """A server that challenges itself for its small leaf does not stop the payee's own, greater receipt."""
    fan = address_of(w.fan)
    book = posted(w, w.book((fan, 1), (address_of(w.server), 1500)))
    w.at(DUE).challenge(w.receipt(book, fan, 1))
    true = w.receipt(book, fan, 500)
    w.challenge(true)
    w.answer(book, 0, 1)
    with reverts("settlement: leaf below challenge"):
        w.answer(book, 0, 500)
    w.mine(DUE + SCHEDULE.answer + 2)
    w.slash(true)
    assert w.left(EPOCH)[0] == 1501
    with reverts("settlement: epoch not final"):
        w.claim([w.item(book, 1)], book.tree.proof(1), address_of(w.server))


def test_a_challenge_needs_tokens_for_its_stake(w: World) -> None:
    """The token's revert is propagated, and no counter changes."""
    signed = w.receipt(w.book(), address_of(w.fan), 500)
    w.at(DUE)
    with reverts("erc20: insufficient allowance"):
        w.challenge(signed, w.fan)
    assert w.server_state()[1] == 0


def test_an_answer_shows_the_leaf_and_earns_the_stake(w: World) -> None:
    """Anyone answers, with a leaf of at least the amount; the epoch continues as without a challenge."""
    book = posted(w)
    fan = address_of(w.fan)
    w.at(DUE).challenge(w.receipt(book, fan, 400))
    receipt = w.answer(book, 1, 400)
    assert w.events("Settlement", "Answered", receipt) == [
        {"server": address_of(w.server), "epoch": EPOCH, "payee": fan, "amount": 400, "shown": 500, "index": 1}
    ]
    assert w.server_state() == (BOND + w.deployment.stake, 0)
    w.mine(w.left(EPOCH)[2])
    w.claim([w.item(book, 1)], book.tree.proof(1), fan, key=w.fan)
    assert w.balance(fan) == 500


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"amount": 501}, "settlement: invalid proof"),
        ({"amount": 499}, "settlement: leaf below challenge"),
        ({"index": 0}, "settlement: invalid proof"),
        ({"index": 5}, "settlement: index out of range"),
        ({"index": 1 << 255}, "settlement: index out of range"),
        ({"payee": bytes([5]) * 20}, "settlement: no open challenge"),
        ({"proof": []}, "settlement: index out of range"),
    ],
)
def test_invalid_answers_are_refused(w: World, change: dict[str, object], reason: str) -> None:
    """A greater amount than the leaf's, a smaller one, another index, another payee, a proof of another root."""
    book = posted(w)
    w.at(DUE).challenge(w.receipt(book, address_of(w.fan), 500))
    with reverts(reason):
        w.answer(book, 1, 500, **change)
    w.answer(book, 1, 500)


def test_an_answer_needs_the_posted_header(w: World) -> None:
    """Another digest, counts root or data hash is refused, and any answer before the post."""
    book = w.book()
    entries = [w.entry(book)]
    w.at(DUE).challenge(w.receipt(book, address_of(w.fan), 500))
    with reverts("settlement: invalid proof"):
        w.answer(book, 1, 500)
    w.post(book, entries)
    with reverts("settlement: invalid proof"):
        w.answer(book, 1, 500, header=replace(book.header, rest=bytes(32)))
    w.answer(book, 1, 500)


def test_a_root_with_a_wrong_sum_has_no_answers(w: World) -> None:
    """With a wrong sum at the root no challenge can be answered, so the epoch is void."""
    book = posted(w, Book(EPOCH, ((address_of(w.fan), 500),), ((address_of(w.station), 501),)))
    w.at(DUE).challenge(w.receipt(book, address_of(w.fan), 500))
    with reverts("settlement: invalid proof"):
        w.answer(book, 0, 500)
