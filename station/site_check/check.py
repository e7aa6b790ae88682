"""The site check: fetches a page with a protected song as a listener's browser does, and reports what to change.

Checked are the page's Content-Security-Policy and its songs, the song files (ranges, format, encoding), the station's
record and ticket address, and the proof of the domain (docs/protocol.md, "Engine to station").
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from station.site_check.page_checks import PageFacts, check_policy, fetch_page, fetch_tracks, without_song
from station.site_check.report import CheckFailure, CheckResult
from station.site_check.song_checks import check_cors, check_each, check_song
from station.site_check.station_checks import check_proof, check_record, check_tickets

if TYPE_CHECKING:
    import aiohttp

TIMEOUT_S: Final = 15.0
"""Time for the whole check of one request, s."""
MAX_SONGS: Final = 20
"""Most songs of a page that are checked."""


async def check(session: aiohttp.ClientSession, page: str) -> list[CheckResult]:
    """Run all checks of a page; an unreachable server is a failed check, not an error.

    Args:
        session: HTTP client.
        page: The page's URL, http or https.

    Returns:
        One result for each check, in a fixed order; without songs the checks of songs are left out.
    """
    facts = PageFacts(page)
    lines = [await _run("page", lambda: _check_page(session, page, facts))]
    lines.append(await _run("policy", lambda: check_policy(facts)))
    songs = facts.songs[:MAX_SONGS]
    if songs:
        lines.append(await _run("song", lambda: check_each(session, songs, partial(check_song, facts.origin))))
        lines.append(await _run("cors", lambda: check_each(session, songs, partial(check_cors, facts.origin))))
    lines.append(await _run("record", lambda: check_record(session, facts.origin)))
    lines.append(await _run("tickets", lambda: check_tickets(session, facts.origin)))
    lines.append(await _run("proof", lambda: check_proof(session, facts.origin)))
    return lines


async def _run(name: str, run: Callable[[], Awaitable[str]]) -> CheckResult:
    import aiohttp

    try:
        return CheckResult(name, True, await run())
    except CheckFailure as failure:
        return CheckResult(name, False, str(failure), failure.fix)
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        fix = "see that the address is right and the web server runs"
        return CheckResult(name, False, f"no answer ({type(error).__name__})", fix)


async def _check_page(session: aiohttp.ClientSession, page: str, facts: PageFacts) -> str:
    """Fetch the page and the lists that it names; adds the songs to ``facts``."""
    facts.read(await fetch_page(session, page))
    lists = [item for item in facts.named.songs if item.is_list]
    for item in lists:
        facts.songs += await fetch_tracks(session, item.url)
    facts.songs = list(dict.fromkeys(facts.songs))
    if not facts.songs:
        raise CheckFailure(*without_song(facts))
    suffix = f" in {len(lists)} list(s)" if lists else ""
    return f"{len(facts.songs)} song(s){suffix}, the first is {facts.songs[0]}"
