"""`holds` checks four rights of an account: others cannot fill these places or remove the best right."""

from __future__ import annotations

import pytest

from pywallet.crypto import address_of
from tests.contracts.anvil_world import World, reverts
from tests.contracts.rights_shop import DAY, NO_PERMIT, RENT, Shop

FOREVER = 2**200


@pytest.mark.parametrize("how", ["give", "rent", "transferFrom", "loan"])
def test_strangers_cannot_block_a_purchase(w: World, shop: Shop, how: str) -> None:
    """However many cheap rights others send to an account, it can buy, holds what it bought, and keeps it."""
    fan, other = address_of(w.fan), address_of(w.other)

    def send() -> None:
        if how == "give":
            shop.do(w.owner, "give", shop.content, fan, DAY)
        elif how == "rent":
            shop.do(w.other, "rent", shop.content, fan, 1, shop.seen(), RENT, NO_PERMIT)
        else:
            number = shop.rent(w.other)
            rest = (other, fan, number) if how == "transferFrom" else (number, fan, w.now() + 1000)
            shop.do(w.other, how, *rest)

    for _ in range(17):
        send()
    number = shop.buy(w.fan)
    assert shop.holds(w.fan, FOREVER)
    for _ in range(5):
        send()
    assert shop.holds(w.fan, FOREVER)
    shop.do(w.fan, "list", number, 5)
    for _ in range(17):
        shop.do(w.owner, "give", shop.content, other, 0)
    shop.purchase(w.other, number, 5)
    assert [shop.holds(key, FOREVER) for key in (w.fan, w.other)] == [False, True]


def test_bought_rights_are_checked_first(w: World, shop: Shop) -> None:
    """Four rights without end that are all lent out do not hide the one rented meanwhile."""
    numbers = [shop.buy(w.fan) for _ in range(4)]
    until = w.now() + 3 * DAY
    for number in numbers:
        shop.do(w.fan, "loan", number, address_of(w.other), until)
    assert not shop.holds(w.fan)
    shop.rent(w.fan)
    assert shop.holds(w.fan)
    assert shop.holds(w.fan, until)


def test_a_fifth_right_can_be_picked(w: World, shop: Shop) -> None:
    """A right without a place plays once its holder picks it; others' and ended rights are refused."""
    fan, until = address_of(w.fan), w.now() + 2 * DAY
    numbers = [shop.made(shop.do(w.owner, "give", shop.content, fan, 0)) for _ in range(4)]
    short = shop.made(shop.do(w.owner, "give", shop.content, fan, DAY))
    for number in numbers:
        shop.do(w.fan, "loan", number, address_of(w.other), until)
    assert not shop.holds(w.fan)
    with reverts("rights: not the holder"):
        shop.do(w.relayer, "activate", short)
    shop.do(w.fan, "activate", short)
    shop.do(w.fan, "activate", short)
    assert shop.holds(w.fan)
    shop.do(w.other, "activate", numbers[0])
    # In the very second in which the loan ends.
    w.at(until)
    with reverts("rights: not the holder"):
        shop.do(w.other, "activate", numbers[0])
    with reverts("rights: not the holder"):
        shop.do(w.fan, "activate", short)


def test_a_gift_of_equal_length_displaces_nothing(w: World, shop: Shop) -> None:
    """A fifth right without end, sent by another account, has no place until its holder picks it."""
    numbers = [shop.buy(w.fan) for _ in range(4)]
    fifth = shop.made(shop.do(w.owner, "give", shop.content, address_of(w.fan), 0))
    for number in numbers:
        shop.do(w.fan, "loan", number, address_of(w.other), w.now() + DAY)
    assert not shop.holds(w.fan)
    shop.do(w.fan, "activate", fifth)
    assert shop.holds(w.fan)


def test_a_borrowed_right_can_be_picked(w: World, shop: Shop) -> None:
    """Beside four of its own that are lent out, a borrower picks the fifth."""
    mine = [shop.buy(w.fan) for _ in range(4)]
    theirs = shop.buy(w.other)
    until = w.now() + DAY
    for number in mine:
        shop.do(w.fan, "loan", number, address_of(w.relayer), until)
    shop.do(w.other, "loan", theirs, address_of(w.fan), until)
    assert not shop.holds(w.fan)
    shop.do(w.fan, "activate", theirs)
    assert (shop.holds(w.fan), shop.holds(w.other)) == (True, False)
