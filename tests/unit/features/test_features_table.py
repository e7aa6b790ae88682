"""Tables of songs in CSV: encodings, line ends, quoting, column names, and what is refused with its line and column."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from features.commands import genre as genre_command
from features.data import Songs, artist_key, read, songs_of
from features.song_table import COLUMNS, NUMBERS, read_table, read_tables
from pywallet.errors import InputError
from tests.unit.features.conftest import HEADER, song_lines

ROW = '1,"Love, again",Zoë,1990,100,50,50,-8,13,50,200,20,5,60,album rock'
TEXT = f"{HEADER}\n{ROW}\n"


def _read(path: Path, raw: bytes) -> Songs:
    path.write_bytes(raw)
    return songs_of(read_tables(path))


def _refused(path: Path, text: str) -> dict[str, object]:
    path.write_text(text, encoding="utf-8", newline="")
    with pytest.raises(InputError) as refused:
        songs_of(read_tables(path))
    assert refused.value.code == "genre.table"
    return refused.value.detail


@pytest.mark.parametrize(
    "raw",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("latin-1"),
        TEXT.encode("utf-16"),
        TEXT.encode().replace(b"\n", b"\r\n"),
        TEXT.encode().replace(b"\n", b"\r"),
        TEXT.encode().rstrip(b"\n"),
        TEXT.encode() + b"\n,,,,,,,,,,,,,,\n\n",
        TEXT.encode().replace(b"Id,title", b" ID , Title").replace(b"top genre", b"Top_Genre"),
        TEXT.encode().replace(b",year,", b",,year,").replace("Zoë,".encode(), "Zoë,x,".encode()),
        TEXT.encode().replace(b",200,", b',"1,200",').replace(b"1,200", b"200.0"),
        TEXT.encode("utf-8").replace("ë".encode(), "ë".encode().decode("cp1252").encode()),
    ],
    ids=[
        "utf-8",
        "bom",
        "latin-1",
        "utf-16",
        "crlf",
        "cr",
        "no-end",
        "blank",
        "case",
        "unnamed",
        "decimals",
        "utf-8-twice",
    ],
)
def test_the_same_song_in_other_bytes(tmp_path: Path, raw: bytes) -> None:
    """Encoding, byte order mark, line ends, blank rows, other columns and the case of names change nothing."""
    songs = _read(tmp_path / "x.csv", raw)
    assert songs.title.tolist() == ["Love, again"]
    assert songs.artist.tolist() == ["zoë"]
    assert songs.numbers.tolist() == [[100, 50, 50, -8, 13, 50, 200, 20, 5, 1990, 60]]
    assert songs.genre.tolist() == ["album rock"]


@pytest.mark.parametrize("word", ["", " ", "NA", "nan", "NaN", "null", "?"])
def test_missing_numbers(tmp_path: Path, word: str) -> None:
    """An empty cell, or a word that tools write for one, is a missing number; training names its line and column."""
    path = tmp_path / "x.csv"
    songs = _read(path, TEXT.replace(",200,", f",{word},").encode())
    assert np.isnan(songs.audio[0, NUMBERS.index("dur")])
    assert len(read(path, gaps=True)) == 1
    with pytest.raises(InputError) as refused:
        read(path)
    assert refused.value.detail == {"file": "x.csv", "line": 2, "column": "dur", "reason": "no number"}


@pytest.mark.parametrize("word", ["fast", "1,5", "12,34", "1_000", "inf", "-Infinity", "0x10", "١٢", "1e999", "5 bpm"])
def test_what_is_no_number_is_named(tmp_path: Path, word: str) -> None:
    """Words, decimal commas, infinities and digits of other scripts are refused with line and column, not guessed
    at.
    """
    second = ROW.replace("1,", "2,", 1).replace(",100,", f',"{word}",')
    detail = _refused(tmp_path / "x.csv", f"{TEXT}{second}\n")
    assert (detail["line"], detail["column"]) == (3, "bpm")


@pytest.mark.parametrize(
    ("word", "value"), [("1,234", 1234), ("1,234,567.5", 1234567.5), ("+7", 7), ("7.", 7), (".5", 0.5), ("1e2", 100)]
)
def test_ways_to_write_a_number(tmp_path: Path, word: str, value: float) -> None:
    """Separators between thousands, signs, bare dots and exponents."""
    songs = _read(tmp_path / "x.csv", TEXT.replace(",100,", f',"{word}",').encode())
    assert songs.audio[0, 0] == value


@pytest.mark.parametrize("column", COLUMNS[1:])
def test_a_missing_column_is_named(tmp_path: Path, column: str) -> None:
    """Each column but the number is needed."""
    detail = _refused(tmp_path / "x.csv", TEXT.replace(column, f"x{column}x", 1))
    assert detail == {"file": "x.csv", "column": column, "reason": "no such column"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"{HEADER}\n", "no rows"),
        ("", "no such column"),
        (f"{HEADER},year\n{ROW},1\n", "stands twice"),
        (f"{TEXT}2,short\n", "2 cells, not 15"),
        (f"{TEXT}{ROW},more\n", "16 cells, not 15"),
        (f'{TEXT}2,"never ends,Zoë\n', "end of data"),
        (f"{TEXT}\0\0", "not a text file"),
        (TEXT.replace(",", ";"), "no such column"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    """No rows, columns that stand twice, rows that don't fit, open quotes and binary files."""
    assert reason in str(_refused(tmp_path / "x.csv", text)["reason"])


def test_order_and_repeated_rows_change_nothing(tmp_path: Path) -> None:
    """Rows in any order, split over files and standing twice, are read as the same songs."""
    lines = song_lines(12)
    whole, parts = tmp_path / "whole.csv", tmp_path / "parts"
    parts.mkdir()
    whole.write_text("\n".join([HEADER, *lines]), encoding="utf-8")
    (parts / "b.csv").write_text("\n".join([HEADER, *lines[6::-1]]), encoding="utf-8")
    (parts / "a.csv").write_text("\n".join([HEADER, *lines[:4:-1]]), encoding="utf-8")
    (parts / "test.csv").write_text("Id,title\n1,no genre here\n")
    one, other = songs_of(read_tables(whole)), songs_of(read_tables(parts))
    assert one.title.tolist() == other.title.tolist() == [f"Song, no. {n}" for n in range(12)]
    assert np.array_equal(one.numbers, other.numbers)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=20))
def test_an_artist_key_is_a_fixed_point(name: str) -> None:
    """The key of a key is the key, unless the key itself reads as text decoded wrongly.

    Case and spaces don't matter.
    """
    key = artist_key(name)
    assert key == " ".join(key.split())
    if key.isascii():
        assert artist_key(key) == key == artist_key(f"  {key.upper()} ")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_table_or_refused(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    """No bytes raise anything but the one code."""
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(HEADER.encode() + b"\n" + raw)
    try:
        songs_of(read_table(path).rows)
    except InputError as e:
        assert e.code == "genre.table"


@pytest.mark.parametrize("name", ["explore", "compare", "train"])
def test_commands_refuse_with_the_code(tmp_path: Path, name: str) -> None:
    """Every command that reads a table says which line and column it can't use, and writes nothing."""
    (tmp_path / "x.csv").write_text(TEXT.replace(",100,", ",fast,"), encoding="utf-8")
    output = ["-o", str(tmp_path / "out")] if name != "compare" else []
    result = CliRunner().invoke(genre_command, [name, str(tmp_path / "x.csv"), *output])
    assert isinstance(result.exception, InputError)
    assert result.exception.detail["line"] == 2
    assert not (tmp_path / "out").exists()
