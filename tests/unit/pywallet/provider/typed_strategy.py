"""Any typed data, for tests and vectors: types made at random and values of them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

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
    domain = draw(
        st.fixed_dictionaries(
            {"name": TEXT, "version": TEXT, "chainId": st.just(31337), "verifyingContract": _hexed(20)}
        )
    )
    return {"types": types, "primaryType": names[-1], "domain": domain, "message": draw(values[names[-1]])}
