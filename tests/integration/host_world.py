"""A song, a station, a listener and a host in this process; only the chain's facts are simulated."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec

from demo.waiting import TIMEOUT_S
from native_host.context import Services, open_services
from native_host.extension_events import Emit
from native_host.messaging.dispatcher import Dispatcher
from native_host.paths import Paths
from native_host.playback.content_check import Facts, Station
from pywallet.crypto import address_of, keccak256
from pywallet.crypto.key_wrap import generate_keypair, unwrap
from pywallet.encoding.hex import (
    ZERO_ADDRESS,
    from_b64,
    from_hex,
    to_b64,
    to_hex,
)
from pywallet.errors import GomaaError, Unavailable
from pywallet.policy import Count, OfflineLease, Policy, Price
from pywallet.protocol import (
    Domain,
    Session,
    Signed,
    Ticket,
    digest,
    sign,
)
from pywallet.sps.header import Header, Rendition, Segment, ServerRef
from pywallet.sps.segments import segment_aad, segment_key
from pywallet.sps.signed_header import sign_header
from tests.host_messages import check_event, check_result, part_of
from tests.integration.host_server import StandIn

CHAIN_ID = 31337
START_S = 1_800_000_000
CONTENT = keccak256(b"content")[:20]
OWNER, STATION, LISTENER, SERVER = (keccak256(name) for name in (b"owner", b"station", b"listener", b"server"))
PAYEE = keccak256(b"payee")[:20]
DOMAIN = Domain(CHAIN_ID, keccak256(b"settlement")[:20])
POLICY = Policy(
    ("play", "seek"), Price(30, 20, 10), {"play": Count(3), "seek": Count(4)}, lease=OfflineLease(60, 600, 100)
)


def header(server: StandIn, policy: Policy = POLICY, segments: int = 90, seconds: int = 2) -> Header:
    """A header of a song of ``segments`` segments of ``seconds`` at 1000 samples a second."""
    parts = tuple(Segment(100 + i, 1000 * seconds, keccak256(bytes([i % 256]))) for i in range(segments))
    rendition = Rendition(
        0,
        "flac",
        'audio/mp4; codecs="flac"',
        1000,
        2,
        16,
        1000 * seconds * segments,
        1000 * seconds,
        50,
        bytes(32),
        parts,
    )
    reference = ServerRef(server.url, server.address, bytes(32))
    return Header(
        CHAIN_ID, CONTENT, address_of(OWNER), "Slow Tide", "The Lamps", policy.to_dict(), (rendition,), reference
    )


class Chain:
    """The chain as a host's Network sees it; ``down`` makes every read fail."""

    def __init__(self, server: StandIn) -> None:
        self.server = server
        self.now = START_S * 1000
        self.down = False
        self.skew_ms = 0
        """How far this computer's clock is off."""
        self.facts = Facts(
            Station(address_of(STATION), "Radio", "radio.example"), True, False, False, server.address, server.url
        )
        self.domain = DOMAIN
        self.deployment = SimpleNamespace(
            chain_id=CHAIN_ID,
            settlement=DOMAIN.settlement,
            token=bytes(20),
            registry=bytes(20),
            schedule=SimpleNamespace(length=3600),
        )
        self.watched: set[bytes] = set()

    async def ready(self) -> None:
        """Return whether it is connected."""
        if self.down:
            raise Unavailable("chain.unreachable")

    def now_ms(self) -> int:
        """Chain time, advanced by tests."""
        return self.now

    def chain_ms(self) -> int:
        """The same: this chain is connected from the start."""
        return self.now

    def watch(self, content: bytes) -> None:
        """Watch a content."""
        self.watched.add(content)

    def unwatch(self, content: bytes) -> None:
        """Stop watching a content."""
        self.watched.discard(content)

    def forget(self, content: bytes) -> None:
        """Nothing is remembered."""

    async def close(self) -> None:
        """Close nothing."""


@dataclass
class World:
    """One host and its browser."""

    server: StandIn
    chain: Chain
    service: Dispatcher
    host: Services
    renderer: tuple[bytes, bytes] = field(default_factory=generate_keypair)
    replies: dict[int, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)
    events: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    number: int = 0
    tickets: int = 0

    def received(self, frame: bytes) -> None:
        """Decode what the host wrote."""
        message = msgspec.json.decode(frame[4:])
        assert struct.unpack("=I", frame[:4])[0] == len(frame) - 4
        if "event" in message:
            self.events.put_nowait(check_event(message))
        else:
            self.replies[message["id"]].set_result(message)

    async def ask(self, op: str, **fields: Any) -> Any:
        """Send a request as the browser does. Raises the host's error."""
        self.number += 1
        number = self.number
        self.replies[number] = asyncio.get_running_loop().create_future()
        await self.service.handle(msgspec.json.encode({"id": number, "op": op, **fields}))
        reply = await asyncio.wait_for(self.replies.pop(number), TIMEOUT_S)
        if not reply["ok"]:
            raise GomaaError(reply["error"]["code"], **reply["error"]["detail"])
        return check_result(op, reply["result"])

    async def event(self, kind: str) -> dict[str, Any]:
        """Return the next event of a kind; others are skipped."""
        while True:
            event = await asyncio.wait_for(self.events.get(), TIMEOUT_S)
            if event["event"] == kind:
                return event

    async def open(
        self, stream: str = "s", policy: Policy = POLICY, cose: bytes | None = None, **browser: Any
    ) -> dict[str, Any]:
        """Open the song; ``browser``: what it decodes."""
        cose = sign_header(header(self.server, policy), OWNER) if cose is None else cose
        key = to_b64(self.renderer[1])
        result = await self.ask(
            "open", stream=stream, header=to_b64(cose), origin="https://radio.example", key=key, **browser
        )
        return dict(result)

    def session(self, **changes: Any) -> Signed[Session]:
        """Sign a wallet's session for this device."""
        values = {
            "station": address_of(STATION),
            "listener": address_of(LISTENER),
            "device": self.host.device.address(self.chain.facts.server, address_of(STATION)),
            "payee": PAYEE,
            "not_before": START_S - 10,
            "not_after": START_S + 86_400,
        }
        return sign(Session(**(values | changes)), DOMAIN, LISTENER)

    def ticket(self, holder: Signed[Session], key: bytes = STATION, **changes: Any) -> Signed[Ticket]:
        """Sign the station's next ticket."""
        self.tickets += 1
        values = {
            "server": self.server.address,
            "station": address_of(STATION),
            "content": CONTENT,
            "session": digest(holder.message, DOMAIN),
            "number": self.tickets,
            "price": 20,
            "reward": 10 if holder.message.payee != ZERO_ADDRESS else 0,
            "bps": 500,
            "expiry": START_S + 3_600,
        }
        return sign(Ticket(**(values | changes)), DOMAIN, key)

    async def prepared(self, stream: str = "s", policy: Policy = POLICY) -> Signed[Session]:
        """Open, identify and prepare."""
        await self.open(stream, policy)
        session = self.session()
        await self.identify(session.to_json(), stream=stream)
        await self.prepare(self.ticket(session).to_json(), stream=stream)
        return session

    async def identify(self, session: Any, stream: str = "s") -> Any:
        """Bind a session, as JSON; None: the host's own. Raises the refusal."""
        return part_of((await self.ask("prepare", stream=stream, session=session))["session"])

    async def prepare(self, ticket: Any, stream: str = "s", **fields: Any) -> Any:
        """Open a ticket, as JSON. Raises the refusal."""
        return part_of((await self.ask("prepare", stream=stream, ticket=ticket, **fields))["ticket"])

    async def invoke(
        self, action: str, position_ms: int = 0, segment: int | None = None, count: int = 0, stream: str = "s"
    ) -> Any:
        """Send one invocation."""
        return await self.ask(
            "invoke", stream=stream, action=action, position_ms=position_ms, segment=segment, count=count
        )

    def keys(self, grant: dict[str, Any]) -> dict[int, bytes]:
        """Return a grant's keys as the renderer gets them."""
        ephemeral = from_b64(grant["ephemeral"])
        return {
            index: unwrap(self.renderer[0], ephemeral, from_b64(wrapped), segment_aad(CONTENT, 0, 0, index))
            for index, wrapped in grant["keys"]
        }

    def good(self, grant: dict[str, Any], indexes: range) -> bool:
        """Return whether a grant opens exactly these segments."""
        return self.keys(grant) == {index: segment_key(self.server.content_key, 0, index) for index in indexes}

    def states(self) -> list[tuple[int, str, str, str | None]]:
        """Return the ledger's invocations: sequence, action, state, code."""
        return self.host.ledger._rows("SELECT sequence, action, state, code FROM invocations ORDER BY sequence")

    def refused(self) -> list[str]:
        """The codes of the ledger's refusals, oldest first."""
        return [row["code"] for row in reversed(self.host.ledger.refusals(100))]

    async def reported(self) -> None:
        """Report everything to the server."""
        await self.host.reporters.flush()


def device(world: World) -> str:
    """The device as text."""
    return to_hex(world.host.device.address(world.server.address, address_of(STATION)))


@asynccontextmanager
async def world(tmp_path: Path, server: StandIn, monkeypatch: Any) -> AsyncIterator[World]:
    """A host after its hello, beside a simulated chain."""
    chain = Chain(server)
    made: list[Services] = []

    async def look(network: Chain, header: Header, origin: str) -> Facts:
        return network.facts

    def make(emit: Emit) -> Services:
        host = open_services(Paths(tmp_path / "data", tmp_path / "config"), emit, {})
        host.networks.add(chain)  # type: ignore[arg-type]
        made.append(host)
        return host

    monkeypatch.setattr("native_host.operations.open.check_content", look)
    monkeypatch.setattr("native_host.operations.prepare.check_content", look)
    monkeypatch.setattr("native_host.remote.clock.system_ms", lambda: chain.now + chain.skew_ms)
    one: World
    service = Dispatcher(lambda frame: one.received(frame), make)
    one = World(server, chain, service, None)  # type: ignore[arg-type]
    await one.ask("hello", protocol=1)
    one.host = made[0]
    server.now_s = START_S
    try:
        yield one
    finally:
        await service.close()


__all__ = ["World", "from_hex", "header", "world"]
