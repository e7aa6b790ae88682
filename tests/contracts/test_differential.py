"""Trees, typed data, selectors and topics compared with independent libraries and code."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_abi.packed import encode_packed
from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data
from eth_utils.abi import event_abi_to_log_topic, function_abi_to_4byte_selector
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from chain.abi import event, function
from contracts.compile import artifacts
from pywallet.encoding.hex import to_hex
from pywallet.protocol import (
    Claim,
    Receipt,
    Voucher,
    compact,
    digest,
    sign,
)
from pywallet.settlement import (
    CountsTree,
    EpochHeader,
    SumTree,
    commitment,
    content_leaf,
    entries_digest,
    rest,
    usage_leaf,
)
from tests.budget import budget
from tests.contracts.revm_world import Refused, Revm, key
from tests.contracts.settlement_game import furnished

ADDRESS = st.binary(min_size=20, max_size=20)
WORD = st.binary(min_size=32, max_size=32)
LEAVES = st.lists(st.tuples(ADDRESS, st.integers(0, 2**96 - 1)), max_size=40)
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
OFTEN = budget()


def recursive(nodes: Sequence[tuple[bytes, int]]) -> tuple[bytes, int]:
    """Compute a Merkle-sum tree by halves of the next power of two, with eth-abi."""
    if not nodes:
        return bytes(32), 0
    if len(nodes) == 1:
        return nodes[0]
    pairs = [*nodes, *[(bytes(32), 0)] * (len(nodes) % 2)]
    above = []
    for number in range(0, len(pairs), 2):
        (a, x), (b, y) = pairs[number : number + 2]
        above.append((keccak(encode(["uint256", "bytes32", "uint256", "bytes32", "uint256"], [1, a, x, b, y])), x + y))
    return recursive(above)


@OFTEN
@given(leaves=LEAVES)
def test_the_sum_tree_equals_an_independent_one(leaves: list[tuple[bytes, int]]) -> None:
    """Root and total equal those of another algorithm with another encoder and another hash library."""
    hashed = [
        (keccak(encode(["uint256", "address", "uint256"], [0, payee, amount])), amount) for payee, amount in leaves
    ]
    tree = SumTree(leaves)
    assert (tree.root, tree.total) == recursive(hashed)


@OFTEN
@given(address=ADDRESS, tag=WORD, counts=st.tuples(*[st.integers(0, 2**64 - 1)] * 4))
def test_the_counts_leaves_equal_an_independent_encoding(
    address: bytes, tag: bytes, counts: tuple[int, int, int, int]
) -> None:
    """Leaves and the node over them equal those encoded by eth-abi."""
    content = keccak(encode(["uint256", "address", *["uint256"] * 4], [2, address, *counts]))
    usage = keccak(encode(["uint256", "bytes32", "address", *["uint256"] * 3], [3, tag, address, *counts[:3]]))
    assert (content_leaf(address, *counts), usage_leaf(tag, address, *counts[:3])) == (content, usage)
    assert CountsTree([content, usage]).root == keccak(encode(["uint256", "bytes32", "bytes32"], [4, content, usage]))


@OFTEN
@given(root=WORD, total=st.integers(0, 2**256 - 1), words=st.tuples(WORD, WORD), debits=LEAVES)
def test_the_commitment_equals_an_independent_encoding(
    root: bytes, total: int, words: tuple[bytes, bytes], debits: list[tuple[bytes, int]]
) -> None:
    """Packed encoding of full words by another library gives the same bytes."""
    folded = bytes(32)
    for payer, net in debits:
        folded = keccak(encode_packed(["bytes32", "bytes12", "address", "uint256"], [folded, bytes(12), payer, net]))
    inner = keccak(encode_packed(["bytes32", "bytes32", "bytes32"], [folded, *words]))
    assert entries_digest(debits) == folded
    found = commitment(EpochHeader(root, total, rest(folded, *words)))
    assert found == keccak(encode_packed(["bytes32", "uint256", "bytes32"], [root, total, inner]))


TYPES: dict[type, str] = {
    Receipt: "address server,uint256 epoch,address payee,uint256 amount,bytes32 detail",
    Voucher: "address server,address payer,uint256 cap,uint256 until",
    Claim: "address server,uint256 epoch,address payee,address to,uint256 tip",
}


def typed(world: Revm, message: Any) -> SignableMessage:
    """Return the message as eth-account encodes it."""
    fields = [dict(zip(("type", "name"), part.split(), strict=True)) for part in TYPES[type(message)].split(",")]
    values = [getattr(message, field.name) for field in dataclasses.fields(message)]
    shown = {f["name"]: to_hex(v) if isinstance(v, bytes) else v for f, v in zip(fields, values, strict=True)}
    domain = {
        "name": "GoMAA Settlement",
        "version": "1",
        "chainId": 31337,
        "verifyingContract": to_hex(world.settlement),
    }
    return encode_typed_data(domain, {type(message).__name__: fields}, shown)


@OFTEN
@given(
    message=st.one_of(
        st.builds(Receipt, ADDRESS, st.integers(0, 2**256 - 1), ADDRESS, st.integers(0, 2**256 - 1), WORD),
        st.builds(Voucher, ADDRESS, ADDRESS, st.integers(0, 2**256 - 1), st.integers(0, 2**256 - 1)),
        st.builds(Claim, ADDRESS, st.integers(0, 2**256 - 1), ADDRESS, ADDRESS, st.integers(0, 2**256 - 1)),
    ),
    secret=st.integers(1, ORDER - 1),
)
def test_typed_data_equals_eth_accounts(message: Any, secret: int) -> None:
    """Equal digests, and equal signatures of both sides.

    Our (r, vs) recovers in eth-account to the same address.
    """
    world, private = furnished(), secret.to_bytes(32, "big")
    encoded = typed(world, message)
    assert digest(message, world.domain) == keccak(b"\x19\x01" + encoded.header + encoded.body)
    ours = sign(message, world.domain, private)
    theirs = Account.sign_message(encoded, private)
    r, vs = compact(ours.signature)
    assert (r, vs & (1 << 255) - 1, vs >> 255) == (theirs.r, theirs.s, theirs.v - 27)
    assert Account.recover_message(encoded, signature=ours.signature) == Account.from_key(private).address


def test_the_contract_accepts_eth_accounts_signature() -> None:
    """A receipt that eth-account signed is valid on the chain; with a changed detail it is not."""
    world = furnished()
    mark, before = world.evm.snapshot(), world.now
    try:
        server, epoch = Account.from_key(key("a server")), before // world.schedule.length
        address = bytes.fromhex(server.address[2:])
        message = Receipt(address, epoch, bytes([1]) * 20, 2**255, bytes([7]) * 32)
        signed = server.sign_message(typed(world, message))
        vs = signed.s | (signed.v - 27) << 255
        world.send(world.platform, "GoMAA", "approve", world.settlement, 2**256 - 1)
        world.send(world.platform, "Settlement", "bond", address, 5)
        world.at(world.schedule.ends(epoch) + world.schedule.grace)
        row = (message.server, message.epoch, message.payee, message.amount)
        with pytest.raises(Refused, match="settlement: invalid receipt"):
            world.send(world.platform, "Settlement", "challenge", (*row, bytes(32)), signed.r, vs)
        world.send(world.platform, "Settlement", "challenge", (*row, message.detail), signed.r, vs)
        assert world.events("Settlement", "Challenged")[0]["amount"] == 2**255
    finally:
        world.evm.revert(mark)
        world.at(before)


@pytest.mark.parametrize("contract", sorted(artifacts()))
def test_selectors_and_topics_equal_eth_utils(contract: str) -> None:
    """Every selector and topic equals what eth-utils computes from the compiler's ABI."""
    seen: set[str] = set()
    for entry in artifacts()[contract]["abi"]:
        if entry["type"] == "function" and entry["name"] not in seen:
            seen.add(entry["name"])
            assert function(contract, entry["name"]).selector == function_abi_to_4byte_selector(entry)
        if entry["type"] == "event":
            assert event(contract, entry["name"]).topic == event_abi_to_log_topic(entry)
    assert seen
