"""Streaming rights: bought, rented, lent and back, resold with royalties, and never longer than they last."""

from __future__ import annotations

from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from contracts.compile import artifacts
from pywallet.hexes import to_hex
from pywallet.platform import address_of
from tests.contracts.anvil_world import FALSE_TOKEN, ZERO, World, reverts

POLICY, NEW, SALT = bytes([1]) * 32, bytes([2]) * 32, bytes([4]) * 32
PRICE, RENT, ROYALTY, DAY = 10**18, 10**16, 1000, 86_400
NO_PERMIT = (0, 0, bytes(32), bytes(32))


class Shop:
    """A content with terms, and short ways to trade rights to it."""

    def __init__(self, w: World) -> None:
        self.w = w
        receipt = w.send(w.owner, "Registry", "create", POLICY, 10, 30, address_of(w.server), False, SALT)
        self.content = bytes(w.events("Registry", "ContentCreated", receipt)[0]["content"])
        self.do(w.owner, "set_terms", self.content, PRICE, RENT, ROYALTY)
        for key in (w.fan, w.other):
            w.send(w.platform, "GoMAA", "transfer", address_of(key), 100 * PRICE)
            w.send(key, "GoMAA", "approve", w.deployment.rights, 100 * PRICE)

    def do(self, key: bytes, name: str, *args: Any) -> dict[str, Any]:
        """A transaction to the rights' contract."""
        return self.w.send(key, "Rights", name, *args, to=self.w.deployment.rights)

    def ask(self, name: str, *args: Any) -> Any:
        """A read of it."""
        return self.w.call("Rights", name, *args, to=self.w.deployment.rights)

    def holds(self, key: bytes, time: int | None = None) -> bool:
        """Whether a key's account has a right, now by default."""
        return bool(self.ask("holds", address_of(key), self.content, self.w.now() if time is None else time))

    def buy(self, key: bytes, price: int = PRICE) -> int:
        """A right for good; its number."""
        return self.made(self.do(key, "buy", self.content, address_of(key), price, NO_PERMIT))

    def rent(self, key: bytes, days: int = 1) -> int:
        """A right for some days; its number."""
        return self.made(self.do(key, "rent", self.content, address_of(key), days, days * RENT, NO_PERMIT))

    def made(self, receipt: dict[str, Any]) -> int:
        """The number of the right that a receipt granted."""
        return int(self.w.events("Rights", "Granted", receipt)[0]["id"])


@pytest.fixture
def shop(w: World) -> Shop:
    """The owner's content, for sale and for rent."""
    return Shop(w)


def test_a_right_for_good(w: World, shop: Shop) -> None:
    """Paid to the owner, held by the buyer for ever, and enough for the content's own licence check."""
    assert not w.call("Content", "licensed", address_of(w.fan), to=shop.content)
    receipt = shop.do(w.fan, "buy", shop.content, address_of(w.fan), PRICE, NO_PERMIT)
    expected = {"id": 0, "content": shop.content, "holder": address_of(w.fan), "expires": 0, "version": 0, "price": PRICE}
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
    with reverts("expired"):
        shop.do(w.fan, "transferFrom", address_of(w.fan), address_of(w.other), number)
    with reverts("expired"):
        shop.do(w.fan, "list", number, 1)
    with reverts("expired"):
        shop.do(w.fan, "loan", number, address_of(w.other), ends + DAY)


@pytest.mark.parametrize(("days", "price", "reason"), [(0, 0, "days"), (3661, 3661 * RENT, "days"), (2, RENT, "price")])
def test_a_rent_has_its_price(w: World, shop: Shop, days: int, price: int, reason: str) -> None:
    """At least a day, at most ten years, and the price of all its days."""
    with reverts(reason):
        shop.do(w.fan, "rent", shop.content, address_of(w.fan), days, price, NO_PERMIT)
    shop.rent(w.fan, 3660)


def test_what_is_not_offered_is_not_sold(w: World, shop: Shop) -> None:
    """No terms, another price than was seen, or a content that was withdrawn."""
    with reverts("price"):
        shop.buy(w.fan, PRICE - 1)
    shop.do(w.owner, "set_terms", shop.content, 0, 0, 0)
    for call in (lambda: shop.buy(w.fan), lambda: shop.rent(w.fan)):
        with reverts("terms"):
            call()
    shop.do(w.owner, "set_terms", shop.content, PRICE, RENT, 0)
    number = shop.buy(w.fan)
    shop.do(w.fan, "list", number, 5)
    w.send(w.owner, "Content", "revoke", to=shop.content)
    for call in (lambda: shop.buy(w.fan), lambda: shop.rent(w.fan), lambda: shop.do(w.other, "purchase", number, 5, NO_PERMIT)):
        with reverts("revoked"):
            call()
    with reverts("revoked"):
        shop.do(w.owner, "give", shop.content, address_of(w.fan), 0)
    assert not shop.holds(w.fan)


def test_only_the_owner_sets_terms(w: World, shop: Shop) -> None:
    """Of a content of the registry, within bounds."""
    with reverts("owner"):
        shop.do(w.fan, "set_terms", shop.content, 1, 1, 1)
    with reverts("content"):
        shop.do(w.owner, "set_terms", w.deployment.token, 1, 1, 1)
    for terms, reason in (((2**96, 1, 1), "price"), ((1, 2**80, 1), "price"), ((1, 1, 5001), "royalty")):
        with reverts(reason):
            shop.do(w.owner, "set_terms", shop.content, *terms)
    receipt = shop.do(w.owner, "set_terms", shop.content, 2**96 - 1, 2**80 - 1, 5000)
    assert w.events("Rights", "TermsSet", receipt) == [{"content": shop.content, "price": 2**96 - 1, "rent": 2**80 - 1, "royalty": 5000}]


def test_a_right_keeps_what_it_was_bought_under(w: World, shop: Shop) -> None:
    """Neither a new policy nor a new royalty reaches it; the next buyer gets the new ones."""
    first = shop.buy(w.fan)
    w.send(w.owner, "Content", "set_policy", NEW, 11, 30, to=shop.content)
    shop.do(w.owner, "set_terms", shop.content, PRICE, RENT, 5000)
    second = shop.buy(w.fan)
    assert shop.ask("rights", first)[2:] == (POLICY, 0, ROYALTY)
    assert shop.ask("rights", second)[2:] == (NEW, 1, 5000)


def test_an_owner_gives_rights(w: World, shop: Shop) -> None:
    """For nothing, for a time or for good, and nobody else does."""
    receipt = shop.do(w.owner, "give", shop.content, address_of(w.fan), 10)
    assert w.events("Rights", "Granted", receipt)[0]["price"] == 0
    ends = w.now() + 10
    assert (shop.holds(w.fan, ends - 1), shop.holds(w.fan, ends)) == (True, False)
    shop.do(w.owner, "give", shop.content, address_of(w.fan), 0)
    assert shop.holds(w.fan, ends)
    with reverts("owner"):
        shop.do(w.fan, "give", shop.content, address_of(w.fan), 0)
    with reverts("content"):
        shop.do(w.owner, "give", w.deployment.token, address_of(w.fan), 0)
    with reverts("days"):
        shop.do(w.owner, "give", shop.content, address_of(w.fan), 3660 * DAY + 1)
    shop.do(w.owner, "give", shop.content, address_of(w.fan), 3660 * DAY)


def test_a_loan_comes_back_by_itself(w: World, shop: Shop) -> None:
    """One of the two has it at any second; lent it cannot be sold, moved or lent again."""
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
        lambda: shop.do(w.other, "purchase", number, PRICE, NO_PERMIT),
    ):
        with reverts("lent"):
            call()
    with reverts("holder"):
        shop.do(w.other, "loan", number, address_of(w.relayer), until)
    w.mine(until)
    shop.do(w.other, "purchase", number, PRICE, NO_PERMIT)
    assert shop.holds(w.other)


def test_a_borrower_may_end_a_loan(w: World, shop: Shop) -> None:
    """The holder has it again at once; the holder itself, or after the end anybody, cannot end it."""
    number = shop.buy(w.fan)
    until = w.now() + 1000
    shop.do(w.fan, "loan", number, address_of(w.other), until)
    with reverts("borrower"):
        shop.do(w.fan, "give_back", number)
    receipt = shop.do(w.other, "give_back", number)
    assert w.events("Rights", "Returned", receipt) == [{"id": number, "borrower": address_of(w.other)}]
    assert [shop.holds(key) for key in (w.fan, w.other)] == [True, False]
    with reverts("borrower"):
        shop.do(w.other, "give_back", number)


def test_what_is_no_loan(w: World, shop: Shop) -> None:
    """To nobody, to oneself, into the past, or beyond the right's own end."""
    number = shop.rent(w.fan)
    ends = shop.ask("rights", number)[1]
    now = w.now()
    for borrower, until, reason in (
        (ZERO, now + 99, "borrower"),
        (address_of(w.fan), now + 99, "borrower"),
        (address_of(w.other), now, "until"),
        (address_of(w.other), ends + 1, "expired"),
    ):
        with reverts(reason):
            shop.do(w.fan, "loan", number, borrower, until)
    shop.do(w.fan, "loan", number, address_of(w.other), ends)


def test_a_resale_pays_the_band(w: World, shop: Shop) -> None:
    """The royalty of the right goes to whoever owns the content now, the rest to the seller, and together it is the price."""
    number = shop.buy(w.fan)
    receipt = shop.do(w.fan, "list", number, 999)
    assert w.events("Rights", "Listed", receipt) == [{"id": number, "seller": address_of(w.fan), "price": 999}]
    before = [w.balance(address_of(key)) for key in (w.owner, w.fan, w.other)]
    receipt = shop.do(w.other, "purchase", number, 999, NO_PERMIT)
    after = [w.balance(address_of(key)) for key in (w.owner, w.fan, w.other)]
    assert [b - a for a, b in zip(before, after, strict=True)] == [99, 900, -999]
    expected = {"id": number, "seller": address_of(w.fan), "buyer": address_of(w.other), "price": 999, "royalty": 99}
    assert w.events("Rights", "Resold", receipt) == [expected]
    assert [shop.holds(key) for key in (w.fan, w.other)] == [False, True]
    found = shop.w.request("eth_call", {"to": to_hex(w.deployment.rights), "data": to_hex(_royalty_call(number, 999))}, "latest")
    assert found == to_hex(address_of(w.owner).rjust(32, b"\0") + (99).to_bytes(32, "big"))
    with reverts("listing"):
        shop.do(w.fan, "purchase", number, 999, NO_PERMIT)


def _royalty_call(number: int, price: int) -> bytes:
    from chain.abi import function

    return function("Rights", "royaltyInfo").encode(number, price)


def test_a_listing_is_its_holders(w: World, shop: Shop) -> None:
    """Only who holds it lists and takes back; a price that was changed is not paid; a transfer ends it."""
    number = shop.buy(w.fan)
    with reverts("holder"):
        shop.do(w.other, "list", number, 5)
    for price in (0, 2**96):
        with reverts("price"):
            shop.do(w.fan, "list", number, price)
    with reverts("listing"):
        shop.do(w.fan, "unlist", number)
    shop.do(w.fan, "list", number, 5)
    with reverts("holder"):
        shop.do(w.other, "unlist", number)
    shop.do(w.fan, "list", number, 6)
    with reverts("price"):
        shop.do(w.other, "purchase", number, 5, NO_PERMIT)
    receipt = shop.do(w.fan, "unlist", number)
    assert w.events("Rights", "Unlisted", receipt) == [{"id": number}]
    with reverts("listing"):
        shop.do(w.other, "purchase", number, 6, NO_PERMIT)
    shop.do(w.fan, "list", number, 6)
    shop.do(w.fan, "transferFrom", address_of(w.fan), address_of(w.relayer), number)
    with reverts("listing"):
        shop.do(w.other, "purchase", number, 6, NO_PERMIT)
    assert shop.holds(w.relayer)


@pytest.mark.parametrize("taken", [False, True])
def test_a_purchase_with_a_permit_is_one_transaction(w: World, shop: Shop, taken: bool) -> None:
    """No approval before; and it goes through even if somebody used the signature first."""
    number = shop.buy(w.fan)
    shop.do(w.fan, "list", number, 1000)
    w.send(w.other, "GoMAA", "approve", w.deployment.rights, 0)
    with reverts("erc20: insufficient allowance"):
        shop.do(w.other, "purchase", number, 1000, NO_PERMIT)
    permit = _permit(w, w.other, 1000)
    if taken:
        v, r, s = permit[1:]
        w.send(w.relayer, "GoMAA", "permit", address_of(w.other), w.deployment.rights, 1000, permit[0], v, r, s)
    shop.do(w.other, "purchase", number, 1000, permit)
    assert shop.holds(w.other)
    assert w.call("GoMAA", "allowance", address_of(w.other), w.deployment.rights) == 0


def _permit(w: World, key: bytes, value: int) -> tuple[int, int, bytes, bytes]:
    deadline = w.now() + 100
    domain = {"name": "GoMAA", "version": "1", "chainId": 31337, "verifyingContract": to_hex(w.deployment.token)}
    parts = ("owner address", "spender address", "value uint256", "nonce uint256", "deadline uint256")
    types = {"Permit": [dict(zip(("name", "type"), part.split(), strict=True)) for part in parts]}
    who, spender = to_hex(address_of(key)), to_hex(w.deployment.rights)
    message = {"owner": who, "spender": spender, "value": value, "nonce": 0, "deadline": deadline}
    signed = Account.sign_message(encode_typed_data(domain, types, message), key)
    return deadline, signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big")


@pytest.mark.parametrize("name", ["buy", "rent"])
def test_a_new_right_can_be_had_with_a_permit(w: World, shop: Shop, name: str) -> None:
    """Approved, paid and granted in one transaction; the allowance is used up."""
    w.send(w.other, "GoMAA", "approve", w.deployment.rights, 0)
    price = PRICE if name == "buy" else RENT
    terms = (price,) if name == "buy" else (1, price)
    shop.do(w.other, name, shop.content, address_of(w.other), *terms, _permit(w, w.other, price))
    assert shop.holds(w.other)
    assert w.call("GoMAA", "allowance", address_of(w.other), w.deployment.rights) == 0


def test_rights_are_counted_up(w: World, shop: Shop) -> None:
    """Numbers follow one another, and are listed by holder and over all."""
    assert [shop.buy(w.fan), shop.buy(w.other), shop.rent(w.fan)] == [0, 1, 2]
    assert shop.ask("totalSupply") == 3
    assert [shop.ask("tokenOfOwnerByIndex", address_of(w.fan), n) for n in (0, 1)] == [0, 2]


def test_nothing_is_granted_without_the_price(w: World, shop: Shop) -> None:
    """A token that says false sells no right, new or used."""
    number = shop.buy(w.fan)
    shop.do(w.fan, "list", number, 1000)
    token = to_hex(w.deployment.token)
    code = w.request("eth_getCode", token, "latest")
    w.request("anvil_setCode", token, FALSE_TOKEN)
    for call in (lambda: shop.buy(w.other), lambda: shop.rent(w.other), lambda: shop.do(w.other, "purchase", number, 1000, NO_PERMIT)):
        with reverts("token"):
            call()
    w.request("anvil_setCode", token, code)
    assert not shop.holds(w.other)


@pytest.mark.parametrize("missing", [0, 1])
def test_rights_need_token_and_registry(w: World, missing: int) -> None:
    """Neither can be set later."""
    from eth_abi.abi import encode

    addresses = [w.deployment.token, w.deployment.registry]
    addresses[missing] = ZERO
    code = bytes.fromhex(artifacts()["Rights"]["bytecode"][2:])
    with reverts("zero"):
        w.transact(w.platform, None, code + encode(["address", "address"], addresses))


def test_a_false_permit_pays_nothing(w: World, shop: Shop) -> None:
    """A signature that is not the buyer's leaves the purchase without an allowance."""
    w.send(w.other, "GoMAA", "approve", w.deployment.rights, 0)
    with reverts("erc20: insufficient allowance"):
        shop.do(w.other, "buy", shop.content, address_of(w.other), PRICE, _permit(w, w.fan, PRICE))


def test_rights_move_like_any_erc721(w: World, shop: Shop) -> None:
    """By the holder or who it approved, to somebody, once; contracts are asked whether they take them."""
    number = shop.buy(w.fan)
    fan, other, relayer = (address_of(key) for key in (w.fan, w.other, w.relayer))
    refused = "erc721: caller is not token owner or approved"
    for name in ("transferFrom", "safeTransferFrom"):
        with reverts(refused):
            w.transact(w.other, w.deployment.rights, _transfer_call(name, fan, other, number))
    with reverts("erc721: transfer to the zero address"):
        shop.do(w.fan, "transferFrom", fan, ZERO, number)
    with reverts("erc721: transfer from incorrect owner"):
        shop.do(w.fan, "transferFrom", relayer, other, number)
    shop.do(w.fan, "approve", other, number)
    shop.do(w.other, "transferFrom", fan, relayer, number)
    assert (shop.holds(w.fan), shop.holds(w.relayer)) == (False, True)
    assert shop.ask("ownerOf", number) == to_hex(relayer)
    with reverts(refused):
        shop.do(w.other, "transferFrom", relayer, other, number)
    w.transact(w.relayer, w.deployment.rights, _transfer_call("safeTransferFrom", relayer, other, number))
    assert shop.holds(w.other)
    with pytest.raises(Exception, match=r"chain\.reverted"):
        w.transact(w.other, w.deployment.rights, _transfer_call("safeTransferFrom", other, w.deployment.token, number))
    shop.do(w.other, "transferFrom", other, other, number)
    assert shop.holds(w.other)


def _transfer_call(name: str, holder: bytes, to: bytes, number: int) -> bytes:
    from eth_abi.abi import encode

    from pywallet.platform import keccak256

    return keccak256(f"{name}(address,address,uint256)".encode())[:4] + encode(["address", "address", "uint256"], [holder, to, number])


def test_places_are_freed_when_rights_end(w: World, shop: Shop) -> None:
    """Sixteen rights that last to one content is the most for one account; ended ones make room."""
    receipt = None
    for _ in range(15):
        receipt = shop.do(w.owner, "give", shop.content, address_of(w.fan), 100)
    number = shop.buy(w.fan)
    assert receipt is not None
    with reverts("full"):
        shop.buy(w.fan)
    ends = shop.ask("rights", shop.made(receipt))[1]
    w.mine(ends)
    shop.buy(w.fan)
    assert shop.holds(w.fan)
    shop.do(w.fan, "transferFrom", address_of(w.fan), address_of(w.other), number)
    assert shop.holds(w.fan)
    assert shop.holds(w.other)


def test_places_of_borrowers_are_freed_when_loans_end(w: World, shop: Shop) -> None:
    """Sixteen loans at once, and again when they are over."""
    numbers = [shop.made(shop.do(w.owner, "give", shop.content, address_of(w.fan), 0)) for _ in range(16)]
    until = w.now() + 200
    for number in numbers:
        shop.do(w.fan, "loan", number, address_of(w.other), until)
    extra = shop.made(shop.do(w.owner, "give", shop.content, address_of(w.relayer), 0))
    with reverts("full"):
        shop.do(w.relayer, "loan", extra, address_of(w.other), until)
    shop.do(w.other, "give_back", numbers[3])
    shop.do(w.relayer, "loan", extra, address_of(w.other), until + 50)
    assert (shop.holds(w.other, until), shop.holds(w.other, until + 50)) == (True, False)
    w.mine(until)
    shop.do(w.fan, "loan", numbers[3], address_of(w.other), until + 500)
    assert shop.holds(w.other, until + 499)


def test_the_interfaces_are_named(w: World, shop: Shop) -> None:
    """ERC-165 says 721 and 2981, and not what is not there."""
    names = {"0x01ffc9a7": True, "0x80ac58cd": True, "0x780e9d63": True, "0x2a55205a": True, "0xffffffff": False}
    assert {name: shop.ask("supportsInterface", bytes.fromhex(name[2:])) for name in names} == names
    with reverts("right"):
        shop.ask("royaltyInfo", 0, 1)


def test_nobody_mints_or_burns() -> None:
    """Every right is bought, rented or given; the functions that change something are these."""
    abi = artifacts()["Rights"]["abi"]
    changing = {e["name"] for e in abi if e["type"] == "function" and e["stateMutability"] not in ("view", "pure")}
    trade = {"set_terms", "give", "buy", "rent", "loan", "give_back", "list", "unlist", "purchase"}
    assert changing == trade | {"approve", "setApprovalForAll", "permit", "transferFrom", "safeTransferFrom"}
