"""``gomaa genre explore``: statistics against their definitions, pictures that show something, the same each time."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from features.commands import genre as genre_command
from features.data import NUMBERS, songs_of
from features.explore import explore, text
from features.plots import PICTURES, THEMES, genres
from features.song_table import read_tables
from features.statistics import sentences, statistics
from tests.unit.features.conftest import HEADER, song_lines


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    """A table, the folder of its pictures in both themes, and what the command printed."""
    folder = tmp_path_factory.mktemp("explore")
    table = folder / "songs.csv"
    table.write_text("\n".join([HEADER, *song_lines()]), encoding="utf-8")
    result = CliRunner().invoke(genre_command, ["explore", str(table), "-o", str(folder / "out")])
    assert result.exit_code == 0, result.output
    return table, folder / "out", result.output


def test_statistics_are_numpys(song_table: Path) -> None:
    """Correlations, quartile outliers and counts equal what numpy says of the same columns."""
    songs = songs_of(read_tables(song_table))
    found = statistics(songs)
    assert np.allclose(found.correlations, np.corrcoef(songs.numbers.T))
    for column, values in zip(found.columns, songs.numbers.T, strict=True):
        first, third = np.percentile(values, [25, 75])
        far = (values < first - 1.5 * (third - first)) | (values > third + 1.5 * (third - first))
        assert column.outliers == far.sum()
        assert column.mean == pytest.approx(values.mean())
    assert (found.songs, found.unlabelled, found.artists, found.duplicates) == (90, 6, 30, 0)
    assert found.unanimous == found.several == 30
    assert dict(found.genres) == {"adult standards": 28, "album rock": 28, "detroit hip hop": 28}
    assert {pair[1:] for pair in found.pairs()} == {(a, b) for n, a in enumerate(NUMBERS) for b in NUMBERS[:n]}


def test_gaps_constants_and_a_far_value(song_table: Path) -> None:
    """Missing numbers are counted and left out, a constant column has no correlation, one far value is an outlier and
    skew.
    """
    lines = song_table.read_text(encoding="utf-8").splitlines()
    rows = [re.sub(r"^(\d+,\".*?\",[^,]*),\d+,", r"\1,2000,", line) for line in lines[1:]]
    cells = rows[0].rsplit(",", 3)
    rows[0] = ",".join([cells[0], "900", *cells[2:]])
    cells = rows[1].rsplit(",", 2)
    rows[1] = ",".join([cells[0], "", cells[2]])
    song_table.write_text("\n".join([lines[0], *rows]), encoding="utf-8")
    found = statistics(songs_of(read_tables(song_table)))
    by_name = {column.name: column for column in found.columns}
    assert by_name["pop"].missing == 1
    assert np.isfinite(by_name["pop"].mean)
    assert by_name["spch"].skew > 5
    assert by_name["spch"].outliers >= 1
    said = text(found)
    assert "Constant, so without correlation: year." in said
    assert "Missing numbers: pop 1." in said
    assert re.search(r"to the right[^;]*spch \+", said)


def test_the_summary_names_what_was_made(song_table: Path) -> None:
    """Genres that were made apart in tempo and acousticness: the summary says so, and that they are balanced."""
    said = dict(sentences(statistics(songs_of(read_tables(song_table)))))
    assert re.search(r"acous and bpm -0\.\d|bpm and acous -0\.\d", said["correlations"][0])
    assert re.match(r"(bpm|year) tells the families apart best", said["families"][1])
    assert "84 of 90 songs have a genre, 6 have none." in said["genres"]


def test_pictures_show_something_in_both_themes(drawn: tuple[Path, Path, str]) -> None:
    """Every picture decodes, has its theme's background at the corner and shapes in the theme's colour, and differs."""
    _, folder, _ = drawn
    for theme in THEMES:
        for name, _ in PICTURES:
            with Image.open(folder / f"{name}-{theme.name}.png") as image:
                pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
            paper = np.array([int(theme.paper[n : n + 2], 16) for n in (1, 3, 5)])
            assert len(pixels) > 300_000
            assert (pixels[0] == paper).all()
            shown = (pixels != paper).any(axis=1).mean()
            assert 0.02 < shown < 0.95, (name, theme.name, shown)
    names = {path.name for path in folder.iterdir()}
    assert names == {f"{name}-{theme.name}.png" for name, _ in PICTURES for theme in THEMES} | {"summary.md"}
    assert len({path.read_bytes() for path in folder.glob("*.png")}) == len(PICTURES) * len(THEMES)


def test_the_page_shows_every_picture(drawn: tuple[Path, Path, str]) -> None:
    """summary.md links only files that are there, all of them, and says what was printed."""
    _, folder, printed = drawn
    page = (folder / "summary.md").read_text(encoding="utf-8")
    assert set(re.findall(r'(?:srcset|src)="([^"]+)"', page)) == {path.name for path in folder.glob("*.png")}
    sentences_printed = [line.strip() for line in printed.splitlines() if line.startswith("  ")]
    assert len(sentences_printed) > 8
    assert all(f"- {sentence}" in page for sentence in sentences_printed)
    assert all(f"| {name} |" in page for name in NUMBERS)


def test_the_same_songs_give_the_same_bytes(drawn: tuple[Path, Path, str], tmp_path: Path) -> None:
    """Drawn again from rows in another order, and with a user's own matplotlib settings, every file is the same."""
    import matplotlib

    table, folder, _ = drawn
    lines = table.read_text(encoding="utf-8").splitlines()
    other = tmp_path / "songs.csv"
    other.write_text("\n".join([lines[0], *lines[:0:-1]]), encoding="utf-8")
    with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "red"}):
        explore(other, tmp_path / "out", "light")
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert written == {f"{name}-light.png" for name, _ in PICTURES} | {"summary.md"}
    for path in (tmp_path / "out").glob("*.png"):
        assert path.read_bytes() == (folder / path.name).read_bytes(), path.name


def test_odd_tables_are_drawn(tmp_path: Path) -> None:
    """One song without a genre, and genres with signs the font lacks: pictures without a warning."""
    row = "1,t,a,1990,100,50,50,-8,13,50,200,20,5,,"
    odd = f"{HEADER}\n{row}民謠 $x$ _{{\n" + row.replace("1,", "2,", 1) + f"{'long ' * 20}\n"
    for n, content in enumerate((f"{HEADER}\n{row}\n", odd)):
        path = tmp_path / f"{n}.csv"
        path.write_text(content, encoding="utf-8")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            if n == 0:
                _, written = explore(path, tmp_path, "dark")
                assert len(written) == len(PICTURES) + 1
            else:
                songs = songs_of(read_tables(path))
                figure = genres(songs, statistics(songs), THEMES[0])
                FigureCanvasAgg(figure).draw()
                labels = [label.get_text() for axes in figure.axes for label in axes.get_yticklabels()]
                assert "\\u6c11\\u8b20 $x$ _{" in labels


def test_a_folder_that_cannot_be_made_is_said(song_table: Path) -> None:
    """A file where the folder should be is a sentence, not a traceback."""
    result = CliRunner().invoke(genre_command, ["explore", str(song_table), "-o", str(song_table / "below")])
    assert result.exit_code == 1
    assert "Could not open file" in result.output
