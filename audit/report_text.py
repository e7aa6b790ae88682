"""Output of a report as a text table, CSV or JSON; titles of recordings from SPS and CSV files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from audit.reports import Report, Work
from pywallet.encoding.amounts import exact
from pywallet.encoding.hex import from_hex
from pywallet.errors import GomaaError, InputError

FORMS: Final = ("table", "csv", "json")
_MAX_HEADER: Final = 4 << 20
_FORMULA_STARTS: Final = b"=+-@\t\r"


def text(report: Report, form: str) -> str:
    """Format a report in one of ``FORMS``."""
    if form == "json":
        return json.dumps(report.to_json(), indent=2)
    if form == "csv":
        return _csv(report)
    rows = [[_cell(name, row.get(name, "")) for name in report.columns] for row in report.rows]
    sums = [exact(report.total(name)) if name.endswith("_wei") else "" for name in report.columns]
    heads = [name.replace("_wei", " GoMAA") for name in report.columns]
    sums[0] = sums[0] or "sum"
    widths = [max(map(len, column)) for column in zip(heads, *rows, sums, strict=True)]
    lines = [heads, ["-" * width for width in widths], *rows, ["-" * width for width in widths], sums]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _cell(name: str, value: Any) -> str:
    if name.endswith("_wei"):
        return exact(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    shown = str(value)
    return f"{shown[:8]}…{shown[-4:]}" if shown.startswith("0x") and len(shown) == 42 else shown


def _csv(report: Report) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(report.columns)
    for row in report.rows:
        writer.writerow([_plain(row.get(name, "")) for name in report.columns])
    return out.getvalue()


def _plain(value: Any) -> str:
    shown = str(value)
    # Spreadsheets evaluate a text that begins with one of these as a formula.
    return (
        f"'{shown}" if isinstance(value, str) and shown.encode()[:1] in [bytes([b]) for b in _FORMULA_STARTS] else shown
    )


def works(places: tuple[Path, ...]) -> dict[bytes, Work]:
    """Recordings by content address, from SPS files in folders and CSV files (content, title, artist, isrc)."""
    out: dict[bytes, Work] = {}
    for place in places:
        if place.suffix == ".csv":
            out.update(_listed(place))
        else:
            out.update(_headers(place))
    return out


def _listed(path: Path) -> Iterator[tuple[bytes, Work]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                yield (
                    from_hex(row.get("content") or "", 20),
                    Work(row.get("title") or "", row.get("artist") or "", row.get("isrc") or ""),
                )
    except (OSError, UnicodeError) as error:
        raise InputError("message.schema", file=str(path), reason=type(error).__name__) from None


def _headers(place: Path) -> Iterator[tuple[bytes, Work]]:
    from pywallet.sps.container import Container
    from pywallet.sps.signed_header import open_header

    for path in sorted(place.rglob("*.sps")) if place.is_dir() else [place]:
        try:
            with path.open("rb") as file:
                header = open_header(Container.read(file.read(_MAX_HEADER + 16)).cose)
        except (OSError, GomaaError):
            continue
        sound = header.renditions[0]
        yield header.content, Work(header.title, header.artist, header.isrc or "", sound.samples * 1000 // sound.rate)
