"""Further encodings asked of ``gomaa convert`` and of the studio's page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chain.deployment import Deployment
from pywallet.errors import InputError
from studio.owner import ContentKeys
from studio.reader import SongFile
from studio.release_runs import ReleaseSettings
from studio.release_service import ReleaseService
from studio.server import ServerInfo
from studio.verify import verify
from tests.unit.studio.conftest import OWNER_KEY
from tests.unit.studio.test_studio_batch import call, options, recording

__all__ = ["options"]
SALT = "0x" + "07" * 32


def codecs(path: Path) -> list[str]:
    """A song's encodings."""
    with SongFile(path) as song:
        return [track.codec for track in song.header.renditions]


def test_a_song_is_converted_into_two_encodings(tmp_path: Path, options: list[str]) -> None:
    """One command, one file, both opened by one key.

    The same salt gives the same bytes, and nothing else is left behind.
    """
    source = recording(tmp_path / "in" / "song.wav")
    made = []
    for name in ("a", "b"):
        out = tmp_path / name / "song.sps"
        out.parent.mkdir()
        said = call(source, "-o", out, *options, "--salt", SALT, "--rendition", "opus", "--rendition", "opus", "--json")
        assert said.exit_code == 0, said.output
        assert json.loads(said.stdout)["size"] == out.stat().st_size
        assert codecs(out) == ["flac", "opus"]
        assert [check.name for check in verify(out, ContentKeys.load(ContentKeys.beside(out)))].count("sound") == 2
        assert sorted(path.name for path in out.parent.iterdir()) == ["song.sps", "song.sps.key"]
        made.append(out.read_bytes())
    assert made[0] == made[1]


def test_a_kept_song_gets_what_it_lacks_and_keeps_what_it_has(tmp_path: Path, options: list[str]) -> None:
    """A folder that is converted again with a further encoding: its songs get it under their old keys, once."""
    recording(tmp_path / "music" / "one.wav")
    out = tmp_path / "songs"
    assert call(tmp_path / "music", "-o", out, *options).exit_code == 0
    song = out / "one.sps"
    keys, seen = ContentKeys.load(ContentKeys.beside(song)), []
    for _ in range(2):
        said = call(tmp_path / "music", "-o", out, *options, "--rendition", "opus", "--json")
        assert said.exit_code == 0, said.output
        assert len(json.loads(said.stdout)["kept"]) == 1
        assert codecs(song) == ["flac", "opus"]
        seen.append(song.read_bytes())
    assert seen[0] == seen[1]
    assert ContentKeys.load(ContentKeys.beside(song)) == keys


def test_an_unknown_encoding_is_refused_with_the_known_ones(tmp_path: Path, options: list[str]) -> None:
    """Before anything is read or written."""
    said = call(recording(tmp_path / "song.wav"), "-o", tmp_path / "song.sps", *options, "--rendition", "mp3")
    assert said.exit_code == 2
    assert "opus" in said.output
    assert not (tmp_path / "song.sps").exists()


@pytest.mark.parametrize("wish", ["opus", ["mp3"], [{}], 7])
async def test_the_page_asks_for_known_encodings_only(
    wish: Any, tmp_path: Path, deployment: Deployment, server: ServerInfo
) -> None:
    """Anything but a list of known names is refused before the song is signed."""
    service = ReleaseService(ReleaseSettings(OWNER_KEY, deployment, server, tmp_path / "songs"))
    piece = service.open("x.wav")
    piece.path.write_bytes(recording(tmp_path / "x.wav").read_bytes())
    await service.analyse(piece)
    try:
        with pytest.raises(InputError) as refused:
            await service.start({"recording": piece.id, "title": "T", "terms": {}, "layers": [], "renditions": wish})
        assert refused.value.code == "message.schema"
    finally:
        await service.close()
