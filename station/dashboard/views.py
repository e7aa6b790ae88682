"""Content of the operator's pages, from the station's own tables, the chain and the catalogue."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from messages.station_account import ServerAccount
from pywallet.settlement import SEGMENT_S
from station.catalogue.songs import Catalogue, Song
from station.chain_interface import ChainView
from station.dashboard.accounts import server_account
from station.dashboard.licences import Licence, Licences
from station.dashboard.money import DAY_S, Money, money
from station.dashboard.plots import Bar, passage_bars
from station.db.figures import Figures
from station.db.ledger import Store
from station.db.posted import EpochRow, PlaySums, PostedStore
from station.db.posted_rows import PostedLine
from station.payments.directory import ServerDirectory

RANGES: Final = (7, 28, 365)
"""Lengths in days that a page can show."""
STEPS: Final = {7: 3600, 28: 4 * 3600, 365: DAY_S}
"""By range, the steps of the listeners over time, s."""


@dataclass(frozen=True, slots=True)
class BandRow:
    """Sums of one artist's songs: plays, and wei of the owners."""

    artist: str
    plays: int
    owner_wei: int


@dataclass(frozen=True, slots=True)
class SongRow:
    """A song with its plays.

    Attributes:
        content: Address, 20 bytes.
        song: The song; None where it has left the catalogue.
        sums: Its plays in the range.
        licence: The station's licence; None before it was read.
    """

    content: bytes
    song: Song | None
    sums: PlaySums
    licence: Licence | None


@dataclass(frozen=True, slots=True)
class Passages:
    """Most-loved passages of a song: bars of its waveform by listeners, and the number of the most heard one."""

    song: Song
    bars: tuple[Bar, ...]
    most: int


@dataclass(frozen=True, slots=True)
class Overview:
    """The first page.

    Attributes:
        now_ms: The time, Unix ms.
        days: Length of the range.
        first_day: Its first day, days since 1970.
        daily: Sums of each day of the range.
        gross_by_day: Debits of each day, wei.
        money: The station's money.
        listeners: With GoMAA and of the plain stream, at present.
        audience: Beginning of each step, Unix s, with its two peaks.
        bands: By what their owners got, most first.
        genres: Heard seconds by genre, most first.
        refusals: Codes and numbers, most first.
        passages: Of the song that was played most, if published.
    """

    now_ms: int
    days: int
    first_day: int
    daily: tuple[PlaySums, ...]
    gross_by_day: tuple[int, ...]
    money: Money
    listeners: tuple[int, int]
    audience: tuple[tuple[int, int, int], ...]
    bands: tuple[BandRow, ...]
    genres: tuple[tuple[str, int], ...]
    refusals: tuple[tuple[str, int], ...]
    passages: Passages | None


@dataclass(frozen=True, slots=True)
class Statement:
    """One posted epoch with its lines."""

    row: EpochRow
    lines: tuple[PostedLine, ...]


class DashboardViews:
    """Reader of the content of the pages.

    Args:
        address: The station's address, 20 bytes.
        chain: Time and accounts.
        catalogue: The songs.
        store: Tickets and vouchers.
        posted: Posted epochs and their sums.
        figures: Listeners over time, refusals.
        directory: The servers.
        licences: Licences of the songs.
    """

    def __init__(
        self,
        address: bytes,
        chain: ChainView,
        catalogue: Catalogue,
        store: Store,
        posted: PostedStore,
        figures: Figures,
        directory: ServerDirectory,
        licences: Licences,
    ) -> None:
        self._address = address
        self._chain = chain
        self._catalogue = catalogue
        self._store = store
        self._posted = posted
        self._figures = figures
        self._directory = directory
        self._licences = licences

    async def accounts(self) -> list[ServerAccount]:
        """The account with each server."""
        servers = sorted(await asyncio.to_thread(self._directory.addresses))
        reads = (server_account(self._store, self._chain, self._directory, self._address, one) for one in servers)
        return list(await asyncio.gather(*reads))

    async def overview(self, days: int, now_ms: int) -> Overview:
        """The first page.

        Args:
            days: One of ``RANGES``.
            now_ms: The time, Unix ms.
        """
        accounts = await self.accounts()
        return await asyncio.to_thread(self._overview, days, now_ms, accounts)

    async def songs(self, days: int, now_ms: int) -> list[SongRow]:
        """The catalogue, and songs that were played and have left it, most played first."""
        licences = await self._licences.current()
        return await asyncio.to_thread(self._songs, days, now_ms, licences)

    async def statements(self, from_s: int, until_s: int, limit: int) -> list[EpochRow]:
        """The newest posted epochs that began in [``from_s``, ``until_s``), Unix s, newest first."""
        return await asyncio.to_thread(self._posted.epochs, from_s, until_s, limit)

    async def statement(self, server: bytes, epoch: int) -> Statement | None:
        """One posted epoch, or None."""
        found = await asyncio.to_thread(self._posted.epoch, server, epoch)
        return None if found is None else Statement(found[0], tuple(found[1]))

    def named(self, content: bytes) -> Song | None:
        """A song of the catalogue by its content."""
        return self._catalogue.of(content)

    def _overview(self, days: int, now_ms: int, accounts: Sequence[ServerAccount]) -> Overview:
        now_s = now_ms // 1000
        end, first = now_s // DAY_S + 1, now_s // DAY_S + 1 - days
        by_day, by_content = self._posted.by_day(first, end), self._posted.by_content(first, end)
        gross = self._posted.gross_by_day(first, end)
        return Overview(
            now_ms=now_ms,
            days=days,
            first_day=first,
            daily=tuple(by_day.get(day, PlaySums()) for day in range(first, end)),
            gross_by_day=tuple(gross.get(day, 0) for day in range(first, end)),
            money=money(accounts, self._posted.gross(now_s - DAY_S, now_s + 1)),
            listeners=self._figures.listeners(now_ms),
            audience=tuple(self._figures.audience(first * DAY_S, end * DAY_S, STEPS[days])),
            bands=self._bands(by_content),
            genres=self._genres(by_content),
            refusals=tuple(self._figures.refusals(first, end)),
            passages=self._most_loved(by_content),
        )

    def _songs(self, days: int, now_ms: int, licences: Mapping[bytes, Licence]) -> list[SongRow]:
        end = now_ms // 1000 // DAY_S + 1
        sums = self._posted.by_content(end - days, end)
        songs = {song.content: song for song in self._catalogue.songs}
        rows = [
            SongRow(content, songs.get(content), sums.get(content, PlaySums()), licences.get(content))
            for content in {*songs, *sums}
        ]
        return sorted(rows, key=lambda row: (-row.sums.plays, row.song.title if row.song else "", row.content))

    def _bands(self, by_content: Mapping[bytes, PlaySums]) -> tuple[BandRow, ...]:
        plays: Counter[str] = Counter()
        amounts: Counter[str] = Counter()
        for content, sums in by_content.items():
            song = self._catalogue.of(content)
            artist = song.artist if song is not None else ""
            plays[artist] += sums.plays
            amounts[artist] += sums.owner_wei
        return tuple(BandRow(artist, plays[artist], amount) for artist, amount in amounts.most_common())

    def _genres(self, by_content: Mapping[bytes, PlaySums]) -> tuple[tuple[str, int], ...]:
        heard: Counter[str] = Counter()
        for content, sums in by_content.items():
            song = self._catalogue.of(content)
            heard[(song.genre or "") if song is not None else ""] += sums.heard_s
        return tuple((genre, seconds) for genre, seconds in heard.most_common() if seconds)

    def _most_loved(self, by_content: Mapping[bytes, PlaySums]) -> Passages | None:
        for content in sorted(by_content, key=lambda one: -by_content[one].plays):
            song = self._catalogue.of(content)
            listeners = self._posted.passages(content) if song is not None else {}
            if song is not None and listeners:
                bars = passage_bars(song.waveform, listeners, song.duration_ms, SEGMENT_S)
                return Passages(song, bars, max(listeners.values()))
        return None
