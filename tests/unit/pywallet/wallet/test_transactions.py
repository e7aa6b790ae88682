"""Transactions of the fan's account: the same bytes as eth-account's, and addresses as a person types them."""

from __future__ import annotations

from typing import Any

import pytest
import rlp as reference
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from pywallet.errors import InputError
from pywallet.hexes import checksum, to_hex
from pywallet.platform import keccak256
from pywallet.wallet import rlp
from pywallet.wallet.transactions import Transaction, recipient, transfer_data

WORD = st.integers(0, (1 << 256) - 1)
ITEMS: Any = st.recursive(st.binary(max_size=80), lambda inner: st.lists(inner, max_size=6), max_leaves=20)


@given(ITEMS)
def test_rlp_is_what_the_reference_makes_of_it(item: Any) -> None:
    """Bytes and nested lists of every length encode like the rlp library's."""
    assert rlp.encode(item) == reference.encode(item)


@given(WORD)
def test_numbers_have_no_leading_zeros(number: int) -> None:
    """A number encodes like its shortest big-endian bytes."""
    assert rlp.encode(number) == reference.encode(number)


def test_numbers_below_zero_are_refused() -> None:
    """There is no way to write them."""
    with pytest.raises(ValueError, match="zero or more"):
        rlp.encode(-1)


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
def test_a_signed_transaction_is_that_of_eth_account(
    key: int, chain_id: int, nonce: int, fees: tuple[int, int], gas: int, to: bytes, value: int, data: bytes
) -> None:
    """Same bytes, same hash, for any fields."""
    private, (tip, max_fee) = key.to_bytes(32, "big"), sorted(fees)
    ours = Transaction(chain_id, nonce, tip, max_fee, gas, to, value, data).signed(private)
    fields = {"maxPriorityFeePerGas": tip, "maxFeePerGas": max_fee, "gas": gas, "to": to, "value": value, "data": data}
    theirs = Account.sign_transaction({"type": 2, "chainId": chain_id, "nonce": nonce, **fields}, private)
    assert ours == bytes(theirs.raw_transaction)
    assert keccak256(ours) == bytes(theirs.hash)


def test_a_transfer_calls_transfer() -> None:
    """The selector is the hash of the signature; recipient and amount are words."""
    data = transfer_data(b"\x11" * 20, 5)
    assert data[:4] == keccak256(b"transfer(address,uint256)")[:4]
    assert data[4:] == bytes(12) + b"\x11" * 20 + (5).to_bytes(32, "big")


@given(st.binary(min_size=20, max_size=20).filter(any))
def test_every_form_of_an_address_is_read(address: bytes) -> None:
    """Lower case, upper case, checksummed, with blanks around: the same 20 bytes."""
    plain = to_hex(address)
    for text in (plain, "0x" + plain[2:].upper(), "0X" + plain[2:], checksum(address), f"  {plain}\n"):
        assert recipient(text) == address


def test_a_mistyped_letter_is_found() -> None:
    """Every change of one letter's case in a checksummed address is refused."""
    good = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
    assert recipient(good)
    for at in range(2, 42):
        bad = good[:at] + good[at].swapcase() + good[at + 1 :]
        if bad != good:
            with pytest.raises(InputError) as caught:
                recipient(bad)
            assert caught.value.code == "wallet.recipient"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0x",
        "f39fd6e51aad88f6f4ce6ab8827279cfffb92266",
        "0x" + "0" * 40,
        "0x" + "1" * 39,
        "0x" + "g" * 40,
        "0x" + "１" * 40,
        "vitalik.eth",
    ],
)
def test_what_is_no_recipient(text: str) -> None:
    """Names, other lengths, other letters and the zero address are wallet.recipient."""
    with pytest.raises(InputError) as caught:
        recipient(text)
    assert caught.value.code == "wallet.recipient"
