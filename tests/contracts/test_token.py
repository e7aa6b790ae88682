"""GoMAA: a fixed supply without governance."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode
from eth_account import Account
from eth_account.messages import encode_typed_data

from contracts.compile import artifacts
from pywallet.crypto import address_of
from pywallet.encoding.hex import to_hex
from tests.contracts.anvil_world import ZERO, World, reverts


def _deploy(w: World, holder: bytes, supply: int) -> dict[str, object]:
    code = bytes.fromhex(artifacts()["GoMAA"]["bytecode"][2:])
    return w.transact(w.platform, None, code + encode(["address", "uint256"], [holder, supply]))


def test_the_supply_is_bounded_and_has_a_holder(w: World) -> None:
    """Below 2^90, so that no sum in Settlement exceeds its field, and not the zero address."""
    holder = address_of(w.platform)
    with reverts("token: zero address"):
        _deploy(w, ZERO, 1)
    with reverts("token: supply too large"):
        _deploy(w, holder, 2**90)
    assert _deploy(w, holder, 2**90 - 1)["status"] == "0x1"


def test_no_function_mints_burns_or_pauses() -> None:
    """The functions are those of ERC-20 and ERC-2612, and no other changes state."""
    abi = artifacts()["GoMAA"]["abi"]
    changing = {e["name"] for e in abi if e["type"] == "function" and e["stateMutability"] not in ("view", "pure")}
    assert changing == {"transfer", "transferFrom", "approve", "permit"}


def test_a_transfer_is_bounded_by_the_balance(w: World) -> None:
    """One wei too many is refused; the whole balance is not."""
    have = w.balance(address_of(w.station))
    with reverts("erc20: transfer amount exceeds balance"):
        w.send(w.station, "GoMAA", "transfer", address_of(w.fan), have + 1)
    w.send(w.station, "GoMAA", "transfer", address_of(w.fan), have)
    assert (w.balance(address_of(w.station)), w.balance(address_of(w.fan))) == (0, have)


@pytest.mark.parametrize("late", [False, True])
def test_a_permit_approves_until_its_deadline(w: World, late: bool) -> None:
    """A signature approves once, up to and including the deadline's second."""
    owner, spender, deadline = address_of(w.station), address_of(w.fan), w.now() + 10
    domain = {"name": "GoMAA", "version": "1", "chainId": 31337, "verifyingContract": to_hex(w.deployment.token)}
    parts = ("owner address", "spender address", "value uint256", "nonce uint256", "deadline uint256")
    types = {"Permit": [dict(zip(("name", "type"), part.split(), strict=True)) for part in parts]}
    message = {"owner": to_hex(owner), "spender": to_hex(spender), "value": 5, "nonce": 0, "deadline": deadline}
    signed = Account.sign_message(encode_typed_data(domain, types, message), w.station)
    arguments = (owner, spender, 5, deadline, signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big"))
    w.at(deadline + late)
    if late:
        with reverts("erc20: expired deadline"):
            w.send(w.relayer, "GoMAA", "permit", *arguments)
        return
    w.send(w.relayer, "GoMAA", "permit", *arguments)
    assert w.call("GoMAA", "allowance", owner, spender) == 5
    with reverts("erc20: expired deadline"):
        w.send(w.relayer, "GoMAA", "permit", *arguments)
