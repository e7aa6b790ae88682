"""Responses of the other packagings beside a song's file: ``NAME.sps.html`` and the folder ``NAME.segments``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from aiohttp import web

from station.api.responses import IMMUTABLE, SongFile
from station.catalogue.songs import Song

PART: Final = re.compile(r"[0-9a-f]{64}\.part")
HEADER: Final = "header.sps"
PAGE_POLICY: Final = "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
"""The page has its own Content-Security-Policy; this one must not block its script."""


def page(song: Song) -> web.StreamResponse | None:
    """The response with a song's HTML page; None where there is none."""
    path = song.path.with_name(song.path.name + ".html")
    if not path.is_file():
        return None
    response = SongFile(path)
    response.headers["Content-Type"] = "text/html; charset=windows-1252"
    response.headers["Content-Security-Policy"] = PAGE_POLICY
    return response


def part(song: Song, name: str) -> web.StreamResponse | None:
    """The response with the header, or a part by its hash, of the exploded packaging; None where it is missing."""
    if name != HEADER and not PART.fullmatch(name):
        return None
    path: Path = song.path.with_suffix(".segments") / name
    if not path.is_file():
        return None
    response = SongFile(path) if name == HEADER else SongFile(path, IMMUTABLE)
    response.headers["Content-Type"] = "application/sps" if name == HEADER else "application/octet-stream"
    return response
