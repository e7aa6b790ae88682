"""A song in parts named by their hashes, and put together again."""

from __future__ import annotations

import base64
import json
import os
import tempfile
import threading
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from gomaa.cli import group
from pywallet import crypto
from pywallet.errors import InputError, Unavailable
from pywallet.policy import Policy
from pywallet.sps import Container, Header, Rendition, Segment, ServerRef, sign_header
from studio.convert import ConvertResult
from studio.exploded import HEADER, assemble, part_name, write
from studio.reader import SongFile
from studio.verify import verify
from tests.budget import budget

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
    owner = crypto.address_of(OWNER)
    header = Header(1, bytes(20), owner, "t", "a", policy.to_dict(), renditions, server)
    return Container(sign_header(header, OWNER)).prefix() + b"".join(init + b"".join(parts) for init, parts in tracks)


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=20), PARTS), min_size=1, max_size=3))
@budget(0.4, suppress_health_check=[HealthCheck.function_scoped_fixture])
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


VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "sps" / "cases.json").read_text())
FOLDERS = [case for case in VECTORS if case["kind"] == "exploded"]


@pytest.mark.parametrize("case", FOLDERS, ids=[case["name"] for case in FOLDERS])
def test_every_exploded_vector_has_its_answer(case: dict[str, Any], tmp_path: Path) -> None:
    """A folder is read, or refused with the code that stands beside it."""
    folder = tmp_path / "parts"
    folder.mkdir()
    (folder / HEADER).write_bytes(base64.b64decode(case["data"]))
    for name, part in case["parts"].items():
        (folder / name).write_bytes(base64.b64decode(part))
    found = None
    try:
        assemble(folder, tmp_path / "song.sps")
        with SongFile(tmp_path / "song.sps") as song:
            song.check_parts()
    except InputError as e:
        found = e.code
    assert found == case["code"]


def test_a_folder_without_a_header_misses_a_part(tmp_path: Path) -> None:
    """The header is named."""
    with pytest.raises(InputError, match=r"header\.sps") as caught:
        SongFile(tmp_path)
    assert caught.value.code == "sps.segment.missing"


def gomaa(*arguments: object) -> Result:
    """A command's outcome; a refusal is its exception."""
    return CliRunner().invoke(group, [str(one) for one in arguments])


def test_verify_and_inspect_take_a_folder_like_the_file(song: Path, tmp_path: Path) -> None:
    """The same facts of every packaging; the keys beside the song open the folder's segments, too."""
    made = write(song, song.with_suffix(".segments"))
    (made.path / "readme.txt").write_text("mine")
    both = [
        json.loads(gomaa(command, place, "--json").stdout)
        for command in ("inspect", "verify")
        for place in (song, made.path)
    ]
    assert both[0] == both[1]
    assert both[2] == both[3]
    assert set(both[3]["checks"]) == {"signature", "policy", "size", "segments", "sound"}
    next(made.path.glob("*.part")).unlink()
    assert gomaa("inspect", made.path).exit_code == 0
    failed = gomaa("verify", made.path).exception
    assert isinstance(failed, InputError)
    assert failed.code == "sps.segment.missing"


def test_verify_takes_an_exploded_folder_from_a_web_server(song: Path, tmp_path: Path) -> None:
    """A URL is a folder; what the server does not have is missing."""
    made = write(song, tmp_path / "parts")
    handler = partial(SimpleHTTPRequestHandler, directory=str(made.path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}"
            assert [check.name for check in verify(url)] == ["signature", "policy", "size", "segments"]
            assert gomaa("verify", url + "/").exit_code == 0
            assert json.loads(gomaa("inspect", url, "--json").stdout) == json.loads(
                gomaa("inspect", song, "--json").stdout
            )
            single = gomaa("verify", url + "/song.sps").exception
            assert isinstance(single, InputError)
            assert single.code == "message.schema"
            next(made.path.glob("*.part")).unlink()
            with pytest.raises(InputError) as caught:
                list(verify(url))
            assert caught.value.code == "sps.segment.missing"
        finally:
            server.shutdown()
            thread.join()
    with pytest.raises(Unavailable) as gone:
        list(verify(url))
    assert gone.value.code == "server.unreachable"
