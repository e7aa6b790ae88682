"""Recommendations from recordings: the studio measures, the header has the features, a station compares."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from chain.deployment import Deployment
from pywallet.crypto.key_wrap import generate_keypair
from pywallet.policy import Policy
from pywallet.settlement import Schedule
from station.catalogue.songs import Catalogue, Song
from studio.convert import ConvertOptions, convert
from studio.server import ServerInfo

RATE = 44_100
POLICY = Path(__file__).resolve().parents[2] / "examples" / "policies" / "free-radio.toml"


def _drums(seconds: float, bpm: float, level: float, seed: int) -> np.ndarray:
    """Loud percussion and noise on the beat."""
    t = np.arange(int(seconds * RATE)) / RATE
    beat = t % (60 / bpm)
    hiss = np.random.default_rng(seed).standard_normal(len(t))
    return level * (
        0.6 * np.exp(-beat / 0.05) * np.sin(2 * np.pi * 70 * t) + 0.2 * np.exp(-((t % (30 / bpm)) / 0.02)) * hiss
    )


def _strings(seconds: float, root: float, level: float, bpm: float = 0) -> np.ndarray:
    """A soft chord, plucked on the beat if there is one."""
    t = np.arange(int(seconds * RATE)) / RATE
    notes = np.sum(
        [np.sin(2 * np.pi * root * step * n * t) / n**2 for step in (1, 1.25, 1.5) for n in (1, 2, 3)], axis=0
    )
    return level * notes / 3 * (0.3 + np.exp(-((t % (60 / bpm)) / 0.2)) if bpm else 1) + 1e-4 * np.random.default_rng(
        1
    ).standard_normal(len(t))


def _write(path: Path, samples: np.ndarray) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


@pytest.fixture
def shelf(tmp_path: Path) -> Catalogue:
    """Two songs of drums, two of strings, a ballad as long as a single, silence, and one without features."""
    songs = {
        "drums-a": _drums(12, 124, 0.8, 1),
        "drums-b": _drums(15, 128, 0.7, 2),
        "strings-a": _strings(12, 220, 0.3),
        "strings-b": _strings(14, 247, 0.25),
        "ballad": _strings(130, 196, 0.25, bpm=96),
        "silence": np.zeros(5 * RATE),
        "unmeasured": _strings(3, 220, 0.3),
    }
    a = [bytes([n]) * 20 for n in range(1, 6)]
    schedule = Schedule(length=60, grace=10, window=30, answer=20, late=60, delay=60)
    deployment = Deployment(31337, "ws://127.0.0.1:1", a[0], a[1], a[2], a[3], a[4], 0, schedule, 0)
    server = ServerInfo("http://127.0.0.1:9", bytes(20), generate_keypair()[1])
    policy = Policy.from_toml(POLICY.read_text(encoding="utf-8"))
    (tmp_path / "shelf").mkdir()
    for name, samples in songs.items():
        options = ConvertOptions(artist=name, measure=name != "unmeasured")
        source = _write(tmp_path / f"{name}.wav", samples)
        convert(source, tmp_path / "shelf" / f"{name}.sps", policy, bytes(31) + b"\x01", deployment, server, options)
    return Catalogue(tmp_path / "shelf")


def _song(shelf: Catalogue, name: str) -> Song:
    song = shelf.named(name)
    assert song is not None, shelf.problems
    return song


def test_similar_recordings_are_nearest(shelf: Catalogue) -> None:
    """Drums are nearest to drums and strings to strings; silence and the unmeasured match nothing.

    The ballad is matched by its genre.
    """
    for one, other in [("drums-a", "drums-b"), ("strings-a", "strings-b")]:
        for name, expected in [(one, other), (other, one)]:
            (first, match), *rest = shelf.like(_song(shelf, name), 10)
            assert (first.name, match.by) == (expected, "sound")
            assert not {"silence", "unmeasured"} & {song.name for song, _ in rest}
    assert _song(shelf, "silence").features == _song(shelf, "unmeasured").features == b""
    assert shelf.like(_song(shelf, "silence")) == []
    genres = {song.name: song.genre for song in shelf.songs}
    assert genres.pop("ballad") == "adult standards"
    assert set(genres.values()) == {None}
