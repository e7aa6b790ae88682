"""JSON-RPC connection to a node: requests, notifications, and reconnection in the background."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any, Final, Self

from chain import node_answers
from chain.transport import TRANSPORT_ERRORS, Transport, open_transport
from common.retry import Backoff
from pywallet.errors import GomaaError, Unavailable
from pywallet.redaction import place

TIMEOUT_S: Final = 10.0
"""Limit for opening a connection and for each request, seconds."""

BACKOFF_S: Final = (0.1, 5.0)
"""Pause before a reconnection: the first, and the longest that it doubles to, seconds."""


class RpcConnection(ABC):
    """One connection to a node, for ``async with``; a lost one is opened anew.

    Subclasses handle notifications and the loss of the connection.
    """

    def __init__(self, rpc: str, chain_id: int | None) -> None:
        """Initialise without connecting.

        Args:
            rpc: A ws(s) or http(s) URL.
            chain_id: Expected network, checked at every connection; None: any.
        """
        self.rpc = rpc
        self.node = place(rpc)
        """The node's name in errors and logs; its URL may hold an API key."""
        self._expected = chain_id
        self._ids = itertools.count(1)
        self._pending: dict[int, tuple[asyncio.Future[Any], Callable[[str], None] | None]] = {}
        self._transport: Transport | None = None
        self._connected = asyncio.Event()
        self._backoff = Backoff(*BACKOFF_S, jitter=True)
        self._runner: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @abstractmethod
    def _on_notification(self, params: Any) -> None:
        """Handle the ``params`` of an ``eth_subscription`` message, which may be malformed."""

    @abstractmethod
    def _on_disconnect(self) -> None:
        """Handle the loss of the connection."""

    @abstractmethod
    async def _on_reconnect(self) -> None:
        """Restore state on a new connection; where it raises GomaaError, the connection is closed and opened anew."""

    @abstractmethod
    def _on_close(self) -> None:
        """Handle the final end of the connection."""

    async def __aenter__(self) -> Self:
        await self._open()
        self._runner = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in (self._runner, *self._tasks):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        if self._transport is not None:
            await self._transport.close()
        self._fail_pending()
        self._on_close()

    async def _open(self) -> None:
        try:
            transport = await open_transport(self.rpc, TIMEOUT_S)
            if self._expected is not None:
                await self._check_network(transport, self._expected)
        except TRANSPORT_ERRORS as e:
            raise Unavailable("chain.unreachable", node=self.node, reason=type(e).__name__) from None
        self._transport = transport
        self._connected.set()

    async def _check_network(self, transport: Transport, expected: int) -> None:
        await transport.send(json.dumps({"jsonrpc": "2.0", "id": 0, "method": "eth_chainId", "params": []}))
        response = None
        async with asyncio.timeout(TIMEOUT_S):
            async for text in transport:
                response = json.loads(text)
                break
        if response is None:
            raise OSError("no answer")
        result = response.get("result") if isinstance(response, dict) else None
        number: Any = result
        with contextlib.suppress(GomaaError):
            number = node_answers.number(result)
        if number != expected:
            await transport.close()
            raise GomaaError("chain.mismatch", node=self.node, expected=expected, found=number)

    async def _run(self) -> None:
        while True:
            if self._transport is None:
                await asyncio.sleep(self._backoff.next_s())
                try:
                    await self._open()
                except GomaaError:
                    continue
                self.spawn(self._restore())
            transport = self._transport
            assert transport is not None
            with contextlib.suppress(*TRANSPORT_ERRORS):
                async for text in transport:
                    self._on_message(text)
            self._transport = None
            self._connected.clear()
            self._on_disconnect()
            self._fail_pending()

    async def _restore(self) -> None:
        transport = self._transport
        try:
            await self._on_reconnect()
        except GomaaError:
            if transport is not None:
                await transport.close()
            return
        self._backoff.reset()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run in the background until the connection is closed."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _fail_pending(self) -> None:
        for future, _ in self._pending.values():
            if not future.done():
                future.set_exception(Unavailable("chain.unreachable", node=self.node))
        self._pending.clear()

    def _on_message(self, text: str | bytes) -> None:
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            return
        if not isinstance(message, dict):
            return
        if message.get("method") == "eth_subscription":
            self._on_notification(message.get("params"))
            return
        number = message.get("id")
        future, on_result = self._pending.pop(number, (None, None)) if type(number) is int else (None, None)
        if on_result is not None and isinstance(message.get("result"), str):
            # Here and not where the response is awaited: the first notification may follow immediately.
            on_result(message["result"])
        if future is not None and not future.done():
            future.set_result(message)

    @property
    def pushes(self) -> bool:
        """True if the node can send notifications, and while there is no connection."""
        return self._transport is None or self._transport.pushes

    async def reconnect(self) -> None:
        """Drop the present connection; a new one is opened in the background."""
        if self._transport is not None:
            await self._transport.close()

    async def subscribe(self, params: list[Any], on_id: Callable[[str], None]) -> Any:
        """Call ``eth_subscribe``; ``on_id`` is called with its result before any notification is read."""
        return await self._send_request("eth_subscribe", params, on_id)

    async def request(self, method: str, *params: Any) -> Any:
        """Call a JSON-RPC method.

        Raises:
            GomaaError: ``chain.reverted`` with the contract's reason.
            Unavailable: ``chain.unreachable``, ``chain.funds``.
        """
        return await self._send_request(method, list(params), None)

    async def _send_request(self, method: str, params: list[Any], on_result: Callable[[str], None] | None) -> Any:
        if self._transport is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BACKOFF_S[1]):
                    await self._connected.wait()
        transport = self._transport
        if transport is None:
            raise Unavailable("chain.unreachable", node=self.node, method=method)
        number = next(self._ids)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._pending[number] = (future, on_result)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await transport.send(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}))
                response = await future
        except TRANSPORT_ERRORS as e:
            raise Unavailable("chain.unreachable", node=self.node, method=method, reason=type(e).__name__) from None
        finally:
            self._pending.pop(number, None)
        if "error" in response:
            raise node_answers.failure(method, response["error"], self.rpc)
        return response.get("result")
