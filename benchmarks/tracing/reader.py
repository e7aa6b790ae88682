"""Timelines of clicks from recorded marks, and the table that shows them."""

from __future__ import annotations

import bisect
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

PREFIX: Final = "gomaa.trace"
CATEGORIES: Final = ("blink.user_timing", "devtools.timeline")
"""Categories of Chromium's trace: marks, and what its threads do."""
WISH, SOUND = "wish", "sound"
"""First and last mark of a click, both made by the page."""
RENDERING: Final = frozenset({"UpdateLayoutTree", "Layout", "PrePaint", "Paint", "Layerize", "Commit"})
"""Events of the trace that are style, layout and paint of a document."""
ENGINE: Final = "engine"
LARGEST: Final = 3


@dataclass(frozen=True, order=True)
class Mark:
    """One mark.

    Attributes:
        at_us: Time, microseconds; one clock for all marks of a list.
        context: page, content, background, engine, core, frame or host.
        text: What was received, posted, begun or ended.
    """

    at_us: float
    context: str
    text: str


@dataclass(frozen=True)
class Span:
    """A time in which a thread was busy, microseconds."""

    from_us: float
    to_us: float


@dataclass(frozen=True)
class Click:
    """The marks of one click from the wish to the sound, and the rendering on the engine's thread meanwhile."""

    marks: tuple[Mark, ...]
    rendering: tuple[Span, ...] = ()

    @property
    def total_ms(self) -> float:
        """Time from the wish to the sound."""
        return (self.marks[-1].at_us - self.marks[0].at_us) / 1000


@dataclass(frozen=True)
class Hop:
    """A row of the table: the time up to a mark from the one before.

    Attributes:
        at_ms: Time since the wish.
        ms: Time since the mark before.
        rendering_ms: The part of it in which the engine's thread rendered documents.
        median_ms: Median over all clicks of the time from the last shared mark before this one; None where fewer than
            half of the clicks have both.
        mark: The mark at its end.
    """

    at_ms: float
    ms: float
    rendering_ms: float
    median_ms: float | None
    mark: Mark


def read_chromium(events: Iterable[Mapping[str, Any]]) -> Click:
    """The click in a trace of Chromium.

    Args:
        events: ``traceEvents`` with the categories ``CATEGORIES``, in any order.

    Raises:
        ValueError: The trace has not exactly one wish with a sound after it.
    """
    marks: list[Mark] = []
    engine_threads: set[tuple[int, int]] = set()
    spans: list[tuple[tuple[int, int], Span]] = []
    for event in events:
        name, thread = str(event.get("name")), (int(event.get("pid", 0)), int(event.get("tid", 0)))
        if name.startswith(f"{PREFIX}|") and "user_timing" in event.get("cat", ""):
            _, context, text = name.split("|", 2)
            marks.append(Mark(float(event["ts"]), context, text))
            if context == ENGINE:
                engine_threads.add(thread)
        elif name in RENDERING and event.get("ph") == "X":
            begin = float(event["ts"])
            spans.append((thread, Span(begin, begin + float(event.get("dur", 0)))))
    return cut(marks, merged(span for thread, span in spans if thread in engine_threads))


def read_stamps(lines: Iterable[str], column: int = 0) -> list[Mark]:
    """Marks of the host from the lines of ``benchmarks/tracing/host.py``.

    Args:
        lines: Lines of the file.
        column: 0: by CLOCK_MONOTONIC, 1: by the wall clock.
    """
    fields = (line.rstrip("\n").split("\t") for line in lines)
    return [Mark(float(parts[column]), "host", parts[2]) for parts in fields if len(parts) == 3]


def with_host(click: Click, host: Iterable[Mark]) -> Click:
    """The click with the host's marks that are within it."""
    return cut([*click.marks, *host], click.rendering)


def cut(marks: Iterable[Mark], rendering: Sequence[Span] = ()) -> Click:
    """The click within marks of all contexts.

    Raises:
        ValueError: There is not exactly one wish, or no sound after it.
    """
    ordered = sorted(marks)
    wishes = [mark for mark in ordered if (mark.context, mark.text) == ("page", WISH)]
    if len(wishes) != 1:
        raise ValueError(f"{len(wishes)} wishes in a trace of one click")
    (wish,) = wishes
    sounds = [mark for mark in ordered if (mark.context, mark.text) == ("page", SOUND) and mark.at_us >= wish.at_us]
    if not sounds:
        raise ValueError("no sound after the wish")
    inside = [mark for mark in ordered if wish.at_us <= mark.at_us <= sounds[0].at_us and mark not in (wish, sounds[0])]
    return Click((wish, *inside, sounds[0]), tuple(rendering))


def merged(spans: Iterable[Span]) -> list[Span]:
    """The union of spans: disjoint, in order."""
    out: list[Span] = []
    for span in sorted(spans, key=lambda span: span.from_us):
        if out and span.from_us <= out[-1].to_us:
            out[-1] = Span(out[-1].from_us, max(out[-1].to_us, span.to_us))
        else:
            out.append(span)
    return out


def median_click(clicks: Sequence[Click]) -> Click:
    """The click whose time is the (lower) median of all."""
    return sorted(clicks, key=lambda click: click.total_ms)[(len(clicks) - 1) // 2]


def timeline(clicks: Sequence[Click]) -> list[Hop]:
    """Hops of the median click, each with the median of all clicks.

    Args:
        clicks: Clicks of one kind, at least one.
    """
    chosen = median_click(clicks)
    times = [_times(click) for click in clicks]
    keys = list(_times(chosen))
    hops: list[Hop] = []
    for number, mark in enumerate(chosen.marks):
        before = chosen.marks[max(0, number - 1)]
        both = [
            (at[keys[number]] - at[keys[number - 1]]) / 1000
            for at in times
            if number and keys[number] in at and keys[number - 1] in at
        ]
        hops.append(
            Hop(
                (mark.at_us - chosen.marks[0].at_us) / 1000,
                (mark.at_us - before.at_us) / 1000,
                _overlap_ms(chosen.rendering, before.at_us, mark.at_us),
                statistics.median(both) if number and 2 * len(both) >= len(clicks) else None,
                mark,
            )
        )
    return hops


def _times(click: Click) -> dict[tuple[str, str, int], float]:
    """Times of the marks by context, text and how often it occurred before, in order; microseconds."""
    seen: Counter[tuple[str, str]] = Counter()
    out: dict[tuple[str, str, int], float] = {}
    for mark in click.marks:
        kind = (mark.context, mark.text)
        out[(*kind, seen[kind])] = mark.at_us
        seen[kind] += 1
    return out


def _overlap_ms(spans: Sequence[Span], from_us: float, to_us: float) -> float:
    first = bisect.bisect_left([span.to_us for span in spans], from_us)
    return sum(max(0.0, min(span.to_us, to_us) - max(span.from_us, from_us)) for span in spans[first:]) / 1000


def largest(hops: Sequence[Hop]) -> list[Hop]:
    """The three longest hops, longest first."""
    return sorted(hops, key=lambda hop: -hop.ms)[:LARGEST]


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
