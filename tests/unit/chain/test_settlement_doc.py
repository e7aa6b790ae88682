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
def test_every_reason_is_documented(source: str) -> None:
    """A revert would have no explanation."""
    reasons = set(re.findall(r'assert [^\n]*, "([^"]+)"\n', Path(HERE, source).read_text(encoding="utf-8")))
    assert reasons or source == "rights.vy"
    assert {reason if reason.startswith("erc721") else reason.partition(": ")[2] for reason in reasons} <= SAID


@pytest.mark.parametrize("contract", ["Registry", "Content", "Rights", "Settlement"])
def test_every_event_is_documented(contract: str) -> None:
    """An event would be missing."""
    events = {entry["name"] for entry in json.loads(ABI_FILE.read_text())[contract] if entry["type"] == "event"}
    assert events - {"OwnershipTransferStarted", "OwnershipTransferred", "EIP712DomainChanged"} - ERC721 <= SAID


def test_every_state_changing_function_is_documented() -> None:
    """A function would be missing."""
    functions = {
        e["name"]
        for e in json.loads(ABI_FILE.read_text())["Settlement"]
        if e.get("stateMutability") == "nonpayable" and "name" in e
    }
    assert len(functions) == 17
    assert functions <= {said.split("(")[0] for said in SAID}
