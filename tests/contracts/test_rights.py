"""Streaming rights: purchase, rent, loan and return, and their ends."""

from __future__ import annotations

import pytest

from pywallet.crypto import address_of
from pywallet.encoding.hex import to_hex
from tests.contracts.anvil_world import ZERO, World, reverts
from tests.contracts.rights_shop import DAY, NEW, NO_PERMIT, POLICY, PRICE, RENT, ROYALTY, Shop


def test_a_right_without_end(w: World, shop: Shop) -> None:
    """Paid to the owner, held by the buyer without end, and accepted by the content's licence check."""
    assert not w.call("Content", "licensed", address_of(w.fan), to=shop.content)
    receipt = shop.do(w.fan, "buy", shop.content, address_of(w.fan), shop.seen(), PRICE, NO_PERMIT)
    expected = {
        "id": 0,
        "content": shop.content,
        "holder": address_of(w.fan),
        "expires": 0,
        "version": 0,
        "price": PRICE,
    }
    assert w.events("Rights", "Granted", receipt) == [expected]
    assert w.balance(address_of(w.owner)) == PRICE
    assert (shop.holds(w.fan), shop.holds(w.fan, 2**255), shop.holds(w.other)) == (True, True, False)
    assert w.call("Content", "licensed", address_of(w.fan), to=shop.content)
    assert not w.call("Content", "licensed", address_of(w.other), to=shop.content)
    assert shop.ask("rights", 0) == (to_hex(shop.content), 0, POLICY, 0, ROYALTY)


def test_a_rented_right_ends_to_the_second(w: World, shop: Shop) -> None:
    """Until the second before its end it holds; then it neither plays nor moves."""
    number = shop.rent(w.fan, 2)
    ends = w.now() + 2 * DAY
    assert shop.ask("rights", number)[1] == ends
    assert (shop.holds(w.fan, ends - 1), shop.holds(w.fan, ends)) == (True, False)
    assert w.balance(address_of(w.owner)) == 2 * RENT
    w.mine(ends - 1)
    assert w.call("Content", "licensed", address_of(w.fan), to=shop.content)
    w.mine(ends)
    assert not w.call("Content", "licensed", address_of(w.fan), to=shop.content)
    with reverts("rights: expired"):
        shop.do(w.fan, "transferFrom", address_of(w.fan), address_of(w.other), number)
    with reverts("rights: expired"):
        shop.do(w.fan, "list", number, 1)
    with reverts("rights: expired"):
        shop.do(w.fan, "loan", number, address_of(w.other), ends + DAY)


@pytest.mark.parametrize(
    ("days", "price", "reason"),
    [
        (0, 0, "rights: invalid duration"),
        (3661, 3661 * RENT, "rights: invalid duration"),
        (2, RENT, "rights: price above maximum"),
    ],
)
def test_a_rent_is_priced_by_its_days(w: World, shop: Shop, days: int, price: int, reason: str) -> None:
    """At least a day, at most ten years, and the price of all its days."""
    with reverts(reason):
        shop.do(w.fan, "rent", shop.content, address_of(w.fan), days, shop.seen(), price, NO_PERMIT)
    shop.rent(w.fan, 3660)


def test_what_is_not_offered_cannot_be_bought(w: World, shop: Shop) -> None:
    """No terms, another price than was confirmed, or a revoked content."""
    with reverts("rights: price above maximum"):
        shop.buy(w.fan, PRICE - 1)
    shop.do(w.owner, "set_terms", shop.content, 0, 0, 0)
    for call in (lambda: shop.buy(w.fan), lambda: shop.rent(w.fan)):
        with reverts("rights: not offered"):
            call()
    shop.do(w.owner, "set_terms", shop.content, PRICE, RENT, 0)
    number = shop.buy(w.fan)
    shop.do(w.fan, "list", number, 5)
    w.send(w.owner, "Content", "revoke", to=shop.content)
    for call in (lambda: shop.buy(w.fan), lambda: shop.rent(w.fan), lambda: shop.purchase(w.other, number, 5)):
        with reverts("rights: content revoked"):
            call()
    with reverts("rights: content revoked"):
        shop.do(w.owner, "give", shop.content, address_of(w.fan), 0)
    assert not shop.holds(w.fan)


def test_only_the_owner_sets_terms(w: World, shop: Shop) -> None:
    """For a content of the registry, within bounds."""
    with reverts("rights: not the owner"):
        shop.do(w.fan, "set_terms", shop.content, 1, 1, 1)
    with reverts("rights: unknown content"):
        shop.do(w.owner, "set_terms", w.deployment.token, 1, 1, 1)
    for terms, reason in (
        ((2**96, 1, 1), "rights: price too large"),
        ((1, 2**80, 1), "rights: price too large"),
        ((1, 1, 5001), "rights: royalty too large"),
    ):
        with reverts(reason):
            shop.do(w.owner, "set_terms", shop.content, *terms)
    receipt = shop.do(w.owner, "set_terms", shop.content, 2**96 - 1, 2**80 - 1, 5000)
    assert w.events("Rights", "TermsSet", receipt) == [
        {"content": shop.content, "price": 2**96 - 1, "rent": 2**80 - 1, "royalty": 5000}
    ]


def test_a_right_keeps_the_terms_of_its_purchase(w: World, shop: Shop) -> None:
    """Neither a new policy nor a new royalty changes it; the next buyer gets the new ones."""
    first = shop.buy(w.fan)
    w.send(w.owner, "Content", "set_policy", NEW, 11, 30, to=shop.content)
    shop.do(w.owner, "set_terms", shop.content, PRICE, RENT, 5000)
    second = shop.buy(w.fan)
    assert shop.ask("rights", first)[2:] == (POLICY, 0, ROYALTY)
    assert shop.ask("rights", second)[2:] == (NEW, 1, 5000)


def test_an_owner_grants_rights(w: World, shop: Shop) -> None:
    """Free of charge, for a time or without end; others are refused."""
    receipt = shop.do(w.owner, "give", shop.content, address_of(w.fan), 10)
    assert w.events("Rights", "Granted", receipt)[0]["price"] == 0
    ends = w.now() + 10
    assert (shop.holds(w.fan, ends - 1), shop.holds(w.fan, ends)) == (True, False)
    shop.do(w.owner, "give", shop.content, address_of(w.fan), 0)
    assert shop.holds(w.fan, ends)
    with reverts("rights: not the owner"):
        shop.do(w.fan, "give", shop.content, address_of(w.fan), 0)
    with reverts("rights: unknown content"):
        shop.do(w.owner, "give", w.deployment.token, address_of(w.fan), 0)
    with reverts("rights: invalid duration"):
        shop.do(w.owner, "give", shop.content, address_of(w.fan), 3660 * DAY + 1)
    shop.do(w.owner, "give", shop.content, address_of(w.fan), 3660 * DAY)


def test_a_loan_ends_by_itself(w: World, shop: Shop) -> None:
    """At any second exactly one of the two has it; while lent it cannot be sold, moved or lent again."""
    number = shop.buy(w.fan)
    until = w.now() + 1000
    receipt = shop.do(w.fan, "loan", number, address_of(w.other), until)
    assert w.events("Rights", "Lent", receipt) == [{"id": number, "borrower": address_of(w.other), "until": until}]
    assert [shop.holds(key, until - 1) for key in (w.fan, w.other)] == [False, True]
    assert [shop.holds(key, until) for key in (w.fan, w.other)] == [True, False]
    shop.do(w.fan, "list", number, PRICE)
    for call in (
        lambda: shop.do(w.fan, "loan", number, address_of(w.relayer), until),
        lambda: shop.do(w.fan, "transferFrom", address_of(w.fan), address_of(w.relayer), number),
        lambda: shop.purchase(w.other, number, PRICE),
    ):
        with reverts("rights: lent"):
            call()
    with reverts("rights: not the holder"):
        shop.do(w.other, "loan", number, address_of(w.relayer), until)
    w.mine(until)
    shop.purchase(w.other, number, PRICE)
    assert shop.holds(w.other)


def test_a_borrower_may_end_a_loan(w: World, shop: Shop) -> None:
    """The holder has it again at once; the holder itself, or after the end anybody, cannot end it."""
    number = shop.buy(w.fan)
    until = w.now() + 1000
    shop.do(w.fan, "loan", number, address_of(w.other), until)
    with reverts("rights: not the borrower"):
        shop.do(w.fan, "give_back", number)
    receipt = shop.do(w.other, "give_back", number)
    assert w.events("Rights", "Returned", receipt) == [{"id": number, "borrower": address_of(w.other)}]
    assert [shop.holds(key) for key in (w.fan, w.other)] == [True, False]
    with reverts("rights: not the borrower"):
        shop.do(w.other, "give_back", number)


def test_invalid_loans_are_refused(w: World, shop: Shop) -> None:
    """To nobody, to oneself, into the past, or beyond the right's own end."""
    number = shop.rent(w.fan)
    ends = shop.ask("rights", number)[1]
    now = w.now()
    for borrower, until, reason in (
        (ZERO, now + 99, "rights: invalid borrower"),
        (address_of(w.fan), now + 99, "rights: invalid borrower"),
        (address_of(w.other), now, "rights: loan ends in the past"),
        (address_of(w.other), ends + 1, "rights: expired"),
    ):
        with reverts(reason):
            shop.do(w.fan, "loan", number, borrower, until)
    # Nor for zero seconds.
    w.at(now + 50)
    with reverts("rights: loan ends in the past"):
        shop.do(w.fan, "loan", number, address_of(w.other), now + 50)
    shop.do(w.fan, "loan", number, address_of(w.other), ends)
