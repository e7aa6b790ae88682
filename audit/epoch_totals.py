"""Totals of one epoch's plays, from which every report is made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from audit.repeated_keys import Neighbours, RepeatedKeys, repeated_keys
from audit.tables import EpochFile
from audit.usage_groups import GROUP, UsageGroups
from pywallet.protocol.outcomes import PlayOutcome
from pywallet.settlement import NO_TERMS, ContentRow, DebitRow, OwnerRow, SegmentRow, StationRow, TermsRow

FREE = TermsRow(0, 0, 0)
"""Terms of refused plays."""


@dataclass
class Sums:
    """Sums over the plays of one station, content and terms in one epoch.

    ``intervals`` are the paid ones; ``refused`` plays cost nothing.
    """

    intervals: int = 0
    plays: int = 0
    refused: int = 0
    heard_s: int = 0
    seeks: int = 0
    listener_paid: int = 0
    """Intervals that listeners paid themselves, included in ``intervals``."""


@dataclass(frozen=True)
class UsageLine:
    """``Sums`` with addresses instead of row numbers; amounts in wei."""

    station: bytes
    content: bytes
    owner: bytes
    terms: TermsRow
    sums: Sums

    @property
    def price(self) -> int:
        """Earnings of the owner."""
        return self.sums.intervals * self.terms.price

    @property
    def charged(self) -> int:
        """Debit of the station, without commission."""
        return (self.sums.intervals - self.sums.listener_paid) * (self.terms.price + self.terms.reward)

    @property
    def listener_paid(self) -> int:
        """Debit of listeners, without commission."""
        return self.sums.listener_paid * (self.terms.price + self.terms.reward)

    @property
    def reward(self) -> int:
        """Rewards of the listeners."""
        return self.sums.intervals * self.terms.reward


@dataclass
class EpochMoney:
    """Sums of an epoch's lines, wei; the counts of plays are numbers."""

    nets: dict[bytes, int] = field(default_factory=dict)
    earned: dict[bytes, int] = field(default_factory=dict)
    refused_of: dict[bytes, int] = field(default_factory=dict)
    listener_paid: int = 0
    rewards: int = 0
    plays: int = 0
    refused: int = 0


@dataclass
class EpochTotals:
    """Totals of one epoch of one server. Without ``file`` they can be sent to another process."""

    server: bytes
    epoch: int
    bps: int
    file: EpochFile
    stations: list[bytes] = field(default_factory=list)
    contents: list[ContentRow] = field(default_factory=list)
    terms: list[TermsRow] = field(default_factory=list)
    debits: list[DebitRow] = field(default_factory=list)
    groups: UsageGroups = field(default_factory=UsageGroups)
    unknown_indices: int = 0
    """Plays whose station, content or terms index names no row; they count nowhere."""
    invalid_plays: int = 0
    """Plays with an unknown outcome, a second outside the epoch, or paid for a part of an interval."""
    repeated: RepeatedKeys = field(default_factory=RepeatedKeys)
    """Tickets of two paid plays: station row << 32 | ticket; for a duplicate station its first row."""
    unordered_tables: list[str] = field(default_factory=list)
    """Tables with duplicate rows, or in another order than docs/settlement.md specifies."""
    standing: bool = True

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the open file."""
        return {**self.__dict__, "file": None}

    def lines(self) -> Iterator[UsageLine]:
        """The groups with addresses, ordered by station, content and terms."""
        for station, content, terms, *sums in self.groups:
            row = self.contents[content]
            yield UsageLine(
                self.stations[station],
                row.content,
                row.owner,
                FREE if terms == NO_TERMS else self.terms[terms],
                Sums(*sums),
            )

    @cached_property
    def money(self) -> EpochMoney:
        """Sums over the lines, made once."""
        out = EpochMoney(earned={row.owner: 0 for row in self.contents})
        for line in self.lines():
            if line.charged:
                out.nets[line.station] = out.nets.get(line.station, 0) + line.charged
            if line.sums.refused:
                out.refused_of[line.content] = out.refused_of.get(line.content, 0) + line.sums.refused
            out.earned[line.owner] += line.price
            out.listener_paid += line.listener_paid
            out.rewards += line.reward
            out.plays += line.sums.plays
            out.refused += line.sums.refused
        return out

    def nets(self) -> dict[bytes, int]:
        """Payer to the cost of its plays, wei."""
        return dict(self.money.nets)

    def listeners(self) -> tuple[int, int]:
        """Cost of the plays that listeners paid, and the sum of listeners' debits, wei.

        The data do not say which listener paid which play.
        """
        stations = set(self.stations)
        return self.money.listener_paid, sum(row.net for row in self.debits if row.payer not in stations)

    def earned(self) -> dict[bytes, int]:
        """Owner to the earnings of its contents, wei."""
        return dict(self.money.earned)

    def rewards(self) -> int:
        """Rewards of all listeners, wei."""
        return self.money.rewards


def sum_epoch(file: EpochFile, length_s: int, folder: Path | None = None, most: int | None = None) -> EpochTotals:
    """Sum up an epoch's data in one pass.

    Memory grows with stations, contents and terms.

    Args:
        file: The epoch's data.
        length_s: Length of an epoch, seconds.
        folder: Where groups that do not fit in memory are written; without it a temporary folder.
        most: Groups in memory, instead of ``usage_groups.IN_MEMORY``.
    """
    head = file.head
    totals = EpochTotals(head.server, head.epoch, head.bps, file)
    totals.groups = UsageGroups(folder, most)
    totals.stations = [row.station for row in file.rows(StationRow)]
    totals.contents = list(file.rows(ContentRow))
    totals.terms = list(file.rows(TermsRow))
    totals.debits = list(file.rows(DebitRow))
    totals.unordered_tables = _unordered(totals)
    first = _first_rows(totals)
    last, sorted_plays = -1, True
    tickets, sorted_tickets = Neighbours(), True
    lengths = np.array([row.interval_s or 1 for row in totals.terms] or [1], dtype=np.int64)
    for plays in file.plays():
        valid_indices = _valid_indices(totals, plays)
        totals.unknown_indices += int((~valid_indices).sum())
        plays = plays[valid_indices]
        station, content, terms = (plays[name].astype(np.int64) for name in ("station", "content", "terms"))
        refused = plays["outcome"] == PlayOutcome.REFUSED
        # Paid plays come first; there are fewer than 2^31 stations, so that the three fit into one integer.
        order = refused.astype(np.int64) << 62 | station << 32 | plays["ticket"].astype(np.int64)
        if len(order):
            sorted_plays &= last <= int(order[0]) and bool((order[1:] >= order[:-1]).all())
            last = int(order[-1])
            _group(totals, plays, station, content, terms, lengths, length_s)
            sorted_tickets = sorted_tickets and tickets.add(_ticket_keys(first, plays[~refused]))
    totals.groups.end()
    if not sorted_plays:
        totals.unordered_tables.append("plays")
    in_any_order = (_ticket_keys(first, plays) for plays in paid_plays(totals))
    totals.repeated = tickets.found if sorted_tickets else repeated_keys(in_any_order)
    return totals


def paid_plays(totals: EpochTotals) -> Iterator[np.ndarray[Any, Any]]:
    """The paid plays of an epoch whose file is open, as arrays of ``PLAY``; without those that name no row."""
    for plays in totals.file.plays():
        some = plays[(plays["outcome"] != PlayOutcome.REFUSED) & _valid_indices(totals, plays)]
        if len(some):
            yield some


def _valid_indices(totals: EpochTotals, plays: Any) -> Any:
    terms = plays["terms"]
    priced = np.where(plays["outcome"] == PlayOutcome.REFUSED, terms == NO_TERMS, terms < len(totals.terms))
    return (plays["station"] < len(totals.stations)) & (plays["content"] < len(totals.contents)) & priced


def _first_rows(totals: EpochTotals) -> Any:
    """The first row of each row's station."""
    first: dict[bytes, int] = {}
    rows = [first.setdefault(station, row) for row, station in enumerate(totals.stations)]
    return np.array(rows or [0], dtype=np.int64)


def _ticket_keys(first: Any, plays: Any) -> Any:
    return first[plays["station"]] << 32 | plays["ticket"].astype(np.int64)


def _unordered(totals: EpochTotals) -> list[str]:
    """Tables whose keys do not increase from row to row, and owners' rows of zero.

    The order of payees is checked as ``leaf.order``.
    """
    keys: dict[str, Iterable[Any]] = {
        "stations": totals.stations,
        "contents": (row.content for row in totals.contents),
        "terms": ((row.price, row.reward, row.interval_s) for row in totals.terms),
        "debits": (row.payer for row in totals.debits),
        "owners": (row.payee for row in totals.file.rows(OwnerRow)),
        "segments": ((row.content, row.segment) for row in totals.file.rows(SegmentRow)),
    }
    out = [name for name, rows in keys.items() if any(after <= before for before, after in pairwise(rows))]
    # An owner without earnings has no row.
    return out if all(row.owned for row in totals.file.rows(OwnerRow)) else [*out, "owners"]


def _group(
    totals: EpochTotals, plays: Any, station: Any, content: Any, terms: Any, lengths: Any, length_s: int
) -> None:
    heard, valid = plays["heard"].astype(np.int64), plays["outcome"] != PlayOutcome.REFUSED
    each = np.where(valid, lengths[np.where(valid, terms, 0)], 1)
    second = plays["second"].astype(np.int64) @ np.array([65536, 256, 1])
    odd = (
        (plays["outcome"] > PlayOutcome.PAID_BY_LISTENER)
        | (second > length_s)
        | (heard % each != 0)
        | (~valid & (heard > 0))
    )
    totals.invalid_plays += int(odd.sum())
    pairs, pair = np.unique(station << 32 | content, return_inverse=True)
    keys, where = np.unique(pair << 32 | terms, return_inverse=True)
    columns = {
        "intervals": np.where(valid, heard // each, 0),
        "plays": valid,
        "refused": plays["outcome"] == PlayOutcome.REFUSED,
        "heard_s": np.where(valid, heard, 0),
        "seeks": plays["seeks"],
        "listener_paid": np.where(plays["outcome"] == PlayOutcome.PAID_BY_LISTENER, heard // each, 0),
    }
    rows = np.zeros(len(keys), dtype=GROUP)
    names = pairs[keys >> 32]
    rows["station"], rows["content"], rows["terms"] = names >> 32, names & 0xFFFFFFFF, keys & 0xFFFFFFFF
    for name, values in columns.items():
        # Sums of at most 2^18 integers below 2^32 are exact as doubles.
        rows[name] = np.bincount(where, weights=values, minlength=len(keys)).astype(np.uint64)
    totals.groups.add(rows)
