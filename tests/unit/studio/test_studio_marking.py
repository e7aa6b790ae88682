"""The watermark's way in: whatever the embedder's lag, no sample is lost or moved.

And what is said where it is missing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from pywallet.errors import GomaaError
from studio import marking
from studio.audio import Recording, SampleFormat
from studio.convert import ConvertResult
from studio.marking import Watermarker
from studio.owner import ContentKeys
from studio.reader import SongFile
from tests.budget import budget
from watermark.read import read


class Lagging:
    """An embedder that holds samples back and turns the sound upside down."""

    lag = 1000

    def __init__(
        self, address: bytes, rate: int, channels: int, *, layers: tuple[str, ...], every: int, depth: int
    ) -> None:
        assert (len(address), layers[0], every) == (20, "ultrasonic", 1)
        self.held = np.empty((0, channels))

    def process(self, block: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """All but the last samples so far."""
        assert block.dtype in (np.float32, np.float64)
        assert np.abs(block).max(initial=0) <= 1
        self.held = np.concatenate([self.held, -block])
        ready = max(0, len(self.held) - self.lag)
        out, self.held = self.held[:ready], self.held[ready:]
        return out

    def finish(self) -> np.ndarray[Any, Any]:
        """The rest."""
        return self.held


class WatermarkParameters:
    """The header's map."""

    def __init__(self, *_: Any, layers: tuple[str, ...], **__: Any) -> None:
        self.layers = layers

    def to_map(self) -> dict[str, Any]:
        """As the header has it."""
        return {"layers": list(self.layers)}


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[Lagging]:
    """The watermark package, replaced."""
    monkeypatch.setitem(sys.modules, "watermark", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "watermark.embed", SimpleNamespace(Embedder=Lagging))
    monkeypatch.setitem(sys.modules, "watermark.parameters", SimpleNamespace(WatermarkParameters=WatermarkParameters))
    return Lagging


@pytest.mark.parametrize("lag", [0, 1, 1000, 500_000])
@pytest.mark.parametrize("bits", [16, 24])
def test_marked_samples_stand_where_they_stood(
    fake: type[Lagging], ffmpeg: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, lag: int, bits: int
) -> None:
    """Every sample comes out once, in place and to its last bit, in whole frames but the last."""
    monkeypatch.setattr(fake, "lag", lag)
    depth = {16: ("-sample_fmt", "s16"), 24: ("-sample_fmt", "s32")}[bits]
    source = ffmpeg("n.flac", "-f", "lavfi", "-i", "anoisesrc=r=44100:d=5.03:a=0.5:seed=1", *depth)
    with Recording(source) as recording:
        unmarked = [frame.to_ndarray().reshape(-1) for frame in recording.frames()]
    with Recording(source) as recording:
        marked = [
            frame.to_ndarray().reshape(-1)
            for frame in Watermarker(bytes(20), recording.sound, ("ultrasonic",)).frames(recording.frames())
        ]
        assert recording.sound.bits == bits
    assert [len(part) for part in marked[:-1]] == [4410] * (len(marked) - 1)
    assert np.array_equal(-np.concatenate(marked).astype(np.int64), np.concatenate(unmarked))


@budget(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 3000), st.integers(1, 30_000))
def test_any_lag_and_any_length(fake: type[Lagging], lag: int, samples: int) -> None:
    """Nothing is lost for any lag of the embedder and any length of the recording."""
    fake.lag = lag
    sound = SampleFormat(44_100, 1, 16)
    marker = Watermarker(bytes(20), sound, ("ultrasonic",))
    values = np.arange(samples, dtype=np.int64).astype(np.int16) // 2
    source = (marker._frame(values[at : at + sound.frame]) for at in range(0, samples, sound.frame))
    out = [frame.to_ndarray().reshape(-1) for frame in marker.frames(source)]
    assert np.array_equal(-np.concatenate(out).astype(np.int64), values)


def test_the_header_tells_the_marks(
    fake: type[Lagging], make: Callable[..., ConvertResult], wav: Callable[..., Path]
) -> None:
    """What the watermark's package says of itself stands in the header; without layers it is absent."""
    source = wav(np.ones((100_000, 2), "<i2"))
    with SongFile(make(source, layers=("ultrasonic",)).path) as song:
        assert song.header.watermark == {"layers": ["ultrasonic"]}
    with SongFile(make(source, replace=True).path) as song:
        assert song.header.watermark is None


def test_layers_are_chosen_or_refused(fake: type[Lagging], monkeypatch: pytest.MonkeyPatch) -> None:
    """Ultrasonic by itself where it can be; unknown names are refused; asked for but missing is said, not skipped."""
    assert marking.choose_layers(None) == ("ultrasonic",)
    assert marking.choose_layers(["inband", "ultrasonic"]) == ("ultrasonic", "inband")
    assert marking.choose_layers([]) == ()
    with pytest.raises(GomaaError, match=r"message\.schema"):
        marking.choose_layers(["loud"])
    monkeypatch.setitem(sys.modules, "watermark.embed", None)
    assert marking.choose_layers(None) == ()
    with pytest.raises(GomaaError, match="--no-watermark"):
        marking.choose_layers(["ultrasonic"])


def test_a_songs_segments_name_it(make: Callable[..., ConvertResult], wav: Callable[..., Path], tmp_path: Path) -> None:
    """What a player decodes from the opened segments says the song's own address, at every segment, and no other."""
    rng = np.random.default_rng(4)
    hiss = np.cumsum(rng.normal(0, 40, (44_100 * 10, 2)), axis=0)
    source = wav((hiss - hiss.mean(axis=0)).clip(-20_000, 20_000).astype("<i2"))
    made = make(source, layers=("ultrasonic",))
    keys = ContentKeys.load(made.key_path)
    with SongFile(made.path) as song:
        (tmp_path / "heard.mp4").write_bytes(
            song.init() + b"".join(song.clear(index, keys) for index in range(made.segments))
        )
    found = read(tmp_path / "heard.mp4", layers=("ultrasonic",))
    assert {one.address for one in found} == {made.content}
    assert [one.block for one in found] == list(range(made.segments))
