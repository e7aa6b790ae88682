"""The engine refuses a song that needs a newer player."""

from __future__ import annotations

import pytest

from pywallet import platform
from pywallet.engine import call
from pywallet.errors import InputError
from pywallet.sps import Header, Rendition, Segment, ServerRef, sign_header

KEY = b"\x05" * 32
POLICY = {"permissions": ["play"], "price": {"interval_s": 30, "owner": 1, "reward": 0}}


def song(version: str) -> bytes:
    """A signed header that names the player it needs."""
    rendition = Rendition(1, "flac", "audio/mp4", 48_000, 2, 16, 96_000, 96_000, 10, bytes(32), (Segment(100, 96_000, bytes(32)),))
    server = ServerRef("https://security.example", bytes(20), bytes(32))
    owner = platform.address_of(KEY)
    return sign_header(Header(1, bytes(20), owner, "Song", "Band", POLICY, (rendition,), server, renderer={"version": version}), KEY)


async def test_a_song_for_a_newer_player_is_not_loaded() -> None:
    """The same song loads when it needs this player, and asks for an update when it needs the next."""
    assert (await call("header.load", {"stream": "renderer"}, song("1")))["title"] == "Song"
    with pytest.raises(InputError, match=r"sps\.version"):
        await call("header.load", {"stream": "renderer"}, song("2"))
    await call("stream.close", {"stream": "renderer"})
