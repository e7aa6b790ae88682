"""CSV reader of a table of songs in the notebook's format: encodings, column names, numbers, lines of faults."""

from __future__ import annotations

import codecs
import csv
import io
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from pywallet.errors import InputError

LABEL: Final = "top genre"
AUDIO: Final = ("bpm", "nrgy", "dnce", "dB", "live", "val", "dur", "acous", "spch")
"""The audio columns; ``year`` and ``pop`` describe the release."""
NUMBERS: Final = (*AUDIO, "year", "pop")
COLUMNS: Final = ("Id", "title", "artist", *NUMBERS, LABEL)
"""Every column that is read, in the notebook's spelling."""

_MISSING: Final = frozenset({"", "#n/a", "<na>", "?", "-", "n/a", "na", "nan", "-nan", "none", "null"})
_NUMBER: Final = re.compile(r"[+-]?(\d{1,3}(,\d{3})+(\.\d*)?|\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_BOMS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True)
class SongRow:
    """Cells of one song by column name, stripped; ``line`` is its last line in ``file``, from 1."""

    file: str
    line: int
    cells: Mapping[str, str]

    def text(self, column: str) -> str:
        """Text of a cell; empty without one."""
        return self.cells.get(column, "")

    def label(self) -> str:
        """The genre; empty for a song without one or with a marker of a missing value (``nan``)."""
        text = self.text(LABEL)
        return "" if text.casefold() in _MISSING else text

    def number(self, column: str) -> float:
        """Number of a cell, with a decimal point; NaN for an empty cell or a marker of a missing value.

        Raises:
            InputError: ``genre.table``: not a number.
        """
        text = self.text(column)
        if text.casefold() in _MISSING:
            return math.nan
        if not _NUMBER.fullmatch(text) or not math.isfinite(value := float(text.replace(",", ""))):
            self.refuse(column, f"not a number: {text[:40]!r}")
        return value

    def refuse(self, column: str, reason: str) -> NoReturn:
        """Raise ``genre.table`` for a cell of this row."""
        raise InputError("genre.table", file=self.file, line=self.line, column=column, reason=reason)


@dataclass(frozen=True)
class SongTable:
    """Rows of one CSV file in order, and those of ``COLUMNS`` that it has."""

    file: str
    columns: tuple[str, ...]
    rows: tuple[SongRow, ...]

    def require(self, columns: tuple[str, ...]) -> None:
        """Raise ``genre.table`` unless the file has these columns and at least one row."""
        missing = [name for name in columns if name not in self.columns]
        if missing:
            raise InputError("genre.table", file=self.file, column=", ".join(missing), reason="no such column")
        if not self.rows:
            raise InputError("genre.table", file=self.file, reason="no rows")


def _decoded(raw: bytes) -> str:
    """Decode by the byte order mark, else as UTF-8, Windows-1252 or Latin-1, the first that is valid."""
    marked = [name for mark, name in _BOMS if raw.startswith(mark)]
    for encoding in marked or ["utf-8", "cp1252"]:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")


def _columns(header: list[str], file: str) -> list[str]:
    """Column of each header cell, ignoring case, underscores and surrounding spaces; else the cell."""
    known = {name.casefold(): name for name in COLUMNS}
    cells = [" ".join(cell.replace("_", " ").split()) for cell in header]
    names = [known.get(cell.casefold(), cell) for cell in cells]
    twice = sorted({name for name in names if name in COLUMNS and names.count(name) > 1})
    if twice:
        raise InputError("genre.table", file=file, column=", ".join(twice), reason="the column stands twice")
    return names


def _rows(text: str, file: str) -> Iterator[tuple[int, list[str]]]:
    """Yield line and cells of each row that is not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as e:
        raise InputError("genre.table", file=file, line=reader.line_num, reason=e) from e


def read_table(path: Path) -> SongTable:
    """Read a CSV file.

    Raises:
        InputError: ``genre.table``: not CSV, a repeated column, or a row with too many or too few cells.
        OSError: The file cannot be read.
    """
    text = _decoded(path.read_bytes())
    if "\0" in text:
        raise InputError("genre.table", file=path.name, reason="not a text file")
    lines = _rows(text, path.name)
    names = _columns(next(lines, (0, []))[1], path.name)
    rows = []
    for line, cells in lines:
        extra = any(cells[len(names) :])
        if extra or len(cells) < len(names):
            raise InputError("genre.table", file=path.name, line=line, reason=f"{len(cells)} cells, not {len(names)}")
        found = {name: cell for name, cell in zip(names, cells, strict=False) if name in COLUMNS}
        rows.append(SongRow(path.name, line, found))
    return SongTable(path.name, tuple(name for name in names if name in COLUMNS), tuple(rows))


def read_tables(source: Path) -> tuple[SongRow, ...]:
    """Rows of a CSV file, or of each CSV file in a folder that has the column ``top genre``, sorted by ``Id``.

    The result does not depend on the order in the files; equal rows are returned once.

    Raises:
        InputError: ``genre.table``: as ``read_table``; a column other than ``Id`` is missing; no rows.
        OSError: A file cannot be read.
    """
    if source.is_dir():
        tables = [table for path in sorted(source.glob("*.csv")) if LABEL in (table := read_table(path)).columns]
        if not tables:
            raise InputError("genre.table", file=source.name, column=LABEL, reason="no CSV file with such a column")
    else:
        tables = [read_table(source)]
    for table in tables:
        table.require(COLUMNS[1:])
    by_text = {tuple(row.text(name) for name in COLUMNS): row for table in tables for row in table.rows}
    return tuple(by_text[text] for text in sorted(by_text, key=_order))


def _order(text: tuple[str, ...]) -> tuple[float, tuple[str, ...]]:
    """Sort key of a row: by ``Id``; rows without one last, by text."""
    number = text[0]
    return (int(number) if number.isascii() and number.isdigit() and len(number) < 16 else math.inf, text)
