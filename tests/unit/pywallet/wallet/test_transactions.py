"""Transactions of the fan's account against recorded ones; parsing of recipients."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywallet.crypto import keccak256
from pywallet.encoding import rlp
from pywallet.encoding.hex import checksum, from_hex, to_hex
from pywallet.errors import InputError
from pywallet.wallet.transactions import Transaction, recipient, transfer_data

RECORDED: Any = json.loads((Path(__file__).parents[3] / "vectors" / "transactions.json").read_text())


@pytest.mark.parametrize("case", RECORDED["cases"], ids=lambda case: case["name"])
def test_a_signed_transaction_is_the_recorded_one(case: dict[str, Any]) -> None:
    """Bytes or hash would differ from eth-account's."""
    fields = case["fields"]
    numbers = {name: int(fields[name]) for name in ("chain_id", "nonce", "tip", "max_fee", "gas", "value")}
    raw = Transaction(**numbers, to=from_hex(fields["to"]), data=from_hex(fields["data"])).signed(from_hex(case["key"]))
    assert to_hex(raw) == case["raw"]
    assert to_hex(keccak256(raw)) == case["hash"]


@pytest.mark.parametrize(
    ("item", "encoded"),
    [
        (b"", "80"),
        (b"\x7f", "7f"),
        (b"\x80", "8180"),
        (0, "80"),
        (15, "0f"),
        (1024, "820400"),
        ([], "c0"),
        ([b"cat", b"dog"], "c88363617483646f67"),
        ([[], [[]], [[], [[]]]], "c7c0c1c0c3c0c1c0"),
        (b"a" * 55, "b7" + "61" * 55),
        (b"a" * 56, "b838" + "61" * 56),
        (b"a" * 256, "b90100" + "61" * 256),
        ([b"a" * 30, b"b" * 30], "f83e9e" + "61" * 30 + "9e" + "62" * 30),
    ],
)
def test_rlp_is_that_of_the_yellow_paper(item: Any, encoded: str) -> None:
    """An encoding would differ from Ethereum's examples."""
    assert rlp.encode(item).hex() == encoded


def test_numbers_below_zero_are_refused() -> None:
    """A negative number would be encoded."""
    with pytest.raises(ValueError, match="zero or more"):
        rlp.encode(-1)


def test_a_transfer_calls_transfer() -> None:
    """Selector, recipient or amount would be wrong."""
    data = transfer_data(b"\x11" * 20, 5)
    assert data[:4] == keccak256(b"transfer(address,uint256)")[:4]
    assert data[4:] == bytes(12) + b"\x11" * 20 + (5).to_bytes(32, "big")


@given(st.binary(min_size=20, max_size=20).filter(any))
def test_every_form_of_an_address_is_parsed(address: bytes) -> None:
    """An address in upper case or with spaces would be refused."""
    plain = to_hex(address)
    for text in (plain, "0x" + plain[2:].upper(), "0X" + plain[2:], checksum(address), f"  {plain}\n"):
        assert recipient(text) == address


def test_a_mistyped_letter_is_found() -> None:
    """A changed case in a checksummed address would pass."""
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
def test_malformed_recipients_are_refused(text: str) -> None:
    """A name, another length or the zero address would pass."""
    with pytest.raises(InputError) as caught:
        recipient(text)
    assert caught.value.code == "wallet.recipient"
