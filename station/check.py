"""Does it work on your site? Looks at a page with a protected song as a listener's browser will, and says what helps.

What is looked at: the page's Content-Security-Policy and the song in it, the song's file (ranges, format, encoding), the
station's record and ticket address, and the proof of the domain. docs/protocol.md, "Engine to station".
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit

from chain import domain_proof
from pywallet.errors import GomaaError
from pywallet.hexes import from_hex
from pywallet.sps.container import MAGIC

if TYPE_CHECKING:
    import aiohttp

RECORD: Final = "/.well-known/gomaa.json"
TIMEOUT_S: Final = 15.0
_MOST: Final = 2 << 20


@dataclass(frozen=True)
class Line:
    """One line of the list: what was looked at, what was found, and what helps where it is wrong ("" where it is right)."""

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


class Songs(HTMLParser):
    """The sources of protected songs in a page, as the extension finds them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """``<sps-player src>`` and ``<audio data-sps>``."""
        given = dict(attrs)
        source = given.get("src") if tag == "sps-player" else given.get("data-sps") if tag == "audio" else None
        if source:
            self.found.append(source)


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
            lines.append(Line(name, False, f"no answer ({type(e).__name__})", "see that the address is right and the web server runs"))

    parts = urlsplit(page)
    origin = f"{parts.scheme}://{parts.netloc}"
    found: list[str] = []

    async def look_at_page() -> str:
        text = await _page(session, page)
        found.extend(urljoin(page, source) for source in _songs(text))
        if not found:
            raise Wrong(
                "no protected song in the page", 'put <sps-player src="/songs/NAME.sps"></sps-player> into the page as it is served'
            )
        return f"{len(found)} song(s), the first is {found[0]}"

    await line("page", look_at_page)
    await line("policy", lambda: _policy(session, page))
    if found:
        await line("song", lambda: _song(session, found[0]))
        await line("cors", lambda: _cors(session, found[0], origin))
    await line("record", lambda: _record(session, origin))
    await line("tickets", lambda: _tickets(session, origin))
    await line("proof", lambda: _proof(session, origin))
    return lines


def _songs(text: str) -> list[str]:
    songs = Songs()
    songs.feed(text)
    return songs.found


async def _page(session: aiohttp.ClientSession, page: str) -> str:
    async with session.get(page) as answer:
        if answer.status != 200:
            raise Wrong(f"status {answer.status}", "give the address of a page that visitors can open")
        return (await answer.content.read(_MOST)).decode(errors="replace")


async def _policy(session: aiohttp.ClientSession, page: str) -> str:
    """Browsers let an extension's frame into a page whatever ``frame-src`` says; a sandboxed page has no origin to give tickets for."""
    async with session.get(page) as answer:
        directives = [
            part.split() for value in answer.headers.getall("Content-Security-Policy", []) for part in value.replace(",", ";").split(";")
        ]
    sandboxes = [words[1:] for words in directives if words and words[0].lower() == "sandbox"]
    if any("allow-same-origin" not in words for words in sandboxes):
        raise Wrong(
            "the page is sandboxed and has no origin of its own", "take sandbox out of Content-Security-Policy, or add allow-same-origin"
        )
    return "lets the player in"


async def _song(session: aiohttp.ClientSession, source: str) -> str:
    async with session.get(source, headers={"Range": f"bytes=0-{len(MAGIC) - 1}", "Accept-Encoding": "identity"}) as answer:
        if answer.status == 200:
            raise Wrong(
                "Range is not understood: the whole file came", "serve .sps files as plain files with byte ranges (nginx and most CDNs do)"
            )
        if answer.status != 206:
            raise Wrong(f"status {answer.status}", f"put the file where the page says: {source}")
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            raise Wrong("the file is compressed on the way", "switch gzip and brotli off for .sps files: they are sealed and don't shrink")
        if "/" not in answer.headers.get("Content-Range", ""):
            raise Wrong("Content-Range is missing", "let the answer to a range name it: Content-Range: bytes 0-7/SIZE")
        start = await answer.content.read(len(MAGIC))
    if start != MAGIC:
        raise Wrong("this is no .sps file", "copy it again, as binary; gomaa inspect FILE says whether it is whole")
    return "an SPS file, served by range"


async def _cors(session: aiohttp.ClientSession, source: str, origin: str) -> str:
    if source.startswith(f"{origin}/"):
        return "the same site: not needed"
    async with session.get(source, headers={"Range": "bytes=0-0", "Origin": origin}) as answer:
        if answer.headers.get("Access-Control-Allow-Origin") not in ("*", origin):
            raise Wrong(
                f"{urlsplit(source).netloc} lets no other site read the file", "add the header Access-Control-Allow-Origin: * to .sps files"
            )
    return "other sites may read the file"


async def _record(session: aiohttp.ClientSession, origin: str) -> str:
    record = await _json(session, origin + RECORD, "run gomaa station run behind this site, and pass /.well-known/ and /gomaa/ on to it")
    if record.get("domain") != urlsplit(origin).netloc:
        raise Wrong(f"the station says it is {record.get('domain')}", f'set domain = "{urlsplit(origin).netloc}" in station.toml')
    if not str(record.get("tickets", "")).startswith("/"):
        raise Wrong("tickets are given on another site", "let tickets be a path of this site")
    return f"{record.get('name')}, {record.get('station')}"


async def _tickets(session: aiohttp.ClientSession, origin: str) -> str:
    """Asked for nothing, a ticket desk says so with a code of its own; anything else is no ticket desk."""
    fix = f"pass POST {origin}/gomaa/tickets on to gomaa station run"
    record = await _json(session, origin + RECORD, fix)
    async with session.post(urljoin(origin, str(record.get("tickets", ""))), json={}) as answer:
        try:
            value = json.loads(await answer.content.read(_MOST))
            code = str(value["error"]["code"])
        except (ValueError, TypeError, KeyError):
            raise Wrong(f"status {answer.status}, and no ticket desk answers", fix) from None
    return f"the ticket desk answers ({code} to an empty question)"


async def _proof(session: aiohttp.ClientSession, origin: str) -> str:
    fix = f"pass {domain_proof.PATH} on to gomaa station run, which signs it, or serve the file that gomaa chain apply-station makes there"
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
            value = json.loads(await answer.content.read(_MOST))
        except ValueError:
            value = None
    if not isinstance(value, dict):
        raise Wrong(f"{url} is no JSON object", fix)
    return value
