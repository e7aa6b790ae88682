"""A small security server for the host's tests.

Real keys and signatures, one song, counters in memory, faults on demand.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from pywallet.crypto import address_of, keccak256, recover
from pywallet.crypto.key_wrap import WrapKey
from pywallet.encoding.hex import (
    from_b64,
    from_hex,
    to_b64,
    to_hex,
)
from pywallet.errors import GomaaError, Refusal, Unavailable
from pywallet.protocol import (
    Action,
    Domain,
    Invocation,
    Receipt,
    Session,
    Signed,
    Ticket,
    digest,
    hello_digest,
    receipt_detail,
    sign,
    signer,
)
from pywallet.sps.segments import segment_aad, segment_key

LEASE_S = 600
CLOCK_MS = 120_000


@dataclass
class StandIn:
    """A security server with one content. ``refuse``: code by action; ``silent``: operations without a reply."""

    private_key: bytes
    domain: Domain
    content_key: bytes = bytes(range(32))
    budget: int = 100
    lease_s: int = LEASE_S
    now_s: int | None = None
    refuse: dict[str, str] = field(default_factory=dict)
    wait: dict[str, Any] | None = None
    """``wait`` of a grant, which then has no keys."""
    silent: set[str] = field(default_factory=set)
    busy: set[str] = field(default_factory=set)
    """Operations that are refused as ``server.busy``."""
    closed: str = ""
    """Code with which tickets are refused."""
    lease_refused: str = ""
    """Code with which a lease is refused that is asked for with its ticket."""
    place: dict[str, str] = field(default_factory=dict)
    """Territory and purpose in the result of ``open``."""
    ahead_ms: int = 0
    """Lead of this server's clock over the host's, milliseconds."""
    asked: list[str] = field(default_factory=list)
    sessions: dict[bytes, Session] = field(default_factory=dict)
    tickets: dict[bytes, Ticket] = field(default_factory=dict)
    accepted: dict[tuple[bytes, int], bytes] = field(default_factory=dict)
    order: list[tuple[bytes, int, str]] = field(default_factory=list)
    lines: set[ServerConnection] = field(default_factory=set)
    device: bytes = b""
    """Device of the connection whose request is processed."""
    received: list[tuple[bytes, str, str]] = field(default_factory=list)
    """(device, operation, text) of every request."""
    came_with: list[dict[str, str]] = field(default_factory=list)
    """Headers of every connection, except those of the WebSocket protocol."""
    port: int = 0

    @property
    def address(self) -> bytes:
        """The server's signing address."""
        return address_of(self.private_key)

    @property
    def url(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self.port}"

    def counted(self, action: str) -> int:
        """Return the number of accepted invocations of one action."""
        return sum(1 for _, _, name in self.order if name == action)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[StandIn]:
        """Listen on the same port each time (a free one at first)."""
        async with serve(self._line, "127.0.0.1", self.port) as listening:
            self.port = next(iter(listening.sockets)).getsockname()[1]
            yield self

    async def push(self, event: dict[str, Any]) -> None:
        """Send an event to every host."""
        for line in list(self.lines):
            await line.send(json.dumps(event))

    def receipt(self, payee: bytes, epoch: int, amount: int, session: bytes, content: bytes) -> dict[str, Any]:
        """A signed receipt event."""
        detail = {"plays": 1, "seeks": 0, "seconds": 30, "sequence": 1}
        hashed = receipt_detail(content, session, 1, 0, 30, 1, bytes(32))
        message = Receipt(server=self.address, epoch=epoch, payee=payee, amount=amount, detail=hashed)
        ids = {"content": to_hex(content), "session": to_hex(session), "invocation": to_hex(bytes(32))}
        return {
            "event": "receipt",
            "receipt": sign(message, self.domain, self.private_key).to_json(),
            "detail": detail | ids,
        }

    async def _line(self, socket: ServerConnection) -> None:
        self.lines.add(socket)
        headers = socket.request.headers.raw_items() if socket.request is not None else ()
        self.came_with.append({name: value for name, value in headers if name != "Sec-WebSocket-Key"})
        device = b""
        try:
            async for text in socket:
                request = json.loads(text)
                device = from_hex(request["device"], 20) if request["op"] == "hello" else device
                self.device = device
                self.asked.append(request["op"])
                self.received.append((device, request["op"], str(text)))
                if request["op"] in self.silent:
                    continue
                try:
                    if request["op"] in self.busy:
                        raise Unavailable("server.busy")
                    reply = {"ok": True, "result": getattr(self, f"_{request['op']}")(request)}
                except GomaaError as e:
                    reply = {"ok": False, "error": e.to_json()}
                await socket.send(json.dumps({"id": request["id"], **reply}))
        except ConnectionClosed:
            pass
        finally:
            self.lines.discard(socket)

    def _hello(self, request: dict[str, Any]) -> dict[str, Any]:
        assert recover(hello_digest(self.address, request["time_ms"]), from_hex(request["signature"])) == from_hex(
            request["device"]
        )
        clocks = ((self.now_s or 0) * 1000, time.time_ns() // 1_000_000)
        if all(abs(clock + self.ahead_ms - request["time_ms"]) > CLOCK_MS for clock in clocks):
            raise Refusal("invocation.time")
        return {"protocol": 1}

    def _open(self, request: dict[str, Any]) -> dict[str, Any]:
        session, ticket = Signed.from_json(Session, request["session"]), Signed.from_json(Ticket, request["ticket"])
        assert signer(session, self.domain) == session.message.listener
        if session.message.device != self.device:
            raise Refusal("session.device")
        if self.closed:
            raise Refusal(self.closed)
        identity = digest(session.message, self.domain)
        self.sessions[identity] = session.message
        self.tickets[digest(ticket.message, self.domain)] = ticket.message
        return {
            "usage": self._usage(),
            "sequence": self._last(identity),
            "secret": to_b64(keccak256(b"secret")),
            "place": {"territory": None, "purpose": None, **self.place},
            **self._lease_part(digest(ticket.message, self.domain), request.get("lease")),
        }

    def _lease_part(self, ticket: bytes, wish: dict[str, Any] | None) -> dict[str, Any]:
        if wish is None:
            return {}
        if self.lease_refused:
            return {"lease": {"result": None, "error": Refusal(self.lease_refused).to_json()}}
        return {"lease": {"result": self._lease({**wish, "ticket": to_hex(ticket)}), "error": None}}

    def _usage(self) -> dict[str, Any]:
        return {"plays": self.counted("play"), "seeks": self.counted("seek"), "seconds": 0, "first_play_s": None}

    def _last(self, session: bytes) -> int:
        return max((number for owner, number in self.accepted if owner == session), default=0)

    def _lease(self, request: dict[str, Any]) -> dict[str, Any]:
        ticket = self.tickets[from_hex(request["ticket"])]
        expires_s = (self.now_s or int(asyncio.get_running_loop().time())) + self.lease_s
        return {**self._keys(ticket.content, request), "expires_s": expires_s, "budget": self.budget}

    def _keys(self, content: bytes, request: dict[str, Any]) -> dict[str, Any]:
        wrap = WrapKey.to(from_b64(request["key"]))
        keys = []
        for index in range(request["first"], request["first"] + request["count"]):
            wrapped = wrap.wrap(segment_key(self.content_key, 0, index), segment_aad(content, 0, 0, index))
            keys.append([index, to_b64(wrapped)])
        return {"ephemeral": to_b64(wrap.ephemeral), "keys": keys}

    def _accept(self, message: dict[str, Any]) -> tuple[Invocation, str | None]:
        signed = Signed.from_json(Invocation, message)
        one = signed.message
        assert signer(signed, self.domain) == self.sessions[one.session].device == self.device
        action, key, identity = Action(one.action).word, (one.session, one.sequence), digest(one, self.domain)
        known = self.accepted.get(key)
        if known is not None:
            return one, None if known == identity else "invocation.replayed"
        if one.sequence <= self._last(one.session):
            return one, "invocation.sequence"
        self.accepted[key] = identity
        code = self.refuse.get(action)
        if code is None:
            self.order.append((one.session, one.sequence, action))
        return one, code

    def _grant(self, request: dict[str, Any]) -> dict[str, Any]:
        one, code = self._accept(request["invocation"])
        if code is not None:
            raise Refusal(code, sequence=one.sequence)
        state = {"sequence": one.sequence, "usage": self._usage(), "heard_ms": 0, "intervals": 0, "left": {}}
        if self.wait is not None:
            keys = self._keys(one.content, {**request, "count": 0})
            return {**state, **keys, "expires_s": 1 << 40, "wait": self.wait}
        return {**state, **self._keys(one.content, request), "expires_s": 1 << 40}

    def _report(self, request: dict[str, Any]) -> dict[str, Any]:
        done = [self._accept(message) for message in request["invocations"]]
        refused = [{"sequence": one.sequence, "code": code} for one, code in done if code is not None]
        return {
            "sequence": max(one.sequence for one, _ in done),
            "refused": refused,
            "usage": self._usage(),
            "heard_ms": 0,
            "intervals": 0,
        }

    def _destroyed(self, request: dict[str, Any]) -> dict[str, Any]:
        return {}

    def _receipts(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"receipts": []}
