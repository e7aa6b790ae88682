"""A real security server and a real station in one process, under a clock that only a test moves.

Chain and HTTP are left out: the chain's answers are constants, and the station's requests go straight to the server's
operations. Signatures, decisions, keys, statements, vouchers and both databases are the product's own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import msgspec
from sqlalchemy import select

from chain.contracts.content import ContentState
from chain.contracts.settlement import ServerState
from messages.server_contents import HandoverRequest, HandoverResult
from messages.server_http import AccountRequest, StatementRequest, VoucherPost
from pywallet.crypto import address_of, keccak256
from pywallet.encoding.hex import to_hex
from pywallet.errors import Refusal, Unavailable
from pywallet.policy import Policy
from pywallet.protocol import Domain
from pywallet.rewards.caps import TokenCap
from pywallet.settlement import Schedule
from pywallet.sps.container import MAGIC
from pywallet.sps.header import Header, Rendition, Segment, ServerRef
from pywallet.sps.signed_header import sign_header
from security_server.api.requests import body
from security_server.billing.billing import Billing
from security_server.chain.money import Money
from security_server.config import Config, Keys
from security_server.content.contents import ContentStore, song_of
from security_server.db.tables import tickets, usages
from security_server.db.writer import Store
from security_server.epochs.chain_agreement import ChainAgreement
from security_server.host_connections import HostConnections
from security_server.parts import ServerParts
from security_server.playback.admission import Admission
from security_server.playback.key_service import KeyService
from station.chain_interface import Account, ContentFacts, ContentServers, Post
from station.config import StationConfig
from station.context import Station
from station.payments.server_client import Servers
from station.rewards.loyalty import RewardSettings
from tests.unit.security_server import services

INTERVAL_S: Final = 5
SEGMENT_MS: Final = 2_000
SONG_MS: Final = 240_000
BUFFER_MS: Final = 60_000
BPS: Final = 500
START_MS: Final = 20_000 * 86_400_000
"""A midnight: the day of a cap does not end while bots are at work."""
STATION_KEY, SERVER_KEY, OWNER_KEY = (keccak256(name) for name in (b"farm station", b"farm server", b"farm owner"))
STATION, SERVER, OWNER = map(address_of, (STATION_KEY, SERVER_KEY, OWNER_KEY))
DOMAIN: Final = Domain(31337, b"\x5e" * 20)
SCHEDULE: Final = Schedule(3_600, 60, 600, 600, 86_400, 4_000)
RICH: Final = 10**30
PRICE: Final = {"interval_s": INTERVAL_S, "owner": 700, "reward": 300}

TERMS: Final[Mapping[str, Mapping[str, Any]]] = {
    "plain": {"permissions": ["play", "seek", "forward", "rewind"]},
    "rated": {"permissions": ["play", "seek", "rate"]},
    "together": {"permissions": ["play", "seek"], "concurrent": 4},
    "leased": {"permissions": ["play", "seek"], "lease": {"window_s": 30, "seconds": 600, "invocations": 50}},
    "counted": {"permissions": ["play", "seek"], "counts": {"seek": {"limit": 3}, "play": {"limit": 40}}},
    "preview": {"permissions": ["play", "seek", "preview"], "preview_s": 30},
}
"""Songs by name: what a band may allow."""


@dataclass
class Clock:
    """The chain's time, Unix milliseconds."""

    ms: int = START_MS


class ServerChain:
    """The chain as the security server reads it."""

    def __init__(self, clock: Clock, songs: Mapping[bytes, Policy]) -> None:
        self._clock, self._songs, self.revoked = clock, songs, set[bytes]()

    async def now_ms(self) -> int:
        return self._clock.ms

    async def content(self, content: bytes, fresh: bool = False) -> ContentState:
        policy = self._songs.get(content)
        if policy is None:
            raise Refusal("content.unknown")
        revoked = content in self.revoked
        return ContentState(
            OWNER, policy.hash, policy.price.owner, policy.price.interval_s, SERVER, revoked, False, True
        )

    async def read_ahead(self, content: bytes, station: bytes, epoch: int) -> None:
        """Every fact is at hand."""

    async def licensed(self, content: bytes, station: bytes) -> bool:
        return True

    async def station_domain(self, station: bytes) -> str | None:
        return "radio.example" if station == STATION else None

    async def rate(self, epoch: int) -> int:
        return BPS

    async def owner_at(self, content: bytes, epoch: int) -> bytes:
        return OWNER

    async def server_at(self, content: bytes, epoch: int, fresh: bool = False) -> bytes:
        return SERVER

    async def money(self, payer: bytes, fresh: bool = False) -> Money:
        return Money(RICH, 0, 0, BPS)

    async def lane(self, fresh: bool = False) -> ServerState:
        return ServerState(RICH, None, None)


class StationChain:
    """The chain as the station reads it."""

    domain, schedule = DOMAIN, SCHEDULE

    def __init__(self, clock: Clock, songs: Mapping[bytes, Policy]) -> None:
        self._clock, self._songs = clock, songs

    async def now_ms(self) -> int:
        return self._clock.ms

    async def content(self, content: bytes, station: bytes) -> ContentFacts | None:
        policy = self._songs.get(content)
        return (
            None if policy is None else ContentFacts(OWNER, policy.hash, policy.price.owner, SERVER, False, False, True)
        )

    async def servers_of(self, content: bytes, epoch: int) -> ContentServers:
        return ContentServers(SERVER, SERVER)

    async def right_until(self, content: bytes, station: bytes, until_s: int) -> int:
        return until_s

    async def account(self, server: bytes, station: bytes) -> Account:
        return Account(0, RICH, 0)

    async def rate(self, epoch: int) -> int:
        return BPS

    async def server_url(self, server: bytes) -> str | None:
        return "http://server"

    async def last_posted(self, server: bytes) -> int | None:
        return None

    async def post(self, server: bytes, epoch: int) -> Post | None:
        return None

    async def close(self) -> None:
        """Close nothing."""


def _json(result: Any) -> dict[str, Any]:
    value: dict[str, Any] = msgspec.to_builtins(result)
    return value


class DirectServers(Servers):
    """The station's client, which calls the server's operations without a network."""

    def __init__(self, books: Billing) -> None:
        self._books = books

    async def _json(self, method: str, url: str, value: Mapping[str, Any] | None = None) -> dict[str, Any]:
        raw = msgspec.json.encode(value)
        if url.endswith("/v1/statements"):
            return _json(await self._books.statement(body(StatementRequest, raw)))
        if url.endswith("/v1/vouchers"):
            return _json(await self._books.voucher(body(VoucherPost, raw)))
        return _json(await self._books.account(body(AccountRequest, raw)))


@dataclass
class FarmWorld:
    """Server and station. ``songs``: content address by the name of its terms."""

    clock: Clock
    parts: ServerParts
    admission: Admission
    playing: KeyService
    station: Station
    songs: dict[str, bytes]
    revoked: set[bytes]
    """Contents that their bands have taken back: add to it."""
    settled_ms: int = START_MS

    @classmethod
    async def make(cls, folder: Path, per_day: int | None = None) -> FarmWorld:
        """Create server and station. ``per_day``: the station's cap on one listener's tokens, wei; None: no cap."""
        clock, shelf = Clock(), folder / "songs"
        shelf.mkdir(parents=True)
        policies: dict[bytes, Policy] = {}
        keys = Keys.make(SERVER_KEY)
        config = Config(folder / "deployment.json", folder / "keys.json", buffer_s=BUFFER_MS // 1000)
        store = Store(f"sqlite:///{folder / 'server.sqlite3'}")
        chain = ServerChain(clock, policies)
        view = cast("Any", chain)
        agreement = ChainAgreement(store, view, SCHEDULE)
        await agreement.compare()
        parts = ServerParts(
            config,
            keys,
            keys.address,
            DOMAIN,
            SCHEDULE,
            store,
            view,
            ContentStore(store, keys.master),
            HostConnections(),
            agreement,
        )
        songs = {}
        for name, raw in TERMS.items():
            policy = Policy.from_dict({**raw, "price": PRICE})
            songs[name] = content = keccak256(b"farm " + name.encode())[:20]
            policies[content] = policy
            header, cose = _write(shelf / f"{name}.sps", content, policy)
            await parts.songs.save(cose, song_of(header), {0: keccak256(content)}, clock.ms)
        (folder / "station.key").write_text(to_hex(STATION_KEY) + "\n")
        given = StationConfig(
            domain="radio.example",
            name="Radio",
            key_file=folder / "station.key",
            deployment_file=folder / "deployment.json",
            catalogue=shelf,
            database=str(folder / "station.sqlite3"),
            rewards=RewardSettings(tokens=TokenCap(per_day)),
        )
        servers = DirectServers(services.billing(parts))
        station = Station.of(given, STATION_KEY, STATION, StationChain(clock, policies), servers)
        return cls(
            clock,
            parts,
            services.admission(parts, services.takeover(parts, _nobody)),
            services.key_service(parts),
            station,
            songs,
            chain.revoked,
        )

    async def settle(self) -> None:
        """Run one round of statement and voucher. Raises the error that makes a statement not payable."""
        self.settled_ms = self.clock.ms
        done = await self.station.bookkeeper.round(SERVER, "http://server")
        assert (done.aside, done.waiting) == (0, None)

    async def paid(self, listener: bytes) -> int:
        """Wei of rewards that the station's vouchers have paid for a listener's tickets; nothing may be due."""
        query = select(
            tickets.c.vouchered_intervals, tickets.c.unvouchered_intervals, tickets.c.reward, tickets.c.payee
        ).where(tickets.c.listener == listener)
        rows = await self.parts.store.run(lambda connection: connection.execute(query).all())
        assert not any(row.unvouchered_intervals for row in rows)
        return sum(row.vouchered_intervals * row.reward for row in rows)

    async def heard_ms(self, listener: bytes, content: bytes) -> tuple[list[int], int]:
        """Heard time of a content for a listener, paid or not, ticket by ticket, and the number of counted seeks."""
        sounded = select(tickets.c.sounded_ms).where(tickets.c.listener == listener, tickets.c.content == content)
        seeks = select(usages.c.seeks).where(usages.c.listener == listener, usages.c.content == content)
        one = await self.parts.store.run(lambda connection: connection.execute(sounded).scalars().all())
        other = await self.parts.store.run(lambda connection: connection.execute(seeks).scalar())
        return list(one), other or 0

    async def close(self) -> None:
        """Close databases and stop tasks."""
        await self.station.stop()
        self.parts.store.close()


async def _nobody(url: str, request: HandoverRequest) -> HandoverResult:
    """Return no address: there is no other server."""
    raise Unavailable("server.unreachable", url=url)


def _write(path: Path, content: bytes, policy: Policy) -> tuple[Header, bytes]:
    """Write a file with a signed header, and bytes in place of sound, to the station's shelf."""
    sealed = [content + bytes([n % 256]) * 80 for n in range(SONG_MS // SEGMENT_MS)]
    init = b"init" * 20
    rendition = Rendition(
        id=1,
        codec="flac",
        mime='audio/mp4; codecs="flac"',
        rate=48_000,
        channels=2,
        bits=16,
        samples=SONG_MS * 48,
        segment_samples=SEGMENT_MS * 48,
        init_size=len(init),
        init_sha256=hashlib.sha256(init).digest(),
        segments=tuple(Segment(len(data), SEGMENT_MS * 48, hashlib.sha256(data).digest()) for data in sealed),
    )
    server = ServerRef("http://server", SERVER, bytes(32))
    header = Header(
        chain=DOMAIN.chain_id,
        content=content,
        owner=OWNER,
        title=path.stem,
        artist="The Lamplighters",
        policy=policy.to_dict(),
        renditions=(rendition,),
        server=server,
    )
    cose = sign_header(header, OWNER_KEY)
    path.write_bytes(MAGIC + len(cose).to_bytes(4, "big") + cose + init + b"".join(sealed))
    return header, cose
