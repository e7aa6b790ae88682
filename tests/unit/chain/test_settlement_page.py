"""docs/settlement.md and docs/audit.md against contracts, deployment file, published rows and kinds of faults."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from audit.faults import KINDS
from chain.deployment import Deployment
from pywallet.errors import InputError
from pywallet.settlement import (
    ContentRow,
    DebitRow,
    EpochData,
    OwnerRow,
    PayeeRow,
    PlayRow,
    Schedule,
    SegmentRow,
    StationRow,
    TermsRow,
    UsageRow,
)

DOCS = Path(__file__).parents[3] / "docs"
SETTLEMENT = (DOCS / "settlement.md").read_text()
ABI: dict[str, list[dict[str, Any]]] = json.loads(files("chain").joinpath("abi.json").read_text())
STANDARD = {
    "Transfer",
    "Approval",
    "ApprovalForAll",
    "OwnershipTransferred",
    "OwnershipTransferStarted",
    "RoleMinterChanged",
}


def section(name: str) -> str:
    """Text under a heading."""
    return re.split(r"\n##+ ", SETTLEMENT.split(f"# {name}\n", 1)[1])[0]


@pytest.mark.parametrize("contract", ["Registry", "Content", "Rights", "Settlement"])
def test_the_page_has_every_events_fields(contract: str) -> None:
    """Names, types, order or indexed fields of an event would differ from the contract."""
    told = re.findall(
        r"^\| `(\w+\(.*?\))` \|", section("Events").split(f"| {contract} |", 1)[1].split("\n\n", 1)[0], re.MULTILINE
    )
    events = [one for one in ABI[contract] if one["type"] == "event" and one["name"] not in STANDARD]
    true = [
        f"{one['name']}({', '.join(('*' if field['indexed'] else '') + field['type'] + ' ' + field['name'] for field in one['inputs'])})"  # noqa: E501
        for one in events
    ]
    assert sorted(told) == sorted(true)


def test_the_page_has_the_calls_of_an_auditor() -> None:
    """A documented call would differ from the contract."""
    table = section("Calls of an auditor")
    told = re.findall(r"^\| (\w+) \| `(\w+)\((.*)\)` \| (.*) \|$", table, re.MULTILINE)
    assert {name for _, name, *_ in told} == {
        *("debit", "post", "account", "server_state", "commitment", "epoch_meta"),
        *("rate_at", "is_content", "station", "owner_at", "server_at"),
    }
    for contract, name, given, gives in told:
        true = next(one for one in ABI[contract] if one.get("name") == name and one["type"] == "function")
        assert _plain(given) == ",".join(_type(field) for field in true["inputs"]), name
        if true["outputs"]:
            first = re.match(r"`(.*?)`", gives)
            assert first is not None
            assert _plain(first[1]) == _type(true["outputs"][0]), name


def _plain(text: str) -> str:
    """A list of parameters without names."""
    return re.sub(r"\s+", "", re.sub(r" \w+(?=[,)]|$)", "", text))


def _type(field: dict[str, Any]) -> str:
    if not field["type"].startswith("tuple"):
        return str(field["type"])
    return "(" + ",".join(_type(one) for one in field["components"]) + ")" + field["type"][5:]


def test_the_page_has_the_deployment_files_fields() -> None:
    """A field of the deployment file would be undocumented, or documented as optional."""
    table = section("The deployment file")
    named = [
        name for cell in re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", cell)
    ]
    file = Deployment(
        7, "http://127.0.0.1:1", *[bytes([n]) * 20 for n in range(5)], 3, Schedule(60, 5, 15, 15, 90, 75), 10**18
    ).to_json()
    assert sorted(named) == sorted(file)
    assert all(f"`{name}`" in table for name in file["schedule"])
    assert Deployment.from_json({**file, "more": 1}).to_json() == file
    for name in file.keys() - {"block_time"}:
        with pytest.raises(InputError):
            Deployment.from_json({key: value for key, value in file.items() if key != name})
    with pytest.raises(InputError):
        Deployment.from_json({**file, "schedule": {**file["schedule"], "more": 1}})


def test_the_page_has_the_published_rows_bytes() -> None:
    """Sizes or order of a row's fields would differ."""
    kinds = (StationRow, ContentRow, TermsRow, DebitRow, PayeeRow, OwnerRow, PlayRow, UsageRow, SegmentRow)
    rows = re.findall(r"^\| (\w+)[^|]*\| ([^|]*) \|$", section("Published data"), re.MULTILINE)[-len(kinds) :]
    sizes = {"u128": 16, "u96": 12, "u64": 8, "u32": 4, "u24": 3, "u16": 2, "u8": 1}
    for (name, text), kind in zip(rows, kinds, strict=True):
        told = [
            sizes.get(word) or int(word)
            for word in re.findall(r"\b(u\d+|20|32|7)\b(?! or more)", re.sub(r"\([^)]*\)", "", text))
        ]
        assert told == [size for _, size in kind.LAYOUT], name


def test_rows_in_another_order_are_read() -> None:
    """A reader would refuse an order that the page permits."""
    data = EpochData(
        bytes(20), 1, bytes(32), 0, bytes(32), 0, payees=(PayeeRow(b"\2" * 20, 1), PayeeRow(b"\1" * 20, 1))
    )
    assert EpochData.decode(data.encode()) == data


def test_the_audits_page_has_every_kind() -> None:
    """A kind of fault would be undocumented."""
    table = (DOCS / "audit.md").read_text().split("| kind | means |", 1)[1].split("\n\n", 1)[0]
    named = [
        kind
        for row in table.splitlines()
        for kind in re.findall(r"`(\w+\.\w+)`", row.split("|")[1] if "|" in row else "")
    ]
    assert sorted(named) == sorted(KINDS)
