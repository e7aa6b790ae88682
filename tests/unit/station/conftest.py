"""A station on a shelf of real SPS headers, with a chain and a security server that say what a test tells them."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from pywallet import crypto
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import GomaaError, Unavailable
from pywallet.policy import Policy
from pywallet.protocol import (
    Domain,
    Session,
    Signed,
    Statement,
    StatementLine,
    Ticket,
    Voucher,
    digest,
    require_signer,
    sign,
    statement_lines_hash,
)
from pywallet.settlement import Schedule, gross
from pywallet.sps.container import MAGIC
from pywallet.sps.header import Header, Rendition, Segment, ServerRef
from pywallet.sps.signed_header import sign_header
from station.api.app import STATION, create_app
from station.chain_interface import Account, ContentFacts, ContentServers, Post
from station.config import StationConfig
from station.context import Station

WEI = 10**18
NOW_S = 1_800_000_000
POLICY = {
    "permissions": ["play", "pause", "seek"],
    "counts": {"play": {"limit": 5}},
    "price": {"interval_s": 30, "owner": WEI // 125, "reward": WEI // 500},
}
DOMAIN = Domain(31337, b"\x5e" * 20)
STATION_KEY, SERVER_KEY, OWNER_KEY, LISTENER_KEY, DEVICE_KEY = (bytes([n]) * 32 for n in range(1, 6))
STATION_ADDRESS, SERVER, OWNER, LISTENER, DEVICE = map(
    crypto.address_of, (STATION_KEY, SERVER_KEY, OWNER_KEY, LISTENER_KEY, DEVICE_KEY)
)
PAYEE = b"\xaa" * 20


class FakeChain:
    """A chain that says what the test set; ``down`` makes it silent."""

    def __init__(self) -> None:
        self.domain = DOMAIN
        self.schedule = Schedule(length=60, grace=5, window=15, answer=15, late=3600, delay=70)
        self.now = NOW_S * 1000
        self.bps = 250
        self.escrow = 100 * WEI
        self.requested = 0
        self.spent = 0
        self.contents: dict[bytes, ContentFacts] = {}
        self.urls: dict[bytes, str] = {}
        self.down = False
        self.moving: dict[bytes, ContentServers] = {}
        self.accounts: dict[bytes, Account] = {}
        self.right_ends_s = 0
        self.closed = False
        self.posts: dict[tuple[bytes, int], Post] = {}

    def _answer(self, value: Any) -> Any:
        if self.down:
            raise Unavailable("chain.unreachable")
        return value

    async def now_ms(self) -> int:
        return self._answer(self.now)

    async def content(self, content: bytes, station: bytes) -> ContentFacts | None:
        assert station == STATION_ADDRESS
        return self._answer(self.contents.get(content))

    async def servers_of(self, content: bytes, epoch: int) -> ContentServers:
        """Where the test has it, and nothing moves unless ``moving`` says so."""
        here = self.contents[content].server if content in self.contents else SERVER
        return self._answer(self.moving.get(content, ContentServers(here, here)))

    async def right_until(self, content: bytes, station: bytes, until_s: int) -> int:
        """The right's end, if it comes before."""
        return min(until_s, self.right_ends_s) if self.right_ends_s else until_s

    async def account(self, server: bytes, station: bytes) -> Account:
        assert station == STATION_ADDRESS
        return self._answer(self.accounts.get(server, Account(self.spent, self.escrow, self.requested)))

    async def rate(self, epoch: int) -> int:
        return self._answer(self.bps)

    async def server_url(self, server: bytes) -> str | None:
        return self._answer(self.urls.get(server))

    async def last_posted(self, server: bytes) -> int | None:
        return self._answer(max((epoch for by, epoch in self.posts if by == server), default=None))

    async def post(self, server: bytes, epoch: int) -> Post | None:
        return self._answer(self.posts.get((server, epoch)))

    async def close(self) -> None:
        self.closed = True


@dataclass
class FakeServer:
    """The security server's HTTP as a station meets it. It keeps honest books unless ``lie`` changes what it says."""

    intervals: dict[int, tuple[Ticket, int]] = field(default_factory=dict)
    covered: dict[int, int] = field(default_factory=dict)
    cap: int = 0
    epoch: int = NOW_S // 60
    usable: int = 100 * WEI
    asked: int = 0
    vouchers: list[Voucher] = field(default_factory=list)
    lie: Callable[[Statement, list[StatementLine]], tuple[Statement, list[StatementLine]]] | None = None
    key: bytes = SERVER_KEY
    status: int = 200
    lose_vouchers: bool = False
    data: dict[int, bytes] = field(default_factory=dict)
    data_asked: list[int] = field(default_factory=list)

    def heard(self, ticket: Ticket, intervals: int) -> None:
        """So many intervals were heard under this ticket so far."""
        self.intervals[ticket.number] = (ticket, intervals)

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/v1/accounts", self._account)
        app.router.add_post("/v1/statements", self._statement)
        app.router.add_post("/v1/vouchers", self._voucher)
        app.router.add_get("/v1/epochs/{epoch}/data", self._data)
        return app

    async def _data(self, request: web.Request) -> web.Response:
        epoch = int(request.match_info["epoch"])
        self.data_asked.append(epoch)
        return web.Response(body=self.data[epoch]) if epoch in self.data else web.Response(status=404)

    def _problem(self) -> web.Response | None:
        if self.status == 200:
            return None
        return web.json_response({"error": GomaaError("internal").to_json()}, status=self.status)

    async def _account(self, request: web.Request) -> web.Response:
        self._asked(await request.json(), STATION_ADDRESS)
        names = ("escrow_wei", "requested_wei", "unposted_wei", "unvouchered_wei")
        return self._problem() or web.json_response({**dict.fromkeys(names, "0"), "usable_wei": str(self.usable)})

    def _asked(self, value: dict[str, Any], payer: bytes) -> None:
        """The station has signed what it asks for."""
        asked = crypto.keccak256(b"gomaa/1 statement" + SERVER + int(value["time_s"]).to_bytes(8, "big"))
        assert crypto.recover(asked, from_hex(value["signature"], 65)) == payer == STATION_ADDRESS

    async def _statement(self, request: web.Request) -> web.Response:
        if problem := self._problem():
            return problem
        self.asked += 1
        value = await request.json()
        self._asked(value, from_hex(value["payer"], 20))
        lines = [
            StatementLine(number, ticket.content, ticket.session, count, ticket.price, ticket.reward)
            for number, (ticket, count) in sorted(self.intervals.items())
            if count > self.covered.get(number, 0)
        ]
        new = sum((line.intervals - self.covered.get(line.number, 0)) * (line.price + line.reward) for line in lines)
        statement = Statement(
            SERVER, STATION_ADDRESS, self.epoch, self.cap + gross(new, 250), statement_lines_hash(lines)
        )
        if self.lie is not None:
            statement, lines = self.lie(statement, lines)
        shown = [
            {
                "number": line.number,
                "content": to_hex(line.content),
                "session": to_hex(line.session),
                "intervals": line.intervals,
                "price": str(line.price),
                "reward": str(line.reward),
            }
            for line in lines
        ]
        return web.json_response({"statement": sign(statement, DOMAIN, self.key).to_json(), "lines": shown})

    async def _voucher(self, request: web.Request) -> web.Response:
        if problem := self._problem():
            return problem
        if self.lose_vouchers:
            return web.json_response({"error": GomaaError("internal").to_json()}, status=500)
        value = await request.json()
        self._asked(value, STATION_ADDRESS)
        voucher = Signed.from_json(Voucher, value["voucher"])
        require_signer(voucher, DOMAIN, STATION_ADDRESS, "voucher.signature")
        self.vouchers.append(voucher.message)
        self.cap = voucher.message.cap
        self.covered = {number: count for number, (_, count) in self.intervals.items()}
        return web.json_response({"receipts": len(self.covered)})


@dataclass
class World:
    """One test's station: ``client`` speaks HTTP to it."""

    client: TestClient[Any, Any]
    chain: FakeChain
    server: FakeServer
    config: StationConfig
    songs: dict[str, bytes]
    """Content address by name."""

    @property
    def station(self) -> Station:
        return self.client.app[STATION]

    def session(self, key: bytes = LISTENER_KEY, **changes: Any) -> Signed[Session]:
        """A session as a listener's wallet signs it."""
        session = Session(STATION_ADDRESS, LISTENER, DEVICE, PAYEE, NOW_S - 60, NOW_S + 7 * 86_400)
        return sign(replace(session, **changes), DOMAIN, key)

    async def ask(
        self, name: str = "slow-tide", session: Signed[Session] | None = None, **fields: Any
    ) -> tuple[int, dict[str, Any]]:
        """POST for a ticket: status and JSON."""
        value = {
            "session": (session or self.session()).to_json(),
            "content": to_hex(self.songs.get(name, bytes(20))),
            **fields,
        }
        async with self.client.post("/gomaa/tickets", json=value) as response:
            assert response.headers["Cache-Control"] == "no-store"
            return response.status, await response.json()

    async def ticket(self, name: str = "slow-tide", session: Signed[Session] | None = None) -> Ticket:
        """A ticket that must be given."""
        status, value = await self.ask(name, session)
        assert status == 200, value
        signed = Signed.from_json(Ticket, value["ticket"])
        require_signer(signed, DOMAIN, STATION_ADDRESS, "ticket.signature")
        return signed.message

    async def refusal(
        self, name: str = "slow-tide", session: Signed[Session] | None = None, **fields: Any
    ) -> tuple[int, str]:
        """Status and code of a refusal."""
        status, value = await self.ask(name, session, **fields)
        assert status >= 400, value
        assert set(value["error"]) == {"code", "message", "detail"}
        return status, value["error"]["code"]

    def session_id(self) -> bytes:
        return digest(self.session().message, DOMAIN)


@pytest.fixture
async def world(tmp_path: Path, write_song: Callable[..., bytes]) -> AsyncIterator[World]:
    """A station with two songs, an honest server and a chain with escrow. Its background rounds are an hour apart."""
    shelf = tmp_path / "songs"
    shelf.mkdir()
    songs = {
        "slow-tide": write_song(shelf / "slow-tide.sps", title="Slow Tide Home", artist="Saltwick Lanterns", seed=1)
    }
    songs["letters"] = write_song(
        shelf / "letters.sps", title="Letters <for> the & Lighthouse", artist="Ottilie Wrenfield", seed=2
    )
    (tmp_path / "station.key").write_text(to_hex(STATION_KEY) + "\n")
    (tmp_path / "admin.token").write_text("operator\n")
    chain, server = FakeChain(), FakeServer()
    policy = Policy.from_dict(POLICY)
    for content in songs.values():
        chain.contents[content] = ContentFacts(OWNER, policy.hash, policy.price.owner, SERVER, False, False, True)
    async with TestServer(server.app()) as serving:
        chain.urls[SERVER] = str(serving.make_url("")).rstrip("/")
        config = StationConfig(
            domain="127.0.0.1:8080",
            name="Harbour Radio",
            key_file=tmp_path / "station.key",
            deployment_file=tmp_path / "deployment.json",
            catalogue=shelf,
            database=str(tmp_path / "station.sqlite3"),
            admin_token_file=tmp_path / "admin.token",
            statement_seconds=3600,
        )
        async with TestClient(TestServer(create_app(config, chain))) as client:
            yield World(client, chain, server, config, songs)


@pytest.fixture
def write_song() -> Callable[..., bytes]:
    """Writes an SPS file with a real signed header and bytes in place of sound; returns its content address."""

    def write(path: Path, *, title: str, artist: str, seed: int, policy: Any = None, **more: Any) -> bytes:
        content = bytes([seed]) * 20
        sealed = [bytes([seed, n]) * 500 for n in range(100)]
        init = b"init" * 100
        segments = tuple(Segment(len(data), 96_000, hashlib.sha256(data).digest()) for data in sealed)
        rendition = Rendition(
            id=1,
            codec="flac",
            mime='audio/mp4; codecs="flac"',
            rate=48_000,
            channels=2,
            bits=24,
            samples=9_600_000,
            segment_samples=96_000,
            init_size=len(init),
            init_sha256=hashlib.sha256(init).digest(),
            segments=segments,
        )
        header = Header(
            chain=DOMAIN.chain_id,
            content=content,
            owner=OWNER,
            title=title,
            artist=artist,
            policy=Policy.from_dict(policy or POLICY).to_dict(),
            renditions=(rendition,),
            server=ServerRef("http://127.0.0.1:9", SERVER, bytes(32)),
            waveform=bytes(range(0, 250, 2)),
            **more,
        )
        cose = sign_header(header, OWNER_KEY)
        path.write_bytes(MAGIC + len(cose).to_bytes(4, "big") + cose + init + b"".join(sealed))
        return content

    return write
