"""Output of a statement as a text table, CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from audit.statements import Statement, Work
from pywallet.encoding.amounts import exact
from pywallet.encoding.hex import from_hex
from pywallet.errors import GomaaError, InputError

FORMS: Final = ("table", "csv", "json")
_MOST: Final = 4 << 20
_BEGINNING: Final = b"=+-@\t\r"


def text(statement: Statement, form: str) -> str:
    """The statement in one of ``FORMS``."""
    if form == "json":
        return json.dumps(statement.to_json(), indent=2)
    if form == "csv":
        return _csv(statement)
    rows = [[_cell(name, row.get(name, "")) for name in statement.columns] for row in statement.rows]
    sums = [exact(statement.total(name)) if name.endswith("_wei") else "" for name in statement.columns]
    heads = [name.replace("_wei", " GoMAA") for name in statement.columns]
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


def _csv(statement: Statement) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(statement.columns)
    for row in statement.rows:
        writer.writerow([_plain(row.get(name, "")) for name in statement.columns])
    return out.getvalue()


def _plain(value: Any) -> str:
    shown = str(value)
    # A title that begins with = is a formula to a spreadsheet.
    return f"'{shown}" if isinstance(value, str) and shown.encode()[:1] in [bytes([b]) for b in _BEGINNING] else shown


def works(places: tuple[Path, ...]) -> dict[bytes, Work]:
    """Titles, artists and ISRCs by content.

    Of SPS files in folders, and of CSV files (content, title, artist, isrc).
    """
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
                header = open_header(Container.read(file.read(_MOST + 16)).cose)
        except (OSError, GomaaError):
            continue
        sound = header.renditions[0]
        yield header.content, Work(header.title, header.artist, header.isrc or "", sound.samples * 1000 // sound.rate)
