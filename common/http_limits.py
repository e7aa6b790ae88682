"""Limits of time, size and rate per client address, for server and station.

The client address is the peer's, or the one that a trusted proxy names. All counts are kept in memory only.
"""

from __future__ import annotations

import asyncio
import ipaddress
import math
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import hdrs, web

from pywallet.errors import InputError, Refusal

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HEAD_S: Final = 20.0
"""Limit from a connection's start, or its last response, to complete request headers, seconds."""
BODY_S: Final = 15.0
"""Limit for reading a request's body, seconds."""
LINGER_S: Final = 3.0
"""Time for which the rest of a refused body is read and discarded, so that the response arrives, seconds."""
LONG_BODIES: Final = (8, 2)
"""Large bodies in memory at once: in all, and of one address."""
OTHER_FILES: Final = 256
"""File descriptors reserved for other uses than connections."""
ONE_HOST_V6: Final = 64
"""Prefix length of an IPv6 network that counts as one address, since one client usually has all of it."""

HANDLER_ARGS: Final[Mapping[str, Any]] = {"keepalive_timeout": HEAD_S, "lingering_time": LINGER_S}
"""For ``web.Application(handler_args=…)``: aiohttp closes connections without a complete request in time."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Settings of the limits.

    Attributes:
        trusted_proxies: Peers whose X-Forwarded-For or Forwarded header names the client.
        requests_per_minute: HTTP requests of one address.
        connections: Open connections in all.
        connections_per_address: Open connections of one peer that is no trusted proxy, and WebSockets of one client.
        busy: The code of a refusal.
    """

    trusted_proxies: tuple[Network, ...] = ()
    requests_per_minute: int = 6_000
    connections: int = 8_192
    connections_per_address: int = 4_096
    busy: str = "server.busy"


def networks(values: Sequence[Any], field: str = "trusted_proxies") -> tuple[Network, ...]:
    """Addresses and networks (``10.0.0.0/8``) of a configuration.

    Raises InputError ``message.schema`` naming the field.
    """
    try:
        return tuple(ipaddress.ip_network(str(value)) for value in values)
    except ValueError as e:
        raise InputError("message.schema", field=field, reason=str(e)) from None


class RateLimiter:
    """A token bucket per key, for the ``keep`` keys used last; ``clock`` returns seconds."""

    def __init__(
        self, per_minute: int, clock: Callable[[], float], keep: int = 10_000, code: str = "station.busy"
    ) -> None:
        self._rate = per_minute / 60
        self._size = float(per_minute)
        self._clock = clock
        self._keep = keep
        self._code = code
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> None:
        """Take one of this key's tokens. Raises Refusal with ``retry_after`` in seconds if none is left."""
        now = self._clock()
        tokens, then = self._buckets.pop(key, (self._size, now))
        tokens = min(self._size, tokens + (now - then) * self._rate)
        self._buckets[key] = (tokens - 1 if tokens >= 1 else tokens, now)
        while len(self._buckets) > self._keep:
            self._buckets.popitem(last=False)
        if tokens < 1:
            raise Refusal(self._code, retry_after=math.ceil((1 - tokens) / self._rate))


class Slots:
    """Counters of open connections, in all and per key."""

    def __init__(self, most: int, most_per_key: int, code: str) -> None:
        self._most = most
        self._most_per_key = most_per_key
        self._code = code
        self._open: Counter[str] = Counter()
        self._total = 0

    def enter(self, key: str | None) -> None:
        """Count one more. Raises Refusal with the busy code; ``key`` None counts in the total only."""
        if self._total >= self._most or (key is not None and self._open[key] >= self._most_per_key):
            raise Refusal(self._code, retry_after=10)
        self._total += 1
        if key is not None:
            self._open[key] += 1

    def leave(self, key: str | None) -> None:
        """Count one less."""
        self._total -= 1
        if key is not None:
            self._open[key] -= 1
            if self._open[key] <= 0:
                del self._open[key]

    @contextmanager
    def held(self, key: str) -> Iterator[None]:
        """Context manager that holds a slot."""
        self.enter(key)
        try:
            yield
        finally:
            self.leave(key)


def client_address(request: web.BaseRequest, trusted: Sequence[Network]) -> str:
    """Address of the client: the peer, or behind trusted proxies the nearest address that is none of them.

    A proxy forwards headers that it does not handle, so one of the two kinds may be set by the client: where a request
    has both, the address is the proxy's.
    """
    peer = _address(request.remote or "")
    if peer is None or not _among(peer, trusted):
        return _key(peer)
    forwarded, plain = _forwarded(request), _plain(request)
    if forwarded and plain:
        return _key(peer)
    found = peer
    for text in reversed(forwarded or plain):
        hop = _address(text)
        if hop is None:
            break
        found = hop
        if not _among(hop, trusted):
            break
    return _key(found)


def _plain(request: web.BaseRequest) -> list[str]:
    return [item.strip() for value in request.headers.getall(hdrs.X_FORWARDED_FOR, []) for item in value.split(",")]


def _forwarded(request: web.BaseRequest) -> list[str]:
    return [str(item.get("for", "")) for item in request.forwarded]


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Parse an address as headers and sockets write it: with a port, in brackets, with a zone."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, ipaddress.IPv6Address) else found


def _among(address: ipaddress.IPv4Address | ipaddress.IPv6Address, trusted: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in trusted)


def _key(address: ipaddress.IPv4Address | ipaddress.IPv6Address | None) -> str:
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, ONE_HOST_V6), strict=False))
    return str(address or "")


class Gate:
    """Limits of one application: a middleware for all routes, and slots for WebSockets and connections."""

    def __init__(self, limits: Limits, bodies: Mapping[str, int], most: int) -> None:
        """Initialise the gate.

        Args:
            limits: The operator's.
            bodies: Largest body in bytes by the route's path as it was added.
            most: Largest body of every other route, bytes.
        """
        self.limits = limits
        self._bodies = bodies
        self._most = most
        self._rate = RateLimiter(
            limits.requests_per_minute, lambda: asyncio.get_running_loop().time(), code=limits.busy
        )
        self._long = Slots(*LONG_BODIES, limits.busy)
        self.sockets = Slots(limits.connections, limits.connections_per_address, limits.busy)
        self.connections = Slots(limits.connections, limits.connections_per_address, limits.busy)

    def address(self, request: web.BaseRequest) -> str:
        """Address of the client."""
        return client_address(request, self.limits.trusted_proxies)

    async def handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Count the request, and read its body before the handler runs.

        Raises:
            Refusal: The busy code.
            InputError: ``message.schema`` for a body that is too long or does not come in time.
        """
        self._rate.take(self.address(request))
        if not request.can_read_body:
            return await handler(request)
        resource = request.match_info.route.resource
        most = self._bodies.get(resource.canonical if resource is not None else "", self._most)
        if (request.content_length or 0) > most:
            raise InputError("message.schema", reason="too long", most=most)
        request = request.clone(client_max_size=most)
        with self._long.held(self.address(request)) if most > self._most else nullcontext():
            await _whole(request, most)
            return await handler(request)

    def middleware(self) -> Any:
        """Middleware for ``web.Application(middlewares=…)``, inside the one that maps errors to responses."""

        @web.middleware
        async def limit(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self.handle(request, handler)

        return limit


async def _whole(request: web.Request, most: int) -> None:
    try:
        async with asyncio.timeout(BODY_S):
            await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise InputError("message.schema", reason="too long", most=most) from None
    except TimeoutError:
        raise InputError("message.schema", reason="the body did not come in time") from None


def allow_files(connections: int) -> None:
    """Raise the limit of file descriptors to that of connections and a reserve, as far as the system permits."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + OTHER_FILES
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class Runner(web.AppRunner):
    """An ``AppRunner`` that closes connections beyond the gate's limits before anything is read."""

    __slots__ = ("_gate",)

    def __init__(self, app: web.Application, gate: Gate, **options: Any) -> None:
        super().__init__(app, **options)
        self._gate = gate

    async def _make_server(self) -> web.Server:
        allow_files(self._gate.limits.connections)
        server = await super()._make_server()
        made, lost, gate = server.connection_made, server.connection_lost, self._gate
        held: dict[web.RequestHandler, str | None] = {}

        def connection_made(handler: web.RequestHandler, transport: asyncio.Transport) -> None:
            made(handler, transport)
            peer = _address(str((transport.get_extra_info("peername") or ("",))[0]))
            key = None if peer is None or _among(peer, gate.limits.trusted_proxies) else _key(peer)
            try:
                gate.connections.enter(key)
                held[handler] = key
            except Refusal:
                transport.abort()

        def connection_lost(handler: web.RequestHandler, exc: BaseException | None = None) -> None:
            if handler in held:
                gate.connections.leave(held.pop(handler))
            lost(handler, exc)

        # aiohttp calls these two methods for every connection.
        server.connection_made = connection_made  # type: ignore[method-assign]
        server.connection_lost = connection_lost  # type: ignore[method-assign]
        return server


GATE: Final[web.AppKey[Gate]] = web.AppKey("gate", Gate)
