"""Typed data and personal texts against eth-account: the same bytes signed for any types."""

from __future__ import annotations

import json
from typing import Any

from eth_account import Account
from eth_account.messages import _hash_eip191_message, encode_defunct, encode_typed_data
from hypothesis import given, settings
from hypothesis import strategies as st

from pywallet import platform
from pywallet.provider import personal_digest, read_typed
from tests.unit.pywallet.provider.typed_samples import DOMAIN_TYPE

KEY = bytes(31) + b"\x07"
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def _hexed(size: int) -> st.SearchStrategy[str]:
    return st.binary(min_size=size, max_size=size).map(lambda data: "0x" + data.hex())


@st.composite
def atoms(draw: st.DrawFn) -> tuple[str, st.SearchStrategy[Any]]:
    """A type's name and its values."""
    kind = draw(st.sampled_from(["uint", "int", "bytesN", "bytes", "string", "bool", "address"]))
    if kind in ("uint", "int"):
        bits = 8 * draw(st.integers(1, 32))
        low, high = (0, (1 << bits) - 1) if kind == "uint" else (-(1 << bits - 1), (1 << bits - 1) - 1)
        return f"{kind}{bits}", st.integers(low, high).map(lambda n: n if abs(n) < 2**53 else str(n))
    if kind == "bytesN":
        size = draw(st.integers(1, 32))
        return f"bytes{size}", _hexed(size)
    return kind, {
        "bytes": st.binary(max_size=40).map(lambda b: "0x" + b.hex()),
        "string": TEXT,
        "bool": st.booleans(),
        "address": _hexed(20),
    }[kind]


@st.composite
def typed(draw: st.DrawFn) -> dict[str, Any]:
    """Typed data with up to four structs, each of atoms, earlier structs, and arrays of both."""
    names = draw(st.lists(NAMES.map(lambda n: "T" + n), min_size=1, max_size=4, unique=True))
    types: dict[str, Any] = {"EIP712Domain": DOMAIN_TYPE}
    values: dict[str, st.SearchStrategy[Any]] = {}
    used: set[str] = set()
    for number, name in enumerate(names):
        fields, shape = [], {}
        field_names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
        # Each struct holds the one before it, so that all of them are reached from the last.
        for i, field in enumerate(field_names):
            if i == 0 and number > 0:
                kind, value = names[number - 1], values[names[number - 1]]
            elif used and draw(st.booleans()):
                kind = draw(st.sampled_from(sorted(used)))
                value = values[kind]
            else:
                kind, value = draw(atoms())
            for _ in range(draw(st.integers(0, 2))):
                size = draw(st.one_of(st.none(), st.integers(1, 2)))
                kind += f"[{size or ''}]"
                value = st.lists(value, min_size=size or 0, max_size=size or 2)
            fields.append({"name": field, "type": kind})
            shape[field] = value
        types[name] = fields
        values[name] = st.fixed_dictionaries(shape)
        used.add(name)
    domain = draw(st.fixed_dictionaries({"name": TEXT, "version": TEXT, "chainId": st.just(31337), "verifyingContract": _hexed(20)}))
    return {"types": types, "primaryType": names[-1], "domain": domain, "message": draw(values[names[-1]])}


@settings(max_examples=120, deadline=None)
@given(typed())
def test_any_typed_data_is_signed_as_eth_account_signs_it(data: dict[str, Any]) -> None:
    """The digest, and the signature of one key, agree for types and values made at random."""
    ours = read_typed(json.dumps(data), 31337)
    theirs = encode_typed_data(full_message=data)
    assert ours.digest == _hash_eip191_message(theirs)
    signature = platform.sign(KEY, ours.digest)
    assert Account.recover_message(theirs, signature=signature).lower() == "0x" + platform.address_of(KEY).hex()
    assert signature == Account.sign_message(theirs, KEY).signature


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_personal_text_is_signed_as_eth_account_signs_it(data: bytes) -> None:
    """EIP-191 version 0x45 over any bytes."""
    theirs = encode_defunct(data)
    assert personal_digest(data) == _hash_eip191_message(theirs)
    assert platform.sign(KEY, personal_digest(data)) == Account.sign_message(theirs, KEY).signature
