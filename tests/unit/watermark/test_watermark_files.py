"""Embedding into files: depth, channels and length stay; what cannot be marked leaves nothing behind."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from gomaa.cli import group
from pywallet.errors import InputError
from tests.unit.watermark.conftest import music
from watermark.read import read
from watermark.wavfile import mark_file

ADDRESS = "0x" + bytes(range(20)).hex()


def write24(path: Path, samples: np.ndarray[tuple[int, int], np.dtype[np.float64]], rate: int) -> Path:
    """A 24-bit WAV."""
    channels = samples.shape[1]
    data = np.rint(samples * 2**23).astype("<i4").reshape(-1, 1).view(np.uint8)[:, :3].tobytes()
    form = struct.pack("<HHIIHH", 1, channels, rate, 3 * channels * rate, 3 * channels, 24)
    body = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


def embed(*arguments: object) -> str:
    """The command, and what it says."""
    done = CliRunner().invoke(group, ["watermark", "embed", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_24_bits_stay_24(tmp_path: Path) -> None:
    """A mono recording of 24 bits and an odd number of bytes keeps depth, channels and length, and carries its mark."""
    source, out = write24(tmp_path / "in.wav", music(4.5, 48_000, 1)[:-1], 48_000), tmp_path / "out.wav"
    assert "24 bits" in embed(source, "-o", out, "--address", ADDRESS, "--layers", "ultrasonic")
    data = out.read_bytes()
    assert struct.unpack_from("<HHIIHH", data, 20) == (1, 1, 48_000, 144_000, 3, 24)
    assert struct.unpack_from("<I", data, 40)[0] == 3 * (round(4.5 * 48_000) - 1)
    assert len(data) % 2 == 0
    assert {f.address for f in read(out)} == {bytes(range(20))}


def test_a_file_may_be_marked_in_place(wav: Callable[..., Path]) -> None:
    """The output may be the source."""
    path = wav("song.wav", music(3, 44_100), 44_100)
    embed(path, "-o", path, "--address", ADDRESS, "--every", 2, "--no-clean")
    assert [f.block for f in read(path)][:1] == [0]


@pytest.mark.parametrize(
    ("rate", "seconds", "layers", "code"),
    [
        (8000, 1.0, "ultrasonic", "media.unsupported"),
        (8000, 1.0, "inband", "media.unsupported"),
        (48_000, 0.0, "inband", "media.decode"),
    ],
)
def test_what_cannot_be_marked_leaves_no_file(
    wav: Callable[..., Path], tmp_path: Path, rate: int, seconds: float, layers: str, code: str
) -> None:
    """Rates too low and a file without samples are refused, and no part of an output stays."""
    source = wav("in.wav", music(seconds, rate, 1), rate)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InputError) as refused:
        embed(source, "-o", tmp_path / "out.wav", "--address", ADDRESS, "--layers", layers)
    assert refused.value.code == code
    assert sorted(tmp_path.iterdir()) == before


def test_silence_can_be_marked(wav: Callable[..., Path], tmp_path: Path) -> None:
    """The ultrasonic mark stands in silence too; the in-band one has nothing to stand on."""
    source, out = wav("in.wav", np.zeros((5 * 44_100, 2)), 44_100), tmp_path / "out.wav"
    with source.open("rb") as sound, out.open("w+b") as file:
        done = mark_file(sound, file, bytes(range(20)))
    assert (done["rate"], done["channels"], done["depth"], done["seconds"]) == (44_100, 2, 16, 5.0)
    assert {(f.layer, f.address) for f in read(out)} == {("ultrasonic", bytes(range(20)))}


def test_a_low_rate_is_said_and_a_wrong_layer_refused(wav: Callable[..., Path]) -> None:
    """At 32 kHz the in-band layer is looked for and the note says why only it; the ultrasonic alone is refused."""
    path = str(wav("low.wav", music(1, 32_000, 1), 32_000))
    done = CliRunner().invoke(group, ["watermark", "read", path, "--json"], catch_exceptions=False)
    assert '"marks": []' in done.output
    assert "32000 Hz cannot carry the mark above 20 kHz" in done.output
    with pytest.raises(InputError, match=r"media\.unsupported"):
        CliRunner().invoke(group, ["watermark", "read", path, "--layers", "ultrasonic"], catch_exceptions=False)
