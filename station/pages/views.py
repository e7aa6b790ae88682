"""The HTML pages: view data of songs and plays, rendered by templates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from pywallet.encoding.amounts import show
from pywallet.encoding.hex import to_hex
from pywallet.policy import Context, PartyNames, Policy, Price, Usage, describe
from pywallet.settlement import gross
from station.catalogue.similar import SimilarSong
from station.catalogue.songs import Song
from station.config import StationConfig
from station.db.rows import TicketRow
from station.pages.check_page import CHECK_TITLES
from station.site_check.report import CheckResult

_WHY = {"sound": "sounds alike", "artist": "same artist", "genre": "same genre"}

HERE = Path(__file__).parent.parent
BARS = 128
"""Bars in a drawn waveform; each is 5 units wide with a gap of 2."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A minute in the station's local time, in words and as ISO 8601.

    Seconds are left out: the second of a play would identify its published row.
    """

    iso: str
    day: str
    time: str

    @classmethod
    def of(cls, when: datetime) -> Moment:
        """From a time with its zone."""
        return cls(when.isoformat(timespec="minutes"), f"{when:%A} {when.day} {when:%B}, {when:%H:%M}", f"{when:%H:%M}")


def midnight_ms() -> int:
    """Start of today in the station's local time, Unix ms."""
    return int(datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * 1000)


def song_of_the_day(songs: Sequence[Song], day: date, chosen: str | None = None) -> Song | None:
    """The song of a day: the operator's choice, otherwise a rotation; None without songs."""
    for song in songs:
        if song.name == chosen:
            return song
    return songs[day.toordinal() % len(songs)] if songs else None


def clock(duration_ms: int) -> str:
    """``5:04``, from milliseconds; rounded to the nearest second."""
    seconds = (duration_ms + 500) // 1000
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def interval_words(seconds: int) -> str:
    """Length of an interval: ``30 s``, ``1 min``."""
    return f"{seconds // 60} min" if seconds % 60 == 0 else f"{seconds} s"


def earns(price: Price) -> str:
    """A listener's reward or price, one short line for a card."""
    interval = interval_words(price.interval_s)
    if price.payer == "listener":
        return f"you pay {show(price.owner)}/{interval}"
    return f"earns {show(price.reward)}/{interval}" if price.reward else "free to hear"


def invite(price: Price, station: str) -> str:
    """Invitation to install the extension, two sentences."""
    if price.payer == "listener":
        return "You see what it costs before you press play. The band is paid while you listen."
    if price.payer == "station" and price.reward:
        share = f"{show(price.reward)} GoMAA for every {interval_words(price.interval_s)} you hear"
        return f"{station} pays the band, and you get {share}. It costs you nothing."
    return "Hear it as the band made it, in full quality. It costs you nothing."


@lru_cache(maxsize=512)
def bars(waveform: bytes) -> tuple[tuple[int, str, str], ...]:
    """``(x, y, height)`` of each bar in a field of 640 x 56; empty without a waveform."""
    if not waveform:
        return ()
    drawn = []
    for index in range(BARS):
        start = index * len(waveform) // BARS
        peak = max(waveform[start : max(start + 1, (index + 1) * len(waveform) // BARS)])
        height = max(3.0, peak / 255 * 52)
        drawn.append((1 + 5 * index, f"{28 - height / 2:.1f}", f"{height:.1f}"))
    return tuple(drawn)


def price_shares(price: Price, bps: int | None) -> list[dict[str, Any]]:
    """Shares of one interval's amount, for the bar and its legend; the commission only where ``bps`` is known."""
    if price.payer == "nobody" or not price.owner + price.reward:
        return []
    net = price.owner + price.reward
    parts = [("band", "The band", price.owner), ("fan", "You", price.reward)]
    if bps is not None:
        parts.append(("platform", f"Platform, {bps / 100:g} %", gross(net, bps) - net))
    total = sum(amount for _, _, amount in parts)
    views, x = [], 0.0
    for kind, who, amount in parts:
        if amount:
            width = max(1.0, 100 * amount / total)
            views.append(
                {
                    "kind": kind,
                    "who": who,
                    "amount": show(amount),
                    "exact": show(amount, 18),
                    "x": f"{x:.2f}",
                    "width": f"{width - 0.6:.2f}",
                }
            )
            x += width
    return views


@dataclass(frozen=True, slots=True)
class Pages:
    """Renders the templates."""

    config: StationConfig
    environment: Environment

    @classmethod
    def of(cls, config: StationConfig) -> Pages:
        """Templates of this package, with autoescape; an undefined value is an error."""
        environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=select_autoescape(default=True, default_for_string=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        return cls(config, environment)

    def radio(
        self,
        songs: Sequence[Song],
        chosen: Song | None,
        plays: int,
        recent: Iterable[tuple[Song, int]],
        bps: int | None,
        now: datetime,
        like: Callable[[Song], Iterable[tuple[Song, SimilarSong]]],
        sponsor: str | None = None,
    ) -> str:
        """The radio page with one song in the player.

        Args:
            songs: The catalogue.
            chosen: The requested song; None: the song of the day.
            plays: Tickets issued since midnight.
            recent: The latest plays of songs in the catalogue, with their time, Unix ms.
            bps: Commission, basis points; None: not read yet.
            now: Local time with its zone.
            like: Similar songs of a song.
            sponsor: A line of advertising, or None.
        """
        today = song_of_the_day(songs, now.date(), self.config.song_of_the_day)
        song = chosen or today
        return self._fill(
            "radio.html",
            here="/" if chosen is None else "",
            songs=[self._song(item, bps, now) for item in songs],
            song=None if song is None else self._song(song, bps, now),
            today=None if today is None else today.name,
            counts={"songs": _count(len(songs), "song"), "plays": _count(plays, "play") if plays else ""},
            recent=[
                {"song": self._song(item, bps, now), "iso": moment.iso, "time": moment.time}
                for item, time_ms in recent
                for moment in [Moment.of(datetime.fromtimestamp(time_ms / 1000, now.tzinfo))]
            ],
            similar=[]
            if song is None
            else [{**self._song(item, bps, now), "why": _WHY[match.by]} for item, match in like(song)],
            now=Moment.of(now),
            sponsor=sponsor,
        )

    def embed(self, songs: Sequence[Song], now: datetime) -> str:
        """The page on embedding a song in another site."""
        song = song_of_the_day(songs, now.date(), self.config.song_of_the_day)
        name, title, artist = (
            ("slow-tide", "Slow Tide Home", "Saltwick Lanterns")
            if song is None
            else (song.name, song.title, song.artist)
        )
        origin = self.config.origin
        snippet = "\n".join(
            (
                "<!doctype html>",
                "<title>My radio</title>",
                f'<sps-player src="{origin}/songs/{name}.sps">',
                f'  <a href="{origin}/song/{name}">{_plain(title)}</a> by {_plain(artist)}',
                "</sps-player>",
            )
        )
        return self._fill("embed.html", here="/embed", snippet=snippet)

    def install(self) -> str:
        """The installation page."""
        return self._fill("install.html", here="/install")

    def site_check(self, lines: Sequence[CheckResult], song: str | None) -> str:
        """The result of the site check."""
        good = all(line.ok for line in lines)
        return self._fill(
            "check.html",
            here="/works",
            lines=lines,
            words=CHECK_TITLES,
            good=good,
            origin=self.config.origin,
            song=song,
        )

    def not_found(self) -> str:
        """The page of status 404."""
        return self._fill("not_found.html", here="")

    def _fill(self, template: str, **values: Any) -> str:
        return self.environment.get_template(template).render(station=self.config, **values)

    def _song(self, song: Song, bps: int | None, now: datetime) -> dict[str, Any]:
        price = song.policy.price
        context = Context(int(now.timestamp()), self.config.domain)
        terms = describe(song.policy, Usage(), context, "en", PartyNames(self.config.name, song.artist))
        facts = [
            ("may", "You may", terms.may),
            ("left", "How often", _allowed(song.policy)),
            ("cost", "It costs", terms.costs),
            ("eye", "You earn", terms.earn),
        ]
        parts = price_shares(price, bps)
        return {
            "name": song.name,
            "address": to_hex(song.content),
            "title": song.title,
            "artist": song.artist,
            "length": clock(song.duration_ms),
            "quality": song.quality,
            "earns": earns(price),
            "invite": invite(price, self.config.name),
            "interval": interval_words(price.interval_s),
            "total": show(gross(price.owner + price.reward, bps or 0)),
            "split": parts,
            "facts": [fact for fact in facts if fact[2]] + [("limit", "Also", limit) for limit in terms.limits],
            "bars": bars(song.waveform),
        }


def recent_plays(rows: Iterable[TicketRow], of: Any, limit: int) -> list[tuple[Song, int]]:
    """The latest plays of songs in the catalogue; successive plays of one song appear once."""
    shown: list[tuple[Song, int]] = []
    for row in rows:
        song = of(row.content)
        if song is not None and (not shown or shown[-1][0] is not song):
            shown.append((song, row.issued_ms))
        if len(shown) == limit:
            break
    return shown


def _allowed(policy: Policy) -> str:
    """Plays and seeks that a listener starts with; recurring counts are among the limits."""
    counts = [
        _count(count.limit, action)
        for action, count in policy.counts.items()
        if action in ("play", "seek") and count.per_s is None
    ]
    return f"{' and '.join(counts)} for each listener." if counts else ""


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _plain(text: str) -> str:
    """Text escaped for HTML source that is shown for copying."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
