"""docs/settlement.md lists every revert, event and function of the contracts."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from contracts.compile import ABI_FILE, HERE

BOOK = (HERE.parent / "docs" / "settlement.md").read_text(encoding="utf-8")
ERC721 = {"Transfer", "Approval", "ApprovalForAll", "MetadataUpdate", "BatchMetadataUpdate", "RoleMinterChanged"}
SAID = set(re.findall(r"`([^`]+)`", BOOK))


@pytest.mark.parametrize("source", sorted(path.name for path in HERE.glob("*.vy")))
def test_every_reason_is_in_the_book(source: str) -> None:
    """docs/settlement.md lists the cause of every revert."""
    reasons = set(re.findall(r'assert [^\n]*, "([^"]+)"\n', Path(HERE, source).read_text(encoding="utf-8")))
    assert reasons or source == "rights.vy"
    assert {reason if reason.startswith("erc721") else reason.partition(": ")[2] for reason in reasons} <= SAID


@pytest.mark.parametrize("contract", ["Registry", "Content", "Rights", "Settlement"])
def test_every_event_is_in_the_book(contract: str) -> None:
    """What can be watched is named."""
    events = {entry["name"] for entry in json.loads(ABI_FILE.read_text())[contract] if entry["type"] == "event"}
    assert events - {"OwnershipTransferStarted", "OwnershipTransferred", "EIP712DomainChanged"} - ERC721 <= SAID


def test_every_function_that_changes_something_is_in_the_book() -> None:
    """Settlement has no function that the book leaves out."""
    functions = {
        e["name"]
        for e in json.loads(ABI_FILE.read_text())["Settlement"]
        if e.get("stateMutability") == "nonpayable" and "name" in e
    }
    assert len(functions) == 17
    assert functions <= {said.split("(")[0] for said in SAID}
