"""Site check of the page: reachable, names a song, not sandboxed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from yarl import URL

from common.http_body import read_up_to
from station.site_check.page_songs import PageSongs, decode, songs_of_page, tracks
from station.site_check.report import MAX_BYTES, CheckFailure, origin_of

if TYPE_CHECKING:
    import aiohttp


@dataclass(frozen=True)
class Page:
    """A page as it was served.

    Attributes:
        url: Its address after redirects.
        text: Its decoded source.
        cut: True if it is longer than what was read.
        directives: Content-Security-Policy directives, each its name in lower case and its values.
        embedder: Cross-Origin-Embedder-Policy.
    """

    url: str
    text: str
    cut: bool
    directives: tuple[tuple[str, ...], ...]
    embedder: str


class PageFacts:
    """Facts about the page, used by several lines of the report."""

    def __init__(self, page: str) -> None:
        self.page: Page | None = None
        self.named = PageSongs((), ())
        self.songs: list[str] = []
        self.origin = origin_of(page)

    def read(self, page: Page) -> None:
        """Set the origin and the songs by the page."""
        self.page = page
        self.origin = origin_of(page.url)
        based = not any(words[0] == "base-uri" and "'none'" in words for words in page.directives)
        self.named = songs_of_page(page.text, page.url, based=based)
        self.songs = [song.url for song in self.named.songs if not song.is_list]


def without_song(facts: PageFacts) -> tuple[str, str]:
    """Message and fix for a page that names no song."""
    put = 'put <sps-player src="/songs/NAME.sps"></sps-player> into the page as it is served'
    if any(song.is_list for song in facts.named.songs):
        return (
            "the list in the page names no song",
            "serve a list of songs in JSPF or XSPF, with http or https addresses",
        )
    if facts.named.links:
        return f"only a link to a song ({facts.named.links[0]}) and no player", put
    if facts.page is not None and facts.page.cut:
        return f"no protected song in the first {MAX_BYTES >> 20} MiB of the page", f"{put}, nearer to its beginning"
    return "no protected song in the page", put


async def fetch_page(session: aiohttp.ClientSession, page: str) -> Page:
    """Fetch the page, at most ``MAX_BYTES`` of it.

    Raises:
        CheckFailure: A status other than 200.
    """
    async with session.get(page) as answer:
        if answer.status != 200:
            raise CheckFailure(f"status {answer.status}", "give the address of a page that visitors can open")
        raw = await read_up_to(answer.content, MAX_BYTES + 1)
        policies = [
            part
            for value in answer.headers.getall("Content-Security-Policy", [])
            for part in value.replace(",", ";").split(";")
        ]
        return Page(
            str(answer.url),
            decode(raw[:MAX_BYTES], answer.headers.get("Content-Type", "")),
            len(raw) > MAX_BYTES,
            tuple((words[0].lower(), *words[1:]) for part in policies if (words := part.split())),
            answer.headers.get("Cross-Origin-Embedder-Policy", ""),
        )


async def fetch_tracks(session: aiohttp.ClientSession, url: str) -> list[str]:
    """URLs of the tracks of a list (JSPF or XSPF).

    Raises:
        CheckFailure: A status other than 200.
    """
    async with session.get(URL(url, encoded=True)) as answer:
        if answer.status != 200:
            raise CheckFailure(f"the list {url}: status {answer.status}", "put the list where the page says")
        raw = await read_up_to(answer.content, MAX_BYTES)
        return tracks(decode(raw, answer.headers.get("Content-Type", "")), str(answer.url))


async def check_policy(facts: PageFacts) -> str:
    """Check that the page is not sandboxed: a sandboxed page has an opaque origin, to which no tickets are issued.

    ``frame-src`` is not checked: browsers allow an extension's frame whatever it says.

    Raises:
        CheckFailure: The page was not fetched, or is sandboxed.
    """
    if facts.page is None:
        raise CheckFailure("the page did not come", "see the line above")
    sandboxes = [words[1:] for words in facts.page.directives if words[0] == "sandbox"]
    if any("allow-same-origin" not in words for words in sandboxes):
        raise CheckFailure(
            "the page is sandboxed and has no origin of its own",
            "take sandbox out of Content-Security-Policy, or add allow-same-origin",
        )
    if any("allow-scripts" not in words for words in sandboxes):
        raise CheckFailure(
            "the page is sandboxed without scripts", "take sandbox out of Content-Security-Policy, or add allow-scripts"
        )
    embedder = facts.page.embedder.split(";")[0].strip().lower()
    isolated = f", which is isolated ({embedder})" if embedder in ("require-corp", "credentialless") else ""
    return f"lets the player in{isolated}"
