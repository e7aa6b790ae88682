"""Values that a buyer confirms.

A change by owner or seller before the purchase reverts it with its own reason.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pywallet.crypto import address_of
from tests.contracts.anvil_world import World, reverts
from tests.contracts.rights_shop import NEW, NO_PERMIT, PRICE, RENT, ROYALTY, Shop

Change = Callable[[World, Shop], Any]
OWNERS: dict[str, tuple[Change, str]] = {
    "policy": (
        lambda w, shop: w.send(w.owner, "Content", "set_policy", NEW, 11, 30, to=shop.content),
        "rights: policy changed",
    ),
    "royalty": (
        lambda w, shop: shop.do(w.owner, "set_terms", shop.content, PRICE, RENT, ROYALTY + 1),
        "rights: royalty changed",
    ),
    "price": (
        lambda w, shop: shop.do(w.owner, "set_terms", shop.content, PRICE + 1, RENT + 1, ROYALTY),
        "rights: price above maximum",
    ),
    "terms": (lambda w, shop: shop.do(w.owner, "set_terms", shop.content, 0, 0, ROYALTY), "rights: not offered"),
    "revoke": (lambda w, shop: w.send(w.owner, "Content", "revoke", to=shop.content), "rights: content revoked"),
    "destroy": (lambda w, shop: w.send(w.owner, "Content", "destroy", to=shop.content), "rights: content revoked"),
}
"""What an owner can do between a buyer's look and its purchase of a new right, and the reason that the buyer then
reads.
"""


@pytest.mark.parametrize("change", sorted(OWNERS))
@pytest.mark.parametrize("name", ["buy", "rent"])
def test_an_owners_change_before_a_purchase_reverts_it(w: World, shop: Shop, name: str, change: str) -> None:
    """Nothing is paid or granted under terms that the buyer has not confirmed."""
    days = () if name == "buy" else (3,)
    most = PRICE if name == "buy" else 3 * RENT
    row = (shop.content, address_of(w.fan), *days, shop.seen(), most, NO_PERMIT)
    act, reason = OWNERS[change]
    act(w, shop)
    before = w.balance(address_of(w.fan))
    with reverts(reason):
        shop.do(w.fan, name, *row)
    assert (w.balance(address_of(w.fan)), shop.holds(w.fan)) == (before, False)


@pytest.mark.parametrize("field", [0, 1])
def test_a_policy_is_confirmed_by_version_and_hash(w: World, shop: Shop, field: int) -> None:
    """After a reorganisation a version may have another hash: both must be the confirmed ones."""
    version, policy, royalty = shop.seen()
    wrong = (version + 1, policy, royalty) if field == 0 else (version, NEW, royalty)
    for name, row in (("buy", (wrong, PRICE)), ("rent", (1, wrong, RENT))):
        with reverts("rights: policy changed"):
            shop.do(w.fan, name, shop.content, address_of(w.fan), *row, NO_PERMIT)


def test_a_lower_price_is_accepted(w: World, shop: Shop) -> None:
    """The confirmed maximum is a bound, not the price; a permit for it leaves no more than the difference."""
    row = (shop.content, address_of(w.fan), shop.seen(), PRICE, NO_PERMIT)
    shop.do(w.owner, "set_terms", shop.content, PRICE - 7, RENT - 7, ROYALTY)
    receipt = shop.do(w.fan, "buy", *row)
    assert w.events("Rights", "Granted", receipt)[0]["price"] == PRICE - 7
    receipt = shop.do(w.fan, "rent", shop.content, address_of(w.fan), 2, shop.seen(), 2 * RENT, NO_PERMIT)
    assert w.events("Rights", "Granted", receipt)[0]["price"] == 2 * (RENT - 7)
    assert w.balance(address_of(w.owner)) == PRICE - 7 + 2 * (RENT - 7)


def test_a_listed_right_is_confirmed_in_full(w: World, shop: Shop) -> None:
    """Content, end, policy, royalty and maximum price: each change has its reason, also the seller's new price."""
    number = shop.rent(w.fan, 3)
    shop.do(w.fan, "list", number, 50)
    content, expires, (version, policy, royalty) = shop.facts(number)
    other = bytes([9]) * 20
    for row, reason in (
        ((other, expires, (version, policy, royalty), 50), "rights: content differs"),
        ((content, 0, (version, policy, royalty), 50), "rights: expiry differs"),
        ((content, expires + 1, (version, policy, royalty), 50), "rights: expiry differs"),
        ((content, expires, (version + 1, policy, royalty), 50), "rights: policy changed"),
        ((content, expires, (version, NEW, royalty), 50), "rights: policy changed"),
        ((content, expires, (version, policy, royalty + 1), 50), "rights: royalty changed"),
        ((content, expires, (version, policy, royalty), 49), "rights: price above maximum"),
    ):
        with reverts(reason):
            shop.do(w.other, "purchase", number, *row, NO_PERMIT)
    seen = shop.facts(number)
    shop.do(w.fan, "list", number, 51)
    with reverts("rights: price above maximum"):
        shop.do(w.other, "purchase", number, *seen, 50, NO_PERMIT)
    shop.do(w.fan, "list", number, 49)
    before = w.balance(address_of(w.other))
    shop.do(w.other, "purchase", number, *seen, 50, NO_PERMIT)
    assert before - w.balance(address_of(w.other)) == 49


def test_owners_changes_are_counted(w: World, shop: Shop) -> None:
    """Terms and grants of the owner are counted.

    Others' purchases, rents, loans and moves are not: they cannot revert a sale of the recording.
    """
    assert shop.ask("changes", shop.content) == 1
    number = shop.buy(w.fan)
    shop.rent(w.other)
    shop.do(w.fan, "loan", number, address_of(w.other), w.now() + 100)
    shop.do(w.other, "give_back", number)
    shop.do(w.fan, "list", number, 5)
    shop.purchase(w.other, number, 5)
    shop.do(w.other, "transferFrom", address_of(w.other), address_of(w.fan), number)
    shop.do(w.fan, "activate", number)
    assert shop.ask("changes", shop.content) == 1
    shop.do(w.owner, "give", shop.content, address_of(w.fan), 10)
    shop.do(w.owner, "set_terms", shop.content, 1, 1, 1)
    assert shop.ask("changes", shop.content) == 3
