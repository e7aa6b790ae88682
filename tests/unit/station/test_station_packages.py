"""A song's page and parts at the station, where the band put them beside its file."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from tests.unit.station.conftest import World

PART = b"sealed" * 50
NAME = f"{sha256(PART).hexdigest()}.part"


async def test_a_page_is_served_as_it_was_written(world: World, tmp_path: Path) -> None:
    """In its own character set, by ranges, under a policy that leaves its own script alone.

    Asked for again, for it may change.
    """
    (tmp_path / "songs" / "slow-tide.sps.html").write_bytes(b"<!doctype html>" + bytes(range(256)))
    answer = await world.client.get("/songs/slow-tide.sps.html")
    assert answer.status == 200
    assert await answer.read() == b"<!doctype html>" + bytes(range(256))
    assert answer.headers["Content-Type"] == "text/html; charset=windows-1252"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert "script-src" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["ETag"].startswith('"')
    part = await world.client.get("/songs/slow-tide.sps.html", headers={"Range": "bytes=15-24"})
    assert (part.status, await part.read()) == (206, bytes(range(10)))


async def test_parts_are_kept_for_ever_and_open_to_all(world: World, tmp_path: Path) -> None:
    """The folder's header and its parts, and nothing else that lies in it."""
    folder = tmp_path / "songs" / "slow-tide.segments"
    folder.mkdir()
    for name in (NAME, "header.sps", "notes.txt"):
        (folder / name).write_bytes(PART)
    for name, cache in ((NAME, "public, max-age=31536000, immutable"), ("header.sps", "no-cache")):
        answer = await world.client.get(f"/songs/slow-tide.segments/{name}")
        assert (answer.status, await answer.read()) == (200, PART)
        assert answer.headers["Cache-Control"] == cache
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
    for name in ("notes.txt", "..%2Fslow-tide.sps", f"{'0' * 64}.part", f"{NAME}x"):
        assert (await world.client.get(f"/songs/slow-tide.segments/{name}")).status == 404


async def test_what_the_band_did_not_make_is_not_there(world: World) -> None:
    """A song without a page, a page without a song."""
    for path in (
        "/songs/letters.sps.html",
        "/songs/nobody.sps.html",
        f"/songs/letters.segments/{NAME}",
        f"/songs/nobody.segments/{NAME}",
    ):
        assert (await world.client.get(path)).status == 404
