"""Sale of a recording, and change of its policy.

In two steps, at the confirmed price, without effect on rights that others hold.
"""

from __future__ import annotations

from typing import Any

import pytest

from pywallet.crypto import address_of
from pywallet.encoding.hex import to_hex
from tests.contracts.anvil_world import EPOCH, FALSE_TOKEN, SCHEDULE, ZERO, World, reverts

POLICY, NEW, SALT = bytes([1]) * 32, bytes([2]) * 32, bytes([4]) * 32
STATION = bytes([0xA]) * 20
PRICE = 10**18


@pytest.fixture
def content(w: World) -> bytes:
    """The owner's content; the fan has tokens and has approved it."""
    receipt = w.send(w.owner, "Registry", "create", POLICY, 10, 30, address_of(w.server), False, SALT)
    made = bytes(w.events("Registry", "ContentCreated", receipt)[0]["content"])
    w.send(w.platform, "GoMAA", "transfer", address_of(w.fan), 2 * PRICE)
    w.send(w.fan, "GoMAA", "approve", made, 2 * PRICE)
    return made


def owners(w: World, content: bytes, *epochs: int) -> list[str]:
    """Return the owner that earns in each epoch."""
    return [w.call("Content", "owner_at", epoch, to=content) for epoch in epochs]


def do(w: World, key: bytes, content: bytes, name: str, *args: Any) -> dict[str, Any]:
    """Send a transaction to the content."""
    return w.send(key, "Content", name, *args, to=content)


def seen(w: World, content: bytes) -> tuple[bytes, int, int, int]:
    """Values that a buyer of the recording confirms.

    The policy's hash and version, and the counts of the owner's changes of it and of rights.
    """
    policy, version, changes = (w.call("Content", name, to=content) for name in ("policy_hash", "version", "changes"))
    return policy, version, changes, w.call("Rights", "changes", content, to=w.deployment.rights)


def accept(w: World, key: bytes, content: bytes, most: int) -> dict[str, Any]:
    """Accept the offer under its current values."""
    return do(w, key, content, "accept", most, seen(w, content))


def test_a_sale_moves_decisions_at_once_and_income_next_epoch(w: World, content: bytes) -> None:
    """The running epoch's income stays the seller's, so an epoch has one owner."""
    owner, fan = address_of(w.owner), address_of(w.fan)
    receipt = do(w, w.owner, content, "offer_to", fan, PRICE)
    assert w.events("Content", "Offered", receipt) == [{"to": fan, "price": PRICE}]
    assert w.call("Content", "offer", to=content) == (to_hex(fan), PRICE, True)
    receipt = accept(w, w.fan, content, PRICE)
    assert w.events("Content", "OwnerSet", receipt) == [
        {"owner": fan, "previous_owner": owner, "price": PRICE, "from_epoch": EPOCH + 1}
    ]
    assert w.balance(owner) == PRICE
    assert w.call("Content", "owner", to=content) == to_hex(fan)
    assert w.call("Registry", "is_owner", fan)
    assert not w.call("Registry", "is_owner", address_of(w.other))
    assert w.call("Content", "state", to=content)[0] == to_hex(owner)
    assert owners(w, content, 0, EPOCH, EPOCH + 1, EPOCH + 99) == [to_hex(owner)] * 2 + [to_hex(fan)] * 2
    with reverts("content: not the owner"):
        do(w, w.owner, content, "revoke")
    w.mine(SCHEDULE.ends(EPOCH))
    assert w.call("Content", "state", to=content)[0] == to_hex(fan)
    do(w, w.fan, content, "set_license", STATION, True)
    with reverts("content: no offer"):
        accept(w, w.fan, content, PRICE)


def test_a_recording_can_be_sold_repeatedly(w: World, content: bytes) -> None:
    """Every past epoch keeps its owner; of two sales in one epoch the last counts."""
    a, b, c = (to_hex(address_of(key)) for key in (w.owner, w.fan, w.other))
    do(w, w.owner, content, "offer_to", address_of(w.fan), 0)
    accept(w, w.fan, content, 0)
    w.mine(SCHEDULE.ends(EPOCH + 2))
    do(w, w.fan, content, "offer_to", address_of(w.owner), 0)
    accept(w, w.owner, content, 0)
    do(w, w.owner, content, "offer_to", address_of(w.other), 0)
    accept(w, w.other, content, 0)
    assert owners(w, content, *range(EPOCH, EPOCH + 6)) == [a, b, b, b, c, c]
    assert w.call("Content", "owner_changes", to=content) == 2
    assert w.call("Content", "owner", to=content) == c


def test_only_the_named_buyer_accepts_at_the_confirmed_price(w: World, content: bytes) -> None:
    """Others, a changed price, a withdrawn offer and a missing offer are refused."""
    with reverts("content: no offer"):
        accept(w, w.fan, content, 0)
    do(w, w.owner, content, "offer_to", address_of(w.fan), PRICE)
    with reverts("content: offered to another"):
        accept(w, w.other, content, PRICE)
    do(w, w.owner, content, "offer_to", address_of(w.fan), 2 * PRICE)
    with reverts("content: price above maximum"):
        accept(w, w.fan, content, PRICE)
    receipt = do(w, w.owner, content, "retract")
    assert w.events("Content", "Retracted", receipt) == [{}]
    with reverts("content: no offer"):
        accept(w, w.fan, content, 2 * PRICE)
    with reverts("content: no offer"):
        do(w, w.owner, content, "retract")


def test_an_offer_to_anyone_needs_a_price(w: World, content: bytes) -> None:
    """Any account may accept it at that price; a gift needs a named receiver."""
    with reverts("content: offer without price"):
        do(w, w.owner, content, "offer_to", ZERO, 0)
    do(w, w.owner, content, "offer_to", ZERO, PRICE)
    with reverts("erc20: insufficient allowance"):
        accept(w, w.other, content, PRICE)
    accept(w, w.fan, content, PRICE)
    assert w.call("Content", "owner", to=content) == to_hex(address_of(w.fan))


@pytest.mark.parametrize("name", ["revoke", "destroy"])
def test_a_revoked_recording_cannot_be_bought(w: World, content: bytes, name: str) -> None:
    """The owner cannot sell and revoke, in either order: the buyer keeps its tokens."""
    do(w, w.owner, content, "offer_to", address_of(w.fan), PRICE)
    do(w, w.owner, content, name)
    with reverts("content: revoked"):
        accept(w, w.fan, content, PRICE)
    assert w.balance(address_of(w.fan)) == 2 * PRICE


def test_a_new_policy_leaves_the_old_one_readable(w: World, content: bytes) -> None:
    """Versions count up, the newest is in force from now on, and every older hash remains readable."""
    assert w.call("Content", "version", to=content) == 0
    receipt = do(w, w.owner, content, "set_policy", NEW, 2**96 - 1, 60)
    assert w.events("Content", "PolicySet", receipt) == [
        {"version": 1, "policy_hash": NEW, "price": 2**96 - 1, "interval": 60}
    ]
    assert w.call("Content", "state", to=content)[1:4] == (NEW, 2**96 - 1, 60)
    assert w.call("Content", "policy_hash", to=content) == NEW
    assert [w.call("Content", "policy", number, to=content) for number in (0, 1, 2)] == [POLICY, NEW, bytes(32)]
    for change, reason in (
        ((POLICY, 2**96, 60), "content: price too large"),
        ((POLICY, 1, 0), "content: interval is zero"),
    ):
        with reverts(reason):
            do(w, w.owner, content, "set_policy", *change)
    do(w, w.owner, content, "revoke")
    with reverts("content: revoked"):
        do(w, w.owner, content, "set_policy", POLICY, 1, 1)


@pytest.mark.parametrize(
    ("name", "arguments"), [("set_policy", (NEW, 1, 1)), ("offer_to", (STATION, 1)), ("retract", ())]
)
def test_only_the_owner_sells_and_sets_terms(w: World, content: bytes, name: str, arguments: tuple[Any, ...]) -> None:
    """Neither the platform nor the named buyer can."""
    do(w, w.owner, content, "offer_to", address_of(w.fan), PRICE)
    for key in (w.platform, w.fan):
        with reverts("content: not the owner"):
            do(w, key, content, name, *arguments)


def test_a_sale_fails_where_the_token_returns_false(w: World, content: bytes) -> None:
    """The sale reverts if the transfer returns false."""
    do(w, w.owner, content, "offer_to", address_of(w.fan), PRICE)
    token = to_hex(w.deployment.token)
    code = w.request("eth_getCode", token, "latest")
    w.request("anvil_setCode", token, FALSE_TOKEN)
    with reverts("content: transfer failed"):
        accept(w, w.fan, content, PRICE)
    w.request("anvil_setCode", token, code)
    assert w.call("Content", "owner", to=content) == to_hex(address_of(w.owner))


def test_an_accepted_offer_is_deleted(w: World, content: bytes) -> None:
    """The former owner's offer does not bind the new one."""
    do(w, w.owner, content, "offer_to", ZERO, PRICE)
    accept(w, w.fan, content, PRICE)
    assert w.call("Content", "offer", to=content) == ("0x" + "00" * 20, 0, False)
    with reverts("content: no offer"):
        do(w, w.fan, content, "retract")


CHANGES: dict[str, tuple[str, tuple[Any, ...], str]] = {
    "policy": ("set_policy", (NEW, 11, 30), "content: policy changed"),
    "licence": ("set_license", (STATION, True), "content: state changed"),
    "price": ("offer_to", (ZERO, PRICE + 1), "content: price above maximum"),
    "receiver": ("offer_to", (STATION, PRICE), "content: offered to another"),
    "retracted": ("retract", (), "content: no offer"),
    "revoked": ("revoke", (), "content: revoked"),
    "destroyed": ("destroy", (), "content: revoked"),
}
"""What an owner can do between a buyer's look and its acceptance.

Function, arguments, and the reason that the buyer then reads.
"""


@pytest.mark.parametrize("change", sorted(CHANGES))
def test_an_owners_change_before_a_sale_reverts_it(w: World, content: bytes, change: str) -> None:
    """The buyer keeps its tokens, and can buy after confirming the new values."""
    do(w, w.owner, content, "offer_to", address_of(w.fan), PRICE)
    looked = seen(w, content)
    name, arguments, reason = CHANGES[change]
    do(w, w.owner, content, name, *arguments)
    with reverts(reason):
        do(w, w.fan, content, "accept", PRICE, looked)
    assert w.balance(address_of(w.fan)) == 2 * PRICE
    if change in ("policy", "licence"):
        accept(w, w.fan, content, PRICE)
        assert w.call("Content", "owner", to=content) == to_hex(address_of(w.fan))


@pytest.mark.parametrize(("name", "arguments"), [("give", (STATION, 0)), ("set_terms", (1, 1, 0))])
def test_rights_granted_before_a_sale_revert_it(
    w: World, content: bytes, name: str, arguments: tuple[Any, ...]
) -> None:
    """An owner cannot grant rights to friends, or sell them for almost nothing, while the purchase is pending."""
    do(w, w.owner, content, "offer_to", address_of(w.fan), PRICE)
    looked = seen(w, content)
    w.send(w.owner, "Rights", name, content, *arguments, to=w.deployment.rights)
    with reverts("content: rights changed"):
        do(w, w.fan, content, "accept", PRICE, looked)
    accept(w, w.fan, content, PRICE)


def test_other_accounts_cannot_revert_a_sale(w: World, content: bytes) -> None:
    """Rights that others buy, lend and move before the acceptance change no confirmed value."""
    rights = w.deployment.rights
    w.send(w.owner, "Rights", "set_terms", content, 5, 1, 500, to=rights)
    do(w, w.owner, content, "offer_to", address_of(w.fan), PRICE)
    looked = seen(w, content)
    w.send(w.platform, "GoMAA", "approve", rights, 100)
    permit, policy = (0, 0, bytes(32), bytes(32)), (0, POLICY, 500)
    for _ in range(3):
        w.send(w.platform, "Rights", "rent", content, address_of(w.fan), 1, policy, 1, permit, to=rights)
    w.send(w.platform, "Rights", "buy", content, address_of(w.platform), policy, 5, permit, to=rights)
    w.send(w.platform, "Rights", "loan", 3, address_of(w.fan), w.now() + 99, to=rights)
    do(w, w.fan, content, "accept", PRICE, looked)
    assert w.call("Content", "owner", to=content) == to_hex(address_of(w.fan))


def test_a_lower_price_is_accepted(w: World, content: bytes) -> None:
    """The confirmed maximum is a bound, not the price."""
    do(w, w.owner, content, "offer_to", ZERO, PRICE)
    looked = seen(w, content)
    do(w, w.owner, content, "offer_to", ZERO, PRICE - 1)
    receipt = do(w, w.fan, content, "accept", PRICE, looked)
    assert w.events("Content", "OwnerSet", receipt)[0]["price"] == w.balance(address_of(w.owner)) == PRICE - 1


@pytest.mark.parametrize("field", range(4))
def test_each_confirmed_value_is_checked(w: World, content: bytes, field: int) -> None:
    """Hash, version and both counts: one that differs reverts with its own reason."""
    do(w, w.owner, content, "offer_to", address_of(w.fan), 0)
    values: list[Any] = list(seen(w, content))
    values[field] = NEW if field == 0 else values[field] + 1
    with reverts(f"content: {('policy', 'policy', 'state', 'rights')[field]} changed"):
        do(w, w.fan, content, "accept", 0, tuple(values))
