"""Constants of the rules that the model counts against, read from the programs' code."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import audit.sources
from chain.commands import deploy, schedule
from chain.deployment import USUAL_BLOCK_S
from demo.paths import ROOT
from native_host.payments import published_data
from native_host.remote import connections, server
from pywallet.settlement.published_rows import PlayRow
from pywallet.settlement.schedule import ANSWERS_A_BATCH, Schedule
from pywallet.settlement.tree import MAX_DEPTH
from security_server.billing import claim_relay, statements
from security_server.config import Config
from security_server.db import writer_queue
from station.config import StationConfig


@dataclass(frozen=True)
class Rules:
    """Limits and periods; the suffix of a name is its unit.

    Attributes:
        renew_ms: Longest time between two reports of a play.
        payee_s: Time for which an open wallet keeps a payee.
        host_idle: Connections that a host keeps although no stream uses them.
        host_timeout_s: Time that a host waits for an answer.
        statement_s: Time between two rounds of a station.
        schedule: Periods of an epoch by default.
        block_s: Time between two blocks.
        confirmations: Blocks until a transaction is confirmed.
        connections: Connections of a security server.
        credit_plays: Plays that a station may have at a server before its first voucher.
        statement_lines: Lines of a statement.
        epoch_stations: Stations that pay in one epoch of a server.
        post_entries: Payers of one transaction that debits them.
        host_stations: Stations in published data that a host reads.
        host_payees_bytes: Published data up to the payees that a host reads.
        published_bytes: Published data that an audit or a host fetches.
        tree_depth: Levels of a sum tree.
        answers: Challenges that one transaction answers.
        relay_per_hour: Claims that a server relays in an hour.
        relay_hour_wei: Gas that it pays in an hour.
        relay_gas: Gas that is reserved for one claim in a transaction of its own.
        batch: Functions in one transaction of the writer.
        keep_days: Time for which plays are kept.
        keep_receipts_days: Time for which receipts are kept.
        ticket_numbers: Tickets that a station can number.
        supply_wei: Bound of the token's supply.
    """

    renew_ms: int
    payee_s: int
    host_idle: int
    host_timeout_s: int
    statement_s: int
    schedule: Schedule
    block_s: int
    confirmations: int
    connections: int
    credit_plays: int
    statement_lines: int
    epoch_stations: int
    post_entries: int
    host_stations: int
    host_payees_bytes: int
    published_bytes: int
    tree_depth: int
    answers: int
    relay_per_hour: int
    relay_hour_wei: int
    relay_gas: int
    batch: int
    keep_days: int
    keep_receipts_days: int
    ticket_numbers: int
    supply_wei: int


@cache
def rules() -> Rules:
    """The rules of the code beside this module."""
    options: dict[str | None, Any] = {option.name: option.default for option in deploy.params}
    ticket_bytes = next(
        size for one, (_, size) in zip(fields(PlayRow), PlayRow.LAYOUT, strict=True) if one.name == "ticket"
    )
    supply_bits = _number("contracts/settlement_storage.vy", r"totalSupply\(\) < 2\*\*(\d+)")
    return Rules(
        renew_ms=_number("extension/engine/playback/invocation_client.js", r"MAX_RENEW_MS = ([\d_]+);"),
        payee_s=_number("extension/engine/wallet/sessions.js", r"PAYEE_S = ([\d_]+);"),
        host_idle=connections.MAX_IDLE,
        host_timeout_s=int(server.TIMEOUT_S),
        statement_s=int(_default(StationConfig, "statement_seconds")),
        schedule=schedule(options["epoch_seconds"]),
        block_s=USUAL_BLOCK_S,
        confirmations=options["confirmations"],
        connections=_default(Config, "connections"),
        credit_plays=_default(Config, "credit_plays"),
        statement_lines=statements.MOST_LINES,
        epoch_stations=_default(Config, "most_stations"),
        post_entries=_number("contracts/settlement.vy", r"DynArray\[drafts\.Entry, (\d+)\]"),
        host_stations=published_data.MAX_STATIONS,
        host_payees_bytes=published_data.MAX_KEPT,
        published_bytes=min(published_data.MAX_BYTES, audit.sources.MAX_BYTES),
        tree_depth=MAX_DEPTH,
        answers=ANSWERS_A_BATCH,
        relay_per_hour=_default(Config, "relay_per_hour"),
        relay_hour_wei=_default(Config, "relay_hour_wei"),
        relay_gas=sum(claim_relay.GAS),
        batch=writer_queue.BATCH,
        keep_days=_default(Config, "keep_days"),
        keep_receipts_days=_default(Config, "keep_receipts_days"),
        ticket_numbers=1 << 8 * ticket_bytes,
        supply_wei=1 << supply_bits,
    )


def _default(kind: type[Any], name: str) -> Any:
    return next(field.default for field in fields(kind) if field.name == name)


def _number(path: str, pattern: str) -> int:
    """The number in a source file of another language.

    Raises:
        LookupError: The file has no such text.
    """
    found = re.search(pattern, (Path(ROOT) / path).read_text(encoding="utf-8"))
    if found is None:
        raise LookupError(f"{path}: {pattern}")
    return int(found[1])
