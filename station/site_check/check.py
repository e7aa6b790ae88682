"""Does it work on your site? Looks at a page with a protected song as a listener's browser will, and says what helps.

What is looked at: the page's Content-Security-Policy and the song in it, the song's file (ranges, format, encoding),
the station's record and ticket address, and the proof of the domain. docs/protocol.md, "Engine to station".
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit

from yarl import URL

from chain import domain_proof
from common.address_class import place_of_url, standing_of_url
from common.http_body import read_up_to
from pywallet.encoding.hex import from_hex
from pywallet.errors import GomaaError
from pywallet.protocol.foreign_errors import code_from
from pywallet.sps.container import MAGIC
from pywallet.sps.polyglot import DOCTYPE, MAX_PROLOGUE, find, is_page
from station.site_check.content_range import content_range
from station.site_check.page_songs import (
    Found,
    decode,
    found,
    tracks,
)

if TYPE_CHECKING:
    import aiohttp

RECORD: Final = "/.well-known/gomaa.json"
TIMEOUT_S: Final = 15.0
_MOST: Final = 8 << 20
"""Bytes that are read of one answer at most."""
_FIRST: Final = 400_000
"""Bytes that a player asks for first."""
_MOST_SONGS: Final = 20
"""Songs of a page that are looked at."""
_AGAIN: Final = "copy it again, as binary; gomaa inspect FILE says whether it is whole"
_HASHED: Final = re.compile(r"/[0-9a-f]{64}\.part$")


@dataclass(frozen=True)
class Line:
    """One line of the list.

    What was looked at, what was found, and what helps where it is wrong ("" where it is right).
    """

    name: str
    ok: bool
    message: str
    fix: str = ""

    def to_json(self) -> dict[str, Any]:
        """The form of ``--json``."""
        return asdict(self)


class Wrong(Exception):
    """A line that fails: what was found, and what helps."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.fix = fix


async def check(session: aiohttp.ClientSession, page: str) -> list[Line]:
    """Every line for the page at an address, http or https. Nobody answering is a failed line, never an error."""
    lines: list[Line] = []

    async def line(name: str, look: Callable[[], Awaitable[str]]) -> None:
        import aiohttp

        try:
            lines.append(Line(name, True, await look()))
        except Wrong as wrong:
            lines.append(Line(name, False, str(wrong), wrong.fix))
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as e:
            lines.append(
                Line(
                    name,
                    False,
                    f"no answer ({type(e).__name__})",
                    "see that the address is right and the web server runs",
                )
            )

    seen = _Seen(page)

    async def look_at_page() -> str:
        seen.take(await _page(session, page))
        lists = [one for one in seen.named.songs if one.is_list]
        for one in lists:
            seen.songs += await _tracks(session, one.url)
        seen.songs = list(dict.fromkeys(seen.songs))
        if not seen.songs:
            raise Wrong(*_without(seen))
        listed = f" in {len(lists)} list(s)" if lists else ""
        return f"{len(seen.songs)} song(s){listed}, the first is {seen.songs[0]}"

    await line("page", look_at_page)
    await line("policy", lambda: _policy(seen))
    some = seen.songs[:_MOST_SONGS]
    if some:
        await line("song", lambda: _each(session, some, partial(_song, seen.origin)))
        await line("cors", lambda: _each(session, some, partial(_cors, seen.origin)))
    await line("record", lambda: _record(session, seen.origin))
    await line("tickets", lambda: _tickets(session, seen.origin))
    await line("proof", lambda: _proof(session, seen.origin))
    return lines


@dataclass(frozen=True)
class _Page:
    """A page as it was served. ``url``: its address after redirects; ``cut``: it is longer than what was read."""

    url: str
    text: str
    cut: bool
    directives: tuple[tuple[str, ...], ...]
    embedder: str


class _Seen:
    """Facts about the page that the check's lines use."""

    def __init__(self, page: str) -> None:
        self.page: _Page | None = None
        self.named = Found((), ())
        self.songs: list[str] = []
        self.origin = _origin(page)

    def take(self, page: _Page) -> None:
        """Keep the page and what it names."""
        self.page = page
        self.origin = _origin(page.url)
        based = not any(words[0] == "base-uri" and "'none'" in words for words in page.directives)
        self.named = found(page.text, page.url, based=based)
        self.songs = [one.url for one in self.named.songs if not one.is_list]


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _without(seen: _Seen) -> tuple[str, str]:
    """A page that names no song: what was found instead, and what helps."""
    put = 'put <sps-player src="/songs/NAME.sps"></sps-player> into the page as it is served'
    if any(one.is_list for one in seen.named.songs):
        return (
            "the list in the page names no song",
            "serve a list of songs in JSPF or XSPF, with http or https addresses",
        )
    if seen.named.links:
        return f"only a link to a song ({seen.named.links[0]}) and no player", put
    if seen.page is not None and seen.page.cut:
        return f"no protected song in the first {_MOST >> 20} MiB of the page", f"{put}, nearer to its beginning"
    return "no protected song in the page", put


async def _page(session: aiohttp.ClientSession, page: str) -> _Page:
    async with session.get(page) as answer:
        if answer.status != 200:
            raise Wrong(f"status {answer.status}", "give the address of a page that visitors can open")
        raw = await read_up_to(answer.content, _MOST + 1)
        policies = [
            part
            for value in answer.headers.getall("Content-Security-Policy", [])
            for part in value.replace(",", ";").split(";")
        ]
        return _Page(
            str(answer.url),
            decode(raw[:_MOST], answer.headers.get("Content-Type", "")),
            len(raw) > _MOST,
            tuple((words[0].lower(), *words[1:]) for part in policies if (words := part.split())),
            answer.headers.get("Cross-Origin-Embedder-Policy", ""),
        )


async def _tracks(session: aiohttp.ClientSession, url: str) -> list[str]:
    async with session.get(URL(url, encoded=True)) as answer:
        if answer.status != 200:
            raise Wrong(f"the list {url}: status {answer.status}", "put the list where the page says")
        raw = await read_up_to(answer.content, _MOST)
        return tracks(decode(raw, answer.headers.get("Content-Type", "")), str(answer.url))


async def _policy(seen: _Seen) -> str:
    """Browsers let an extension's frame into a page whatever ``frame-src`` says.

    A sandboxed page has no origin to give tickets for.
    """
    if seen.page is None:
        raise Wrong("the page did not come", "see the line above")
    sandboxes = [words[1:] for words in seen.page.directives if words[0] == "sandbox"]
    if any("allow-same-origin" not in words for words in sandboxes):
        raise Wrong(
            "the page is sandboxed and has no origin of its own",
            "take sandbox out of Content-Security-Policy, or add allow-same-origin",
        )
    if any("allow-scripts" not in words for words in sandboxes):
        raise Wrong(
            "the page is sandboxed without scripts", "take sandbox out of Content-Security-Policy, or add allow-scripts"
        )
    embedder = seen.page.embedder.split(";")[0].strip().lower()
    isolated = f", which is isolated ({embedder})" if embedder in ("require-corp", "credentialless") else ""
    return f"lets the player in{isolated}"


async def _each(
    session: aiohttp.ClientSession, songs: list[str], look: Callable[[aiohttp.ClientSession, str], Awaitable[str]]
) -> str:
    """Look at every song; the first fault counts, and names its song."""
    told = ""
    for number, source in enumerate(songs):
        try:
            said = await look(session, source)
        except Wrong as wrong:
            raise Wrong(str(wrong) if len(songs) == 1 else f"{source}: {wrong}", wrong.fix) from None
        told = said if number == 0 or said == told else f"{told}; {said}"
    return told


async def _song(origin: str, session: aiohttp.ClientSession, source: str) -> str:
    if urlsplit(source).username is not None:
        raise Wrong(
            "its address has a name before the host, and the player sends no names",
            "name the address without what stands before @",
        )
    if place_of_url(source) > standing_of_url(origin):
        raise Wrong(
            "its address lies in a private network or on this computer, and the player asks for nothing there",
            "name an address that visitors can reach",
        )
    headers = {"Range": f"bytes=0-{_FIRST - 1}", "Accept-Encoding": "identity"}
    ranges = "serve .sps files as plain files with byte ranges (nginx and most CDNs do)"
    async with session.get(URL(source, encoded=True), headers=headers, allow_redirects=False) as answer:
        if 300 <= answer.status <= 399:
            raise Wrong(
                f"its address leads elsewhere (status {answer.status}), and the player follows no redirect",
                "name the address where the file lies, in src or in the list",
            )
        if answer.status in (200, 206) and answer.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise Wrong(
                "the file is compressed on the way",
                "switch gzip and brotli off for .sps files: they are sealed and don't shrink",
            )
        if answer.status == 200:
            raise Wrong("Range is not understood: the whole file came", ranges)
        if answer.status == 416:
            raise Wrong("Range is refused", ranges)
        if answer.status != 206:
            raise Wrong(f"status {answer.status}", f"put the file where the page says: {source}")
        if answer.content_type.startswith("multipart/"):
            raise Wrong(
                "one range was asked for and several parts came", "answer a request for one range with that range alone"
            )
        came = content_range(answer.headers.get("Content-Range", ""))
        if came is None or came.first != 0:
            raise Wrong(
                "Content-Range is missing or wrong", "let the answer to a range name it: Content-Range: bytes 0-7/SIZE"
            )
        if came.total is not None and came.end == came.total > _FIRST:
            raise Wrong("Range is not understood: the whole file came", ranges)
        if "immutable" in answer.headers.get("Cache-Control", "").lower() and not _HASHED.search(urlsplit(source).path):
            raise Wrong(
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
            find(start)
        except GomaaError as e:
            raise Wrong(f"this page carries no song ({e.code})", _AGAIN) from None
        return "a page that carries its song, served by range"
    if not start.startswith(MAGIC):
        raise Wrong("this is no .sps file", _AGAIN)
    return "an SPS file, served by range"


async def _cors(origin: str, session: aiohttp.ClientSession, source: str) -> str:
    if source.startswith(f"{origin}/"):
        return "the same site: not needed"
    headers = {"Range": "bytes=0-0", "Origin": origin}
    async with session.get(URL(source, encoded=True), headers=headers, allow_redirects=False) as answer:
        if answer.headers.get("Access-Control-Allow-Origin") not in ("*", origin):
            raise Wrong(
                f"{urlsplit(source).netloc} lets no other site read the file",
                "add the header Access-Control-Allow-Origin: * to .sps files",
            )
    return "other sites may read the file"


async def _record(session: aiohttp.ClientSession, origin: str) -> str:
    record = await _json(
        session, origin + RECORD, "run gomaa station run behind this site, and pass /.well-known/ and /gomaa/ on to it"
    )
    if record.get("domain") != urlsplit(origin).netloc:
        raise Wrong(
            f"the station says it is {record.get('domain')}",
            f'set domain = "{urlsplit(origin).netloc}" in station.toml',
        )
    if _origin(urljoin(origin, str(record.get("tickets", "")))) != origin or not record.get("tickets"):
        raise Wrong("tickets are given on another site", "let tickets be a path of this site")
    return f"{record.get('name')}, {record.get('station')}"


async def _tickets(session: aiohttp.ClientSession, origin: str) -> str:
    """Asked for nothing, a ticket desk says so with a code of its own; anything else is no ticket desk."""
    from station.api.responses import QUESTION

    fix = f"pass GET and POST {origin}/gomaa/tickets on to gomaa station run, with the header {QUESTION}"
    record = await _json(session, origin + RECORD, fix)
    # As the player asks.
    question = {QUESTION: base64.urlsafe_b64encode(b"{}").decode().rstrip("=")}
    async with session.get(
        urljoin(origin, str(record.get("tickets", ""))), headers=question, allow_redirects=False
    ) as answer:
        try:
            value = json.loads(await read_up_to(answer.content, _MOST))
            code = code_from("station", value["error"]["code"])
        except (ValueError, TypeError, KeyError, RecursionError):
            raise Wrong(f"status {answer.status}, and no ticket desk answers", fix) from None
    return f"the ticket desk answers ({code} to an empty question)"


async def _proof(session: aiohttp.ClientSession, origin: str) -> str:
    fix = (
        f"pass {domain_proof.PATH} on to gomaa station run, which signs it, or serve the file that gomaa chain "
        f"apply-station makes there"
    )
    proof = await _json(session, origin + domain_proof.PATH, fix)
    record = await _json(session, origin + RECORD, fix)
    try:
        network, registry = int(proof["chain"]), from_hex(proof["registry"], 20)
        station = from_hex(record["station"], 20)
        domain_proof.check(json.dumps(proof).encode(), network, registry, urlsplit(origin).netloc, station)
    except (GomaaError, KeyError, TypeError, ValueError) as e:
        reason = e.detail.get("reason", e.code) if isinstance(e, GomaaError) else f"not a proof: {type(e).__name__}"
        raise Wrong(str(reason), fix) from None
    return f"signed by this station for chain {network}"


async def _json(session: aiohttp.ClientSession, url: str, fix: str) -> dict[str, Any]:
    async with session.get(url, allow_redirects=False) as answer:
        if answer.status != 200:
            raise Wrong(f"{url}: status {answer.status}", fix)
        try:
            value = json.loads(await read_up_to(answer.content, _MOST))
        except (ValueError, RecursionError):
            value = None
    if not isinstance(value, dict):
        raise Wrong(f"{url} is no JSON object", fix)
    return value
