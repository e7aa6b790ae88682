"""Routes of the HTML pages and of similar songs."""

from __future__ import annotations

import asyncio
from datetime import datetime

from aiohttp import web

from common.style import LAMPLIGHT
from messages.station_http import PassagesResult, SimilarResult, SimilarSong
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import GomaaError, InputError
from pywallet.settlement import SEGMENT_S
from station.api.keys import AD_FREE, CATALOGUE, COMMISSION, PAGES, POSTED, SITE_CHECK, STORE
from station.api.responses import OPEN, answer, validated
from station.catalogue.similar import LIMIT, MAX_LIMIT
from station.pages.views import midnight_ms, recent_plays

PASSAGES_S = 3_600
"""Seconds for which a browser or cache may keep a song's passages: they change once an epoch."""


def _html(request: web.Request, text: str, status: int = 200) -> web.Response:
    return validated(request, web.Response(text=text, status=status, content_type="text/html", charset="utf-8"))


async def radio(request: web.Request) -> web.Response:
    """``GET /`` and ``GET /song/NAME``: the radio page. It needs neither chain nor server."""
    catalogue = request.app[CATALOGUE]
    chosen = None
    if "name" in request.match_info:
        chosen = catalogue.named(request.match_info["name"])
        if chosen is None:
            return await not_found(request)
    plays, rows = await asyncio.to_thread(request.app[STORE].plays, midnight_ms(), 50)
    recent = recent_plays(rows, catalogue.of, 3)
    now, bps = datetime.now().astimezone(), request.app[COMMISSION].bps
    ad = await request.app[AD_FREE].sponsor(request)
    return _html(
        request, request.app[PAGES].radio(catalogue.songs, chosen, plays, recent, bps, now, catalogue.like, ad)
    )


async def similar(request: web.Request) -> web.Response:
    """``GET /gomaa/songs/NAME/similar?limit=N``: similar songs, nearest first.

    Raises:
        InputError: ``content.unknown``, ``message.schema``.
    """
    catalogue = request.app[CATALOGUE]
    song = catalogue.named(request.match_info["name"])
    if song is None:
        raise InputError("content.unknown", name=request.match_info["name"])
    limit = request.query.get("limit", str(LIMIT))
    if not (limit.isascii() and limit.isdigit() and len(limit) <= 2 and 1 <= int(limit) <= MAX_LIMIT):
        raise InputError("message.schema", field="limit", reason=f"1 to {MAX_LIMIT}")
    matches = [
        SimilarSong(
            name=other.name,
            content=to_hex(other.content),
            title=other.title,
            artist=other.artist,
            genre=other.genre,
            by=match.by,
            distance=None if match.distance is None else round(match.distance, 3),
        )
        for other, match in catalogue.like(song, int(limit))
    ]
    return answer(SimilarResult(song.name, matches))


async def passages(request: web.Request) -> web.Response:
    """``GET /gomaa/passages/CONTENT``: how many listeners heard each passage of a song of the catalogue.

    Raises:
        InputError: ``content.unknown``.
    """
    content = from_hex(request.match_info["content"], 20)
    song = request.app[CATALOGUE].of(content)
    if song is None:
        raise InputError("content.unknown", content=to_hex(content))
    found = await asyncio.to_thread(request.app[POSTED].passages, content)
    count = -(-song.duration_ms // (SEGMENT_S * 1000))
    response = answer(PassagesResult(SEGMENT_S, [found.get(segment, 0) for segment in range(count)] if found else []))
    response.headers.update({**OPEN, "Cache-Control": f"public, max-age={PASSAGES_S}"})
    return response


async def embed(request: web.Request) -> web.Response:
    """``GET /embed``: how to embed a song in another site."""
    return _html(request, request.app[PAGES].embed(request.app[CATALOGUE].songs, datetime.now().astimezone()))


async def install(request: web.Request) -> web.Response:
    """``GET /install``: what GoMAA is and how to get it."""
    return _html(request, request.app[PAGES].install())


async def works(request: web.Request) -> web.Response:
    """``GET /works``: the site check of this station's own pages."""
    songs = request.app[CATALOGUE].songs
    return _html(
        request, request.app[PAGES].site_check(await request.app[SITE_CHECK].lines(), songs[0].name if songs else None)
    )


async def stylesheet(_request: web.Request) -> web.FileResponse:
    """``GET /static/lamplight.css``: the style sheet shared by all pages."""
    return web.FileResponse(LAMPLIGHT)


async def not_found(request: web.Request) -> web.Response:
    """Any other path: status 404, JSON under ``/gomaa/``."""
    if request.path.startswith("/gomaa/"):
        return answer({"error": GomaaError("message.schema", reason="no such path").to_json()}, 404)
    return _html(request, request.app[PAGES].not_found(), 404)
