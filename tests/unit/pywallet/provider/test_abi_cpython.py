"""Arguments of calls against eth-abi, and data that is not canonical."""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi import encode as theirs
from hypothesis import assume, given
from hypothesis import strategies as st

from pywallet.encoding.abi_words import decode, encode, split
from pywallet.errors import InputError

_ATOMS = {
    "address": st.binary(min_size=20, max_size=20),
    "bool": st.booleans(),
    "bytes32": st.binary(min_size=32, max_size=32),
    "bytes": st.binary(max_size=70),
    "uint8": st.integers(0, 255),
    "uint160": st.integers(0, 2**160 - 1),
    "uint256": st.integers(0, 2**256 - 1),
}


@st.composite
def arguments(draw: st.DrawFn, depth: int = 2) -> tuple[list[str], list[Any]]:
    """Types and values of up to four arguments."""
    types, values = [], []
    for _ in range(draw(st.integers(1, 4))):
        shape = draw(st.sampled_from(["atom", "array", "fixed", "tuple"] if depth else ["atom"]))
        if shape == "tuple":
            inner, members = draw(arguments(depth - 1))
            types.append(f"({','.join(inner)})")
            values.append(members)
            continue
        kind = draw(st.sampled_from(sorted(_ATOMS)))
        size = {"array": draw(st.integers(0, 3)), "fixed": draw(st.integers(1, 3)), "atom": None}[shape]
        types.append(kind + {"array": "[]", "fixed": f"[{size}]", "atom": ""}[shape])
        values.append(draw(_ATOMS[kind] if size is None else st.lists(_ATOMS[kind], min_size=size, max_size=size)))
    return types, values


def listed(value: Any) -> Any:
    """Tuples as lists."""
    return [listed(one) for one in value] if isinstance(value, list | tuple) else value


def eth_abi_form(types: list[str], values: list[Any]) -> list[Any]:
    """Values as eth-abi takes them."""
    return [_given(kind, value) for kind, value in zip(types, values, strict=True)]


def _given(kind: str, value: Any) -> Any:
    if kind.endswith("]"):
        return [_given(kind[: kind.rindex("[")], one) for one in value]
    if kind.startswith("("):
        return tuple(eth_abi_form(split(kind[1:-1]), value))
    return "0x" + value.hex() if kind == "address" else value


@given(arguments())
def test_decoding_and_encoding_agree_with_eth_abi(made: tuple[list[str], list[Any]]) -> None:
    """A nested argument would be decoded or encoded otherwise."""
    types, values = made
    data = theirs(types, eth_abi_form(types, values))
    assert decode(",".join(types), data) == listed(values)
    assert encode(f"({','.join(types)})", values) == data


@given(arguments(), st.binary(min_size=1, max_size=40), st.data())
def test_data_that_is_not_canonical_is_refused(
    made: tuple[list[str], list[Any]], extra: bytes, data: st.DataObject
) -> None:
    """A call would be displayed otherwise than a contract reads it."""
    types, values = made
    whole = theirs(types, eth_abi_form(types, values))
    with pytest.raises(InputError):
        decode(",".join(types), whole + extra)
    assume(whole)
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(InputError):
        decode(",".join(types), whole[:cut])
    changed = bytearray(whole)
    changed[cut] ^= data.draw(st.integers(1, 255))
    try:
        read = decode(",".join(types), bytes(changed))
    except InputError:
        return
    assert read != listed(values)
    assert encode(f"({','.join(types)})", read) == changed


def test_offsets_that_point_back_are_bounded() -> None:
    """An array that contains itself would take endless work."""
    loop = (32).to_bytes(32, "big") + (1000).to_bytes(32, "big") + bytes(32) * 1000
    with pytest.raises(InputError):
        decode("uint8[][][][]", loop)
