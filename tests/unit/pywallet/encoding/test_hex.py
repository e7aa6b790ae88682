"""Hexadecimal and base64."""

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
def test_decoding_inverts_encoding(data: bytes) -> None:
    """Hex or base64 would change bytes."""
    assert from_hex(to_hex(data)) == data
    assert from_hex(to_hex(data), len(data)) == data
    assert from_b64(to_b64(data)) == data


@pytest.mark.parametrize("text", [None, 5, b"0x00", "", "00", "0X00", "0x0", "0x0g", "0x 0", "0x0_0", "0x٠٠", " 0x00"])
def test_malformed_hex_is_refused(text: Any) -> None:
    """Text without 0x or with other digits would be decoded."""
    with pytest.raises(InputError) as caught:
        from_hex(text)
    assert caught.value.code == "message.schema"


def test_a_length_is_exact() -> None:
    """A value of another length would be accepted."""
    for size in (19, 21):
        with pytest.raises(InputError):
            from_hex(to_hex(bytes(size)), 20)


@pytest.mark.parametrize("text", [None, 5, "A", "A===", "QQ", "QQ==\n", "Q-_=", "Q Q=", "é==="])
def test_malformed_base64_is_refused(text: Any) -> None:
    """Base64 without padding or in another alphabet would be decoded."""
    with pytest.raises(InputError) as caught:
        from_b64(text)
    assert caught.value.code == "message.schema"
