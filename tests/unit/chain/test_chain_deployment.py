"""The deployment file: written atomically, parsed strictly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chain.deployment import Deployment
from pywallet.errors import InputError
from pywallet.protocol import Domain
from pywallet.settlement import Schedule

A, B, C, D, E = (bytes([n]) * 20 for n in range(1, 6))
MADE = Deployment(31337, "ws://127.0.0.1:8545", A, B, C, D, E, 7, Schedule(60, 5, 15, 15, 3600, 70), 10**18)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    """A field would be lost, or a temporary file left."""
    MADE.save(tmp_path / "deployment.json")
    assert Deployment.load(tmp_path / "deployment.json") == MADE
    assert [p.name for p in tmp_path.iterdir()] == ["deployment.json"]
    assert MADE.domain == Domain(31337, D)


def test_an_older_file_has_the_usual_block_time() -> None:
    """A file without block time would be refused, or have another default."""
    raw = {**MADE.to_json(), "confirmations": 4}
    del raw["block_time"]
    local, other = Deployment.from_json(raw), Deployment.from_json({**raw, "chain_id": 1})
    assert (local.block_time, other.block_time) == (1, 12)
    assert Deployment.from_json({**raw, "block_time": 3}).block_time == 3
    with pytest.raises(InputError) as caught:
        local.require_schedule()
    assert (caught.value.code, caught.value.detail["name"], caught.value.detail["least_s"]) == (
        "chain.schedule",
        "grace",
        6,
    )
    MADE.require_schedule()


def test_amounts_are_decimal_strings() -> None:
    """Wei would lose digits as a JSON number."""
    assert MADE.to_json()["stake"] == "1000000000000000000"
    assert MADE.to_json()["settlement"] == "0x" + "04" * 20


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("chain_id", "31337"),
        ("chain_id", 1.5),
        ("chain_id", True),
        ("chain_id", -1),
        ("chain_id", float("inf")),
        ("block", None),
        ("block_time", 0),
        ("block_time", "12"),
        ("block_time", 1.5),
        ("rpc", "ftp://127.0.0.1"),
        ("rpc", 7),
        ("token", "0x00"),
        ("token", None),
        ("registry", "0x" + "zz" * 20),
        ("stake", 5),
        ("stake", "-5"),
        ("stake", "٣"),
        ("schedule", None),
        ("schedule", []),
        ("schedule", {"length": 60}),
        ("schedule", {"length": 60, "grace": 5, "window": 15, "answer": 15, "late": 3600, "delay": 70, "more": 1}),
        ("schedule", {"length": 60, "grace": -5, "window": 15, "answer": 15, "late": 3600, "delay": 70}),
        ("schedule", {"length": 60, "grace": 5.5, "window": 15, "answer": 15, "late": 3600, "delay": 70}),
        ("schedule", {"length": 60, "grace": 40, "window": 15, "answer": 15, "late": 3600, "delay": 70}),
    ],
)
def test_wrong_fields_are_refused(field: str, value: Any) -> None:
    """A wrong field would be used."""
    with pytest.raises(InputError, match=r"message\.schema"):
        Deployment.from_json({**MADE.to_json(), field: value})


@pytest.mark.parametrize("field", [name for name in MADE.to_json() if name != "block_time"])
def test_missing_fields_are_refused(field: str) -> None:
    """A missing field would get a default."""
    raw = MADE.to_json()
    del raw[field]
    with pytest.raises(InputError, match=r"message\.schema"):
        Deployment.from_json(raw)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"7", b"\xff", b"[" * 5_000 + b"]" * 5_000, json.dumps({}).encode()]
)
def test_files_that_are_no_deployment(tmp_path: Path, content: bytes) -> None:
    """Another or a missing file would raise another error than message.schema."""
    path = tmp_path / "deployment.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"message\.schema"):
        Deployment.load(path)
    with pytest.raises(InputError, match=r"message\.schema"):
        Deployment.load(tmp_path / "none.json")
