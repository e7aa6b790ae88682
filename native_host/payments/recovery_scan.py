"""The search for a wallet's earlier rewards on one network.

Posts come from the chain, their published data from the servers, and the wallet derives the payees that the data make
possible (``pywallet.rewards.recovery``); here they are matched, so that no message grows with what others have earned.
What was looked at is
written down: a search that was stopped goes on where it was, and afterwards only new posts are looked at.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from chain.node_answers import Declined
from common.address_class import place_of_url, standing_of_url
from native_host.ledger import PayeeRow, ReceiptRow
from native_host.ledger.receipt_store import UNSIGNED
from native_host.ledger.scan_store import Place, Post
from native_host.payments import earnings
from native_host.payments.published_data import Published, fetch
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError, Unavailable
from pywallet.rewards import recovery

if TYPE_CHECKING:
    import aiohttp

    from chain.contracts.registry import StationEntry
    from native_host.host import Host
    from native_host.remote.network import Network

BATCH: Final = 32
"""Posts that are looked at together."""
AT_ONCE: Final = 4
"""Downloads at a time."""
HELD: Final = 32 << 20
"""Bytes of payees that are held together: a batch ends with the data that reach it."""
WANTS: Final = 20
"""Station days that the wallet derives for one step: 480 payees, a fraction of a second in a browser."""
LOOKUPS: Final = 256
"""Stations that the registry is asked about in one step."""
BLOCKS: Final = (10, 4_000, 512_000)
"""Blocks in one question about posts: the least, the first, and the most where a node takes them."""
QUESTIONS: Final = 8
"""Questions about posts in one step."""
AGAIN_S: Final = 600.0
"""What could not be had is asked for again after so long."""
TIMEOUT_S: Final = 60.0
YIELD: Final = 512
"""Station days that are compared before others have their turn: music plays meanwhile."""

Day = tuple[int, bytes]
"""Day since 1970, and station."""


@dataclass(frozen=True)
class Found:
    """What an epoch pays to a payee of this wallet."""

    post: Published
    payee: PayeeRow
    amount: int


def _parts(payees: bytes) -> Iterator[bytes]:
    return (payees[at : at + 20] for at in range(0, len(payees), 20))


class Scan:
    """One search. ``step`` at a time; whatever it holds beside the ledger can be fetched again."""

    def __init__(self, host: Host, network: Network, place: Place) -> None:
        self._host = host
        self._network = network
        self._place = place
        self._lock = asyncio.Lock()
        self._blocks = BLOCKS[1]
        self._listed_all = False
        self._begin_s = 0
        self._batch: dict[tuple[bytes, int], tuple[Post, Published]] = {}
        self._known: set[bytes] = set()
        self._known_at = -1
        self._days: dict[Day, bytes] = {}
        self._away: dict[bytes, float] = {}
        self._tried: dict[tuple[bytes, int], float] = {}
        self._stations: dict[bytes, StationEntry | None] = {}
        self._found = 0

    async def step(self, fresh: bool, candidates: Iterable[tuple[bytes, int, bytes]]) -> dict[str, Any]:
        """Go on.

        Args:
            fresh: The words are new: a search that has not begun has nothing to look at before now.
            candidates: (station, day, 24 payees) that were wanted.

        Returns:
            ``listed`` posts, of them ``left``, ``found`` receipts by this process, ``wants`` [{station, day}] for the
            next step, ``more``: whether there is a next step now, ``away`` [{server, url, epochs, code}]: what is left
            and cannot be had now.

        Raises:
            GomaaError: ``chain.unreachable``; ``chain.mismatch``.
        """
        async with self._lock:
            await self._network.ready()
            self._take(candidates)
            if not self._batch:
                await self._list(fresh)
            wants = await self._wants()
            if wants == []:
                await self._match()
                await self._fetch()
                wants = await self._wants()
                if wants == []:
                    await self._match()
            return await self._told(wants or [])

    def _take(self, candidates: Iterable[tuple[bytes, int, bytes]]) -> None:
        given = list(candidates)
        if not given:
            return
        with self._host.ledger.write():
            for station, day, payees in given:
                self._host.ledger.add_candidates(self._place.wallet, day, station, payees)
        for station, day, payees in given:
            self._days[day, station] = payees

    async def _list(self, fresh: bool) -> None:
        """Write down which epochs were posted since the last look."""
        chain, deployment, ledger = self._network.chain, self._network.deployment, self._host.ledger
        if not self._begin_s:
            self._begin_s = (await chain.block(deployment.block)).timestamp
        # A post that a reorganisation could still replace is not looked at yet.
        last = (await chain.block()).number - deployment.confirmations + 1
        known = ledger.scan(self._place)
        if known is None and fresh:
            with ledger.write():
                ledger.list_posts(self._place, max(last, deployment.block - 1), ())
            known = ledger.scan(self._place)
        first = deployment.block if known is None else known[0] + 1
        for _ in range(QUESTIONS):
            if first > last:
                break
            end = min(last, first + self._blocks - 1)
            try:
                logs = await self._network.settlement.posted_between(first, end)
            except GomaaError as e:
                # Public nodes answer for so many blocks at a time; some hang up.
                least, self._blocks = self._blocks == BLOCKS[0], max(BLOCKS[0], self._blocks // 4)
                if least or (isinstance(e, Unavailable) and not isinstance(e, Declined)):
                    raise
                continue
            self._blocks = min(BLOCKS[2], self._blocks * 2)
            posts = [Post(log.fields["epoch"], log.fields["server"], log.fields["data"]) for log in logs]
            with ledger.write():
                # Another browser's host may have listed these blocks meanwhile, and be through with their posts.
                at = ledger.scan(self._place)
                if at is None or at[0] < end:
                    new = [post for log, post in zip(logs, posts, strict=True) if at is None or log.block > at[0]]
                    ledger.list_posts(self._place, end, new)
            first = end + 1
        self._listed_all = first > last

    async def _fetch(self) -> None:
        """Get the data of the next posts, the oldest first."""
        if self._batch or not self._listed_all:
            return
        now = time.monotonic()
        self._away = {server: until for server, until in self._away.items() if until > now}
        posts = self._host.ledger.posts(self._place, BATCH, self._away)
        posts = [post for post in posts if self._tried.get((post.server, post.epoch), 0.0) <= now]
        if not posts:
            return
        import aiohttp

        room, held = asyncio.Semaphore(AT_ONCE), 0
        hidden, timeout = ("User-Agent",), aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(), skip_auto_headers=hidden, timeout=timeout
        ) as session:

            async def one(post: Post) -> Published | GomaaError | None:
                nonlocal held
                async with room:
                    try:
                        if post.server in self._away:
                            raise Unavailable("server.unreachable")
                        if held >= HELD:
                            return None
                        published = await self._download(session, post)
                        held += len(published.rows)
                        return published
                    except GomaaError as e:
                        if e.code == "server.unreachable":
                            self._away[post.server] = now + AGAIN_S
                        return e

            got = await asyncio.gather(*map(one, posts))
        turn = self._host.ledger.last_turn(self._place) + 1
        with self._host.ledger.write():
            for post, result in zip(posts, got, strict=True):
                if isinstance(result, Published):
                    self._batch[post.server, post.epoch] = (post, result)
                elif result is not None:
                    self._tried[post.server, post.epoch] = now + AGAIN_S
                    self._host.ledger.set_post(self._place, post, result.code, turn)
        self._load()

    async def _download(self, session: aiohttp.ClientSession, post: Post) -> Published:
        url = await self._url(post.server)
        # Whoever registers a server chooses its address.
        if url is None or place_of_url(url) > standing_of_url(self._network.deployment.rpc):
            raise Unavailable("server.unreachable", server=to_hex(post.server))
        return await fetch(session, url, post.server, post.epoch, post.data)

    async def _url(self, server: bytes) -> str | None:
        entry = await self._network.registry.server(server)
        return entry.url if entry is not None else self._host.ledger.server_url(server, self._place.chain_id)

    def _span(self) -> range:
        """Days that the batch can be about."""
        spans = [recovery.days(self._network.deployment.schedule, epoch, self._begin_s) for _, epoch in self._batch]
        return range(min(span.start for span in spans), max(span.stop for span in spans)) if spans else range(0)

    def _load(self) -> None:
        """Take up what was derived for these days before, and let earlier days go."""
        span = self._span()
        if not span:
            return
        for place in [place for place in self._days if place[0] < span.start]:
            del self._days[place]
        for day, station, payees in self._host.ledger.candidate_days(self._place.wallet, span.start, span.stop - 1):
            self._days[day, station] = payees

    async def _wants(self) -> list[Day] | None:
        """Station days of the batch that the wallet has not derived yet; None: not all stations were asked about.

        A wallet has sessions only at stations that the registry lists, or has listed.
        """
        asked = {
            station: None
            for _, published in self._batch.values()
            for station in published.stations
            if station not in self._stations
        }
        some = list(asked)[:LOOKUPS]
        for at in range(0, len(some), AT_ONCE):
            await asyncio.gather(*map(self._station, some[at : at + AT_ONCE]))
        if len(asked) > len(some):
            return None
        wants: dict[Day, None] = {}
        schedule = self._network.deployment.schedule
        for (_, epoch), (_, published) in self._batch.items():
            days = recovery.days(schedule, epoch, self._begin_s)
            for station in published.stations:
                if self._stations[station] is None:
                    continue
                for day in days:
                    if (day, station) not in self._days:
                        wants[day, station] = None
                        if len(wants) == WANTS:
                            return list(wants)
        return list(wants)

    async def _match(self) -> None:
        """Find this wallet's payees in the batch, and write down what they earned."""
        if not self._batch:
            return
        ledger, place = self._host.ledger, self._place
        if self._known_at != ledger.payee_changes:
            self._known, self._known_at = ledger.payees_of(place.wallet, place.chain_id), ledger.payee_changes
        paid: set[bytes] = set()
        for _, published in self._batch.values():
            paid.update(payee for payee, _ in published.payees())
            await asyncio.sleep(0)
        # Known ones are looked for at any age: a payer may be later than any bound.
        mine = {
            payee: row
            for payee in paid & self._known
            if (row := ledger.payee(place.wallet, payee, place.chain_id)) is not None
        }
        for count, ((day, station), payees) in enumerate(self._days.items()):
            if count % YIELD == 0:
                await asyncio.sleep(0)
            for hour, payee in enumerate(_parts(payees)):
                if payee in paid and payee not in mine:
                    entry = await self._station(station)
                    name = "" if entry is None else entry.name
                    number = day * recovery.HOURS + hour
                    mine[payee] = PayeeRow(place.wallet, payee, place.chain_id, place.settlement, station, number, name)
        found: list[Found] = []
        for _, published in self._batch.values() if mine else ():
            found += [Found(published, mine[payee], amount) for payee, amount in published.payees() if payee in mine]
            await asyncio.sleep(0)
        for one in found:
            await self._station(one.payee.station)
        with ledger.write():
            ledger.add_payees(one.payee for one in found if one.payee.payee not in self._known)
            for one in found:
                ledger.add_leaf(self._receipt(one))
            for post, _ in self._batch.values():
                ledger.set_post(place, post, None)
            ledger.drop_candidates(place.wallet, self._span().start)
        self._found += len(found)
        self._batch.clear()
        await self._stand(found)
        # Made-up ones are not kept.
        self._stations = {station: entry for station, entry in self._stations.items() if entry is not None}

    async def _stand(self, found: list[Found]) -> None:
        """Write down what of it is final and what is collected: a summary looks at so much only one after the other."""
        rows = [
            row
            for one in found
            if (
                row := self._host.ledger.receipt(one.post.server, one.post.epoch, one.payee.payee, self._place.chain_id)
            )
        ]
        open_ = [row for row in rows if row.claimed is None]
        epochs = list({(row.server, row.epoch, row.chain_id) for row in open_ if not row.final})
        # What cannot be asked now the summary asks.
        with contextlib.suppress(GomaaError):
            for at in range(0, len(epochs), AT_ONCE):
                await earnings.settle(self._host, self._network, epochs[at : at + AT_ONCE])
            for at in range(0, len(open_), earnings.PART):
                await earnings.look_at(self._host, self._network, open_[at : at + earnings.PART])

    def _receipt(self, one: Found) -> ReceiptRow:
        place, entry = self._place, self._stations[one.payee.station]
        return ReceiptRow(
            server=one.post.server,
            epoch=one.post.epoch,
            payee=one.payee.payee,
            chain_id=place.chain_id,
            settlement=place.settlement,
            amount=one.amount,
            signed=UNSIGNED,
            detail=UNSIGNED,
            content=b"",
            station="" if entry is None else entry.domain,
        )

    async def _station(self, station: bytes) -> StationEntry | None:
        """What the registry says of a station, also of one that is removed."""
        if station not in self._stations:
            self._stations[station] = await self._network.registry.station(station)
        return self._stations[station]

    async def _told(self, wants: list[Day]) -> dict[str, Any]:
        ledger, place = self._host.ledger, self._place
        left = ledger.left(place)
        known = ledger.scan(place)
        counts = Counter({server: count for server, count, _ in left})
        now = time.monotonic()
        ahead = ledger.posts(place, 1, [server for server, until in self._away.items() if until > now])
        more = (
            bool(self._batch)
            or not self._listed_all
            or any(self._tried.get((post.server, post.epoch), 0.0) <= now for post in ahead)
        )
        return {
            "listed": 0 if known is None else known[1],
            "left": counts.total(),
            "found": self._found,
            "wants": [{"station": to_hex(station), "day": day} for day, station in wants],
            "more": more,
            "away": [
                {"server": to_hex(server), "url": await self._url(server), "epochs": count, "code": code}
                for server, count, code in left
                if code is not None
            ],
        }
