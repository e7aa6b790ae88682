"""Connection to one security server: a WebSocket that reconnects by itself (docs/protocol.md section 4)."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from common.retry import Backoff
from messages.host_server.playback import HelloResult
from native_host import PROTOCOL
from pywallet.crypto import address_of, sign
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError, Unavailable
from pywallet.policy.parts import Renewal
from pywallet.protocol import hello_digest
from pywallet.protocol.foreign_errors import error_from

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

TIMEOUT_S: Final = 10.0
CONNECT_S: Final = 3.0
FIRST_PAUSE_S: Final = 0.2
MAX_PAUSE_S: Final = 15.0
_MAX_MESSAGE: Final = 4 << 20
HELLO_STEP_MS: Final = 60_000
"""Resolution of a hello's time, ms. A finer one would identify a computer at all servers, which allow two minutes."""

T = TypeVar("T")
OnEvent = Callable[["Server", dict[str, Any]], None]
OnState = Callable[["Server", bool], Awaitable[None]]


def socket_url(url: str) -> str:
    """URL of a server's socket for hosts.

    Args:
        url: ``http(s)://…`` from registry or header.
    """
    base = url.rstrip("/")
    if base.startswith("http"):
        base = "ws" + base[4:]
    return f"{base}/v1/host"


class Server:
    """Connection to one security server as one device.

    Requests wait for it ``CONNECT_S`` at most, then raise ``server.unreachable``.
    """

    def __init__(
        self, address: bytes, url: str, key: bytes, chain_ms: Callable[[], int], on_event: OnEvent, on_state: OnState
    ) -> None:
        """Begin to connect.

        Args:
            address: Address of the server, 20 bytes.
            url: URL of the server.
            key: Private key of the device, 32 bytes.
            chain_ms: The chain's time, Unix ms.
            on_event: Called with each event.
            on_state: Awaited when the connection is established, and when it is lost.
        """
        self.address = address
        self.url = url
        self._key = key
        self._chain_ms = chain_ms
        self._is_idle = False
        self._on_event = on_event
        self._on_state = on_state
        self._socket: ClientConnection | None = None
        self._up = asyncio.Event()
        self._wanted = asyncio.Event()
        self._pending: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._next = 1
        self._offset_ms: int | None = None
        self._refusal: GomaaError | None = None
        self._last_message_at: float | None = None
        self._renewal: Renewal | None = None
        self._renewals = asyncio.Event()
        self._is_leaving = False
        self._leaving: asyncio.Task[None] | None = None
        self._task = asyncio.create_task(self._run())

    @property
    def up(self) -> bool:
        """True while the connection is established."""
        return self._up.is_set()

    def silent_s(self) -> int | None:
        """Seconds since the server's last message; None before the first."""
        return None if self._last_message_at is None else int(time.monotonic() - self._last_message_at)

    def keep_alive(self, renewal: Renewal) -> None:
        """Ping the server as often as a content's renewal terms require; of several terms the shortest times count."""
        current = self._renewal
        if current is not None:
            renewal = Renewal(min(current.every_s, renewal.every_s), min(current.retry_s, renewal.retry_s), 0)
        self._renewal = renewal
        self._renewals.set()

    def now_ms(self) -> int | None:
        """The server's clock of the last hello, advanced by the monotonic clock, Unix ms; None before the first."""
        return None if self._offset_ms is None else self._offset_ms + time.monotonic_ns() // 1_000_000

    async def ready(self, patience_s: float = CONNECT_S) -> None:
        """Wait for the connection.

        Args:
            patience_s: Longest wait, seconds.

        Raises:
            GomaaError: ``server.unreachable``, or the server's answer to the hello.
        """
        if self.up:
            return
        self._is_idle = False
        self._wanted.set()
        try:
            async with asyncio.timeout(patience_s):
                await self._up.wait()
        except TimeoutError:
            raise self._refusal or Unavailable("server.unreachable", server=self.url) from None

    async def request(self, op: str, kind: type[T], answer_s: float | None = None, /, **fields: Any) -> T:
        """Send a request, and return its result.

        Args:
            op: The operation.
            kind: Type of the result. Fields that the type does not have are ignored.
            answer_s: Timeout, seconds; None: ``TIMEOUT_S``. A lost connection ends the wait at once.
            fields: The operation's fields.

        Raises:
            GomaaError: The server's error; Unavailable ``server.unreachable``, and ``server.answer`` for a result of
                another type.
        """
        await self.ready()
        result = await self._ask(op, fields, TIMEOUT_S if answer_s is None else answer_s)
        try:
            return msgspec.convert(result, kind)
        except msgspec.ValidationError:
            raise Unavailable("server.answer", server=self.url, op=op) from None

    async def disconnect(self) -> None:
        """Disconnect until the next request."""
        self._is_idle = True
        self._wanted.clear()
        if self._socket is not None:
            await self._socket.close()

    async def close(self) -> None:
        """Disconnect for good."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _ask(self, op: str, fields: dict[str, Any], answer_s: float = TIMEOUT_S) -> dict[str, Any]:
        number, self._next = self._next, self._next + 1
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._pending[number] = future
        try:
            await self._send(msgspec.json.encode({"id": number, "op": op, **fields}).decode())
            # Unlike ``asyncio.wait_for`` of Python 3.11, an answer during a cancellation does not undo it.
            async with asyncio.timeout(answer_s):
                return await future
        except TimeoutError:
            raise Unavailable("server.unreachable", server=self.url, op=op) from None
        finally:
            self._pending.pop(number, None)
            self._leave_when_answered()

    async def _send(self, text: str) -> None:
        from websockets.exceptions import WebSocketException

        if self._socket is None:
            raise Unavailable("server.unreachable", server=self.url)
        try:
            await self._socket.send(text)
        except (OSError, WebSocketException) as e:
            raise Unavailable("server.unreachable", server=self.url, reason=str(e)[:200]) from None

    async def _run(self) -> None:
        backoff = Backoff(FIRST_PAUSE_S, MAX_PAUSE_S, jitter=True)
        while True:
            self._wanted.clear()
            began = time.monotonic()
            try:
                await self._connect()
            except GomaaError as e:
                self._refusal = e
            except Exception as e:
                # After any failure the connection is attempted again.
                self._refusal = Unavailable(
                    "server.unreachable", server=self.url, reason=f"{type(e).__name__}: {e}"[:200]
                )
            await self._on_lost()
            if time.monotonic() - began > MAX_PAUSE_S:
                backoff.reset()
            pause_s = backoff.next_s(None if self._renewal is None else self._renewal.retry_s)
            if self._is_idle:
                await self._wanted.wait()
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    # A request ends the pause.
                    await self._wanted.wait()
                await asyncio.sleep(FIRST_PAUSE_S)

    async def _connect(self) -> None:
        from websockets.exceptions import ConnectionClosed

        from chain.transport import NoRedirectConnect  # imported on first use: the browser waits for the start

        options: dict[str, Any] = {
            "open_timeout": CONNECT_S,
            "max_size": _MAX_MESSAGE,
            "proxy": None,
            "compression": None,
        }
        # The library's default has the versions of Python and of the library.
        options["user_agent_header"] = None
        async with NoRedirectConnect(socket_url(self.url), **options) as socket:
            self._socket = socket
            reader = asyncio.create_task(self._read(socket))
            pings = asyncio.create_task(self._ping_while_silent(socket))
            try:
                await self._handshake()
                self._refusal = None
                if not self._is_leaving:
                    self._up.set()
                await self._on_state(self, True)
                await reader
            except ConnectionClosed as e:
                raise OSError(str(e)) from None
            finally:
                reader.cancel()
                pings.cancel()

    async def _ping_while_silent(self, socket: ClientConnection) -> None:
        """Ping the server after half of the renewal interval in silence; unanswered, again after ``retry_s``."""
        from websockets.exceptions import ConnectionClosed

        await self._renewals.wait()
        with contextlib.suppress(ConnectionClosed):
            while (renewal := self._renewal) is not None:
                silent = 0.0 if self._last_message_at is None else time.monotonic() - self._last_message_at
                if silent < renewal.every_s / 2:
                    self._renewals.clear()
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(renewal.every_s / 2 - silent):
                            await self._renewals.wait()
                    continue
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(renewal.retry_s):
                        await (await socket.ping())
                    self._last_message_at = time.monotonic()

    async def _handshake(self) -> None:
        try:
            result = await self._hello(self._chain_ms())
        except GomaaError as e:
            if e.code != "invocation.time":
                raise
            # Where blocks are rare, the chain's time is at first the last block's.
            result = await self._hello(time.time_ns() // 1_000_000)
        # Without a clock in the result the chain's time is used.
        with contextlib.suppress(msgspec.ValidationError):
            self._offset_ms = msgspec.convert(result, HelloResult).now_ms - time.monotonic_ns() // 1_000_000

    async def _hello(self, now_ms: int) -> dict[str, Any]:
        time_ms = now_ms - now_ms % HELLO_STEP_MS
        signature = to_hex(sign(self._key, hello_digest(self.address, time_ms)))
        return await self._ask(
            "hello",
            {"protocol": PROTOCOL, "device": to_hex(address_of(self._key)), "time_ms": time_ms, "signature": signature},
        )

    async def _read(self, socket: ClientConnection) -> None:
        async for text in socket:
            self._last_message_at = time.monotonic()
            try:
                message = msgspec.json.decode(text)
            except (msgspec.DecodeError, UnicodeError, RecursionError):
                raise Unavailable("server.answer", server=self.url) from None
            if not isinstance(message, dict):
                raise Unavailable("server.answer", server=self.url)
            if message.get("event") == "draining":
                self._leave()
                continue
            if "event" in message:
                self._on_event(self, message)
                continue
            number = message.get("id")
            future = self._pending.get(number) if isinstance(number, int) else None
            if future is None or future.done():
                continue
            result = message.get("result")
            if message.get("ok") is True and isinstance(result, dict):
                future.set_result(result)
            else:
                future.set_exception(error_from("server", message.get("error")))

    def _leave(self) -> None:
        """Send no new request on this connection, and close it once those under way are answered."""
        self._is_leaving = True
        self._up.clear()
        self._leave_when_answered()

    def _leave_when_answered(self) -> None:
        if self._is_leaving and not self._pending and self._socket is not None and self._leaving is None:
            self._leaving = asyncio.create_task(self._socket.close())

    async def _on_lost(self) -> None:
        was_up = self.up or self._is_leaving
        self._is_leaving, self._leaving = False, None
        self._up.clear()
        self._socket = None
        for future in self._pending.values():
            if not future.done():
                future.set_exception(Unavailable("server.unreachable", server=self.url))
        if was_up:
            await self._on_state(self, False)
