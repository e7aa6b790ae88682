"""Meaning of calls by the contract's standard, the whole data and the sending account."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pywallet.provider import argument_tree, read_call

VECTORS = json.loads((Path(__file__).parents[3] / "vectors" / "provider" / "calls.json").read_text())
OWN = bytes.fromhex(VECTORS["own"])


@pytest.mark.parametrize("case", VECTORS["calls"], ids=[case["name"] for case in VECTORS["calls"]])
def test_the_meaning_of_a_call_depends_on_the_standard(case: dict[str, Any]) -> None:
    """A call would have the meaning of another standard, or one although a byte is not decoded."""
    read = read_call(bytes.fromhex(case["data"]), case["standard"], OWN)
    assert (read.kind, read.unlimited, read.item) == (case["kind"], case["unlimited"], case["item"])
    assert read.amount == (None if case["amount"] is None else int(case["amount"]))
    assert (read.other.hex() if read.other is not None else None) == case["other"]
    assert bool(read.arguments) == (case["kind"] not in ("coin", "unknown"))


def test_arguments_are_trees_with_names() -> None:
    """An argument would be missing or malformed on the screen."""
    case = next(case for case in VECTORS["calls"] if case["name"] == "a batch")
    shown = [
        argument_tree(one.name, one.kind, one.value)
        for one in read_call(bytes.fromhex(case["data"]), "erc1155", OWN).arguments
    ]
    assert [one["name"] for one in shown] == ["from", "to", "ids", "amounts", "data"]
    assert [part["value"] for part in shown[2]["parts"]] == ["7", "8"]
    assert shown[3]["parts"][1] == {"name": "1", "type": "uint256", "value": "5"}
    assert (shown[1]["value"].lower(), shown[4]["value"]) == ("0x" + "77" * 20, "0x")
