"""Quota of streams: a share for each site, and eviction of streams that never played."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from native_host.playback import stream_quota
from pywallet.encoding.hex import to_b64
from pywallet.errors import GomaaError
from pywallet.sps.signed_header import sign_header
from tests.integration.host_server import StandIn
from tests.integration.host_world import DOMAIN, OWNER, SERVER, World, header, world

OTHER = "https://other.example"


@pytest.fixture
async def fan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A host with a quota of four streams for a site, and six for all sites."""
    monkeypatch.setattr(stream_quota, "MOST_OF_SITE", 4)
    monkeypatch.setattr(stream_quota, "MOST_STREAMS", 6)
    async with StandIn(SERVER, DOMAIN).running() as server, world(tmp_path, server, monkeypatch) as one:
        yield one


async def show(fan: World, stream: str, site: str, *, origin: str | None = None, segments: int = 90) -> str | None:
    """Open a content for a site; the code of the refusal."""
    cose = sign_header(header(fan.server, segments=segments), OWNER)
    fields: dict[str, Any] = {
        "stream": stream,
        "header": to_b64(cose),
        "origin": origin or site,
        "site": site,
        "key": to_b64(fan.renderer[1]),
    }
    try:
        await fan.ask("open", **fields)
    except GomaaError as e:
        return e.code
    return None


async def test_a_site_has_its_own_quota(fan: World) -> None:
    """Frames count for the site of their tab, also while they open. Closed pages free it."""
    site = "https://many.example"
    told = await asyncio.gather(*(show(fan, f"m{i}", site, origin=f"https://a{i}.example") for i in range(10)))
    assert (told.count(None), told.count("site.streams")) == (4, 6)
    assert await show(fan, "mine", "https://radio.example") is None
    assert await show(fan, "m0", site) is None
    await fan.ask("close", stream="m1")
    assert await show(fan, "m9", site) is None
    assert await show(fan, "m8", site) == "site.streams"
    assert fan.refused() == []


async def test_header_bytes_count_for_the_site(fan: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those of headers that are being read in a thread."""
    cose = sign_header(header(fan.server, segments=3000), OWNER)
    assert len(cose) > 64 << 10
    monkeypatch.setattr(stream_quota, "MOST_BYTES_OF_SITE", 2 * len(cose))
    told = await asyncio.gather(*(show(fan, f"m{i}", OTHER, segments=3000) for i in range(4)))
    assert told == [None, None, "site.streams", "site.streams"]
    assert await show(fan, "mine", "https://radio.example") is None


async def test_a_stream_that_never_played_is_evicted(fan: World) -> None:
    """At the limit of all sites, the oldest such stream of the site with most; playing ones stay."""
    await fan.prepared()
    await fan.invoke("play", 0, 0, 5)
    for i in range(4):
        assert await show(fan, f"m{i}", OTHER) is None
    assert await show(fan, "b", "https://third.example") is None
    assert await show(fan, "c", "https://fourth.example") is None
    assert list(fan.host.streams) == ["s", "m1", "m2", "m3", "b", "c"]
    # What left is opened again when somebody wants to hear it.
    assert await show(fan, "m0", OTHER) is None
    assert "m1" not in fan.host.streams
    assert "s" in fan.host.streams


async def test_refusals_without_a_play_are_not_recorded(fan: World) -> None:
    """Refusals of ``open``, and problems of a stream that never played; a refused action is recorded once."""
    broken = {"origin": "https://radio.example", "key": to_b64(fan.renderer[1])}
    for i in range(5):
        with pytest.raises(GomaaError):
            await fan.ask("open", stream=f"x{i}", header=to_b64(b"no header"), **broken)
    await fan.open()
    with pytest.raises(GomaaError):
        await fan.prepare({})
    await fan.ask("problem", stream="s", code="watermark.mismatch")
    assert fan.refused() == []
    assert (await fan.ask("summary"))["activity"] == []
    assert fan.host.ledger._rows("SELECT * FROM contents") == []
    await fan.identify(fan.session().to_json())
    for _ in range(3):
        with pytest.raises(GomaaError):
            await fan.invoke("play", 0, 0, 5)
    assert fan.refused() == ["ticket.missing"]
