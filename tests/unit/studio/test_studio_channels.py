"""Channels and depth: none vanishes, nothing quiet is rounded away; and files of any name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from features.excerpts import read_excerpts
from pywallet.errors import GomaaError
from studio.audio import Recording
from tests.unit.studio.test_studio_bad_input import AROUND, level, riff
from watermark.commands import watermark
from watermark.source import SampleSource

RATE = 44_100
Ffmpeg = Callable[..., Path]


def tones(channels: int) -> np.ndarray[Any, Any]:
    """A tone of its own in each channel, 300 Hz and 100 Hz more in each next."""
    t = np.arange(RATE // 2) / RATE
    return np.stack([np.rint(8000 * np.sin(2 * np.pi * (300 + 100 * c) * t)) for c in range(channels)], axis=1).astype(
        "<i2"
    )


def read(path: Path) -> tuple[np.ndarray[Any, Any], list[str], int]:
    """Samples of shape (samples, channels) in -1 to 1, what was said, bits."""
    with Recording(path) as recording:
        sound = recording.sound
        parts = [frame.to_ndarray().reshape(-1, sound.channels) for frame in recording.frames()]
        return np.concatenate(parts) / (2.0**15 if sound.bits == 16 else 2.0**31), recording.notes, sound.bits


def gains(path: Path, channels: int) -> list[tuple[float, float]]:
    """How much of each channel is in left and right."""
    out, _, _ = read(path)
    return [
        (level(out[:, 0], 300 + 100 * c, RATE) * 4.096, level(out[:, -1], 300 + 100 * c, RATE) * 4.096)
        for c in range(channels)
    ]


@pytest.mark.parametrize(
    ("channels", "mask"), [(3, None), (3, 0), (4, 0), (5, None), (6, 0), (6, 7), (8, None), (8, 0)]
)
def test_no_unnamed_channel_vanishes(tmp_path: Path, channels: int, mask: int | None) -> None:
    """Without loudspeakers the first two are left and right, every other one is on both sides, and that is told."""
    path = tmp_path / "around.wav"
    path.write_bytes(riff(tones(channels), RATE, mask=mask))
    lowered = 1 / (1 + (channels - 2) * 2**-0.5)
    both = (lowered * 2**-0.5, lowered * 2**-0.5)
    expected = [(lowered, 0.0), (0.0, lowered), *[both] * (channels - 2)]
    assert np.allclose(gains(path, channels), expected, atol=0.01)
    assert "does not name" in read(path)[1][0]


@pytest.mark.parametrize(
    ("channels", "mask", "lost"),
    [
        (3, 0x7, []),
        (4, 0x33, []),
        (4, 0x107, []),
        (6, 0x3F, [3]),
        (8, AROUND, [3]),
        (2, 0x5, []),
        (4, 0x30003, []),
        (1, 0x8, []),
    ],
)
def test_named_channels_are_mixed_by_their_names(tmp_path: Path, channels: int, mask: int, lost: list[int]) -> None:
    """Every loudspeaker is heard but a low-frequency one beside others, and then it is told."""
    path = tmp_path / "named.wav"
    path.write_bytes(riff(tones(channels), RATE, mask=mask))
    silent = [c for c, sides in enumerate(gains(path, channels)) if max(sides) < 0.05]
    assert silent == lost
    assert any("low-frequency" in note for note in read(path)[1]) == bool(lost)


@pytest.mark.parametrize("channels", [9, 60])
def test_too_many_unnamed_channels_are_refused_with_what_helps(tmp_path: Path, channels: int) -> None:
    """Separate tracks are no song: mix them first."""
    path = tmp_path / "many.wav"
    path.write_bytes(riff(tones(channels), RATE, mask=0))
    with pytest.raises(GomaaError, match=f"{channels} channels.*mix them to stereo first") as caught:
        read(path)
    assert "browser" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("t.wv", ("-c:a", "wavpack", "-sample_fmt", "fltp")),
        ("t.wav", ("-c:a", "pcm_f32le")),
        ("t.wav", ("-c:a", "pcm_f64le")),
        ("t.wav", ("-c:a", "pcm_s24le")),
        ("t.wav", ("-c:a", "pcm_s32le")),
        ("t.aiff", ("-c:a", "pcm_f32be")),
        ("t.caf", ("-c:a", "pcm_f32le")),
        ("t.m4a", ("-c:a", "alac", "-sample_fmt", "s32p")),
    ],
)
def test_a_quiet_tone_is_kept_by_every_deep_format(ffmpeg: Ffmpeg, name: str, arguments: tuple[str, ...]) -> None:
    """A kilohertz at -100 dBFS is less than one step of 16 bits: whatever holds it becomes 24 bits."""
    made = ("-f", "lavfi", "-i", "aevalsrc=0.00001*sin(2*PI*1000*t):s=48000:d=1")
    out, _, bits = read(ffmpeg(name, *made, *arguments))
    assert bits == 24
    assert level(out[:, 0], 1000, 48_000) == pytest.approx(1e-5, rel=0.05)


@pytest.mark.parametrize(
    "name", [b"23:50.wav", b"file:x.wav", b"a%03d?#&.wav", b"-x.wav", b"a\nb.wav", b"caf\xe9.wav", b"http:__x.wav"]
)
def test_a_file_may_have_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: bytes) -> None:
    """Every reader opens the file itself: its name is never taken for an address, a pattern or an option."""
    monkeypatch.chdir(tmp_path)
    path = Path(os.fsdecode(name))
    path.write_bytes(riff(tones(2), RATE))
    assert len(read(path)[0]) == RATE // 2
    assert read_excerpts(path).duration_s == pytest.approx(0.5, abs=0.01)
    for given in (path, f"./{path}"):
        with SampleSource(given) as source:
            assert sum(map(len, source.blocks())) == RATE // 2


def test_the_commands_take_such_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A colon is no protocol to ``gomaa watermark`` either."""
    monkeypatch.chdir(tmp_path)
    Path("23:50.wav").write_bytes(riff(tones(2), RATE))
    embed = ["embed", "./23:50.wav", "-o", "00:10.wav", "--address", "0x" + "11" * 20, "--layers", "ultrasonic"]
    for arguments in (embed, ["read", "00:10.wav", "--layers", "ultrasonic"]):
        said = CliRunner().invoke(watermark, arguments)
        assert said.exit_code == 0, said.output


def test_a_playlist_opens_nothing_else(tmp_path: Path) -> None:
    """A text that FFmpeg knows as a list of other files is no recording."""
    (tmp_path / "other.wav").write_bytes(riff(tones(2), RATE))
    path = tmp_path / "list.wav"
    path.write_text("ffconcat version 1.0\nfile other.wav\n")
    with pytest.raises(GomaaError, match=r"media\.decode"):
        read(path)
