"""Predictions file: a genre for every row of a test table, as CSV of ``Id`` and ``top genre``."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from features import song_model
from features.data import read, songs_of
from features.song_table import COLUMNS, LABEL, SongRow, SongTable, read_table
from pywallet.errors import InputError


def _numbered(table: SongTable) -> list[str]:
    """The ``Id`` of each row. Raises InputError ``genre.table``: missing or repeated."""
    seen: dict[str, SongRow] = {}
    for row in table.rows:
        number = row.text("Id")
        if not number or number in seen:
            row.refuse("Id", f"{number} stands twice" if number else "no number")
        seen[number] = row
    return list(seen)


def rendered(pairs: Iterable[tuple[str, str]]) -> str:
    """Text of the predictions file."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("Id", LABEL))
    writer.writerows(pairs)
    return out.getvalue()


def predict(train: Path, test: Path) -> tuple[str, int, int]:
    """Train on one table and predict another.

    Args:
        train: Songs with genres: a CSV file or a folder of such.
        test: A CSV file with the same columns; its genres are ignored.

    Returns:
        The predictions file, the number of its rows, and the number of rows whose artist is in the training table.

    Raises:
        InputError: ``genre.table``: an invalid table.
        OSError: A file cannot be read.
    """
    table = read_table(test)
    table.require(COLUMNS[:-1])
    numbers, songs = _numbered(table), songs_of(table.rows)
    training = read(train, gaps=True)
    if len(set(training.genre.tolist())) < 2:
        raise InputError("genre.table", file=train.name, column=LABEL, reason="fewer than two genres")
    model = song_model.fit(training)
    genres = model.predict(songs).tolist()
    known = int(np.isin(songs.artist, list(model.artists)).sum())
    return rendered(zip(numbers, genres, strict=True)), len(numbers), known
