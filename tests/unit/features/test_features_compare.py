"""``gomaa genre compare`` and ``predict``: protocol, splits, the artist's genre, and the predictions file."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.model_selection import train_test_split

from features import song_model
from features.commands import genre as genre_command
from features.compare import ENTRIES, MIN_SONGS, compare, lines, majority, splits
from features.data import read, songs_of
from features.experiments import EXPERIMENTS
from features.song_table import read_tables
from gomaa.cli import group
from pywallet.errors import GomaaError, InputError
from tests.unit.features.conftest import HEADER, song_lines

CHEAP = tuple(
    entry
    for entry in ENTRIES
    if entry.name in {"commonest genre", "Gaussian naive Bayes", "ours without artists", "ours"}
)


def _write(path: Path, rows: list[str]) -> Path:
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return path


def _predict(train: Path, test: Path, out: Path) -> list[list[str]]:
    result = CliRunner().invoke(genre_command, ["predict", str(train), str(test), "-o", str(out)])
    assert result.exit_code == 0, result.output
    with out.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_the_command_compares(song_table: Path) -> None:
    """Five models of the notebook's kind and ours, each on one split and on both kinds of many, as lines and as
    JSON.
    """
    arguments = ["compare", str(song_table), "--repeats", "2"]
    value = json.loads(CliRunner().invoke(genre_command, [*arguments, "--json"]).output)
    assert [row["kind"] for row in value["models"]] == ["floor", *["notebook"] * 5, "ours", "ours"]
    assert (value["songs"], value["genres"], value["seed"], value["repeats"]) == (84, 3, 42, 2)
    for row in value["models"]:
        for part in (row["songs"], row["artists"]):
            assert 0 <= part["least"] <= part["mean"] <= part["most"] <= 1
    by_name = {row["model"]: row for row in value["models"]}
    assert by_name["ours"]["artists"]["mean"] > 0.9 > 0.6 > by_name["commonest genre"]["artists"]["mean"]
    printed = CliRunner().invoke(genre_command, arguments).output
    assert printed == "\n".join(lines(value)) + "\n"


def test_the_single_split_is_train_test_splits(song_table: Path) -> None:
    """The seed means what it means in a notebook."""
    songs = read(song_table)
    for seed in (0, 42):
        theirs = train_test_split(np.arange(len(songs)), test_size=0.2, random_state=seed)
        ours = next(splits(songs, 1, seed, disjoint=False))
        assert [set(part.tolist()) for part in ours] == [set(part.tolist()) for part in theirs]


def test_disjoint_splits_share_no_artist(song_table: Path) -> None:
    """Of artists, not songs; each song on one side."""
    songs = read(song_table)
    for train, test in splits(songs, 5, 0, disjoint=True):
        assert not set(songs.artist[train].tolist()) & set(songs.artist[test].tolist())
        assert sorted([*train, *test]) == list(range(len(songs)))


def test_rare_genres_are_left_out(tmp_path: Path) -> None:
    """A genre with two songs is not among those compared; with three it is."""
    rows = song_lines(60)
    rare = [f"{900 + n},t,rare {n},1990,100,50,50,-8,13,50,200,20,5,60,yodeling" for n in range(MIN_SONGS)]
    for count, genres in ((MIN_SONGS - 1, 3), (MIN_SONGS, 4)):
        songs = read(_write(tmp_path / "x.csv", [*rows, *rare[:count]]))
        assert compare(songs, 2, entries=CHEAP)["genres"] == genres


def test_row_order_changes_no_figure(song_table: Path, tmp_path: Path) -> None:
    """The comparison of shuffled rows is the same to the last digit."""
    rows = song_table.read_text(encoding="utf-8").splitlines()[1:]
    mixed = [rows[n] for n in np.random.default_rng(2).permutation(len(rows))]
    other = _write(tmp_path / "other.csv", mixed)
    assert compare(read(song_table), 2, entries=CHEAP) == compare(read(other), 2, entries=CHEAP)


def test_a_known_artist_decides(song_table: Path) -> None:
    """Whatever the numbers say; not when artists are left aside. Among equal genres the first by name."""
    songs = read(song_table)
    quiet = songs.take(songs.genre == "adult standards")
    renamed = quiet.take(np.arange(1))
    object.__setattr__(renamed, "artist", np.array(["zoë 2"]))
    assert set(songs.genre[songs.artist == "zoë 2"].tolist()) == {"detroit hip hop"}
    assert song_model.fit(songs).predict(renamed).tolist() == ["detroit hip hop"]
    assert song_model.fit(songs, lookup=False).predict(renamed).tolist() == ["adult standards"]
    tied = songs.take(np.array([0, 3]))
    object.__setattr__(tied, "artist", np.array(["both", "both"]))
    assert song_model.fit(tied).artists == {"both": "adult standards"}
    assert majority(tied, tied).tolist() == ["adult standards", "adult standards"]


def test_every_attempt_predicts(song_table: Path) -> None:
    """Each attempt answers with genres of its training part, for songs of unknown artists too, gaps included."""
    songs = read(song_table)
    songs.audio[4, 2] = np.nan
    train, test = next(splits(songs, 1, 0, disjoint=True))
    for entry in EXPERIMENTS:
        found = entry.predict(songs.take(train), songs.take(test))
        assert set(found.tolist()) <= set(songs.genre[train].tolist()), entry.name
        assert (found == songs.genre[test]).mean() > 0.7, entry.name


def test_the_predictions_file(song_table: Path, tmp_path: Path) -> None:
    """A row for every row of the test table, in its order, with its number as written, and genres of the training
    table.
    """
    rows = [line.rsplit(",", 1)[0] for line in song_lines(40)]
    rows = [f"0{line}" if n == 3 else line for n, line in enumerate(rows)][::-1]
    rows[5] = rows[5].replace(",50,", ",,")
    test = tmp_path / "test.csv"
    test.write_text("\n".join([HEADER.removesuffix(",top genre"), *rows]), encoding="utf-8")
    found = _predict(song_table, test, tmp_path / "p.csv")
    assert found[0] == ["Id", "top genre"]
    assert [row[0] for row in found[1:]] == [line.split(",")[0] for line in rows]
    assert {row[1] for row in found[1:]} <= {"adult standards", "album rock", "detroit hip hop"}
    assert (tmp_path / "p.csv").read_bytes().count(b"\r") == 0


def test_a_row_is_predicted_by_itself(song_table: Path, tmp_path: Path) -> None:
    """Other rows of the test table, their order, a genre that stands there and the order of the training rows don't
    matter.
    """
    train = song_table.read_text(encoding="utf-8").splitlines()[1:]
    other = _write(tmp_path / "other.csv", train[::-1])
    fresh = [line.replace("Zoë", "new") for line in song_lines(30)]
    whole = _predict(song_table, _write(tmp_path / "a.csv", fresh), tmp_path / "a.out")
    half = _predict(
        other,
        _write(tmp_path / "b.csv", [line.rsplit(",", 1)[0] + ",yodeling" for line in fresh[20:9:-1]]),
        tmp_path / "b.out",
    )
    assert half[1:] == [row for row in whole[1:] if 11 <= int(row[0]) <= 21][::-1]
    again = _predict(song_table, tmp_path / "a.csv", tmp_path / "c.out")
    assert again == whole


@pytest.mark.parametrize(
    ("change", "column"),
    [
        (lambda row: row.replace("2,", ",", 1), "Id"),
        (lambda row: row.replace("2,", "1,", 1), "Id"),
        (lambda row: row.replace(",1990,", ",once,"), "year"),
    ],
)
def test_a_test_table_that_cannot_be_answered_is_refused(
    song_table: Path, tmp_path: Path, change: object, column: str
) -> None:
    """Rows without a number, numbers that stand twice and words for numbers: line and column, and no file."""
    rows = song_lines(3)
    rows[1] = change(rows[1])  # type: ignore[operator]
    test = _write(tmp_path / "test.csv", rows)
    result = CliRunner().invoke(genre_command, ["predict", str(song_table), str(test), "-o", str(tmp_path / "p.csv")])
    assert isinstance(result.exception, InputError)
    assert (result.exception.detail["line"], result.exception.detail["column"]) == (3, column)
    assert not (tmp_path / "p.csv").exists()


@pytest.mark.parametrize("name", ["compare", "predict"])
def test_too_little_to_learn_from(tmp_path: Path, name: str) -> None:
    """One genre only is refused with the code."""
    table = _write(tmp_path / "x.csv", [line for line in song_lines() if line.endswith("album rock")])
    more = [str(table), "-o", str(tmp_path / "p.csv")] if name == "predict" else []
    result = CliRunner().invoke(genre_command, [name, str(table), *more])
    assert isinstance(result.exception, InputError)
    assert result.exception.code == "genre.table"


@pytest.mark.parametrize(
    ("library", "arguments"),
    [
        ("matplotlib", ["explore", "-o", "out"]),
        ("sklearn", ["compare"]),
        ("sklearn", ["train", "-o", "out"]),
        ("sklearn", ["predict", "TABLE", "-o", "out"]),
    ],
)
def test_without_the_extra(
    song_table: Path, monkeypatch: pytest.MonkeyPatch, library: str, arguments: list[str]
) -> None:
    """A library that is not installed is named with the extra that brings it."""
    for name in [name for name in sys.modules if name.split(".")[0] == library or name.startswith("features.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.chdir(song_table.parent)
    filled = [str(song_table) if word == "TABLE" else word for word in arguments]
    result = CliRunner().invoke(group, ["genre", filled[0], str(song_table), *filled[1:]])
    assert isinstance(result.exception, GomaaError)
    assert result.exception.code == "command.extra"
    assert 'pip install "gomaa[genre]"' in str(result.exception)
    assert not (song_table.parent / "out").exists()


def test_rows_are_kept_with_their_gaps(song_table: Path) -> None:
    """What is explored has the songs without a genre; what is trained has not."""
    assert len(songs_of(read_tables(song_table))) == 90
    assert len(read(song_table)) == 84
