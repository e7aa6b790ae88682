"""Transactions against eth-account and the rlp library."""

from __future__ import annotations

from typing import Any

import rlp as reference
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from pywallet.crypto import keccak256
from pywallet.encoding import rlp
from pywallet.wallet.transactions import Transaction

WORD = st.integers(0, (1 << 256) - 1)
ITEMS: Any = st.recursive(st.binary(max_size=80), lambda inner: st.lists(inner, max_size=6), max_leaves=20)


@given(ITEMS)
def test_rlp_agrees_with_the_library(item: Any) -> None:
    """An encoding would differ from the rlp library's."""
    assert rlp.encode(item) == reference.encode(item)


@given(WORD)
def test_numbers_have_no_leading_zeros(number: int) -> None:
    """A number would have another encoding than its shortest bytes."""
    assert rlp.encode(number) == reference.encode(number)


@given(
    key=st.integers(1, (1 << 255)),
    chain_id=st.integers(1, (1 << 53) - 1),
    nonce=st.integers(0, (1 << 53) - 1),
    fees=st.tuples(st.integers(0, 1 << 96), st.integers(0, 1 << 96)),
    gas=st.integers(21_000, 1 << 32),
    to=st.binary(min_size=20, max_size=20),
    value=st.integers(0, (1 << 128)),
    data=st.binary(max_size=300),
)
def test_a_signed_transaction_agrees_with_eth_account(
    key: int, chain_id: int, nonce: int, fees: tuple[int, int], gas: int, to: bytes, value: int, data: bytes
) -> None:
    """Bytes or hash of some fields would differ."""
    private, (tip, max_fee) = key.to_bytes(32, "big"), sorted(fees)
    ours = Transaction(chain_id, nonce, tip, max_fee, gas, to, value, data).signed(private)
    fields = {"maxPriorityFeePerGas": tip, "maxFeePerGas": max_fee, "gas": gas, "to": to, "value": value, "data": data}
    theirs = Account.sign_transaction({"type": 2, "chainId": chain_id, "nonce": nonce, **fields}, private)
    assert ours == bytes(theirs.raw_transaction)
    assert keccak256(ours) == bytes(theirs.hash)
