"""Marks of a click from a trace of the browser and the frames of the host."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

PREFIX: Final = "gomaa.trace"
CATEGORIES: Final = ("blink.user_timing", "devtools.timeline")
"""Categories of Chromium's trace: marks, and what its threads do."""
WISH, SOUND = "wish", "sound"
"""First and last mark of a click, both made by the page."""
RENDERING: Final = frozenset({"UpdateLayoutTree", "Layout", "PrePaint", "Paint", "Layerize", "Commit"})
"""Events of the trace that are style, layout and paint of a document."""


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
    """The marks of one click from the wish to the sound, and the times in which the thread of a context rendered."""

    marks: tuple[Mark, ...]
    rendering: Mapping[str, Sequence[Span]] = field(default_factory=dict)

    @property
    def total_ms(self) -> float:
        """Time from the wish to the sound."""
        return (self.marks[-1].at_us - self.marks[0].at_us) / 1000


def read_chromium(events: Iterable[Mapping[str, Any]]) -> Click:
    """The click in a trace of Chromium.

    Args:
        events: ``traceEvents`` with the categories ``CATEGORIES``, in any order.

    Raises:
        ValueError: The trace has not exactly one wish with a sound after it.
    """
    marks: list[Mark] = []
    threads: dict[str, tuple[int, int]] = {}
    spans: defaultdict[tuple[int, int], list[Span]] = defaultdict(list)
    for event in events:
        name, thread = str(event.get("name")), (int(event.get("pid", 0)), int(event.get("tid", 0)))
        if name.startswith(f"{PREFIX}|") and "user_timing" in event.get("cat", ""):
            _, context, text = name.split("|", 2)
            marks.append(Mark(float(event["ts"]), context, text))
            threads[context] = thread
        elif name in RENDERING and event.get("ph") == "X":
            begin = float(event["ts"])
            spans[thread].append(Span(begin, begin + float(event.get("dur", 0))))
    return cut(marks, {context: merged(spans[thread]) for context, thread in threads.items()})


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


def cut(marks: Iterable[Mark], rendering: Mapping[str, Sequence[Span]] | None = None) -> Click:
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
    return Click((wish, *inside, sounds[0]), rendering or {})


def merged(spans: Iterable[Span]) -> list[Span]:
    """The union of spans: disjoint, in order."""
    out: list[Span] = []
    for span in sorted(spans, key=lambda span: span.from_us):
        if out and span.from_us <= out[-1].to_us:
            out[-1] = Span(out[-1].from_us, max(out[-1].to_us, span.to_us))
        else:
            out.append(span)
    return out
