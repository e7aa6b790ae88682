"""Bytes as text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywallet.encoding.hex import (
    from_b64,
    from_hex,
    to_b64,
    to_hex,
)
from pywallet.errors import InputError


@given(st.binary(max_size=100))
def test_text_comes_back_as_the_same_bytes(data: bytes) -> None:
    """Hex and base64 lose nothing."""
    assert from_hex(to_hex(data)) == data
    assert from_hex(to_hex(data), len(data)) == data
    assert from_b64(to_b64(data)) == data


@pytest.mark.parametrize("text", [None, 5, b"0x00", "", "00", "0X00", "0x0", "0x0g", "0x 0", "0x0_0", "0x٠٠", " 0x00"])
def test_what_is_not_hex_is_refused(text: Any) -> None:
    """Only 0x and pairs of hex digits are read."""
    with pytest.raises(InputError) as caught:
        from_hex(text)
    assert caught.value.code == "message.schema"


def test_a_length_is_exact() -> None:
    """One byte more or less than asked for is refused."""
    for size in (19, 21):
        with pytest.raises(InputError):
            from_hex(to_hex(bytes(size)), 20)


@pytest.mark.parametrize("text", [None, 5, "A", "A===", "QQ", "QQ==\n", "Q-_=", "Q Q=", "é==="])
def test_what_is_not_base64_is_refused(text: Any) -> None:
    """Only standard base64 with its padding is read."""
    with pytest.raises(InputError) as caught:
        from_b64(text)
    assert caught.value.code == "message.schema"
