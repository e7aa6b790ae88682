"""What one epoch's plays add up to: the figures that every statement is made of."""

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
"""Terms index of refused plays, which have no terms."""


@dataclass
class Sums:
    """Plays of one station, content and terms in one epoch.

    ``intervals`` are paid ones, ``refused`` plays cost nothing.
    """

    intervals: int = 0
    plays: int = 0
    refused: int = 0
    heard_s: int = 0
    seeks: int = 0
    theirs: int = 0
    """Of the intervals those that listeners paid themselves."""


@dataclass(frozen=True)
class Line:
    """``Sums`` with names instead of row numbers; amounts in wei."""

    station: bytes
    content: bytes
    owner: bytes
    terms: TermsRow
    sums: Sums

    @property
    def price(self) -> int:
        """What the owner earns."""
        return self.sums.intervals * self.terms.price

    @property
    def charged(self) -> int:
        """What the station owes, without commission."""
        return (self.sums.intervals - self.sums.theirs) * (self.terms.price + self.terms.reward)

    @property
    def theirs(self) -> int:
        """What listeners owe, without commission."""
        return self.sums.theirs * (self.terms.price + self.terms.reward)

    @property
    def reward(self) -> int:
        """What the listeners earn."""
        return self.sums.intervals * self.terms.reward


@dataclass
class Facts:
    """One epoch of one server, added up. Indices that name no row are in ``strange`` and count nowhere."""

    server: bytes
    epoch: int
    bps: int
    file: EpochFile
    stations: list[bytes] = field(default_factory=list)
    contents: list[ContentRow] = field(default_factory=list)
    terms: list[TermsRow] = field(default_factory=list)
    debits: list[DebitRow] = field(default_factory=list)
    groups: dict[tuple[int, int, int], Sums] = field(default_factory=dict)
    strange: int = 0
    impossible: int = 0
    """Plays with an unknown outcome, a second outside the epoch, or paid for a part of an interval."""
    tickets: np.ndarray[Any, Any] | None = None
    """Of paid rows: station row << 32 | ticket; of a station that stands twice the first row."""
    disorder: list[str] = field(default_factory=list)
    """Tables with rows that stand twice or in another order than docs/settlement.md says."""
    standing: bool = True

    def lines(self) -> Iterator[Line]:
        """The groups with their names, by station, content and terms."""
        for (station, content, terms), sums in sorted(self.groups.items()):
            row = self.contents[content]
            yield Line(
                self.stations[station], row.content, row.owner, FREE if terms == NO_TERMS else self.terms[terms], sums
            )

    def nets(self) -> dict[bytes, int]:
        """Payer to what its plays cost, wei."""
        out: dict[bytes, int] = {}
        for line in self.lines():
            if line.charged:
                out[line.station] = out.get(line.station, 0) + line.charged
        return out

    def listeners(self) -> tuple[int, int]:
        """What the plays that listeners paid cost, and what was debited from them, wei.

        No row says which of them it was.
        """
        known = set(self.stations)
        return sum(line.theirs for line in self.lines()), sum(row.net for row in self.debits if row.payer not in known)

    def earned(self) -> dict[bytes, int]:
        """Owner to what its contents earned, wei."""
        out = {row.owner: 0 for row in self.contents}
        for line in self.lines():
            out[line.owner] += line.price
        return out

    def rewards(self) -> int:
        """What all listeners earned, wei."""
        return sum(line.reward for line in self.lines())


def add_up(file: EpochFile, length_s: int) -> Facts:
    """Read the data once; memory grows with stations, contents and one number per paid play."""
    facts = Facts(file.head.server, file.head.epoch, file.head.bps, file)
    facts.stations = [row.station for row in file.rows(StationRow)]
    facts.contents = list(file.rows(ContentRow))
    facts.terms = list(file.rows(TermsRow))
    facts.debits = list(file.rows(DebitRow))
    facts.disorder = _disorder(facts)
    first = np.array([facts.stations.index(station) for station in facts.stations] or [0], dtype=np.int64)
    last, sorted_plays = -1, True
    paid: list[np.ndarray[Any, Any]] = []
    lengths = np.array([row.interval_s or 1 for row in facts.terms] or [1], dtype=np.int64)
    for plays in file.plays():
        station, content, terms = (plays[name].astype(np.int64) for name in ("station", "content", "terms"))
        priced = np.where(plays["outcome"] == PlayOutcome.REFUSED, terms == NO_TERMS, terms < len(facts.terms))
        known = (station < len(facts.stations)) & (content < len(facts.contents)) & priced
        facts.strange += int((~known).sum())
        plays, station, content, terms = plays[known], station[known], content[known], terms[known]
        # Paid ones first; a station has below 2^31 rows, so the three fit one number.
        order = (
            (plays["outcome"] == PlayOutcome.REFUSED).astype(np.int64) << 62
            | station << 32
            | plays["ticket"].astype(np.int64)
        )
        if len(order):
            sorted_plays &= last <= int(order[0]) and bool((order[1:] >= order[:-1]).all())
            last = int(order[-1])
        if len(plays):
            _group(facts, plays, station, content, terms, lengths, length_s)
            valid = plays["outcome"] != PlayOutcome.REFUSED
            paid.append(first[station[valid]] << 32 | plays["ticket"][valid].astype(np.int64))
    if not sorted_plays:
        facts.disorder.append("plays")
    facts.tickets = np.concatenate(paid) if paid else np.zeros(0, dtype=np.int64)
    return facts


def _disorder(facts: Facts) -> list[str]:
    """Tables whose keys do not rise from row to row, and owners' rows of nothing.

    The payees' order is ``leaf.order``.
    """
    keys: dict[str, list[Any]] = {
        "stations": facts.stations,
        "contents": [row.content for row in facts.contents],
        "terms": [(row.price, row.reward, row.interval_s) for row in facts.terms],
        "debits": [row.payer for row in facts.debits],
        "owners": [row.payee for row in facts.file.rows(OwnerRow)],
        "segments": [(row.content, row.segment) for row in facts.file.rows(SegmentRow)],
    }
    out = [name for name, rows in keys.items() if any(after <= before for before, after in pairwise(rows))]
    # An owner that earned nothing has no row.
    return out if all(row.owned for row in facts.file.rows(OwnerRow)) else [*out, "owners"]


def _group(facts: Facts, plays: Any, station: Any, content: Any, terms: Any, lengths: Any, length_s: int) -> None:
    heard, valid = plays["heard"].astype(np.int64), plays["outcome"] != PlayOutcome.REFUSED
    each = np.where(valid, lengths[np.where(valid, terms, 0)], 1)
    second = plays["second"].astype(np.int64) @ np.array([65536, 256, 1])
    odd = (
        (plays["outcome"] > PlayOutcome.PAID_BY_LISTENER)
        | (second > length_s)
        | (heard % each != 0)
        | (~valid & (heard > 0))
    )
    facts.impossible += int(odd.sum())
    pairs, pair = np.unique(station << 32 | content, return_inverse=True)
    keys, where = np.unique(pair << 32 | terms, return_inverse=True)
    columns = {
        "intervals": np.where(valid, heard // each, 0),
        "plays": valid,
        "refused": plays["outcome"] == PlayOutcome.REFUSED,
        "heard_s": np.where(valid, heard, 0),
        "seeks": plays["seeks"],
        "theirs": np.where(plays["outcome"] == PlayOutcome.PAID_BY_LISTENER, heard // each, 0),
    }
    # Sums of at most 2^18 numbers below 2^32: exact as doubles.
    sums = {name: np.bincount(where, weights=values, minlength=len(keys)) for name, values in columns.items()}
    for index, key in enumerate(keys.tolist()):
        names = int(pairs[key >> 32])
        group = facts.groups.setdefault((names >> 32, names & 0xFFFFFFFF, key & 0xFFFFFFFF), Sums())
        for name, values in sums.items():
            setattr(group, name, getattr(group, name) + int(values[index]))
