"""Routes of song files, their other packagings, and covers."""

from __future__ import annotations

from aiohttp import web

from pywallet.encoding.hex import from_hex
from station.api import packages
from station.api.keys import CATALOGUE
from station.api.page_routes import not_found
from station.api.responses import OPEN, SongFile, validated
from station.pages.artwork import artwork


async def song_file(request: web.Request) -> web.StreamResponse:
    """``GET /songs/NAME.sps``: a sealed file of the catalogue, whole or by range."""
    song = request.app[CATALOGUE].named(request.match_info["name"])
    return await not_found(request) if song is None else SongFile(song.path)


async def song_page(request: web.Request) -> web.StreamResponse:
    """``GET /songs/NAME.sps.html``: the page that carries the song, if the band made one."""
    song = request.app[CATALOGUE].named(request.match_info["name"])
    return (song and packages.page(song)) or await not_found(request)


async def song_part(request: web.Request) -> web.StreamResponse:
    """``GET /songs/NAME.segments/…``: the exploded packaging, if the band made one."""
    song = request.app[CATALOGUE].named(request.match_info["name"])
    return (song and packages.part(song, request.match_info["part"])) or await not_found(request)


async def preflight(_request: web.Request) -> web.Response:
    """``OPTIONS /songs/NAME.sps``: any site may fetch sealed files."""
    allowed = {
        "Access-Control-Allow-Methods": "GET, HEAD",
        "Access-Control-Allow-Headers": "Range, If-Range, If-None-Match",
        "Access-Control-Max-Age": "86400",
    }
    return web.Response(status=204, headers={**OPEN, **allowed})


async def cover(request: web.Request) -> web.Response:
    """``GET /art/CONTENT.svg``: the drawn cover of a song of the catalogue."""
    content = from_hex(request.match_info["content"], 20)
    if request.app[CATALOGUE].of(content) is None:
        return await not_found(request)
    headers = {**OPEN, "Content-Security-Policy": "default-src 'none'"}
    return validated(request, web.Response(text=artwork(content), content_type="image/svg+xml", headers=headers))
