"""The notebook's predictions file: a genre for every row of a test table, as CSV of ``Id`` and ``top genre``."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from features import song_model
from features.data import read, songs_of
from features.table import COLUMNS, LABEL, Row, Table, read_table
from pywallet.errors import InputError


def _numbered(table: Table) -> list[str]:
    """The rows' numbers. Raises ``genre.table`` for a row without one, or one that stands twice."""
    seen: dict[str, Row] = {}
    for row in table.rows:
        number = row.text("Id")
        if not number or number in seen:
            row.refuse("Id", f"{number} stands twice" if number else "no number")
        seen[number] = row
    return list(seen)


def rendered(pairs: Iterable[tuple[str, str]]) -> str:
    """The file's text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("Id", LABEL))
    writer.writerows(pairs)
    return out.getvalue()


def predict(train: Path, test: Path) -> tuple[str, int, int]:
    """Train on one table and predict another.

    Args:
        train: Songs with genres: a CSV file or a folder of such.
        test: A CSV file with the same columns; a genre in it is not looked at.

    Returns:
        The predictions file, the number of its rows, and how many of them an artist of the training table decided.

    Raises:
        InputError: ``genre.table`` for a table that can't be used.
        OSError: when a file can't be read.
    """
    table = read_table(test)
    table.require(COLUMNS[:-1])
    numbers, songs = _numbered(table), songs_of(table.rows)
    learnt = read(train, gaps=True)
    if len(set(learnt.genre.tolist())) < 2:
        raise InputError("genre.table", file=train.name, column=LABEL, reason="fewer than two genres")
    model = song_model.fit(learnt)
    genres = model.predict(songs).tolist()
    known = int(np.isin(songs.artist, list(model.artists)).sum())
    return rendered(zip(numbers, genres, strict=True)), len(numbers), known
