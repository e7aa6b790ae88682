"""A small host for the security server's tests: a real WebSocket, real signatures, no terms of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final

import aiohttp

from demo.waiting import TIMEOUT_S
from pywallet.crypto import address_of
from pywallet.crypto import sign as sign_digest
from pywallet.crypto.key_wrap import GRANT_INFO, generate_keypair, unwrap
from pywallet.encoding.hex import from_b64, to_b64, to_hex
from pywallet.errors import GomaaError
from pywallet.protocol import Action, Domain, Invocation, Session, Signed, Ticket, digest, hello_digest, sign
from pywallet.sps.segments import segment_aad, segment_key
from tests.integration.server_songs import EPOCH, Upload

GONE: Final = (ConnectionError, OSError, aiohttp.ClientError, TimeoutError, ValueError)
"""Errors of a client whose server was killed or stopped."""


class HostClient:
    """One device on one connection."""

    def __init__(self, url: str, server: bytes, domain: Domain, device_key: bytes) -> None:
        self.url = url
        self.server = server
        self.domain = domain
        self.device_key = device_key
        self.events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._number = 0
        self._sequences: dict[bytes, int] = {}
        self.exchange = generate_keypair()

    async def __aenter__(self) -> HostClient:
        self._http = aiohttp.ClientSession()
        try:
            self.socket = await self._http.ws_connect(f"{self.url}/v1/host")
        except BaseException:
            await self._http.close()
            raise
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._reader.cancel()
        await self.socket.close()
        await self._http.close()

    async def _read(self) -> None:
        async for message in self.socket:
            frame = json.loads(message.data)
            if "event" in frame:
                self.events.put_nowait(frame)
            elif (future := self._waiting.pop(frame["id"], None)) is not None:
                future.set_result(frame)
        for future in self._waiting.values():
            future.set_exception(ConnectionError("the server has gone"))

    async def frame(self, frame: Mapping[str, Any]) -> dict[str, Any]:
        """Send a frame and return its reply, whatever it is."""
        future = self._waiting[frame["id"]] = asyncio.get_running_loop().create_future()
        await self.socket.send_str(json.dumps(frame))
        answer: dict[str, Any] = await future
        return answer

    async def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        """Return an operation's result; its error is raised as GomaaError."""
        self._number += 1
        reply = await self.frame({"id": self._number, "op": op, **fields})
        if not reply["ok"]:
            raise GomaaError(reply["error"]["code"], **reply["error"]["detail"])
        result: dict[str, Any] = reply["result"]
        return result

    async def hello(self, time_ms: int) -> dict[str, Any]:
        """Send hello."""
        signature = to_hex(sign_digest(self.device_key, hello_digest(self.server, time_ms)))
        return await self.ask(
            "hello", protocol=1, device=to_hex(address_of(self.device_key)), time_ms=time_ms, signature=signature
        )

    async def open(self, session: Signed[Session], ticket: Signed[Ticket]) -> dict[str, Any]:
        """Open a ticket."""
        result = await self.ask("open", session=session.to_json(), ticket=ticket.to_json())
        self._sequences[digest(session.message, self.domain)] = result["sequence"]
        return result

    def invocation(
        self, ticket: Signed[Ticket], action: str, position_ms: int, time_ms: int, sequence: int | None = None
    ) -> Signed[Invocation]:
        """Return a signed action, numbered after the last one unless a number is given."""
        session = ticket.message.session
        if sequence is None:
            sequence = self._sequences[session] = self._sequences.get(session, 0) + 1
        message = Invocation(
            session=session,
            ticket=digest(ticket.message, self.domain),
            content=ticket.message.content,
            action=int(Action.of(action)),
            position=position_ms,
            sequence=sequence,
            time=time_ms,
        )
        return sign(message, self.domain, self.device_key)

    async def report(self, *invocations: Signed[Invocation]) -> dict[str, Any]:
        """Report actions."""
        return await self.ask("report", invocations=[invocation.to_json() for invocation in invocations])

    async def grant(self, invocation: Signed[Invocation], first: int = 0, count: int = 8) -> dict[str, Any]:
        """Request keys for an action."""
        return await self.ask(
            "grant", invocation=invocation.to_json(), first=first, count=count, key=to_b64(self.exchange[1])
        )

    def check_keys(self, result: dict[str, Any], song: Upload) -> list[int]:
        """Unwrap every key and compare it with the artist's; return the segments."""
        ephemeral = from_b64(result["ephemeral"])
        for index, wrapped in result["keys"]:
            aad = segment_aad(song.content, 1, EPOCH, index)
            key = unwrap(self.exchange[0], ephemeral, from_b64(wrapped), aad, GRANT_INFO)
            assert key == segment_key(song.key, 1, index)
        return [index for index, _ in result["keys"]]

    async def event(self, name: str) -> dict[str, Any]:
        """Return the next event of this name; others are skipped."""
        async with asyncio.timeout(TIMEOUT_S):
            while (frame := await self.events.get())["event"] != name:
                pass
        return frame
