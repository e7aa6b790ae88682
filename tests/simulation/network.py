"""Messages between simulated processes: JSON texts that are lost, late, or delivered twice."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.http import HttpVersion11, RawRequestMessage
from aiohttp.streams import StreamReader
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from pywallet.errors import Unavailable

Deliver = Callable[[], Awaitable[Any]]


@dataclass
class Faults:
    """Chances per message, and its greatest delay in seconds. All zero while a run settles."""

    lost: float = 0.0
    doubled: float = 0.0
    delay_s: float = 0.05


class Network:
    """Carries requests between processes.

    Args:
        seed: Draws the fate of every message.
        faults: May be changed while the simulation runs.
    """

    def __init__(self, seed: int, faults: Faults) -> None:
        self.faults = faults
        self._seed = seed
        self._dice: dict[str, random.Random] = {}

    def dice(self, who: str) -> random.Random:
        """One generator per party: what one does never changes what another draws."""
        return self._dice.setdefault(who, random.Random(f"{self._seed} {who}"))

    async def carry(self, who: str, deliver: Deliver) -> Any:
        """Deliver a request of a party and bring its answer back.

        Raises:
            Unavailable: ``server.unreachable`` where the request or the answer was lost.
        """
        dice, faults = self.dice(who), self.faults
        there, back, twice = dice.random(), dice.random(), dice.random()
        await asyncio.sleep(dice.random() * faults.delay_s)
        if there < faults.lost / 2:
            raise Unavailable("server.unreachable", reason="lost")
        answer = await deliver()
        if twice < faults.doubled:
            await asyncio.sleep(dice.random() * faults.delay_s)
            answer = await deliver()
        await asyncio.sleep(dice.random() * faults.delay_s)
        if back < faults.lost / 2:
            raise Unavailable("server.unreachable", reason="answer lost")
        return answer


class _Protocol:
    """The part of a connection that aiohttp's request uses."""

    _reading_paused = False
    ssl_context = None
    peername = sockname = ("127.0.0.1", 1)

    def resume_reading(self, **_: Any) -> None:
        """Return False: reading is never paused."""

    @property
    def transport(self) -> _Protocol:
        """Itself."""
        return self

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """The address of the other side."""
        return self.peername if name == "peername" else default


def _request(method: str, path: str, headers: Mapping[str, str], body: StreamReader) -> web.Request:
    raw = RawRequestMessage(
        method,
        path,
        HttpVersion11,
        CIMultiDictProxy(CIMultiDict(headers)),
        tuple((name.encode(), value.encode()) for name, value in headers.items()),
        False,
        None,
        False,
        False,
        URL(path),
    )
    loop, protocol = asyncio.get_running_loop(), _Protocol()
    task: Any = asyncio.current_task()
    made: Any = web.Request
    return made(raw, body, protocol, _Writer(), task, loop, client_max_size=1 << 24)


class _Writer:
    output_size = 0
    length = 0


async def serve(
    app: web.Application, method: str, path: str, body: bytes, headers: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    """One HTTP request to an application, without a socket; status and body."""
    stream = StreamReader(_Protocol(), 2**16, loop=asyncio.get_running_loop())  # type: ignore[arg-type]
    stream.feed_data(body)
    stream.feed_eof()
    length = {"Content-Length": str(len(body)), "Content-Type": "application/json"} if body else {}
    request = _request(method, path, {**length, **(headers or {})}, stream)
    response = await app._handle(request)
    assert isinstance(response, web.Response)
    return response.status, bytes(response.body) if isinstance(response.body, bytes) else b""


class _Content:
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        for at in range(0, len(self._body), size):
            yield self._body[at : at + size]


class Response:
    """The part of an aiohttp response that product code uses."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.content = _Content(body)
        self._body = body

    async def json(self) -> Any:
        """The decoded body."""
        return json.loads(self._body)

    async def __aenter__(self) -> Response:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


class _Asking:
    def __init__(self, ask: Callable[[], Awaitable[Response]]) -> None:
        self._ask = ask

    async def __aenter__(self) -> Response:
        return await self._ask()

    async def __aexit__(self, *_: object) -> None:
        return None


def _dumps(value: Any) -> bytes:
    return json.dumps(value).encode()


class Session:
    """An ``aiohttp.ClientSession`` whose requests go to simulated servers.

    Args:
        network: Carries the requests.
        who: The asking party.
        find: The application that answers at a URL's origin, or None where nothing listens.
    """

    def __init__(
        self, network: Network, who: str, find: Callable[[str], tuple[web.Application, Callable[..., Any]] | None]
    ) -> None:
        self._network = network
        self._who = who
        self._find = find

    def request(
        self, method: str, url: str, *, json: Any = None, data: bytes = b"", headers: Any = None, **_: Any
    ) -> _Asking:
        """See aiohttp."""
        return _Asking(lambda: self._send(method, url, data if json is None else _dumps(json), headers))

    def get(self, url: str, **options: Any) -> _Asking:
        """See aiohttp."""
        return self.request("GET", url, **options)

    def post(self, url: str, **options: Any) -> _Asking:
        """See aiohttp."""
        return self.request("POST", url, **options)

    async def _send(self, method: str, url: str, raw: bytes, headers: Any) -> Response:
        scheme, _, rest = url.partition("://")
        host, _, path = rest.partition("/")

        async def deliver() -> tuple[int, bytes]:
            found = self._find(f"{scheme}://{host}")
            if found is None:
                raise Unavailable("server.unreachable", reason="nothing listens")
            app, run = found
            return await run(serve(app, method, f"/{path}", raw, headers))

        try:
            status, answer = await self._network.carry(self._who, deliver)
        except Unavailable as error:
            raise aiohttp.ClientConnectionError(str(error)) from None
        return Response(status, answer)

    async def __aenter__(self) -> Session:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def close(self) -> None:
        """See aiohttp."""
