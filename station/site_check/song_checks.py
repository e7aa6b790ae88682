"""Site check of song files: served by range, not compressed, readable from the page."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from yarl import URL

from common.address_class import place_of_url, standing_of_url
from common.http_body import read_up_to
from pywallet.errors import GomaaError
from pywallet.sps.container import MAGIC
from pywallet.sps.polyglot import DOCTYPE, MAX_PROLOGUE, find_song, is_page
from station.site_check.content_range import content_range
from station.site_check.report import CheckFailure

if TYPE_CHECKING:
    import aiohttp

FIRST_BYTES: Final = 400_000
"""Bytes that a player requests first."""
_COPY_AGAIN: Final = "copy it again, as binary; gomaa inspect FILE says whether it is whole"
_HASHED: Final = re.compile(r"/[0-9a-f]{64}\.part$")


async def check_each(
    session: aiohttp.ClientSession, songs: list[str], check: Callable[[aiohttp.ClientSession, str], Awaitable[str]]
) -> str:
    """Check every song; stops at the first failure.

    Args:
        session: HTTP client.
        songs: URLs.
        check: One check of one song.

    Returns:
        The finding, without repetitions.

    Raises:
        Wrong: The first fault; it names the song where there are several.
    """
    summary = ""
    for number, source in enumerate(songs):
        try:
            result = await check(session, source)
        except CheckFailure as failure:
            text = str(failure) if len(songs) == 1 else f"{source}: {failure}"
            raise CheckFailure(text, failure.fix) from None
        summary = result if number == 0 or result == summary else f"{summary}; {result}"
    return summary


async def check_song(origin: str, session: aiohttp.ClientSession, source: str) -> str:
    """Request the first bytes of a song as the player does.

    Args:
        origin: The page's origin.
        session: HTTP client.
        source: The song's URL.

    Raises:
        Wrong: The player cannot use the file.
    """
    if urlsplit(source).username is not None:
        raise CheckFailure(
            "its address has a name before the host, and the player sends no names",
            "name the address without what stands before @",
        )
    if place_of_url(source) > standing_of_url(origin):
        raise CheckFailure(
            "its address lies in a private network or on this computer, and the player asks for nothing there",
            "name an address that visitors can reach",
        )
    headers = {"Range": f"bytes=0-{FIRST_BYTES - 1}", "Accept-Encoding": "identity"}
    ranges = "serve .sps files as plain files with byte ranges (nginx and most CDNs do)"
    async with session.get(URL(source, encoded=True), headers=headers, allow_redirects=False) as answer:
        if 300 <= answer.status <= 399:
            raise CheckFailure(
                f"its address leads elsewhere (status {answer.status}), and the player follows no redirect",
                "name the address where the file lies, in src or in the list",
            )
        if answer.status in (200, 206) and answer.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise CheckFailure(
                "the file is compressed on the way",
                "switch gzip and brotli off for .sps files: they are sealed and don't shrink",
            )
        if answer.status == 200:
            raise CheckFailure("Range is not understood: the whole file came", ranges)
        if answer.status == 416:
            raise CheckFailure("Range is refused", ranges)
        if answer.status != 206:
            raise CheckFailure(f"status {answer.status}", f"put the file where the page says: {source}")
        if answer.content_type.startswith("multipart/"):
            raise CheckFailure(
                "one range was asked for and several parts came", "answer a request for one range with that range alone"
            )
        span = content_range(answer.headers.get("Content-Range", ""))
        if span is None or span.first != 0:
            raise CheckFailure(
                "Content-Range is missing or wrong", "let the answer to a range name it: Content-Range: bytes 0-7/SIZE"
            )
        if span.total is not None and span.end == span.total > FIRST_BYTES:
            raise CheckFailure("Range is not understood: the whole file came", ranges)
        if "immutable" in answer.headers.get("Cache-Control", "").lower() and not _HASHED.search(urlsplit(source).path):
            raise CheckFailure(
                "the file may never be asked for again (Cache-Control: immutable), and its name does not change when "
                "it is made anew",
                "send Cache-Control: no-cache with an ETag for .sps files; only parts that are named by their hash "
                "are immutable",
            )
        start = await read_up_to(answer.content, len(DOCTYPE))
        if is_page(start):
            start += await read_up_to(answer.content, MAX_PROLOGUE - len(start))
    if is_page(start):
        try:
            find_song(start)
        except GomaaError as e:
            raise CheckFailure(f"this page carries no song ({e.code})", _COPY_AGAIN) from None
        return "a page that carries its song, served by range"
    if not start.startswith(MAGIC):
        raise CheckFailure("this is no .sps file", _COPY_AGAIN)
    return "an SPS file, served by range"


async def check_cors(origin: str, session: aiohttp.ClientSession, source: str) -> str:
    """Check that a page of this origin may read the song (CORS); arguments as of ``check_song``.

    Raises:
        CheckFailure: The response allows no other origin.
    """
    if source.startswith(f"{origin}/"):
        return "the same site: not needed"
    headers = {"Range": "bytes=0-0", "Origin": origin}
    async with session.get(URL(source, encoded=True), headers=headers, allow_redirects=False) as answer:
        if answer.headers.get("Access-Control-Allow-Origin") not in ("*", origin):
            raise CheckFailure(
                f"{urlsplit(source).netloc} lets no other site read the file",
                "add the header Access-Control-Allow-Origin: * to .sps files",
            )
    return "other sites may read the file"
