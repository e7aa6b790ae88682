"""Reentrancy by a token that calls back: every nested call reverts at the lock, before any other reason."""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi.abi import decode, encode
from vyper.compiler import compile_code

from chain.abi import function
from chain.contracts.registry import predict_content
from contracts.compile import artifacts
from pywallet.crypto import address_of
from pywallet.settlement import Schedule
from tests.contracts.revm_world import Refused, Revm, key

TOKEN = """
# pragma version ~=0.4.3
target: address
data: Bytes[4096]
said: public(Bytes[256])
called: public(bool)

@external
def arm(target: address, data: Bytes[4096]):
    self.target = target
    self.data = data
    self.called = False

@internal
def _call():
    if self.target != empty(address):
        target: address = self.target
        self.target = empty(address)
        done: bool = False
        done, self.said = raw_call(target, self.data, max_outsize=256, revert_on_failure=False)
        self.called = True

@view
@external
def totalSupply() -> uint256:
    return 1

@external
def transfer(to: address, amount: uint256) -> bool:
    self._call()
    return True

@external
def transferFrom(owner: address, to: address, amount: uint256) -> bool:
    self._call()
    return True
"""
MADE = compile_code(TOKEN, output_formats=["bytecode", "method_identifiers"])
ZERO, ONE, WORD = bytes(20), bytes([1]) * 20, bytes(32)
PERMIT = (0, 0, WORD, WORD)
SETTLEMENT: dict[str, tuple[Any, ...]] = {
    "deposit": (ZERO, ZERO, 0),
    "request": (ONE, 1),
    "withdraw": (ONE,),
    "bond": (ZERO, 0),
    "retire": (ONE,),
    "unbond": (ONE,),
    "post": (2**40, WORD, WORD, WORD, WORD, []),
    "debit": (2**40, WORD, []),
    "undo": (ONE, 0, WORD, []),
    "claim": ([], [], ZERO, 0),
    "collect": (ONE, 0),
    "challenge": ((ONE, 0, ONE, 1, WORD), 1, 1),
    "slash": (ONE, 0, ONE, 1),
    "claimOne": ((ONE, 0, WORD, ONE, 0, 0, 0, 0, 0), [], ZERO, 0),
    "answerBatch": (ONE, 0, WORD, [], []),
    "dismiss": (ONE, 0, ONE, 1),
    "refund": (ONE, 0, WORD, 0, WORD, WORD, []),
}
"""Arguments that each function has a reason to refuse, if it gets so far."""


class Hostile:
    """The contracts over a token that calls back."""

    def __init__(self) -> None:
        self.w = Revm(Schedule(60, 5, 15, 15, 150, 75), 0, 5)
        self.token, made = self.w.create(MADE["bytecode"], (), ()), artifacts()
        w, me, times = self.w, self.w.platform, (60, 5, 15, 15, 150, 75, 5)
        kinds = ("address", "address", "address", *["uint256"] * 7)
        settlement = w.create(made["Settlement"]["bytecode"], kinds, (self.token, w.registry, w.treasury, *times))
        rights = w.create(made["Rights"]["bytecode"], ("address", "address"), (self.token, w.registry))
        content = w.create(
            made["Content"]["bytecode"], ("address", "address", "address"), (w.registry, self.token, rights)
        )
        w.send(me, "Registry", "set_implementation", content)
        w.send(me, "Registry", "set_server", ONE, "http://x", WORD, True)
        w.send(me, "Registry", "create", WORD, 1, 1, ONE, False, WORD)
        clone = predict_content(w.registry, content, me, WORD)
        w.addresses |= {"Settlement": settlement, "Rights": rights, "Content": clone}

    def ask(self, call: str, data: bytes = b"") -> bytes:
        """Call the token."""
        selector = bytes.fromhex(MADE["method_identifiers"][call][2:])
        return bytes(self.w.evm.message_call("0x" + self.w.platform.hex(), "0x" + self.token.hex(), selector + data))

    def nested(self, contract: str, name: str, args: tuple[Any, ...], outer: tuple[Any, ...]) -> bytes:
        """Return the revert data of ``name`` called from within ``outer``."""
        data = function(contract, name).encode(*args)
        self.ask("arm(address,bytes)", encode(["address", "bytes"], [self.w.addresses[contract], data]))
        self.w.send(self.w.platform, contract, *outer)
        assert int.from_bytes(self.ask("called()"), "big") == 1
        (said,) = decode(["bytes"], self.ask("said()"))
        return bytes(said)


@pytest.mark.parametrize("name", sorted(SETTLEMENT))
def test_settlement_is_not_reentrant(name: str) -> None:
    """During a deposit's transfer every function reverts at the lock; afterwards with its own reason."""
    world = Hostile()
    assert world.nested("Settlement", name, SETTLEMENT[name], ("deposit", ONE, ONE, 1)) == b""
    with pytest.raises(Refused) as caught:
        world.w.send(address_of(key("anybody")), "Settlement", name, *SETTLEMENT[name])
    assert caught.value.reason


SEEN = (0, WORD, 0)
RIGHTS: dict[str, tuple[Any, ...]] = {
    "give": (ONE, ONE, 0),
    "buy": (ONE, ONE, SEEN, 0, PERMIT),
    "rent": (ONE, ONE, 0, SEEN, 0, PERMIT),
    "purchase": (9, ONE, 0, SEEN, 0, PERMIT),
}


@pytest.mark.parametrize("name", sorted(RIGHTS))
def test_rights_are_not_reentrant(name: str) -> None:
    """During a buyer's payment nothing is bought, rented, granted or resold."""
    world = Hostile()
    content = world.w.addresses["Content"]
    world.w.send(world.w.platform, "Rights", "set_terms", content, 7, 7, 0)
    assert world.nested("Rights", name, RIGHTS[name], ("buy", content, ONE, SEEN, 7, PERMIT)) == b""
    with pytest.raises(Refused) as caught:
        world.w.send(world.w.platform, "Rights", name, *RIGHTS[name])
    assert caught.value.reason


def test_a_sale_is_not_reentrant() -> None:
    """During a buyer's payment the recording cannot be bought again."""
    world = Hostile()
    world.w.send(world.w.platform, "Content", "offer_to", ZERO, 7)
    seen = (WORD, 0, 0, 0)
    assert world.nested("Content", "accept", (9, seen), ("accept", 7, seen)) == b""
    with pytest.raises(Refused, match="content: no offer"):
        world.w.send(world.w.platform, "Content", "accept", 9, seen)
