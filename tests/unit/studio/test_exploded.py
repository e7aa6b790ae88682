"""A song in parts named by their hashes, and put together again."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pywallet import platform
from pywallet.errors import InputError
from pywallet.policy import Policy
from pywallet.sps import Container, Header, Rendition, Segment, ServerRef, sign_header
from studio.convert import ConvertResult
from studio.exploded import HEADER, assemble, part_name, write

OWNER = bytes(range(1, 33))
PARTS = st.lists(st.binary(min_size=29, max_size=60), min_size=1, max_size=6)


@pytest.fixture
def song(make: Callable[..., ConvertResult], wav: Callable[..., Path]) -> Path:
    """Seven seconds of a tone."""
    time = np.arange(7 * 44_100) / 44_100
    left = (8000 * np.sin(2 * np.pi * 330 * time)).astype("<i2")
    return make(wav(np.stack([left, left], axis=1))).path


def file_of(tracks: list[tuple[bytes, list[bytes]]], policy: Policy) -> bytes:
    """A song file with these init parts and segments."""
    renditions = tuple(
        Rendition(
            id=number,
            codec="flac",
            mime='audio/mp4; codecs="flac"',
            rate=44_100,
            channels=2,
            bits=16,
            samples=100 * len(parts),
            segment_samples=100,
            init_size=len(init),
            init_sha256=sha256(init).digest(),
            segments=tuple(Segment(len(part), 100, sha256(part).digest()) for part in parts),
            key_epochs=((1, 0),),
        )
        for number, (init, parts) in enumerate(tracks, 1)
    )
    server = ServerRef("http://127.0.0.1:9", bytes(20), bytes(32))
    owner = platform.address_of(OWNER)
    header = Header(1, bytes(20), owner, "t", "a", policy.to_dict(), renditions, server)
    return Container(sign_header(header, OWNER)).prefix() + b"".join(init + b"".join(parts) for init, parts in tracks)


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=20), PARTS), min_size=1, max_size=3))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_any_song_comes_back_byte_for_byte(policy: Policy, tracks: list[tuple[bytes, list[bytes]]]) -> None:
    """However many renditions and segments, equal ones among them: what is put together is what was taken apart."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        original = file_of(tracks, policy)
        (folder / "song.sps").write_bytes(original)
        write(folder / "song.sps", folder / "parts")
        assert assemble(folder / "parts", folder / "again.sps") == len(original)
        assert (folder / "again.sps").read_bytes() == original


def test_every_part_is_named_by_its_hash(song: Path, tmp_path: Path) -> None:
    """Any cache may keep a part for ever: its name says what it holds. The header is the file's beginning."""
    made = write(song, tmp_path / "parts")
    names = {path.name for path in made.path.iterdir()}
    assert len(names) == made.parts + 1
    for path in made.path.glob("*.part"):
        assert path.name == part_name(sha256(path.read_bytes()).digest())
    assert song.read_bytes().startswith((made.path / HEADER).read_bytes())
    assert made.size == song.stat().st_size


def test_again_changes_nothing_and_completes_what_is_missing(song: Path, tmp_path: Path) -> None:
    """A second run keeps what is right, replaces what is not, and does not touch what is somebody else's."""
    made = write(song, tmp_path / "parts")
    parts = sorted(made.path.glob("*.part"))
    before = [path.stat().st_ino for path in parts]
    parts[0].unlink()
    parts[1].write_bytes(b"spoilt")
    (made.path / "readme.txt").write_text("mine")
    assert write(song, tmp_path / "parts") == made
    assert [path.stat().st_ino for path in parts[2:]] == before[2:]
    assemble(made.path, tmp_path / "again.sps")
    assert (tmp_path / "again.sps").read_bytes() == song.read_bytes()
    assert (made.path / "readme.txt").read_text() == "mine"


def test_a_song_can_be_taken_apart_from_its_page(song: Path, tmp_path: Path) -> None:
    """The page carries the very same song."""
    from studio import selfrender

    selfrender.write(song, tmp_path / "song.sps.html")
    write(tmp_path / "song.sps.html", tmp_path / "parts")
    assemble(tmp_path / "parts", tmp_path / "again.sps")
    assert (tmp_path / "again.sps").read_bytes() == song.read_bytes()


def test_what_is_missing_altered_or_too_long_is_refused(song: Path, tmp_path: Path) -> None:
    """Nothing is put together from parts that are not the song's; nothing half done stays."""
    made = write(song, tmp_path / "parts")
    part = next(made.path.glob("*.part"))
    data = part.read_bytes()
    out = tmp_path / "again.sps"
    part.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(InputError, match="altered") as caught:
        assemble(made.path, out)
    assert caught.value.code == "sps.segment.hash"
    part.unlink()
    with pytest.raises(InputError) as caught:
        assemble(made.path, out)
    assert caught.value.code == "sps.segment.missing"
    header = made.path / HEADER
    header.write_bytes(header.read_bytes() + b"x")
    with pytest.raises(InputError) as caught:
        assemble(made.path, out)
    assert caught.value.code == "sps.header.malformed"
    assert not out.exists()
    os.truncate(song, song.stat().st_size - 5)
    with pytest.raises(InputError) as caught:
        write(song, tmp_path / "other")
    assert caught.value.code == "sps.truncated"
    assert not (tmp_path / "other" / HEADER).exists()
