"""Readings of typed data by its structure; what is not known to be harmless is warned of."""

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
def test_each_kind_is_told_as_what_it_is(case: dict[str, Any]) -> None:
    """Messages that move assets have a named reading, texts alone have none, all others are unknown."""
    shown = view_of(read_typed(expanded(case), 1))
    assert [one.kind for one in shown.readings] == case["kinds"]
    assert (shown.spends, shown.unlimited) == (case["spends"], case["unlimited"])
    if "lines" in case:
        assert [list(line) for line in asdict(shown)["readings"][0]["lines"]] == case["lines"]


@pytest.mark.parametrize(
    "case", [case for case in CASES if case["kinds"]], ids=[case["name"] for case in CASES if case["kinds"]]
)
def test_no_wrapping_and_no_other_name_makes_it_harmless(case: dict[str, Any]) -> None:
    """The same message in a struct, in an array and under another name is told alike.

    A harmless domain changes nothing.
    """
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
def test_any_message_that_could_name_an_amount_or_an_address_is_warned_of(data: dict[str, Any]) -> None:
    """Types made at random: a reading, unless there are words alone and no contract."""
    read = read_typed(json.dumps(data), 31337)
    # This strategy's domain always names a contract.
    assert view_of(read).readings
    assert not is_harmless(read)


@given(st.text())
def test_words_that_are_a_number_or_have_an_address_are_not_harmless(text: str) -> None:
    """Whatever stands around an address."""
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
def test_a_text_as_long_as_a_message_may_be_is_read_at_once(words: str, warns: bool) -> None:
    """Work that grows with the square of the text would take minutes."""
    case = {
        "primary": "Hello",
        "types": {"Hello": "string words"},
        "domain": {"name": "x"},
        "message": {"words": words},
    }
    assert [one.kind for one in view_of(read_typed(expanded(case), 1)).readings] == (["unknown"] if warns else [])
