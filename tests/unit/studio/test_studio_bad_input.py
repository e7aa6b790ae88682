"""Recordings as they should not be: converted as documented, or refused with a code.

And memory that length does not move.
"""

from __future__ import annotations

import io
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from pywallet.encoding.hex import to_b64, to_hex
from pywallet.errors import GomaaError
from studio.convert import ConvertResult
from studio.owner import ContentKeys
from studio.reader import SongFile
from tests.unit.studio.conftest import EXAMPLES, OWNER_KEY

LAUNCH = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdin=0, stdout=2)
_, status, usage = os.wait4(process.pid, 0)
print(usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""  # a small process between: a child begins with its parent's highest size, and a test run's is large

Make = Callable[..., ConvertResult]
Ffmpeg = Callable[..., Path]


AROUND = 0x63F
"""The loudspeakers of 7.1 in a WAV file's channel mask."""


def riff(
    samples: np.ndarray[Any, Any],
    rate: int,
    *,
    kind: int = 1,
    declared: int | None = None,
    mask: int | None = None,
    after: bytes = b"",
) -> bytes:
    """A WAV file of samples (frames, channels).

    ``kind`` 3 is float; ``declared`` a wrong number of data bytes; ``mask`` names the loudspeakers; ``after`` follows
    the sound.
    """
    data, channels, width = samples.tobytes(), samples.shape[1], samples.dtype.itemsize
    tag = kind if mask is None else 0xFFFE
    form = struct.pack(
        "<HHIIHH", tag, channels, rate, min(rate * channels * width, 0xFFFFFFFF), channels * width, width * 8
    )
    if mask is not None:
        form += struct.pack("<HHIH", 22, width * 8, mask, kind) + bytes.fromhex("000000001000800000aa00389b71")
    size = len(data) if declared is None else declared
    head = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", size)
    return b"RIFF" + struct.pack("<I", min(size + len(head) + len(after), 0xFFFFFFFF)) + head + data + after


def heard(result: ConvertResult) -> np.ndarray[Any, Any]:
    """The song's samples in -1 to 1, of shape (samples, channels)."""
    keys = ContentKeys.load(result.key_path)
    with SongFile(result.path) as song:
        data = song.init() + b"".join(song.clear(i, keys) for i in range(result.segments))
    with av.open(io.BytesIO(data)) as container:
        parts = [frame.to_ndarray().reshape(-1, result.channels) for frame in container.decode(audio=0)]
    return np.concatenate(parts) / (2.0**15 if result.bits == 16 else 2.0**31)


def level(values: np.ndarray[Any, Any], hz: float, rate: int) -> float:
    """The amplitude of one frequency."""
    t = np.arange(len(values)) / rate
    return float(2 * np.abs(np.mean(values * np.exp(-2j * np.pi * hz * t))))


def refused(make: Make, source: Path, code: str) -> str:
    """The words with which a recording is refused; nothing is left behind."""
    with pytest.raises(GomaaError) as caught:
        make(source)
    assert caught.value.code == code
    assert not list(source.parent.glob("*.sps*"))
    return str(caught.value)


@pytest.mark.parametrize("rate", [8_000, 192_000])
def test_other_rates_keep_their_music_and_nothing_else(make: Make, tmp_path: Path, rate: int) -> None:
    """A 1 kHz tone stays at its level; what lies above the new rate's half is filtered out, not folded down."""
    t = np.arange(rate * 2) / rate
    values = 0.5 * np.sin(2 * np.pi * 1000 * t) + (0.25 * np.sin(2 * np.pi * 40_000 * t) if rate > 80_000 else 0)
    path = tmp_path / "rate.wav"
    path.write_bytes(riff(np.rint(values * 32767).astype("<i2")[:, None], rate))
    out = heard(make(path))[4_800:-4_800, 0]
    assert level(out, 1000, 48_000) == pytest.approx(0.5, abs=0.005)
    assert level(out, 8_000, 48_000) < 0.001  # where 40 kHz would fold to


@pytest.mark.parametrize(
    ("channel", "gain"),
    [(0, (1, 0)), (1, (0, 1)), (2, (0.7071, 0.7071)), (3, (0, 0)), (4, (0.7071, 0)), (7, (0, 0.7071))],
)
def test_seven_point_one_is_mixed_as_documented(
    make: Make, tmp_path: Path, channel: int, gain: tuple[float, float]
) -> None:
    """Left and right stay, centre and surrounds come in at -3 dB, the low-frequency channel is left out, all lowered
    alike.
    """
    t = np.arange(48_000) / 48_000
    samples = np.zeros((48_000, 8), "<i2")
    samples[:, channel] = np.rint(np.sin(2 * np.pi * 1000 * t) * 30_000)
    path = tmp_path / "around.wav"
    path.write_bytes(riff(samples, 48_000, mask=AROUND))
    out = heard(make(path))
    lowered = 1 / (1 + 3 * 2**-0.5)  # what keeps eight channels at full level from clipping
    for side in range(2):
        assert level(out[:, side], 1000, 48_000) == pytest.approx(30_000 / 32_768 * gain[side] * lowered, abs=0.002)


def test_eight_channels_at_full_level_do_not_clip(make: Make, tmp_path: Path) -> None:
    """The down-mix of everything at once stays a sine."""
    t = np.arange(48_000) / 48_000
    one = np.rint(np.sin(2 * np.pi * 1000 * t) * 32_767).astype("<i2")
    path = tmp_path / "loud.wav"
    path.write_bytes(riff(np.repeat(one[:, None], 8, 1), 48_000, mask=AROUND))
    out = heard(make(path))
    assert level(out[:, 0], 3000, 48_000) < 0.001
    assert 0.9 < np.abs(out).max() <= 1


@pytest.mark.parametrize(
    ("rate", "code"), [(1, "media.unsupported"), (3_999, "media.unsupported"), (4_000_000, "media.unsupported")]
)
def test_absurd_rates_are_refused(make: Make, tmp_path: Path, rate: int, code: str) -> None:
    """One hertz would blow a second up to half a day; four megahertz are no music."""
    path = tmp_path / "absurd.wav"
    path.write_bytes(riff(np.ones((4_000, 1), "<i2"), rate))
    assert f"{rate} Hz" in refused(make, path, code)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_refused(make: Make, tmp_path: Path, value: float) -> None:
    """One NaN or infinity in float samples would become a click or worse; it is named instead."""
    samples = np.zeros((48_000, 2), "<f4")
    samples[30_000, 1] = value
    path = tmp_path / "nan.wav"
    path.write_bytes(riff(samples, 48_000, kind=3))
    assert "not numbers" in refused(make, path, "media.decode")


def test_floats_beyond_full_scale_are_cut_there(make: Make, tmp_path: Path) -> None:
    """Float samples over 1.0 are limited, never wrapped round."""
    samples = np.full((48_000, 2), 1.5, "<f4")
    samples[:, 1] = -1.5
    path = tmp_path / "hot.wav"
    path.write_bytes(riff(samples, 48_000, kind=3))
    out = heard(make(path))
    assert out[:, 0].min() > 0.999
    assert out[:, 1].max() < -0.999


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("t.wav", ()),
        ("t.wav", ("-rf64", "always")),
        ("t.flac", ()),
        ("t.aiff", ()),
        ("t.m4a", ("-c:a", "aac", "-movflags", "+faststart")),
        ("t.wv", ()),
    ],
)
@pytest.mark.parametrize("share", [0.35, 0.9])
def test_a_recording_that_ends_early_is_refused(
    make: Make, ffmpeg: Ffmpeg, name: str, arguments: tuple[str, ...], share: float
) -> None:
    """Where a file says how long it is, half of it is not taken for the song."""
    source = ffmpeg(name, "-f", "lavfi", "-i", "anoisesrc=r=44100:d=6:seed=1", *arguments)
    data = source.read_bytes()
    source.write_bytes(data[: int(len(data) * share)])
    refused(make, source, "media.decode")


@pytest.mark.parametrize("name", ["t.mp3", "t.ogg"])
def test_a_lossy_recording_that_ends_early_is_what_there_is(make: Make, ffmpeg: Ffmpeg, name: str) -> None:
    """An MP3 without a frame count and an Ogg don't say how long they are.

    What is there is converted, and its length is told.
    """
    source = ffmpeg(name, "-f", "lavfi", "-i", "anoisesrc=r=44100:d=6:seed=1", "-write_xing", "0") if name == "t.mp3" else ffmpeg(  # noqa: E501
        name, "-f", "lavfi", "-i", "anoisesrc=r=44100:d=6:seed=1", "-c:a", "libvorbis"
    )  # fmt: skip
    data = source.read_bytes()
    source.write_bytes(data[: len(data) // 2])
    assert 2_000 < make(source).duration_ms < 4_500


def test_a_saved_pipe_is_whole(make: Make, tmp_path: Path) -> None:
    """A WAV file whose writer did not know its length (all ones) is as long as it is."""
    path = tmp_path / "pipe.wav"
    path.write_bytes(riff(np.ones((96_000, 2), "<i2"), 48_000, declared=0xFFFFFFFF))
    assert make(path).samples == 96_000


def test_a_missing_file_is_no_matter_of_audio(make: Make, tmp_path: Path) -> None:
    """What is not there is an OSError, not a decoding problem."""
    with pytest.raises(FileNotFoundError):
        make(tmp_path / "nothing.wav")


def test_memory_does_not_grow_with_length(tmp_path: Path, deployment: Any) -> None:
    """Ten times as much music through standard input takes the same peak of memory.

    What holds for 10 minutes holds for 10 hours.
    """
    (tmp_path / "owner.key").write_text(to_hex(OWNER_KEY))
    (tmp_path / "owner.key").chmod(0o600)
    deployment.save(tmp_path / "network.json")
    options = {
        "--policy": EXAMPLES / "policies" / "free-radio.toml",
        "--key": tmp_path / "owner.key",
        "--deployment": tmp_path / "network.json",
        "--server": "http://127.0.0.1:9",
        "--server-address": to_hex(bytes(range(20))),
        "--server-key": to_b64(bytes(range(1, 33))),
    }
    command = [
        sys.executable,
        "-m",
        "gomaa",
        "convert",
        "-",
        "--no-watermark",
        "--no-features",
        *(str(part) for pair in options.items() for part in pair),
    ]
    minute = np.random.default_rng(1).integers(-9000, 9000, 8_000 * 60).astype("<i2")
    peaks = []
    for minutes in (1, 10):
        output = tmp_path / f"{minutes}.sps"
        with (tmp_path / "words").open("wb") as words:
            process = subprocess.Popen(
                [sys.executable, "-c", LAUNCH, *command, "-o", str(output)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=words,
            )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(riff(np.zeros((0, 1), "<i2"), 8_000, declared=0xFFFFFFFF))
        for _ in range(minutes):
            process.stdin.write(minute.tobytes())
        process.stdin.close()
        peaks.append(int(process.stdout.read()))  # KiB
        assert process.wait() == 0
        with SongFile(output) as song:
            assert song.header.renditions[0].samples == pytest.approx(minutes * 60 * 48_000, abs=48)
    assert peaks[1] < peaks[0] * 1.05
