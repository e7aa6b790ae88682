"""JSON-RPC client: requests, subscriptions and reconnection over one connection."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final

from chain import node_answers, sender
from chain.abi import Event, Function, event
from chain.event_history import EventHistory
from chain.node_answers import Block, Log, TxReceipt, decode_log
from chain.subscriptions import Subscriptions
from chain.transport import TRANSPORT_ERRORS, Transport, open_transport
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError, Unavailable
from pywallet.redaction import place

__all__ = ["Block", "Chain", "Log", "TxReceipt", "decode_log"]

TIMEOUT_S: Final = 10.0
"""Limit for opening a connection and for each request, seconds."""

BACKOFF_S: Final = (0.1, 5.0)
"""Delay before a reconnection: the first, and the longest that it doubles to, seconds."""

Topics = Sequence[bytes | Sequence[bytes] | None]
"""Filter on indexed fields in their order: a value, any of several values, or None for all."""


class Chain:
    """One connection to a node, shared by a whole process.

    Every failure is a GomaaError: ``chain.unreachable`` (Unavailable) while the node does not answer,
    ``chain.mismatch`` for malformed responses.
    """

    def __init__(
        self, rpc: str, chain_id: int | None = None, confirmations: int = 1, max_fee: int | None = None
    ) -> None:
        self.rpc = rpc
        self.node = place(rpc)
        """The node's name in errors and logs; its URL may hold an API key."""
        self.confirmations = confirmations
        self.max_fee = max_fee
        self._expected = chain_id
        self._ids = itertools.count(1)
        self._pending: dict[int, tuple[asyncio.Future[Any], Callable[[str], None] | None]] = {}
        self._subscriptions = Subscriptions(self)
        self._transport: Transport | None = None
        self._up = asyncio.Event()
        self._backoff = BACKOFF_S[0]
        self._runner: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._history = EventHistory()
        self._nonces: dict[bytes, asyncio.Lock] = {}
        self.next_nonce: dict[bytes, int] = {}
        """Nonce after the newest pending transaction by account, since not every node counts pending ones."""

    @classmethod
    def connect(
        cls, rpc: str, chain_id: int | None = None, *, confirmations: int = 1, max_fee: int | None = None
    ) -> Chain:
        """Return a client for ``async with``, whose entry opens the connection.

        Args:
            rpc: A ws(s) or http(s) URL.
            chain_id: Expected network; any is accepted if None. Checked at every connection.
            confirmations: Depth in blocks at which a transaction is done.
            max_fee: Most wei per gas that a transaction may offer; above it ``chain.fee.high``.

        Raises:
            Unavailable: ``chain.unreachable`` on entry.
            GomaaError: ``chain.mismatch`` on entry, for another network.
        """
        return cls(rpc, chain_id, confirmations, max_fee)

    async def __aenter__(self) -> Chain:
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
        self._subscriptions.close()

    async def _open(self) -> None:
        try:
            transport = await open_transport(self.rpc, TIMEOUT_S)
            if self._expected is not None:
                await self._check_network(transport, self._expected)
        except TRANSPORT_ERRORS as e:
            raise Unavailable("chain.unreachable", node=self.node, reason=type(e).__name__) from None
        self._transport = transport
        self._up.set()

    async def _check_network(self, transport: Transport, expected: int) -> None:
        await transport.send(json.dumps({"jsonrpc": "2.0", "id": 0, "method": "eth_chainId", "params": []}))
        answer = None
        async with asyncio.timeout(TIMEOUT_S):
            async for text in transport:
                answer = json.loads(text)
                break
        if answer is None:
            raise OSError("no answer")
        found = answer.get("result") if isinstance(answer, dict) else None
        number: Any = found
        with contextlib.suppress(GomaaError):
            number = node_answers.number(found)
        if number != expected:
            await transport.close()
            raise GomaaError("chain.mismatch", node=self.node, expected=expected, found=number)

    async def _run(self) -> None:
        while True:
            if self._transport is None:
                await asyncio.sleep(self._backoff * random.uniform(0.5, 1.5))  # noqa: S311
                self._backoff = min(self._backoff * 2, BACKOFF_S[1])
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
            self._up.clear()
            self._subscriptions.disconnected()
            self._fail_pending()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run in the background until the connection is closed."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _restore(self) -> None:
        """Restore the subscriptions; a connection on which that fails is closed, and opened anew."""
        transport = self._transport
        try:
            await self._subscriptions.restore()
        except GomaaError:
            if transport is not None:
                await transport.close()
            return
        self._backoff = BACKOFF_S[0]

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
            self._subscriptions.notify(message.get("params"))
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
        """Whether the node can send notifications; True while there is no connection."""
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
                    await self._up.wait()
        transport = self._transport
        if transport is None:
            raise Unavailable("chain.unreachable", node=self.node, method=method)
        number = next(self._ids)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._pending[number] = (future, on_result)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await transport.send(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}))
                answer = await future
        except TRANSPORT_ERRORS as e:
            raise Unavailable("chain.unreachable", node=self.node, method=method, reason=type(e).__name__) from None
        finally:
            self._pending.pop(number, None)
        if "error" in answer:
            raise node_answers.failure(method, answer["error"], self.rpc)
        return answer.get("result")

    async def chain_id(self) -> int:
        """The network's number."""
        return node_answers.number(await self.request("eth_chainId"))

    async def block(self, number: int | None = None) -> Block:
        """A block, the latest by default."""
        return node_answers.block(
            await self.request("eth_getBlockByNumber", "latest" if number is None else hex(number), False)
        )

    async def call(self, to: bytes, function: Function, *args: Any) -> tuple[Any, ...]:
        """Read from a contract in the latest block. Returns the function's decoded results."""
        response = await self.request("eth_call", {"to": to_hex(to), "data": to_hex(function.encode(*args))}, "latest")
        return function.decode(node_answers.data(response))

    async def code(self, address: bytes) -> bytes:
        """The byte code at an address; empty if there is no contract."""
        return node_answers.data(await self.request("eth_getCode", to_hex(address), "latest"))

    async def logs(
        self,
        address: bytes | Sequence[bytes],
        what: Event,
        from_block: int = 0,
        topics: Topics = (),
        to_block: int | None = None,
    ) -> list[Log]:
        """Past events, oldest first.

        Args:
            address: The contract or contracts.
            what: The event.
            from_block: The first block.
            topics: Filter on the indexed fields.
            to_block: The last block, the latest by default.
        """
        query = _filter(address, what, topics)
        return [decode_log(what, item) for item in await self.raw_logs(query, from_block, to_block)]

    async def raw_logs(self, query: dict[str, Any], from_block: int, to_block: int | None = None) -> list[Any]:
        """Past events of a filter (``eth_getLogs``), undecoded, oldest first."""

        async def fetch(first: int, last: int | None) -> list[Any]:
            blocks = {"fromBlock": hex(first), "toBlock": "latest" if last is None else hex(last)}
            return node_answers.listing(await self.request("eth_getLogs", {**query, **blocks}))

        async def newest() -> int:
            return (await self.block()).number

        return await self._history.collect(fetch, newest, from_block, to_block)

    async def heads(self) -> AsyncIterator[Block]:
        """New blocks as they arrive; after a lost connection the newest."""
        async with contextlib.aclosing(self._subscriptions.heads()) as blocks:
            async for block in blocks:
                yield block

    async def watch(self, addresses: Sequence[bytes], what: str, contract: str = "Content") -> AsyncIterator[Log]:
        """New events as they arrive, each once; after a lost connection also those that were missed.

        Args:
            addresses: The contracts.
            what: The event's name.
            contract: The contract whose ABI has the event.
        """
        kind = event(contract, what)
        async with contextlib.aclosing(self._subscriptions.events(kind, _filter(addresses, kind, ()))) as logs:
            async for log in logs:
                yield log

    async def send(
        self, private_key: bytes, to: bytes | None, data: bytes, value: int = 0, *, depth: int | None = None
    ) -> TxReceipt:
        """Sign and send a transaction and wait until its block is ``depth`` deep. See ``chain.sender.send``.

        Args:
            private_key: The sender's.
            to: The recipient; None creates a contract.
            data: Call data, or a contract's creation code.
            value: Wei of the network's coin.
            depth: Blocks; by default the client's confirmations.

        Raises:
            GomaaError: ``chain.reverted`` with the contract's reason.
        """
        return await sender.send(self, private_key, to, data, value, self.confirmations if depth is None else depth)

    async def transact(
        self, private_key: bytes, to: bytes, function: Function, *args: Any, depth: int | None = None
    ) -> TxReceipt:
        """Call a contract's function in a transaction. See ``send``."""
        return await self.send(private_key, to, function.encode(*args), depth=depth)

    def nonce_lock(self, account: bytes) -> asyncio.Lock:
        """Lock under which an account's transactions get their nonces."""
        return self._nonces.setdefault(account, asyncio.Lock())

    async def until(self, ready: Callable[[], Awaitable[bool]]) -> None:
        """Wait until a condition holds: checked now, at every new block, and after every reconnection."""
        async with contextlib.aclosing(self._subscriptions.items(["newHeads"])) as items:
            async for _ in items:
                with contextlib.suppress(Unavailable):
                    if await ready():
                        return
        raise Unavailable("chain.unreachable", node=self.node, reason="closed")


def _filter(address: bytes | Sequence[bytes], what: Event, topics: Topics) -> dict[str, Any]:
    listed = [to_hex(address)] if isinstance(address, bytes) else [to_hex(a) for a in address]
    narrowed = [_topic(topic) for topic in topics]
    return {"address": listed, "topics": [to_hex(what.topic), *narrowed]}


def _topic(topic: bytes | Sequence[bytes] | None) -> str | list[str] | None:
    if topic is None or isinstance(topic, bytes):
        return None if topic is None else to_hex(topic.rjust(32, b"\0"))
    return [to_hex(one.rjust(32, b"\0")) for one in topic]
