"""A complete environment of the security server: chain, server, station, artist and fan."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from chain.anvil import Anvil
from chain.client import Chain
from chain.contracts.content import Content
from chain.contracts.registry import Registry
from chain.contracts.settlement import Settlement
from chain.contracts.token import Token
from chain.deploy import deploy
from chain.deployment import Deployment
from pywallet.crypto import address_of, keccak256
from pywallet.crypto import sign as sign_digest
from pywallet.encoding.hex import ZERO_ADDRESS, to_hex
from pywallet.errors import GomaaError
from pywallet.policy import Policy
from pywallet.protocol import (
    Session,
    Signed,
    Statement,
    StatementLine,
    Ticket,
    Voucher,
    digest,
    receipts_digest,
    sign,
    statement_digest,
    statement_lines_hash,
)
from pywallet.settlement import Schedule
from security_server.api.app import (
    CHALLENGE_RESPONDER,
    CLOSING,
    MOVES,
    PARTS,
    create_app,
)
from security_server.config import Config, Keys
from security_server.content.moves import Moves
from security_server.epochs.challenge_responder import ChallengeResponder
from security_server.epochs.closing import EpochCloser
from security_server.parts import ServerParts
from tests.integration.server_client import HostClient
from tests.integration.server_songs import Upload, make_song, terms

SCHEDULE = Schedule(60, 5, 15, 15, 3_600, 70)
BPS = 500
TOKENS = 10**18


def private_key(name: str) -> bytes:
    """Return a fresh private key."""
    return keccak256(name.encode())


@dataclass
class World:
    """Everything that a test needs. Keys are 32 bytes; ``url`` is the server's."""

    anvil: Anvil
    chain: Chain
    deployment: Deployment
    keys: Keys
    folder: Path
    http: aiohttp.ClientSession
    url: str = ""
    parts: ServerParts | None = None
    closing: EpochCloser | None = None
    answering: ChallengeResponder | None = None
    moves: Moves | None = None
    numbers: list[int] = field(default_factory=list)

    @property
    def platform_key(self) -> bytes:
        """Key of the account that owns the supply and the registry."""
        return self.anvil.keys[0]

    @property
    def station_key(self) -> bytes:
        """The station's."""
        return self.anvil.keys[2]

    @property
    def owner_key(self) -> bytes:
        """The artist's."""
        return self.anvil.keys[3]

    @property
    def station(self) -> bytes:
        """The station's address."""
        return address_of(self.station_key)

    @property
    def settlement(self) -> Settlement:
        """The settlement contract."""
        return Settlement(self.chain, self.deployment)

    @property
    def token(self) -> Token:
        """The token contract."""
        return Token(self.chain, self.deployment)

    def config(self, **changes: Any) -> Config:
        """Return the server's configuration; nothing closes by itself unless a test requires it."""
        values: dict[str, Any] = {
            "deployment": self.folder / "deployment.json",
            "keys": self.folder / "keys.json",
            "database": str(self.folder / "server.sqlite3"),
            "port": 0,
            "auto_close": False,
            "escrow_age_s": 0.001,
            "content_age_s": 0.5,
        }
        return Config(**{**values, **changes})

    async def prepare(self, escrow: int = 100 * TOKENS, bond: int = 100 * TOKENS) -> None:
        """Deploy, list server and station, bond, deposit."""
        self.deployment.save(self.folder / "deployment.json")
        self.keys.save(self.folder / "keys.json")
        registry, key = Registry(self.chain, self.deployment), self.platform_key
        await registry.add_station(key, self.station, "radio.example", "Radio Example")
        await registry.add_server(key, self.keys.address, "http://127.0.0.1:1", self.keys.exchange_public)
        await self.chain.send(key, address_of(self.keys.relayer), b"", TOKENS)
        await self.token.approve(key, self.deployment.settlement, 10**30)
        await self.settlement.bond(key, self.keys.address, bond)
        if escrow:
            await self.settlement.deposit(key, self.keys.address, self.station, escrow)

    async def publish(self, policy: Policy | None = None, name: str = "song") -> Upload:
        """Publish a content: on the chain, licensed to the station, its key at the server."""
        policy = policy or terms()
        registry, salt = Registry(self.chain, self.deployment), keccak256(name.encode())
        content = registry.predict(address_of(self.owner_key), salt)
        price = policy.price
        await registry.create_content(
            self.owner_key, policy.hash, price.owner, price.interval_s, self.keys.address, False, salt
        )
        await Content(self.chain, content).license(self.owner_key, self.station)
        song = make_song(
            content, self.owner_key, self.keys.address, self.keys.exchange_public, self.deployment.chain_id, policy
        )
        await self.call("PUT", f"/v1/contents/{to_hex(content)}", song.body(self.owner_key, self.keys.exchange_public))
        return song

    async def call(self, method: str, path: str, body: Any = None, **options: Any) -> dict[str, Any]:
        """Send one HTTP request; an error is raised as GomaaError."""
        async with self.http.request(method, self.url + path, json=body, **options) as response:
            answer: dict[str, Any] = await response.json()
        if "error" in answer:
            raise GomaaError(answer["error"]["code"], status=response.status)
        return answer

    async def now_ms(self) -> int:
        """The chain's time."""
        return (await self.chain.block()).timestamp * 1000

    async def travel(self, seconds: int) -> int:
        """Advance the chain's clock and wait until the server has it; return the new time in ms."""
        await self.chain.request("evm_setNextBlockTimestamp", await self.now_ms() // 1000 + seconds)
        await self.chain.request("evm_mine")
        now_ms = await self.now_ms()
        while self.parts is not None and await self.parts.chain.now_ms() < now_ms:
            await self.parts.chain.lane()
        return now_ms

    async def to_epoch(self, epoch: int) -> int:
        """Advance to just after an epoch's beginning."""
        target = epoch * SCHEDULE.length + 1
        now_s = await self.now_ms() // 1000
        return await self.travel(max(1, target - now_s))

    def session(
        self, device: bytes, now_s: int, listener: str = "listener", payee: bytes | None = None, **changes: Any
    ) -> Signed[Session]:
        """A session signed by the listener's key."""
        key = private_key(listener)
        values = {
            "station": self.station,
            "listener": address_of(key),
            "device": device,
            "payee": address_of(private_key(listener + " payee")) if payee is None else payee,
            "not_before": now_s - 5,
            "not_after": now_s + 7 * 86_400,
        }
        return sign(Session(**{**values, **changes}), self.deployment.domain, key)

    def ticket(
        self, song: Upload, session: Signed[Session], now_s: int, key: bytes | None = None, **changes: Any
    ) -> Signed[Ticket]:
        """A ticket signed by the station, with the next number."""
        self.numbers.append(len(self.numbers) + 1)
        price = song.policy.price
        values: dict[str, Any] = {
            "server": self.keys.address,
            "station": self.station,
            "content": song.content,
            "session": digest(session.message, self.deployment.domain),
            "number": self.numbers[-1],
            "price": price.owner,
            "reward": 0 if session.message.payee == ZERO_ADDRESS else price.reward,
            "bps": BPS,
            "expiry": now_s + 3_600,
        }
        return sign(Ticket(**{**values, **changes}), self.deployment.domain, key or self.station_key)

    def host(self, name: str = "device") -> HostClient:
        """Return a host that isn't connected yet."""
        return HostClient(self.url, self.keys.address, self.deployment.domain, private_key(name))

    async def asking(self, key: bytes) -> dict[str, Any]:
        """Sign a payer's request."""
        time_s = await self.now_ms() // 1000
        signature = to_hex(sign_digest(key, statement_digest(self.keys.address, time_s)))
        return {"payer": to_hex(address_of(key)), "time_s": time_s, "signature": signature}

    async def proof(self, key: bytes) -> dict[str, Any]:
        """Sign a payee's request."""
        time_s = await self.now_ms() // 1000
        signature = to_hex(sign_digest(key, receipts_digest(self.keys.address, address_of(key), time_s)))
        return {"payee": to_hex(address_of(key)), "time_s": time_s, "signature": signature}

    async def account(self, key: bytes | None = None) -> dict[str, Any]:
        """Return a payer's account (by default the station's) at the server."""
        return await self.call("POST", "/v1/accounts", await self.asking(key or self.station_key))

    async def statement(self) -> tuple[Statement, list[dict[str, Any]]]:
        """Request the station's statement, and check hash and signature."""
        answer = await self.call("POST", "/v1/statements", await self.asking(self.station_key))
        signed = Signed.from_json(Statement, answer["statement"])
        lines = [
            StatementLine(
                number=line["number"],
                content=bytes.fromhex(line["content"][2:]),
                session=bytes.fromhex(line["session"][2:]),
                intervals=line["intervals"],
                price=int(line["price"]),
                reward=int(line["reward"]),
            )
            for line in answer["lines"]
        ]
        assert signed.message.lines == statement_lines_hash(lines)
        return signed.message, answer["lines"]

    async def vouch(self, cap: int, epoch: int) -> int:
        """Sign the station's voucher; return the number of receipts that it releases."""
        message = Voucher(server=self.keys.address, payer=self.station, cap=cap, until=epoch + 1)
        voucher = sign(message, self.deployment.domain, self.station_key)
        asking = await self.asking(self.station_key)
        post = {"voucher": voucher.to_json(), "time_s": asking["time_s"], "signature": asking["signature"]}
        return int((await self.call("POST", "/v1/vouchers", post))["receipts"])

    @contextlib.asynccontextmanager
    async def server(self, **changes: Any) -> AsyncIterator[ServerParts]:
        """The server in this process, on a free port."""
        runner = web.AppRunner(await create_app(self.config(**changes)))
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            self.parts, self.closing, self.moves = runner.app[PARTS], runner.app[CLOSING], runner.app[MOVES]
            self.answering = runner.app[CHALLENGE_RESPONDER]
            yield self.parts
        finally:
            self.parts = None
            await runner.cleanup()


@contextlib.asynccontextmanager
async def make_world(
    folder: Path,
    escrow: int = 100 * TOKENS,
    bond: int = 100 * TOKENS,
    *,
    real_time: bool = False,
    schedule: Schedule = SCHEDULE,
) -> AsyncIterator[World]:
    """Deploy everything on a chain; the server is not started yet.

    Args:
        folder: Where the server keeps its files.
        escrow: The station's, wei.
        bond: The server's, wei.
        real_time: Chain and server run on this machine's clock, for programs in processes of their own. Otherwise a
            block is a second after the last one or where ``World.travel`` puts it, and no time passes between blocks.
        schedule: Of the epochs.
    """
    with Anvil() as anvil, pytest.MonkeyPatch.context() as patch:
        if not real_time:
            patch.setattr("chain.clock._monotonic_ms", lambda: 0)
            async with Chain.connect(anvil.rpc) as chain:
                await chain.request("anvil_setBlockTimestampInterval", 1)
        deployment = await deploy(anvil.rpc, anvil.keys[0], schedule, bps=BPS)
        keys = Keys.make(anvil.keys[1])
        async with Chain.connect(anvil.rpc) as chain, aiohttp.ClientSession() as http:
            made = World(anvil, chain, deployment, keys, folder, http)
            await made.prepare(escrow, bond)
            yield made


__all__ = ["BPS", "SCHEDULE", "TOKENS", "World", "make_world", "private_key"]
