"""Inputs of the model: measured costs and assumptions of ``inputs.json``, rules and sizes of the code."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

from benchmarks.scale_model.rules import Rules, rules
from benchmarks.scale_model.sizes import Sizes, sizes

FILE: Final = Path(__file__).with_name("inputs.json")
MEASURED: Final = {"value", "unit", "command", "date", "commit", "busy"}
ASSUMED: Final = {"value", "unit", "why"}

T = TypeVar("T")


@dataclass(frozen=True)
class Costs:
    """Measured costs; processor time is the security server's unless the name says otherwise.

    Attributes:
        connect_us: A WebSocket and its greeting.
        open_us: An opened ticket.
        lease_us: A lease, without its keys.
        key_us: A wrapped key.
        report_us: A reported invocation that counts an interval.
        statement_line_us: A line of a statement.
        voucher_line_us: A line of a voucher, with its receipts.
        whole_percent: Processor time of a whole server, percent of the sum of these steps.
        lease_every_s: Time between two leases of a play.
        server_bytes: Memory of a server without a listener.
        listener_bytes: Memory of a listener's connection and rows.
        ticket_row_bytes: Database for a ticket.
        invocation_row_bytes: Database for an invocation.
        line_row_bytes: Database for a settled line.
        receipt_row_bytes: Database for a receipt.
        post_one_gas: Post of an epoch with one payer.
        post_twenty_gas: Post with twenty.
        claim_gas: Mean of the claims of an epoch of 1,000 leaves.
        level_gas: What a level of the tree adds to a claim.
        leaf_ns: Processor time of a leaf when an epoch is closed.
        leaf_bytes: Memory of a leaf then.
        audit_plays_per_s: Plays that an audit checks in a second of a core.
        audit_least_bytes: Memory of an audit of a small epoch.
        audit_permille: What an epoch adds to it, thousandths of the published data.
        container_ppm: What the file format adds to the segments, millionths.
    """

    connect_us: int
    open_us: int
    lease_us: int
    key_us: int
    report_us: int
    statement_line_us: int
    voucher_line_us: int
    whole_percent: int
    lease_every_s: int
    server_bytes: int
    listener_bytes: int
    ticket_row_bytes: int
    invocation_row_bytes: int
    line_row_bytes: int
    receipt_row_bytes: int
    post_one_gas: int
    post_twenty_gas: int
    claim_gas: int
    level_gas: int
    leaf_ns: int
    leaf_bytes: int
    audit_plays_per_s: int
    audit_least_bytes: int
    audit_permille: int
    container_ppm: int


@dataclass(frozen=True)
class Assumed:
    """Assumptions: ``inputs.json`` says why each."""

    heard_s: int
    interval_s: int
    segment_s: int
    ahead_s: int
    station_listeners: int
    content_plays_hour: int
    rewarded_percent: int
    core_percent: int
    round_ms: int
    header_bytes: int
    audio_kbps: int
    fill_percent: int
    block_gas: int
    chain_percent: int
    gas_price_wei: int
    price_wei: int
    reward_wei: int
    challenged_permille: int
    hit_percent: int
    crowd_percent: int
    crowd_s: int
    day_percent: tuple[int, ...]


@dataclass(frozen=True)
class Inputs:
    """Everything that the model reads."""

    costs: Costs
    assumed: Assumed
    rules: Rules
    sizes: Sizes


@cache
def inputs() -> Inputs:
    """The inputs of this repository.

    Raises:
        ValueError: ``inputs.json`` misses a value, or says not where one is from.
    """
    raw = raw_inputs()
    return Inputs(
        parse(Costs, raw["measured"], MEASURED),
        parse(Assumed, raw["assumed"], ASSUMED),
        rules(),
        sizes(),
    )


def raw_inputs() -> dict[str, dict[str, dict[str, Any]]]:
    """The content of ``inputs.json``."""
    found: dict[str, dict[str, dict[str, Any]]] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def parse(kind: type[T], raw: Mapping[str, Mapping[str, Any]], keys: set[str]) -> T:
    """Build a dataclass from named values.

    Args:
        kind: The dataclass.
        raw: For each of its fields an object with ``value`` and where it is from.
        keys: The keys of such an object.

    Raises:
        ValueError: A field is missing, unknown or incomplete, or no whole number.
    """
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    if names != raw.keys():
        raise ValueError(f"{kind.__name__}: {sorted(names ^ raw.keys())} missing or unknown")
    values: dict[str, Any] = {}
    for name, entry in raw.items():
        if entry.keys() != keys or not all(entry[key] for key in keys - {"value", "busy"}):
            raise ValueError(f"{name}: its keys are {sorted(keys)}")
        if "commit" in keys and not re.fullmatch(r"20\d\d-\d\d-\d\d [0-9a-f]{7}", f"{entry['date']} {entry['commit']}"):
            raise ValueError(f"{name}: no date and commit")
        value = entry["value"]
        parts = value if isinstance(value, list) else [value]
        if not parts or any(type(part) is not int or part < 0 for part in parts):
            raise ValueError(f"{name}: no whole number")
        values[name] = tuple(value) if isinstance(value, list) else value
    return kind(**values)
