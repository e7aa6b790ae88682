"""Timelines of clicks: the hops to the sound, and the table that shows them."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from benchmarks.tracing.path import path
from benchmarks.tracing.reader import Click, Mark, Span

LARGEST: Final = 3
"""Hops that the table marks with a star."""


@dataclass(frozen=True)
class Hop:
    """A row of the table: the time up to a mark from the one before.

    Attributes:
        at_ms: Time since the wish.
        ms: Time since the mark before.
        rendering_ms: The part of it in which the thread of the mark rendered documents.
        median_ms: Median over all clicks of the same hop; None where fewer than half of the clicks have it.
        mark: The mark at its end.
    """

    at_ms: float
    ms: float
    rendering_ms: float
    median_ms: float | None
    mark: Mark


def median_click(clicks: Sequence[Click]) -> Click:
    """The click whose time is the (lower) median of all."""
    return sorted(clicks, key=lambda click: click.total_ms)[(len(clicks) - 1) // 2]


def quickest_click(clicks: Sequence[Click]) -> Click:
    """The click that other programs of the machine have disturbed least."""
    return min(clicks, key=lambda click: click.total_ms)


def timeline(clicks: Sequence[Click], chosen: Click | None = None, *, whole: bool = False) -> list[Hop]:
    """Hops of one click, each with the median of all clicks.

    Args:
        clicks: Clicks of one kind, at least one.
        chosen: One of them; None: the median one.
        whole: With every mark instead of the chain of marks that leads to the sound.
    """
    chosen = chosen or median_click(clicks)
    marks = joined(chosen.marks if whole else path(chosen.marks))
    legs = [_legs(joined(click.marks if whole else path(click.marks))) for click in clicks]
    hops: list[Hop] = []
    for (key, ms), mark, before in zip(_legs(marks).items(), marks, [marks[0], *marks], strict=False):
        both = [taken[key] for taken in legs if key in taken]
        hops.append(
            Hop(
                (mark.at_us - marks[0].at_us) / 1000,
                ms,
                _overlap_ms(chosen.rendering.get(mark.context, ()), before.at_us, mark.at_us),
                statistics.median(both) if 2 * len(both) >= len(clicks) else None,
                mark,
            )
        )
    return hops


def joined(marks: Sequence[Mark]) -> list[Mark]:
    """The marks without those that the same mark follows: many keys are unwrapped one after the other."""
    return [
        mark
        for mark, after in zip_longest(marks, marks[1:])
        if after is None or (mark.context, mark.text) != (after.context, after.text)
    ]


def _legs(marks: Sequence[Mark]) -> dict[tuple[str, str, str, str, int], float]:
    """Times from mark to mark, ms, by the two marks and how often the pair occurred before."""
    seen: Counter[tuple[str, str, str, str]] = Counter()
    out: dict[tuple[str, str, str, str, int], float] = {}
    for before, mark in zip([marks[0], *marks], marks, strict=False):
        pair = (before.context, before.text, mark.context, mark.text)
        out[(*pair, seen[pair])] = (mark.at_us - before.at_us) / 1000
        seen[pair] += 1
    return out


def _overlap_ms(spans: Sequence[Span], from_us: float, to_us: float) -> float:
    return sum(max(0.0, min(span.to_us, to_us) - max(span.from_us, from_us)) for span in spans) / 1000


def messages(click: Click) -> dict[str, int]:
    """Messages that were received between the wish and the sound, by receiver."""
    received = Counter(mark.context for mark in click.marks if mark.text.startswith("receives "))
    return dict(sorted(received.items()))


def largest(hops: Sequence[Hop]) -> list[Hop]:
    """The three longest hops, longest first: by the median of all clicks where there is one."""
    return sorted(hops, key=lambda hop: -(hop.ms if hop.median_ms is None else hop.median_ms))[:LARGEST]


def table(title: str, hops: Sequence[Hop]) -> str:
    """The timeline as text: a row for each hop, the three longest with a star."""
    stars = {id(hop) for hop in largest(hops)}
    rows = [title, "      ms      hop   median   render    where"]
    for hop in hops:
        median = "" if hop.median_ms is None else f"{hop.median_ms:.1f}"
        rendering = f"{hop.rendering_ms:.1f}" if hop.rendering_ms >= 0.05 else ""
        star = "*" if id(hop) in stars else " "
        rows.append(
            f"{hop.at_ms:8.1f} {hop.ms:8.1f} {median:>8} {rendering:>8} {star}  {hop.mark.context:<11}{hop.mark.text}"
        )
    return "\n".join(rows)
