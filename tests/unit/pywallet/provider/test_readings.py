"""Readings of typed data by its structs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywallet.provider import read_typed, view_of
from pywallet.provider.readings import is_harmless
from tests.unit.pywallet.provider.typed_strategy import typed

CASES = json.loads((Path(__file__).parents[3] / "vectors" / "provider" / "readings.json").read_text())
CONTRACT = {"name": "A contract", "verifyingContract": "0x" + "55" * 20}
_DOMAIN = {"name": "string", "version": "string", "verifyingContract": "address"}


def expanded(case: dict[str, Any]) -> str:
    """The JSON text of a case, whose structs are written as in Solidity."""
    domain = case.get("domain", CONTRACT)
    types: dict[str, Any] = {
        "EIP712Domain": [{"name": name, "type": _DOMAIN[name]} for name in _DOMAIN if name in domain]
    }
    for struct, fields in case["types"].items():
        types[struct] = [dict(zip(("type", "name"), field.split(" "), strict=True)) for field in fields.split(",")]
    return json.dumps({"types": types, "primaryType": case["primary"], "domain": domain, "message": case["message"]})


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_each_message_has_its_readings(case: dict[str, Any]) -> None:
    """A message that moves assets would have another reading or none."""
    shown = view_of(read_typed(expanded(case), 1))
    assert [one.kind for one in shown.readings] == case["kinds"]
    assert (shown.spends, shown.unlimited) == (case["spends"], case["unlimited"])
    if "lines" in case:
        assert [list(line) for line in asdict(shown)["readings"][0]["lines"]] == case["lines"]


@pytest.mark.parametrize(
    "case", [case for case in CASES if case["kinds"]], ids=[case["name"] for case in CASES if case["kinds"]]
)
def test_nesting_and_renaming_change_no_reading(case: dict[str, Any]) -> None:
    """A struct in another one, in an array or under another name would pass as harmless."""
    types = {f"Z{name}": fields for name, fields in case["types"].items()}
    for old in case["types"]:
        types = {
            name: fields.replace(f"{old} ", f"Z{old} ").replace(f"{old}[", f"Z{old}[") for name, fields in types.items()
        }
    types = {name: fields.replace("ZZ", "Z") for name, fields in types.items()}
    wrapped = {
        **case,
        "primary": "Hello",
        "types": {**types, "Hello": f"string words,Z{case['primary']}[] inner"},
        "message": {"words": "hello", "inner": [case["message"]]},
    }
    if case["name"] != "words for a contract":
        wrapped["domain"] = {"name": "x"}
    assert [one.kind for one in view_of(read_typed(expanded(wrapped), 1)).readings] == case["kinds"]


@given(typed())
def test_any_message_that_may_have_an_amount_or_address_has_a_reading(data: dict[str, Any]) -> None:
    """A random type with an amount or address would have no reading."""
    read = read_typed(json.dumps(data), 31337)
    # This strategy's domain always names a contract.
    assert view_of(read).readings
    assert not is_harmless(read)


@given(st.text())
def test_texts_with_numbers_or_addresses_are_not_harmless(text: str) -> None:
    """A number or an address in a text would pass as harmless."""
    case = {"primary": "Hello", "types": {"Hello": "string words"}, "domain": {"name": "x"}}
    for words in (f"{text}0x{'ab' * 20}{text}", "5", " 12.5 "):
        read = read_typed(expanded({**case, "message": {"words": words}}), 1)
        assert not is_harmless(read)


@pytest.mark.parametrize(
    ("words", "warns"),
    [
        ("a " * 120_000, False),
        ("a " * 120_000 + "2026", False),
        ("2026 " * 50_000, True),
        ("a." * 120_000, False),
        ("a.b." * 60_000, False),
    ],
)
def test_a_long_text_is_read_in_linear_time(words: str, warns: bool) -> None:
    """A long text would take minutes."""
    case = {
        "primary": "Hello",
        "types": {"Hello": "string words"},
        "domain": {"name": "x"},
        "message": {"words": words},
    }
    assert [one.kind for one in view_of(read_typed(expanded(case), 1)).readings] == (["unknown"] if warns else [])
