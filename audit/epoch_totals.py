"""Totals of one epoch's plays, from which every report is made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from audit.tables import EpochFile
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
class EpochTotals:
    """Totals of one epoch of one server."""

    server: bytes
    epoch: int
    bps: int
    file: EpochFile
    stations: list[bytes] = field(default_factory=list)
    contents: list[ContentRow] = field(default_factory=list)
    terms: list[TermsRow] = field(default_factory=list)
    debits: list[DebitRow] = field(default_factory=list)
    groups: dict[tuple[int, int, int], Sums] = field(default_factory=dict)
    unknown_indices: int = 0
    """Plays whose station, content or terms index names no row; they count nowhere."""
    invalid_plays: int = 0
    """Plays with an unknown outcome, a second outside the epoch, or paid for a part of an interval."""
    tickets: np.ndarray[Any, Any] | None = None
    """Of paid plays: station row << 32 | ticket; for a duplicate station its first row."""
    unordered_tables: list[str] = field(default_factory=list)
    """Tables with duplicate rows, or in another order than docs/settlement.md specifies."""
    standing: bool = True

    def lines(self) -> Iterator[UsageLine]:
        """The groups with addresses, ordered by station, content and terms."""
        for (station, content, terms), sums in sorted(self.groups.items()):
            row = self.contents[content]
            yield UsageLine(
                self.stations[station], row.content, row.owner, FREE if terms == NO_TERMS else self.terms[terms], sums
            )

    def nets(self) -> dict[bytes, int]:
        """Payer to the cost of its plays, wei."""
        out: dict[bytes, int] = {}
        for line in self.lines():
            if line.charged:
                out[line.station] = out.get(line.station, 0) + line.charged
        return out

    def listeners(self) -> tuple[int, int]:
        """Cost of the plays that listeners paid, and the sum of listeners' debits, wei.

        The data do not say which listener paid which play.
        """
        stations = set(self.stations)
        cost = sum(line.listener_paid for line in self.lines())
        return cost, sum(row.net for row in self.debits if row.payer not in stations)

    def earned(self) -> dict[bytes, int]:
        """Owner to the earnings of its contents, wei."""
        out = {row.owner: 0 for row in self.contents}
        for line in self.lines():
            out[line.owner] += line.price
        return out

    def rewards(self) -> int:
        """Rewards of all listeners, wei."""
        return sum(line.reward for line in self.lines())


def sum_epoch(file: EpochFile, length_s: int) -> EpochTotals:
    """Sum up an epoch's data in one pass.

    Memory grows with stations and contents, and by one integer per paid play.

    Args:
        file: The epoch's data.
        length_s: Length of an epoch, seconds.
    """
    totals = EpochTotals(file.head.server, file.head.epoch, file.head.bps, file)
    totals.stations = [row.station for row in file.rows(StationRow)]
    totals.contents = list(file.rows(ContentRow))
    totals.terms = list(file.rows(TermsRow))
    totals.debits = list(file.rows(DebitRow))
    totals.unordered_tables = _unordered(totals)
    first = np.array([totals.stations.index(station) for station in totals.stations] or [0], dtype=np.int64)
    last, sorted_plays = -1, True
    paid: list[np.ndarray[Any, Any]] = []
    lengths = np.array([row.interval_s or 1 for row in totals.terms] or [1], dtype=np.int64)
    for plays in file.plays():
        station, content, terms = (plays[name].astype(np.int64) for name in ("station", "content", "terms"))
        priced = np.where(plays["outcome"] == PlayOutcome.REFUSED, terms == NO_TERMS, terms < len(totals.terms))
        valid_indices = (station < len(totals.stations)) & (content < len(totals.contents)) & priced
        totals.unknown_indices += int((~valid_indices).sum())
        plays, station = plays[valid_indices], station[valid_indices]
        content, terms = content[valid_indices], terms[valid_indices]
        # Paid plays come first; there are fewer than 2^31 stations, so that the three fit into one integer.
        order = (
            (plays["outcome"] == PlayOutcome.REFUSED).astype(np.int64) << 62
            | station << 32
            | plays["ticket"].astype(np.int64)
        )
        if len(order):
            sorted_plays &= last <= int(order[0]) and bool((order[1:] >= order[:-1]).all())
            last = int(order[-1])
        if len(plays):
            _group(totals, plays, station, content, terms, lengths, length_s)
            valid = plays["outcome"] != PlayOutcome.REFUSED
            paid.append(first[station[valid]] << 32 | plays["ticket"][valid].astype(np.int64))
    if not sorted_plays:
        totals.unordered_tables.append("plays")
    totals.tickets = np.concatenate(paid) if paid else np.zeros(0, dtype=np.int64)
    return totals


def _unordered(totals: EpochTotals) -> list[str]:
    """Tables whose keys do not increase from row to row, and owners' rows of zero.

    The order of payees is checked as ``leaf.order``.
    """
    keys: dict[str, list[Any]] = {
        "stations": totals.stations,
        "contents": [row.content for row in totals.contents],
        "terms": [(row.price, row.reward, row.interval_s) for row in totals.terms],
        "debits": [row.payer for row in totals.debits],
        "owners": [row.payee for row in totals.file.rows(OwnerRow)],
        "segments": [(row.content, row.segment) for row in totals.file.rows(SegmentRow)],
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
    # Sums of at most 2^18 integers below 2^32 are exact as doubles.
    sums = {name: np.bincount(where, weights=values, minlength=len(keys)) for name, values in columns.items()}
    for index, key in enumerate(keys.tolist()):
        names = int(pairs[key >> 32])
        group = totals.groups.setdefault((names >> 32, names & 0xFFFFFFFF, key & 0xFFFFFFFF), Sums())
        for name, values in sums.items():
            setattr(group, name, getattr(group, name) + int(values[index]))
