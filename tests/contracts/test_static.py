"""Static checks of the contracts' sources and code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import pytest

from contracts.compile import HERE, artifacts

SOURCES = sorted(path.name for path in HERE.glob("*.vy"))
LIMIT = 24_576
"""Bytes of code at an address (EIP-170)."""

MONEY = ("escrow.vy", "drafts.vy", "challenges.vy", "settlement.vy")


@cache
def lines(source: str) -> tuple[str, ...]:
    """Return a contract's lines, without comments."""
    return tuple(line.split("#")[0].rstrip() for line in (HERE / source).read_text().splitlines())


def functions(source: str) -> Iterator[tuple[str, list[str]]]:
    """Return function names with their decorators."""
    decorators: list[str] = []
    for line in lines(source):
        if line.startswith("@"):
            decorators.append(line[1:])
        elif line.startswith("def "):
            yield line[4:].split("(")[0], decorators
            decorators = []


@pytest.mark.parametrize("source", SOURCES)
def test_every_revert_has_a_reason(source: str) -> None:
    """No assert without a text, no bare raise, no assertion that burns all gas."""
    for line in lines(source):
        if line.strip().startswith("assert"):
            assert re.search(r', "[^"]+"$', line), line
        assert not line.strip().startswith("raise")
        assert "UNREACHABLE" not in line


@pytest.mark.parametrize("source", MONEY)
def test_settlement_functions_are_nonreentrant(source: str) -> None:
    """Every function of Settlement that changes state has the lock."""
    changing = [(name, marks) for name, marks in functions(source) if "external" in marks and "view" not in marks]
    assert changing
    assert [name for name, marks in changing if "nonreentrant" not in marks] == []


@pytest.mark.parametrize("source", SOURCES)
def test_no_dangerous_construct_is_used(source: str) -> None:
    """No delegatecall, selfdestruct, ether, or block randomness.

    One raw call, whose failure is handled.
    """
    text = "\n".join(lines(source))
    for word in (
        "delegate",
        "selfdestruct",
        "send(",
        "raw_log",
        "prevrandao",
        "blockhash",
        "tx.origin",
        "create_copy_of",
        "unsafe_",
        "msg.value",
    ):
        assert word not in text
    assert text.count("raw_call(") == (1 if source == "rights_storage.vy" else 0)
    assert text.count("@payable") == (2 if source == "rights_market.vy" else 0)


@pytest.mark.parametrize("contract", sorted(artifacts()))
def test_code_size_is_within_the_limit(contract: str) -> None:
    """Below the limit of a contract's code; its immutables follow it, at most a kilobyte of them."""
    assert len(artifacts()[contract]["runtime"]) // 2 + 1024 < LIMIT


def test_settlement_has_no_owner() -> None:
    """No owner, no role, no pause, no setter."""
    for source in ("settlement_storage.vy", "sum_proof.vy", *MONEY):
        text = "\n".join(lines(source))
        assert "ownable" not in text
        assert not [name for name, _ in functions(source) if name.startswith(("set_", "pause", "upgrade"))]


def test_every_event_is_logged() -> None:
    """No event is declared without a log statement."""
    for source in SOURCES:
        text = "\n".join(lines(source))
        declared = set(re.findall(r"^event (\w+):", text, re.M))
        assert declared == set(re.findall(r"\blog (\w+)\(", text))
