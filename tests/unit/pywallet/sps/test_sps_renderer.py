"""The player that a song requires."""

from __future__ import annotations

from typing import Any

import pytest

from pywallet.errors import InputError
from pywallet.sps import Header, sign_header
from pywallet.sps.renderer import require
from pywallet.worker_api import call
from tests.unit.pywallet.sps.conftest import CONTENT, OWNER_KEY, POLICY, rendition


@pytest.mark.parametrize(
    ("wanted", "here"), [("1", "1"), ("1.0", "1"), ("1.0.0.0", "1"), ("0.9", "1"), ("1.2", "1.10"), ("1", "2.0.1")]
)
def test_a_player_accepts_its_version_and_older_ones(wanted: str, here: str) -> None:
    """Versions would be compared as text."""
    require({"version": wanted}, here)


@pytest.mark.parametrize(("wanted", "here"), [("2", "1"), ("1.1", "1"), ("1.10", "1.9"), ("1.0.0.1", "1")])
def test_an_older_player_refuses(wanted: str, here: str) -> None:
    """A song for a later player would be played."""
    with pytest.raises(InputError) as caught:
        require({"version": wanted}, here)
    assert caught.value.code == "sps.version"


def test_a_song_for_one_build_plays_in_that_build_alone() -> None:
    """A song for one build would be played in another."""
    asked = {"version": "1", "sha256": bytes(range(32))}
    require(asked, build=bytes(range(32)))
    for other in (None, bytes(32)):
        with pytest.raises(InputError) as caught:
            require(asked, build=other)
        assert caught.value.code == "sps.version"


@pytest.mark.parametrize("renderer", [{"version": "2"}, {"version": "1", "sha256": bytes(32)}])
async def test_the_engine_refuses_a_song_for_a_later_player(renderer: dict[str, Any]) -> None:
    """``header.load`` would accept a song for a later player."""
    from pywallet import crypto
    from pywallet.sps import ServerRef

    owner = crypto.address_of(OWNER_KEY)
    server = ServerRef("https://keys.example", bytes(20), bytes(32))
    header = Header(1, CONTENT, owner, "t", "a", POLICY, (rendition(),), server, renderer=renderer)
    with pytest.raises(InputError) as caught:
        await call("header.load", {"stream": "s", "header": _text(sign_header(header, OWNER_KEY))})
    assert caught.value.code == "sps.version"


def _text(cose: bytes) -> str:
    from pywallet.encoding.hex import to_b64

    return to_b64(cose)
