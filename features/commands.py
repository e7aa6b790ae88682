"""``gomaa features AUDIO`` and ``gomaa genre`` with its subcommands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from features.values import Features, Genre

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_DATA = click.Path(exists=True, path_type=Path)
_REPEATS = click.IntRange(2, 1000)


def _lines(found: Features, genre: Genre | None) -> list[str]:
    rows = [
        ("tempo", f"{found.tempo_bpm:.1f} BPM" if found.tempo_bpm else "no beat"),
        ("loudness", f"{found.loudness_db:.1f} LUFS"),
        ("brightness", f"{found.brightness_hz:.0f} Hz"),
        ("duration", f"{found.duration_s:.1f} s, {found.heard_s:.0f} s analysed"),
    ]
    names = ("energy", "danceability", "liveness", "valence", "acousticness", "speechiness")
    rows += [(name, f"{getattr(found, name):.0f} of 100, approximated") for name in names]
    rows.append(("genre", "not sure enough to say" if genre is None else f"{genre.name}, {genre.confidence:.0%} sure"))
    return [f"{name:13} {value}" for name, value in rows]


@click.command()
@click.argument("audio", type=_FILE)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def features(audio: Path, as_json: bool) -> None:
    """Measure how AUDIO sounds, and guess its genre."""
    from features import classify, extract

    found = extract(audio)
    genre = classify(found)
    if as_json:
        guess = None if genre is None else {"name": genre.name, "confidence": round(genre.confidence, 3)}
        vector = None if found.silent else found.vector().hex()
        click.echo(json.dumps({**found.to_json(), "silent": found.silent, "genre": guess, "vector": vector}))
    elif found.silent:
        click.echo(f"silence, {found.duration_s:.1f} s")
    else:
        click.echo("\n".join(_lines(found, genre)))


@click.group()
def genre() -> None:
    """Explore, compare, train and predict genres (needs the extra 'genre')."""


@genre.command()
@click.argument("data", type=_DATA)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write it (default: the package's own).",
)
def train(data: Path, output: Path | None) -> None:
    """Train the model from the table in DATA, a folder or a CSV file."""
    from features.train import main

    main([str(data), *(["-o", str(output)] if output else [])])


@genre.command()
@click.argument("data", type=_DATA)
@click.option("--repeats", type=_REPEATS, default=20, show_default=True, help="Random splits of each kind.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def evaluate(data: Path, repeats: int, as_json: bool) -> None:
    """Accuracy of the models on the table in DATA: unseen songs and unseen artists."""
    from features.evaluate import main

    main([str(data), "--repeats", str(repeats), *(["--json"] if as_json else [])])


@genre.command()
@click.argument("data", type=_DATA)
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder for the pictures and summary.md.",
)
@click.option(
    "--theme",
    type=click.Choice(["light", "dark", "both"]),
    default="both",
    show_default=True,
    help="Colours of the pictures.",
)
def explore(data: Path, output: Path, theme: str) -> None:
    """Draw the columns of the table in DATA and say what they show.

    Correlations, a histogram of each column, each column by family of genres, and the number of songs of each genre.
    """
    from features.explore import explore as run
    from features.explore import text

    with _files():
        found, written = run(data, output, theme)
    click.echo(text(found))
    click.echo(f"\n{output}: {', '.join(path.name for path in written)}")


@genre.command()
@click.argument("data", type=_DATA)
@click.option("--repeats", type=_REPEATS, default=20, show_default=True, help="Random splits of each kind.")
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=42, show_default=True, help="Seed of the single split."
)
@click.option("--tried", is_flag=True, help="What was tried for a better model, on splits of other seeds (minutes).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def compare(data: Path, repeats: int, seed: int, tried: bool, as_json: bool) -> None:
    """Accuracy of the notebook's five models beside ours, on genres with three songs or more in DATA.

    On one 80/20 split of the songs, on many, and on as many where no artist is on both sides.
    """
    from features.compare import ENTRIES, lines
    from features.compare import compare as run
    from features.data import read
    from features.experiments import BASE, EXPERIMENTS

    with _files():
        songs = read(data, gaps=True)
    result = run(songs, repeats, seed, EXPERIMENTS, BASE) if tried else run(songs, repeats, seed, ENTRIES)
    click.echo(json.dumps(result) if as_json else "\n".join(lines(result)))


@genre.command()
@click.argument("train", type=_DATA)
@click.argument("test", type=_FILE)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The file of Id and top genre.",
)
def predict(train: Path, test: Path, output: Path) -> None:
    """Learn genres from the table TRAIN and write one for every row of the table TEST."""
    from features.predictions import predict as run

    with _files():
        content, rows, known = run(train, test)
        output.write_text(content, encoding="utf-8", newline="\n")
    click.echo(f"{output}: {rows} rows, {known} of them by the genre of an artist in {train.name}")


@contextmanager
def _files() -> Iterator[None]:
    """Report OSError as an error of the command line that names the file."""
    try:
        yield
    except OSError as e:
        raise click.FileError(str(e.filename), e.strerror) from e


commands: Final = (features, genre)
