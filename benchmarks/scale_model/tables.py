"""Tables of docs/scale.md."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from benchmarks.scale_model.results import Results

Row = Sequence[str]
_PREFIXES: Final = ("", "k", "M", "G", "T", "P", "E", "Z", "Y")
_UNITS_NS: Final = (("h", 3_600 * 10**9), ("min", 60 * 10**9), ("s", 10**9), ("ms", 10**6))
_MARK: Final = re.compile(r"<!-- generated: ([a-z ]+) -->\n.*?<!-- end -->\n", re.DOTALL)


def short(value: int, unit: str = "") -> str:
    """A number, rounded to three digits, with a prefix of the unit: ``12.3 kB``."""
    if value < 1000:
        return f"{value} {unit}".strip()
    mantissa, exponent = f"{value:.2e}".split("e")
    digits, (power, shift) = mantissa.replace(".", ""), divmod(int(exponent), 3)
    whole, part = digits[: 1 + shift], digits[1 + shift :]
    return f"{whole}{'.' if part else ''}{part} {_PREFIXES[power]}{unit}"


def duration(ns: int) -> str:
    """A time with two decimals: ``6.41 ms``, ``20.06 min``."""
    for unit, length in _UNITS_NS:
        if ns >= 2 * length or unit == "ms":
            hundredths = (ns * 200 // length + 1) // 2
            return f"{hundredths // 100}.{hundredths % 100:02d} {unit}"
    raise AssertionError


def number(value: int | None) -> str:
    """A whole number with separated thousands."""
    return "beyond 10^9" if value is None else f"{value:,}"


def value(entry: Mapping[str, Any]) -> str:
    """A value with its unit."""
    found, unit = entry["value"], entry["unit"]
    if isinstance(found, list):
        return f"{', '.join(map(str, found))} {unit}"
    if unit.startswith("1/"):
        return f"{found} of {int(unit[2:]):,}"
    return f"{found:,} {unit}"


def table(head: Row, rows: Iterable[Row]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def tables(found: Results) -> dict[str, str]:
    """Each table by its name."""
    return {
        "load": _load(found),
        "limits by scale": _by_scale(found),
        "limits": _limits(found),
        "day": _day(found),
        "crowd": _crowd(found),
        "measured": _measured(found.raw["measured"]),
        "assumed": _assumed(found.raw["assumed"]),
    }


def written(text: str, made: Mapping[str, str]) -> str:
    """A document with its tables replaced.

    Args:
        text: The document.
        made: Tables by name.

    Raises:
        KeyError: The document has a mark with another name.
        ValueError: It has not exactly one for each table.
    """
    if sorted(_MARK.findall(text)) != sorted(made):
        raise ValueError("one mark for each table")
    return _MARK.sub(lambda mark: f"<!-- generated: {mark[1]} -->\n{made[mark[1]]}<!-- end -->\n", text)


def _load(found: Results) -> str:
    rows: tuple[tuple[str, Callable[[Any], str]], ...] = (
        ("stations", lambda one: number(one.stations)),
        ("security servers (processes, each with its database)", lambda one: number(one.servers)),
        ("decided by", lambda one: one.servers_by),
        ("cores at work at the peak", lambda one: number(-(-one.cpu_us_per_s // 1_000_000))),
        ("listeners of a server", lambda one: number(one.server_listeners)),
        ("WebSockets", lambda one: short(one.connections)),
        ("memory of the servers", lambda one: short(one.memory_bytes, "B")),
        ("plays, reports in a second", lambda one: f"{short(one.plays_per_s)}, {short(one.reports_per_s)}"),
        ("leases, wrapped keys in a second", lambda one: f"{short(one.leases_per_s)}, {short(one.keys_per_s)}"),
        ("a station's round over all servers", lambda one: f"{number(one.cycle_s)} s"),
        ("traffic of keys and reports", lambda one: short(one.key_kbps * 1000, "bit/s")),
        ("traffic of segments (delivery network)", lambda one: short(one.segment_kbps * 1000, "bit/s")),
        (
            "flushes to disk in a second, least to most",
            lambda one: f"{short(one.flushes_least)} to {short(one.flushes_most)}",
        ),
        ("databases grow in a day", lambda one: short(one.database_day_bytes, "B")),
        ("in a year, nothing deleted", lambda one: short(one.database_day_bytes * 365, "B")),
        ("databases with retention", lambda one: short(one.database_kept_bytes, "B")),
        ("leaves in an hour", lambda one: short(one.leaves_hour)),
        ("posts in an hour; their gas", lambda one: f"{short(one.posts_hour)}; {short(one.post_gas_hour)}"),
        ("claims in an hour; their gas", lambda one: f"{short(one.claims_hour)}; {short(one.claim_gas_hour)}"),
        ("gas in a day", lambda one: short(one.gas_day)),
        ("coins for it in a day", lambda one: short(one.coin_day_wei // 10**18)),
        ("gas for an hour of a listener", lambda one: short(one.gas_listener_hour)),
        ("published data of a server's epoch", lambda one: short(one.epoch_bytes, "B")),
        ("published data of a day", lambda one: short(one.published_day_bytes, "B")),
        (
            "to close a server's epoch: time, memory",
            lambda one: f"{number(one.close_ms)} ms, {short(one.close_bytes, 'B')}",
        ),
        (
            "to audit a day: processor, memory",
            lambda one: f"{duration(one.audit_day_s * 10**9)}, {short(one.audit_bytes, 'B')}",
        ),
        ("paid by stations in an hour, tokens", lambda one: short(one.net_hour_wei // 10**18)),
    )
    head = ["simultaneous listeners", *(number(one.listeners) for one in found.loads)]
    return table(head, ([name, *map(say, found.loads)] for name, say in rows))


def _limits(found: Results) -> str:
    return table(
        ["from listeners", "limit", "constant or rule", "most", "moved by"],
        (
            [
                number(one.breaks_at),
                one.limit.name + (" (all at one server)" if one.limit.is_of_one else ""),
                one.limit.place,
                f"{short(one.most)} {one.limit.unit}",
                one.limit.moved_by,
            ]
            for one in found.limits
        ),
    )


def _by_scale(found: Results) -> str:
    rows = []
    before = 0
    for load in found.loads:
        new = [one for one in found.limits if one.breaks_at and before < one.breaks_at <= load.listeners]
        names = [f"{one.limit.name} ({number(one.breaks_at)})" for one in new]
        first = names[0] if names else "none"
        rows.append([number(load.listeners), first, "; ".join(names[1:]) or "none"])
        before = load.listeners
    return table(["up to listeners", "first limit beyond the row before", "next"], rows)


def _day(found: Results) -> str:
    return table(
        [
            "a server with",
            "requests in a second at the peak",
            "busy at the peak",
            "waits of the day: p50, p99",
            "busiest hour: p50, p99",
        ],
        (
            [
                f"{number(one.listeners)} listeners",
                number(one.requests_per_s),
                f"{one.busy_permille // 10} %",
                f"{duration(one.all_day.p50_ns)}, {duration(one.all_day.p99_ns)}",
                f"{duration(one.peak.p50_ns)}, {duration(one.peak.p99_ns)}",
            ]
            for one in found.days
        ),
    )


def _crowd(found: Results) -> str:
    return table(
        ["listeners", "press play in a minute", "waits at one server: p50, p99", "processes for p99 of 1 s"],
        (
            [
                number(load.listeners),
                number(one.listeners),
                f"{duration(one.at_one.p50_ns)}, {duration(one.at_one.p99_ns)}",
                number(one.servers),
            ]
            for load, one in zip(found.loads, found.crowds, strict=True)
        ),
    )


def _measured(raw: Mapping[str, Mapping[str, Any]]) -> str:
    return table(
        ["cost", "value", "command", "date, commit"],
        (
            [
                f"`{name}`",
                value(one) + (", busy machine" if one["busy"] else ""),
                f"`{one['command']}`",
                f"{one['date']}, {one['commit']}",
            ]
            for name, one in raw.items()
        ),
    )


def _assumed(raw: Mapping[str, Mapping[str, Any]]) -> str:
    return table(["assumption", "value", "why"], ([f"`{name}`", value(one), one["why"]] for name, one in raw.items()))
