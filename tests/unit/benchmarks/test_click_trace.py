"""Timelines of clicks from recorded marks."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any, Final

import pytest

from benchmarks.tracing.path import path
from benchmarks.tracing.reader import Click, Mark, Span, cut, merged, read_chromium, read_stamps, with_host
from benchmarks.tracing.timeline import joined, largest, median_click, messages, table, timeline

RECORDED: Final[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "click_trace.json").read_text(encoding="utf-8")
)


def recorded() -> Click:
    """The recorded click."""
    return with_host(read_chromium(RECORDED["events"]), read_stamps(RECORDED["frames"]))


def click(*marks: tuple[float, str, str]) -> Click:
    """A click from times in ms, contexts and texts."""
    return cut([Mark(at * 1000, context, text) for at, context, text in marks])


def test_a_recorded_trace_gives_the_recorded_table() -> None:
    """Chromium's events and the host's stamps give the table, whatever order the events are in."""
    shuffled = dict(RECORDED, events=random.Random(1).sample(RECORDED["events"], len(RECORDED["events"])))
    for given in (RECORDED, shuffled):
        found = with_host(read_chromium(given["events"]), read_stamps(given["frames"]))
        assert table("prepared_play", timeline([found])).split("\n") == RECORDED["table"]


def test_hops_add_up_to_the_click() -> None:
    """No time is lost between the wish and the sound."""
    hops = timeline([recorded()])
    assert sum(hop.ms for hop in hops) == pytest.approx(recorded().total_ms)
    assert all(hop.ms >= 0 for hop in hops)


def test_the_hosts_work_is_a_hop() -> None:
    """The recorded click waits for the host for 22 ms: two of its frames are on the path, on the browser's clock."""
    (posted,) = (
        hop for hop in timeline([recorded()]) if hop.mark == Mark(40887, "host", "posts answer to invoke play")
    )
    assert posted.ms == pytest.approx(21.965)
    assert posted in largest(timeline([recorded()]))


def test_stamps_have_two_clocks() -> None:
    """The first column is monotonic, the second the wall clock."""
    monotonic, wall = (read_stamps(["100\t2000\treceives hello", "broken"], column) for column in (0, 1))
    assert (monotonic, wall) == ([Mark(100, "host", "receives hello")], [Mark(2000, "host", "receives hello")])


def test_messages_are_counted_by_receiver() -> None:
    """Only between the wish and the sound."""
    assert messages(recorded()) == {"background": 14, "content": 6, "engine": 2, "frame": 3, "host": 1}


def test_a_trace_without_a_sound_or_with_two_wishes_is_refused() -> None:
    """Such a trace is of no click."""
    with pytest.raises(ValueError, match="no sound"):
        click((0, "page", "sound"), (1, "page", "wish"))
    with pytest.raises(ValueError, match="2 wishes"):
        click((0, "page", "wish"), (1, "page", "wish"), (2, "page", "sound"))


def test_a_message_leads_to_the_one_that_posted_it() -> None:
    """Not to a mark that happens to be before it in its context, and each to its own."""
    found = path(
        click(
            (0, "page", "wish"),
            (1, "content", "posts command seek"),
            (2, "background", "receives command seek"),
            (3, "background", "posts command seek"),
            (4, "engine", "receives command seek"),
            (5, "engine", "posts page state seeking"),
            (6, "engine", "posts page state playing"),
            (7, "background", "receives page state seeking"),
            (8, "background", "receives page state playing"),
            (9, "background", "posts page state playing"),
            (10, "background", "posts page state seeking"),
            (11, "content", "receives page state seeking"),
            (12, "content", "receives page state playing"),
            (13, "page", "sound"),
        ).marks
    )
    assert [mark.at_us // 1000 for mark in found] == [0, 1, 2, 3, 4, 5, 6, 8, 9, 12, 13]


def test_what_ends_leads_to_what_began_it() -> None:
    """Two fetches at once: each response leads to its own request; a worker's answer to the worker."""
    found = path(
        click(
            (0, "page", "wish"),
            (1, "engine", "fetches song"),
            (2, "engine", "fetches tickets"),
            (3, "engine", "has response of tickets"),
            (4, "engine", "posts worker terms"),
            (5, "core", "receives document terms"),
            (6, "engine", "has response of song"),
            (7, "core", "posts document answer to terms"),
            (8, "engine", "receives worker answer to terms"),
            (9, "engine", "posts page state playing"),
            (10, "background", "receives page state playing"),
            (11, "background", "posts page state playing"),
            (12, "content", "receives page state playing"),
            (13, "page", "sound"),
        ).marks
    )
    assert [mark.at_us // 1000 for mark in found] == [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13]


def test_both_ends_of_a_channel_may_be_one_context() -> None:
    """Firefox has background and engine in one page."""
    found = path(
        click(
            (0, "page", "wish"),
            (1, "content", "posts command play"),
            (2, "background", "receives command play"),
            (3, "background", "posts pair command play"),
            (4, "background", "receives height"),
            (5, "background", "receives pair command play"),
            (6, "background", "posts page state playing"),
            (7, "content", "receives page state playing"),
            (8, "page", "sound"),
        ).marks
    )
    assert [mark.at_us // 1000 for mark in found] == [0, 1, 2, 3, 5, 6, 7, 8]


def test_a_row_has_the_median_of_all_clicks() -> None:
    """The median click gives the rows; a hop that few clicks have gets no median."""
    clicks = [
        click((0, "page", "wish"), (length, "content", "posts command play"), (10 * length, "page", "sound"))
        for length in (1, 2, 6)
    ]
    assert median_click(clicks) is clicks[1]
    assert [hop.median_ms for hop in timeline(clicks)] == [0, 2, 18]
    others = [*clicks, *(click((0, "page", "wish"), (15, "page", "sound")) for _ in range(5))]
    assert [hop.median_ms for hop in timeline(others)] == [0, 15]
    assert median_click(clicks[:2]) is clicks[0]


def test_repeated_marks_are_one_row() -> None:
    """Keys are unwrapped one after the other: the last one counts."""
    marks = [
        Mark(0, "page", "wish"),
        *(Mark(at, "engine", "ends unwrapKey") for at in (1, 2)),
        Mark(3, "page", "sound"),
    ]
    assert [mark.at_us for mark in joined(marks)] == [0, 2, 3]


def test_rendering_is_counted_once_and_on_its_own_thread() -> None:
    """Nested events are one time; the page's rendering is no part of the engine's hop."""
    assert merged([Span(5, 9), Span(0, 4), Span(1, 2), Span(3, 6)]) == [Span(0, 9)]
    events = [
        *(
            {"name": f"gomaa.trace|{context}|{text}", "cat": "blink.user_timing", "ts": ts, "pid": pid, "tid": pid}
            for ts, pid, context, text in (
                (0, 1, "page", "wish"),
                (8000, 2, "engine", "audio playing"),
                (9000, 1, "page", "sound"),
            )
        ),
        {"name": "Layout", "cat": "devtools.timeline", "ph": "X", "ts": 1000, "dur": 3000, "pid": 2, "tid": 2},
        {"name": "Paint", "cat": "devtools.timeline", "ph": "X", "ts": 2000, "dur": 1000, "pid": 2, "tid": 2},
        {"name": "Paint", "cat": "devtools.timeline", "ph": "X", "ts": 2000, "dur": 4000, "pid": 1, "tid": 1},
    ]
    assert [hop.rendering_ms for hop in timeline([read_chromium(events)], whole=True)] == [0, 3, 0]
