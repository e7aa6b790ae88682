"""``gomaa features AUDIO`` and ``gomaa genre train|evaluate DATA``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import click

from features.values import Features, Genre

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_DATA = click.Path(exists=True, path_type=Path)


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
    """Train and evaluate the genre model (needs scikit-learn)."""


def _need_sklearn() -> None:
    try:
        import sklearn  # noqa: F401
    except ImportError as e:
        raise click.UsageError("scikit-learn is not installed; it comes with the extra 'dev'.") from e


@genre.command()
@click.argument("data", type=_DATA)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Where to write it (default: the package's own).")
def train(data: Path, output: Path | None) -> None:
    """Train the model from the table in DATA, a folder or a CSV file."""
    _need_sklearn()
    from features.train import main

    main([str(data), *(["-o", str(output)] if output else [])])


@genre.command()
@click.argument("data", type=_DATA)
@click.option("--repeats", type=click.IntRange(2, 1000), default=20, show_default=True, help="Random splits of each kind.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def evaluate(data: Path, repeats: int, as_json: bool) -> None:
    """Accuracy of the models on the table in DATA: unseen songs and unseen artists."""
    _need_sklearn()
    from features.evaluate import main

    main([str(data), "--repeats", str(repeats), *(["--json"] if as_json else [])])


commands: Final = (features, genre)
