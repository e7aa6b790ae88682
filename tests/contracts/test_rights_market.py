"""Market of streaming rights: resale with royalties, listings, permits, ERC-721 transfers."""

from __future__ import annotations

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from contracts.compile import artifacts
from pywallet.crypto import address_of
from pywallet.encoding.hex import to_hex
from tests.contracts.anvil_world import FALSE_TOKEN, ZERO, World, reverts
from tests.contracts.rights_shop import PRICE, RENT, Shop


def test_a_resale_pays_the_artist(w: World, shop: Shop) -> None:
    """The royalty goes to the content's current owner, the rest to the seller; together they are the price."""
    number = shop.buy(w.fan)
    receipt = shop.do(w.fan, "list", number, 999)
    assert w.events("Rights", "Listed", receipt) == [{"id": number, "seller": address_of(w.fan), "price": 999}]
    before = [w.balance(address_of(key)) for key in (w.owner, w.fan, w.other)]
    receipt = shop.purchase(w.other, number, 999)
    after = [w.balance(address_of(key)) for key in (w.owner, w.fan, w.other)]
    assert [b - a for a, b in zip(before, after, strict=True)] == [99, 900, -999]
    expected = {"id": number, "seller": address_of(w.fan), "buyer": address_of(w.other), "price": 999, "royalty": 99}
    assert w.events("Rights", "Resold", receipt) == [expected]
    assert [shop.holds(key) for key in (w.fan, w.other)] == [False, True]
    found = shop.w.request(
        "eth_call", {"to": to_hex(w.deployment.rights), "data": to_hex(_royalty_call(number, 999))}, "latest"
    )
    assert found == to_hex(address_of(w.owner).rjust(32, b"\0") + (99).to_bytes(32, "big"))
    with reverts("rights: not listed"):
        shop.purchase(w.fan, number, 999)


def _royalty_call(number: int, price: int) -> bytes:
    from chain.abi import function

    return function("Rights", "royaltyInfo").encode(number, price)


def test_only_the_holder_lists_a_right(w: World, shop: Shop) -> None:
    """Only the holder lists and unlists; a changed price is not paid; a transfer ends the listing."""
    number = shop.buy(w.fan)
    with reverts("rights: not the holder"):
        shop.do(w.other, "list", number, 5)
    for price in (0, 2**96):
        with reverts("rights: invalid price"):
            shop.do(w.fan, "list", number, price)
    with reverts("rights: not listed"):
        shop.do(w.fan, "unlist", number)
    shop.do(w.fan, "list", number, 5)
    with reverts("rights: not the holder"):
        shop.do(w.other, "unlist", number)
    shop.do(w.fan, "list", number, 6)
    with reverts("rights: price above maximum"):
        shop.purchase(w.other, number, 5)
    receipt = shop.do(w.fan, "unlist", number)
    assert w.events("Rights", "Unlisted", receipt) == [{"id": number}]
    with reverts("rights: not listed"):
        shop.purchase(w.other, number, 6)
    shop.do(w.fan, "list", number, 6)
    shop.do(w.fan, "transferFrom", address_of(w.fan), address_of(w.relayer), number)
    with reverts("rights: not listed"):
        shop.purchase(w.other, number, 6)
    assert shop.holds(w.relayer)


@pytest.mark.parametrize("taken", [False, True])
def test_a_purchase_with_a_permit_is_one_transaction(w: World, shop: Shop, taken: bool) -> None:
    """No approval before; and it succeeds even if another account used the signature first."""
    number = shop.buy(w.fan)
    shop.do(w.fan, "list", number, 1000)
    w.send(w.other, "GoMAA", "approve", w.deployment.rights, 0)
    with reverts("erc20: insufficient allowance"):
        shop.purchase(w.other, number, 1000)
    permit = _permit(w, w.other, 1000)
    if taken:
        v, r, s = permit[1:]
        w.send(w.relayer, "GoMAA", "permit", address_of(w.other), w.deployment.rights, 1000, permit[0], v, r, s)
    shop.purchase(w.other, number, 1000, permit)
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
def test_a_new_right_can_be_bought_with_a_permit(w: World, shop: Shop, name: str) -> None:
    """Approved, paid and granted in one transaction; the allowance is used up."""
    w.send(w.other, "GoMAA", "approve", w.deployment.rights, 0)
    price = PRICE if name == "buy" else RENT
    terms = () if name == "buy" else (1,)
    shop.do(w.other, name, shop.content, address_of(w.other), *terms, shop.seen(), price, _permit(w, w.other, price))
    assert shop.holds(w.other)
    assert w.call("GoMAA", "allowance", address_of(w.other), w.deployment.rights) == 0


def test_rights_are_enumerable(w: World, shop: Shop) -> None:
    """Numbers are consecutive, and enumerable by holder and in total."""
    assert [shop.buy(w.fan), shop.buy(w.other), shop.rent(w.fan)] == [0, 1, 2]
    assert shop.ask("totalSupply") == 3
    assert [shop.ask("tokenOfOwnerByIndex", address_of(w.fan), n) for n in (0, 1)] == [0, 2]


def test_no_right_is_granted_without_payment(w: World, shop: Shop) -> None:
    """A token whose transfer returns false sells no right, new or used."""
    number = shop.buy(w.fan)
    shop.do(w.fan, "list", number, 1000)
    token = to_hex(w.deployment.token)
    code = w.request("eth_getCode", token, "latest")
    w.request("anvil_setCode", token, FALSE_TOKEN)
    for call in (lambda: shop.buy(w.other), lambda: shop.rent(w.other), lambda: shop.purchase(w.other, number, 1000)):
        with reverts("rights: transfer failed"):
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
    with reverts("rights: zero address"):
        w.transact(w.platform, None, code + encode(["address", "address"], addresses))


def test_an_invalid_permit_pays_nothing(w: World, shop: Shop) -> None:
    """A signature that is not the buyer's leaves the purchase without an allowance."""
    w.send(w.other, "GoMAA", "approve", w.deployment.rights, 0)
    with reverts("erc20: insufficient allowance"):
        shop.do(w.other, "buy", shop.content, address_of(w.other), shop.seen(), PRICE, _permit(w, w.fan, PRICE))


def test_rights_move_as_erc721(w: World, shop: Shop) -> None:
    """By the holder or an approved account, once; receiving contracts are called back."""
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

    from pywallet.crypto import keccak256

    return keccak256(f"{name}(address,address,uint256)".encode())[:4] + encode(
        ["address", "address", "uint256"], [holder, to, number]
    )


def test_supported_interfaces_are_reported(w: World, shop: Shop) -> None:
    """ERC-165 reports 721 and 2981, and no unsupported interface."""
    names = {"0x01ffc9a7": True, "0x80ac58cd": True, "0x780e9d63": True, "0x2a55205a": True, "0xffffffff": False}
    assert {name: shop.ask("supportsInterface", bytes.fromhex(name[2:])) for name in names} == names
    with reverts("rights: unknown right"):
        shop.ask("royaltyInfo", 0, 1)


def test_no_function_mints_or_burns() -> None:
    """Every right is bought, rented or granted; these are all functions that change state."""
    abi = artifacts()["Rights"]["abi"]
    changing = {e["name"] for e in abi if e["type"] == "function" and e["stateMutability"] not in ("view", "pure")}
    trade = {"set_terms", "give", "buy", "rent", "loan", "give_back", "list", "unlist", "purchase", "activate"}
    assert changing == trade | {"approve", "setApprovalForAll", "permit", "transferFrom", "safeTransferFrom"}
