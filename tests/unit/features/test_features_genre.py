"""The genre model: data, training, plain prediction, and when it says nothing."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import features
from features.classifier import COLUMNS, SHIPPED, Model, row, shipped
from features.commands import features as features_command
from features.commands import genre as genre_command
from features.data import AUDIO, family, read
from features.evaluate import evaluate, splits
from features.train import fit
from features.values import PCM, Features
from pywallet.errors import InputError
from tests.unit.features.conftest import chord, clicks, write_wav

FAMILIES = {"adult standards", "dance", "dance pop", "folk", "hip hop", "other", "pop", "rock", "soul"}


def _table(path: Path, songs: int = 120) -> Path:
    """A made-up table in the notebook's form: three genres that differ in tempo and loudness, four songs an artist."""
    draw = np.random.default_rng(3)
    with (path / "train.csv").open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["Id", "title", "artist", "year", *AUDIO, "pop", "top genre"])
        for n in range(songs):
            kind = (n // 4) % 3
            values = draw.normal(
                [90 + 30 * kind, 40 + 20 * kind, 50, -15 + 4 * kind, 13, 50, 200, 60 - 20 * kind, 5], 3
            )
            label = ("adult standards", "album rock", "detroit hip hop")[kind]
            out.writerow([n, f"t{n}", f"artist {n // 4}", 1990 + kind, *(f"{v:.0f}" for v in values), 50, label])
        out.writerow([999, "unlabelled", "nobody", 2000, *(["1"] * 9), 50, ""])
    (path / "test.csv").write_text("Id,title\n1,no genre here\n")
    return path


def _features(**changes: float) -> Features:
    """A loud, fast, ordinary song."""
    base = Features(130, 80, 60, -6, 20, 50, 220, 10, 10, 2500, (0.0,) * 12, (1.0,) * 12, (20.0,) * 7, 90)
    return replace(base, **changes)


@pytest.mark.parametrize(
    ("genre", "expected"),
    [
        ("album rock", "rock"),
        ("dance rock", "rock"),
        ("dance pop", "dance pop"),
        ("bubblegum dance", "dance"),
        ("deep adult standards", "adult standards"),
        ("brill building pop", "adult standards"),
        ("disco house", "dance"),
        ("east coast hip hop", "hip hop"),
        ("britpop", "pop"),
        ("country rock", "rock"),
        ("american folk revival", "folk"),
        ("afropop", "other"),
        ("yodeling", "other"),
    ],
)
def test_families(genre: str, expected: str) -> None:
    """The notebook's genres fall where the table says, earlier rows first."""
    assert family(genre) == expected


def test_reading_the_table(tmp_path: Path) -> None:
    """Songs without a genre and files without the column are left out; folder and file read the same."""
    folder = _table(tmp_path)
    songs = read(folder)
    assert len(songs) == len(read(folder / "train.csv")) == 120
    assert songs.audio.shape == (120, 9)
    assert set(songs.family.tolist()) == {"adult standards", "rock", "hip hop"}
    assert len(set(songs.artist.tolist())) == 30


@pytest.mark.parametrize(
    "text", ["", "a,b\n1,2\n", "top genre,artist\nrock,x\n", "top genre,artist,year,bpm\nrock,x,y,z\n"]
)
def test_a_strange_table_is_refused(tmp_path: Path, text: str) -> None:
    """No songs, missing columns and words for numbers are genre.table."""
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises(InputError) as refused:
        read(path)
    assert refused.value.code == "genre.table"


@pytest.mark.parametrize("kinds", [2, 3])
def test_plain_prediction_is_scikit_learns(tmp_path: Path, kinds: int) -> None:
    """Probabilities of the written and read model equal scikit-learn's within what rounding to six digits allows."""
    songs = read(_table(tmp_path))
    keep = np.isin(songs.family, sorted(set(songs.family.tolist()))[:kinds])
    rows, labels = songs.columns(COLUMNS)[keep], songs.family[keep]
    model, theirs = fit(rows, labels)
    reread = Model.from_json(model.to_json())
    wild = np.vstack([rows, np.random.default_rng(1).normal(50, 200, (200, len(COLUMNS)))])
    expected = theirs.predict_proba((wild - model.mean) / model.scale)
    assert np.allclose(model.probabilities(wild), expected, atol=1e-12)
    assert np.allclose(reread.probabilities(wild), expected, atol=1e-3)
    assert reread.to_json() == model.to_json()


def test_training_is_deterministic(tmp_path: Path) -> None:
    """The same table gives the same bytes; ``gomaa genre train`` writes them."""
    folder = _table(tmp_path)
    out = [tmp_path / "a.json", tmp_path / "b.json"]
    for path in out:
        assert CliRunner().invoke(genre_command, ["train", str(folder), "-o", str(path)]).exit_code == 0
    assert out[0].read_bytes() == out[1].read_bytes()


def test_what_can_be_told_apart_is_learnt(tmp_path: Path) -> None:
    """On a table made to be separable, unseen artists are classified far above the majority, and the report says
    both.
    """
    result = evaluate(read(_table(tmp_path)), repeats=2)
    by_name = {entry["model"]: entry for entry in result["models"]}
    assert by_name["families, logistic, audio"]["artists"]["accuracy"] > 0.9
    assert by_name["families, majority"]["artists"]["accuracy"] < 0.5
    clean, off = result["shipped"]
    assert clean["accuracy"] > 0.9
    assert off["accuracy"] <= clean["accuracy"]
    written = [entry["written"] for entry in clean["thresholds"]]
    assert written == sorted(written, reverse=True)


def test_unseen_artists_are_unseen(tmp_path: Path) -> None:
    """A grouped split has no artist on both sides; every split has every song once."""
    songs = read(_table(tmp_path))
    for train, test in splits(songs, 5, unseen=True):
        assert not set(songs.artist[train].tolist()) & set(songs.artist[test].tolist())
        assert sorted([*train, *test]) == list(range(len(songs)))


def test_the_shipped_model_is_small_and_sound() -> None:
    """Below 4 KB, the families of the table, read without scikit-learn, and unable to answer 'other'."""
    assert SHIPPED.stat().st_size < 4096
    model = shipped()
    assert set(model.genres) == FAMILIES
    assert model.unreported == ("other",)
    assert model.threshold == 0.5


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw.pop("mean"),
        lambda raw: raw.update(version=2),
        lambda raw: raw.update(columns=["bpm"]),
        lambda raw: raw["weights"].pop(),
        lambda raw: raw["scale"].__setitem__(0, 0),
        lambda raw: raw["bias"].__setitem__(0, float("nan")),
        lambda raw: raw.update(threshold=2),
    ],
)
def test_a_damaged_model_is_refused(change: object) -> None:
    """A model file with a missing, ill-shaped or impossible part is message.schema, not a wrong genre."""
    raw = json.loads(SHIPPED.read_text())
    change(raw)  # type: ignore[operator]
    with pytest.raises(InputError) as refused:
        Model.from_json(json.dumps(raw))
    assert refused.value.code == "message.schema"


@given(st.lists(st.floats(-1e6, 1e6), min_size=len(COLUMNS), max_size=len(COLUMNS)))
def test_probabilities_are_probabilities(values: list[float]) -> None:
    """For any row they are finite, not negative, and sum to 1."""
    chances = shipped().probabilities(np.array([values]))[0]
    assert np.isfinite(chances).all()
    assert (chances >= 0).all()
    assert chances.sum() == pytest.approx(1)


def test_columns_are_in_order() -> None:
    """A recording's row has its values where the model expects them."""
    found = _features()
    assert dict(zip(COLUMNS, row(found), strict=True)) == {
        "bpm": 130,
        "dB": -6,
        "dur": 220,
        "nrgy": 80,
        "dnce": 60,
        "acous": 10,
        "spch": 10,
    }


@pytest.mark.parametrize(
    "change", [{"duration_s": 46}, {"duration_s": 36_000}, {"loudness_db": -40}, {"tempo_bpm": 0}, {"tempo_bpm": 239}]
)
def test_outside_of_the_data_nothing_is_said(change: dict[str, float]) -> None:
    """A jingle, a ten-hour stream, a whisper and a piece without beat get no genre, though the same song in range
    does.
    """
    quiet = {
        "tempo_bpm": 100,
        "loudness_db": -16,
        "duration_s": 140,
        "energy": 20,
        "acousticness": 90,
        "speechiness": 3,
    }
    assert features.classify(_features(**quiet)) is not None
    assert features.classify(_features(**{**quiet, **change})) is None


def test_a_clear_case_is_named() -> None:
    """A short, quiet, acoustic ballad is 'adult standards' with at least the threshold's confidence.

    Silence is nothing.
    """
    ballad = _features(
        tempo_bpm=100, loudness_db=-16, duration_s=140, energy=20, danceability=40, acousticness=90, speechiness=3
    )
    genre = features.classify(ballad)
    assert genre is not None
    assert genre.name == "adult standards"
    assert 0.5 <= genre.confidence <= 1
    assert features.classify(Features.silence(140, 90)) is None


def test_an_unsure_case_is_not_named() -> None:
    """A song at the mean of every column is not guessed at."""
    mean = dict(zip(COLUMNS, shipped().mean, strict=True))
    middle = _features(
        tempo_bpm=mean["bpm"],
        loudness_db=mean["dB"],
        duration_s=mean["dur"],
        energy=mean["nrgy"],
        danceability=mean["dnce"],
        acousticness=mean["acous"],
        speechiness=mean["spch"],
    )
    assert features.classify(middle) is None


def test_header_fields(tmp_path: Path) -> None:
    """A short song gives a vector of at most 64 bytes and no genre, the same each time; silence gives nothing."""
    path = write_wav(tmp_path / "song.wav", 0.8 * (clicks(100, 20, 22_050) + chord(20, 22_050)), 22_050)
    fields = features.for_header(path)
    assert set(fields) == {"features"}
    assert isinstance(fields["features"], bytes)
    assert 0 < len(fields["features"]) <= 64
    assert fields == features.for_header(path)
    assert features.for_header(PCM(22_050, [np.zeros(22_050)])) == {}


def test_a_heard_genre_goes_into_the_header(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clear case becomes the three fields a header takes, the confidence in whole per cent."""
    ballad = _features(
        tempo_bpm=100, loudness_db=-16, duration_s=140, energy=20, danceability=40, acousticness=90, speechiness=3
    )
    monkeypatch.setattr(features, "extract", lambda source: ballad)
    guess = features.classify(ballad)
    assert guess is not None
    fields = features.for_header("song.wav")
    assert fields == {
        "features": ballad.vector(),
        "genre": "adult standards",
        "genre_confidence": round(100 * guess.confidence),
    }


def test_the_command_measures(tmp_path: Path) -> None:
    """``gomaa features`` prints words, and with --json one object with vector and genre."""
    song = write_wav(tmp_path / "song.wav", 0.8 * (clicks(100, 8, 22_050) + chord(8, 22_050)), 22_050)
    words = CliRunner().invoke(features_command, [str(song)])
    assert words.exit_code == 0
    assert "100" in words.output.splitlines()[0]
    assert "not sure enough to say" in words.output
    value = json.loads(CliRunner().invoke(features_command, [str(song), "--json"]).output)
    assert value["tempo_bpm"] == pytest.approx(100, rel=0.01)
    assert value["genre"] is None
    assert bytes.fromhex(value["vector"]) == features.extract(song).vector()
    silence = write_wav(tmp_path / "silence.wav", np.zeros(8000), 8000)
    assert CliRunner().invoke(features_command, [str(silence)]).output == "silence, 1.0 s\n"
