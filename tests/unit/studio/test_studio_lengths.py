"""Where a recording begins and ends: edit lists, encoders' counts, chunks, Ogg's positions; exact to the sample."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio import ogg, riff
from audio.source import PatchedFile
from pywallet.errors import GomaaError
from studio import mp3_length
from studio.audio import Recording
from tests.unit.studio.test_studio_bad_input import riff as wave_bytes
from tests.unit.studio.test_studio_damage import read

Ffmpeg = Callable[..., Path]
TONE = ("-f", "lavfi", "-i", "sine=440:r=44100:d=6")
PRIMING = 1024
NORMAL = 0x10000


def edited(data: bytes, edits: Sequence[tuple[int, int, int]], version: int = 0) -> bytes:
    """An MP4 whose ``moov`` comes last, with another edit list: (milliseconds, samples or -1, speed)."""
    out, at = bytearray(data), data.index(b"elst") - 4
    shape = ">Qqi" if version else ">Iii"
    body = (
        bytes([version, 0, 0, 0])
        + struct.pack(">I", len(edits))
        + b"".join(struct.pack(shape, *edit) for edit in edits)
    )
    old = struct.unpack_from(">I", out, at)[0]
    out[at : at + old] = struct.pack(">I", len(body) + 8) + b"elst" + body
    for name in (b"edts", b"trak", b"moov"):
        place = out.index(name) - 4
        struct.pack_into(">I", out, place, struct.unpack_from(">I", out, place)[0] + len(body) + 8 - old)
    return bytes(out)


@pytest.mark.parametrize("seconds", [6, 6.0123, 10])
@pytest.mark.parametrize("codec", ["aac", "alac", "libopus"])
def test_an_mp4_is_as_long_as_it_says(ffmpeg: Ffmpeg, codec: str, seconds: float) -> None:
    """Neither the encoder's delay nor the rest of the last frame is in the song."""
    rate = 48_000 if codec == "libopus" else 44_100
    source = ffmpeg("t.mp4", "-f", "lavfi", "-i", f"sine=440:r={rate}:d={seconds}", "-c:a", codec)
    assert read(source)[0] == pytest.approx(seconds * rate, abs=1)


@pytest.mark.parametrize(
    ("edits", "samples"),
    [
        ([(2000, PRIMING, NORMAL)], 88_200),
        ([(2000, PRIMING + 44_200, NORMAL)], 88_200),
        ([(1500, PRIMING, NORMAL), (1500, PRIMING + 132_300, NORMAL)], 132_300),
        ([(1000, -1, NORMAL), (6000, PRIMING, NORMAL)], 7 * 44_100),
        ([(1500, PRIMING, NORMAL), (500, -1, NORMAL), (1500, PRIMING + 66_150, NORMAL)], 154_350),
        ([(0, PRIMING, NORMAL)], 6 * 44_100),
        ([(9000, PRIMING, NORMAL)], 6 * 44_100),
    ],
)
@pytest.mark.parametrize("version", [0, 1])
def test_an_edit_list_is_played_to_the_sample(
    ffmpeg: Ffmpeg, edits: list[tuple[int, int, int]], samples: int, version: int
) -> None:
    """One edit, several, and empty ones, which are silence; a list never plays more than there is."""
    source = ffmpeg("t.m4a", *TONE, "-c:a", "aac")
    source.write_bytes(edited(source.read_bytes(), edits, version))
    heard, notes = read(source)
    assert heard == samples
    assert any("silence" in note for note in notes) == any(begin == -1 for _, begin, _ in edits)


def test_an_edit_begins_at_its_sample(ffmpeg: Ffmpeg) -> None:
    """What an edit plays is the same sound as in the whole track, at its place."""
    source = ffmpeg("t.m4a", "-f", "lavfi", "-i", "anoisesrc=r=44100:d=6:seed=1:a=0.3", "-c:a", "aac")

    def sound(path: Path) -> np.ndarray:  # type: ignore[type-arg]
        with Recording(path) as recording:
            return np.concatenate([frame.to_ndarray()[0] for frame in recording.frames()])

    whole = sound(source)
    source.write_bytes(edited(source.read_bytes(), [(2000, PRIMING + 50_001, NORMAL)]))
    assert np.array_equal(sound(source), whole[50_001 : 50_001 + 88_200])


@pytest.mark.parametrize(
    "edits",
    [[(1500, PRIMING + 132_300, NORMAL), (1500, PRIMING, NORMAL)], [(3000, PRIMING, 2 * NORMAL)], [(3000, PRIMING, 0)]],
)
def test_an_edit_list_that_cannot_be_kept_is_refused_with_words(
    ffmpeg: Ffmpeg, edits: list[tuple[int, int, int]]
) -> None:
    """Repeating, reordering and changing the speed are not done by halves."""
    source = ffmpeg("t.m4a", *TONE, "-c:a", "aac")
    source.write_bytes(edited(source.read_bytes(), edits))
    with pytest.raises(GomaaError, match=r"media\.unsupported.*edit list.*export"):
        read(source)


@pytest.mark.parametrize(
    ("rate", "arguments"), [(44_100, ("-b:a", "128k")), (48_000, ("-q:a", "0")), (22_050, ("-b:a", "64k"))]
)
def test_an_mp3s_count_is_read(ffmpeg: Ffmpeg, rate: int, arguments: tuple[str, ...]) -> None:
    """Frames less delay and padding, for MPEG 1 and 2; none where the encoder wrote no count."""
    for xing in ("1", "0"):
        path = ffmpeg(
            "t.mp3",
            "-f",
            "lavfi",
            "-i",
            f"sine=440:r={rate}:d=6",
            "-c:a",
            "libmp3lame",
            *arguments,
            "-write_xing",
            xing,
        )
        with path.open("rb") as file:
            counted = mp3_length.declared_seconds(file)
        assert counted == pytest.approx(6, abs=1e-3) if xing == "1" else counted is None


LIST = b"LIST" + struct.pack("<I", 4 + 8 + 1000) + b"INFOISFT" + struct.pack("<I", 1000) + b"x" * 1000
SECOND = (np.sin(np.arange(44_100) / 9) * 9000).astype("<i2")[:, None]


@pytest.mark.parametrize("declared", [0, 0xFFFFFFFF, 0x7FFFF000])
@pytest.mark.parametrize("after", [b"", LIST, LIST[:-100], b"id3 \x04\0\0\0abcd" + LIST])
def test_a_sound_of_unknown_length_ends_at_the_next_chunk(tmp_path: Path, declared: int, after: bytes) -> None:
    """A recorder that died, or a pipe: what the chunks behind the sound hold is not played, whole or cut off."""
    path = tmp_path / "died.wav"
    path.write_bytes(wave_bytes(SECOND, 44_100, declared=declared, after=after))
    samples, notes = read(path)
    assert samples == 44_100
    assert "does not say how long" in notes[0]


def test_an_empty_sound_with_a_chunk_behind_it_is_no_sound(tmp_path: Path) -> None:
    """Size 0 and then a chunk at once: the chunk is no music."""
    path = tmp_path / "empty.wav"
    path.write_bytes(wave_bytes(SECOND[:0], 44_100, declared=0, after=LIST))
    with pytest.raises(GomaaError, match=r"media\.decode"):
        read(path)


def test_an_rf64_of_unknown_length_ends_at_the_next_chunk(ffmpeg: Ffmpeg) -> None:
    """The length of 64 bits may be missing too."""
    source = ffmpeg("t.wav", *TONE, "-rf64", "always")
    data = bytearray(source.read_bytes())
    place = data.index(b"ds64") + 16
    data[place : place + 8] = bytes(8)
    source.write_bytes(bytes(data) + LIST)
    assert read(source)[0] == 6 * 44_100


def test_bytes_after_the_last_chunk_are_told(tmp_path: Path) -> None:
    """The declared sound is kept; a long rest that is no chunk is left out with a word, a chunk without one."""
    path = tmp_path / "rest.wav"
    path.write_bytes(wave_bytes(SECOND, 44_100, after=LIST))
    assert read(path) == (44_100, [])
    path.write_bytes(wave_bytes(SECOND, 44_100, after=bytes(50_000)))
    samples, notes = read(path)
    assert samples == 44_100
    assert "no part of it" in notes[0]


def moved(data: bytes, change: Callable[[int, int], int]) -> bytes:
    """An Ogg file with other granule positions, by the page's number and its old one."""
    out, at, number = bytearray(data), 0, 0
    while at < len(out):
        size = 27 + out[at + 26] + sum(out[at + 27 : at + 27 + out[at + 26]])
        (old,) = struct.unpack_from("<q", out, at + 6)
        said = bytes(out[at + 22 : at + 26])
        out[at + 22 : at + 26] = bytes(4)
        assert struct.pack("<I", ogg.crc(out[at : at + size])) == said
        struct.pack_into("<q", out, at + 6, change(number, old))
        out[at + 22 : at + 26] = struct.pack("<I", ogg.crc(out[at : at + size]))
        at, number = at + size, number + 1
    return bytes(out)


@pytest.mark.parametrize("shift", [60_000, 500_000])
@pytest.mark.parametrize(("name", "codec"), [("t.ogg", "libvorbis"), ("t.opus", "libopus"), ("t.oga", "flac")])
def test_negative_positions_are_counted_from_the_beginning(ffmpeg: Ffmpeg, name: str, codec: str, shift: int) -> None:
    """Some or all positions below zero: every sample is there, and it is said."""
    source = ffmpeg(name, *TONE, "-c:a", codec)
    whole, _ = read(source)
    source.write_bytes(moved(source.read_bytes(), lambda number, old: old - shift if old > 0 else old))
    samples, notes = read(source)
    assert samples == whole
    assert "negative positions" in notes[0]


def test_a_single_negative_position_hides_nothing(ffmpeg: Ffmpeg) -> None:
    """A first page at a position that cannot be costs no sound."""
    source = ffmpeg("t.ogg", *TONE, "-c:a", "libvorbis")
    source.write_bytes(moved(source.read_bytes(), lambda number, old: -1000 if number == 2 else old))
    assert read(source)[0] == 6 * 44_100


@given(
    st.binary(max_size=300),
    st.dictionaries(st.integers(0, 300), st.binary(min_size=1, max_size=9), max_size=4),
    st.integers(1, 40),
)
def test_a_view_is_the_file_with_its_patches(data: bytes, patches: dict[int, bytes], size: int) -> None:
    """Read in pieces of any size, a view gives the bytes with the patches over them."""
    apart = {at: patch for at, patch in patches.items() if not any(at < other <= at + 9 for other in patches)}
    expected = bytearray(data)
    for at, patch in apart.items():
        expected[at : at + len(patch)] = patch[: max(0, len(data) - at)]
    seen = PatchedFile(io.BytesIO(data), "x", apart)
    assert b"".join(iter(lambda: seen.read(size), b"")) == expected[: len(data)]
    assert seen.seek(-3, 2) == max(0, len(data) - 3)


@given(st.binary(max_size=200))
def test_any_bytes_after_a_riff_head_are_looked_at_safely(data: bytes) -> None:
    """Chunks of any size in any order: an answer or none, and sound that lies within the file."""
    whole = b"RIFF\0\0\0\0WAVE" + data
    found = riff.find_sound(io.BytesIO(whole))
    assert found is None or (0 <= found.start <= len(whole) and found.end <= len(whole))
    riff.info(io.BytesIO(whole))
