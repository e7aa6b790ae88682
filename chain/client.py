"""JSON-RPC over one line.

Requests, subscriptions (asked for again and again where a node has none), and coming back after a loss.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final

from chain import node_answers
from chain.abi import Event, Function, event
from chain.event_history import Past
from chain.node_answers import (
    Block,
    Log,
    TxReceipt,
    Unsupported,
    decode_log,
)
from chain.transport import FAULTS, Link, open_link
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError, Unavailable
from pywallet.redaction import place

__all__ = ["Block", "Chain", "Log", "TxReceipt", "decode_log"]

TIMEOUT_S: Final = 10.0
BACKOFF_S: Final = (0.1, 5.0)
LOOK_S: Final = 0.5
"""How often a node without subscriptions is asked for its newest block."""

REORG_DEPTH: Final = 12
"""So many blocks back are events looked for again, where a node does not say that a block was replaced."""

Topics = Sequence[bytes | Sequence[bytes] | None]
"""Conditions on indexed fields, in their order: a value, one of several values, or none."""

_REMEMBERED: Final = 4096
_END: Final = object()
_MADE: Final = object()


class _Stream:
    """One subscription, whatever the node calls it at present."""

    def __init__(self, params: list[Any]) -> None:
        self.params = params
        self.queue: asyncio.Queue[Any] = asyncio.Queue()
        self.name: str | None = None
        self.made = False
        self.closed = False


class Chain:
    """One connection, shared by everything in a process. Every failure is a GomaaError.

    Raises Unavailable ``chain.unreachable`` while the node doesn't answer, GomaaError ``chain.mismatch`` for answers
    that make no sense.
    """

    def __init__(
        self, rpc: str, chain_id: int | None = None, confirmations: int = 1, max_fee: int | None = None
    ) -> None:
        self.rpc = rpc
        self.node = place(rpc)
        """Name of the node in errors and logs: its URL may hold an API key."""
        self.confirmations = confirmations
        self.max_fee = max_fee
        self._expected = chain_id
        self._ids = itertools.count(1)
        self._waiting: dict[int, tuple[asyncio.Future[Any], _Stream | None]] = {}
        self._streams: set[_Stream] = set()
        self._names: dict[str, _Stream] = {}
        self._socket: Link | None = None
        self._up = asyncio.Event()
        self._backoff = BACKOFF_S[0]
        self._runner: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._answered = Past()
        self._nonces: dict[bytes, asyncio.Lock] = {}
        self.next_nonce: dict[bytes, int] = {}
        """What follows the newest transaction of ours that is on its way: not every node counts those that wait."""

    @classmethod
    def connect(
        cls, rpc: str, chain_id: int | None = None, *, confirmations: int = 1, max_fee: int | None = None
    ) -> Chain:
        """For ``async with``; entering fails with chain.unreachable if the node can't be reached now.

        ``rpc`` is a ws(s) or http(s) URL. With ``chain_id``, another network fails with chain.mismatch, then and at
        every reconnection. A transaction is done when its block is ``confirmations`` deep; ``max_fee`` is the most wei
        per gas that one may offer (chain.fee.high above it).
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
        if self._socket is not None:
            await self._socket.close()
        self._fail()
        for stream in self._streams:
            stream.queue.put_nowait(_END)

    async def _open(self) -> None:
        try:
            socket = await open_link(self.rpc, TIMEOUT_S)
            if self._expected is not None:
                await self._same_network(socket, self._expected)
        except FAULTS as e:
            raise Unavailable("chain.unreachable", node=self.node, reason=type(e).__name__) from None
        self._socket = socket
        self._up.set()

    async def _same_network(self, socket: Link, expected: int) -> None:
        await socket.send(json.dumps({"jsonrpc": "2.0", "id": 0, "method": "eth_chainId", "params": []}))
        answer = None
        async with asyncio.timeout(TIMEOUT_S):
            async for text in socket:
                answer = json.loads(text)
                break
        if answer is None:
            raise OSError("no answer")
        found = answer.get("result") if isinstance(answer, dict) else None
        number: Any = found
        with contextlib.suppress(GomaaError):
            number = node_answers.number(found)
        if number != expected:
            await socket.close()
            raise GomaaError("chain.mismatch", node=self.node, expected=expected, found=number)

    async def _run(self) -> None:
        while True:
            if self._socket is None:
                await asyncio.sleep(self._backoff * random.uniform(0.5, 1.5))  # noqa: S311
                self._backoff = min(self._backoff * 2, BACKOFF_S[1])
                try:
                    await self._open()
                except GomaaError:
                    continue
                self._later(self._remake())
            socket = self._socket
            assert socket is not None
            with contextlib.suppress(*FAULTS):
                async for text in socket:
                    self._hear(text)
            self._socket = None
            self._up.clear()
            self._names.clear()
            self._fail()

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _remake(self) -> None:
        """Subscribe again to what was subscribed to; a connection on which that fails is given up and made anew."""
        socket = self._socket
        try:
            for stream in [one for one in self._streams if one.made]:
                await self._subscribe(stream)
        except GomaaError:
            if socket is not None:
                await socket.close()
            return
        self._backoff = BACKOFF_S[0]

    def _fail(self) -> None:
        for future, _ in self._waiting.values():
            if not future.done():
                future.set_exception(Unavailable("chain.unreachable", node=self.node))
        self._waiting.clear()

    def _hear(self, text: str | bytes) -> None:
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            return
        if not isinstance(message, dict):
            return
        if message.get("method") == "eth_subscription":
            params = message.get("params")
            name = params.get("subscription") if isinstance(params, dict) else None
            if isinstance(params, dict) and isinstance(name, str) and name in self._names:
                self._names[name].queue.put_nowait(params.get("result"))
            return
        number = message.get("id")
        future, stream = self._waiting.pop(number, (None, None)) if type(number) is int else (None, None)
        if stream is not None and isinstance(message.get("result"), str):
            # Here and not where the answer is awaited: the first notification may be right behind it.
            self._named(stream, message["result"])
        if future is not None and not future.done():
            future.set_result(message)

    def _named(self, stream: _Stream, name: str) -> None:
        if stream.closed:
            self._later(self._unsubscribe(name))
            return
        stream.name, stream.made = name, True
        self._names[name] = stream
        stream.queue.put_nowait(_MADE)

    async def request(self, method: str, *params: Any) -> Any:
        """One call. Raises GomaaError chain.reverted with the node's reason."""
        return await self._ask(method, list(params), None)

    async def _ask(self, method: str, params: list[Any], stream: _Stream | None) -> Any:
        if self._socket is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BACKOFF_S[1]):
                    await self._up.wait()
        socket = self._socket
        if socket is None:
            raise Unavailable("chain.unreachable", node=self.node, method=method)
        number = next(self._ids)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = (future, stream)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await socket.send(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}))
                answer = await future
        except FAULTS as e:
            raise Unavailable("chain.unreachable", node=self.node, method=method, reason=type(e).__name__) from None
        finally:
            self._waiting.pop(number, None)
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
        """Read from a contract."""
        found = await self.request("eth_call", {"to": to_hex(to), "data": to_hex(function.encode(*args))}, "latest")
        return function.decode(node_answers.data(found))

    async def code(self, address: bytes) -> bytes:
        """The byte code at an address, empty where no contract is."""
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

        ``topics`` narrow the indexed fields, ``to_block`` (the latest by default) is included.
        """
        return [
            decode_log(what, item) for item in await self._past(_filter(address, what, topics), from_block, to_block)
        ]

    async def _past(self, wanted: dict[str, Any], from_block: int, to_block: int | None = None) -> list[Any]:
        async def ask(first: int, last: int | None) -> list[Any]:
            blocks = {"fromBlock": hex(first), "toBlock": "latest" if last is None else hex(last)}
            return node_answers.listing(await self.request("eth_getLogs", {**wanted, **blocks}))

        async def newest() -> int:
            return (await self.block()).number

        return await self._answered.collect(ask, newest, from_block, to_block)

    async def heads(self) -> AsyncIterator[Block]:
        """New blocks as they come; of those made during a loss of connection the newest."""
        begun = False
        async with contextlib.aclosing(self._stream(["newHeads"])) as items:
            async for item in items:
                if item is not _MADE:
                    yield node_answers.block(item)
                elif begun:
                    with contextlib.suppress(Unavailable):
                        yield await self.block()
                begun = True

    async def watch(self, addresses: Sequence[bytes], what: str, contract: str = "Content") -> AsyncIterator[Log]:
        """Events as they come, each once; after a loss of connection also those that came meanwhile."""
        found = event(contract, what)
        wanted = _filter(addresses, found, ())
        start = since = (await self.block()).number
        seen: OrderedDict[tuple[Any, ...], None] = OrderedDict()
        async with contextlib.aclosing(self._stream(["logs", wanted])) as items:
            async for item in items:
                for one in await self._since(wanted, since) if item is _MADE else [item]:
                    log = decode_log(found, one)
                    key = (one.get("blockHash"), log.transaction, one.get("logIndex"))
                    if key in seen or log.block <= start or one.get("removed"):
                        continue
                    seen[key] = None
                    while len(seen) > _REMEMBERED:
                        seen.popitem(last=False)
                    since = max(since, log.block)
                    yield log

    async def _since(self, wanted: dict[str, Any], since: int) -> list[Any]:
        try:
            return await self._past(wanted, since)
        except Unavailable:
            # Asked again when the connection is: what came meanwhile must not be lost.
            if self._socket is not None:
                await self._socket.close()
            return []

    async def _stream(self, params: list[Any]) -> AsyncGenerator[Any, None]:
        """What a subscription brings, and ``_MADE`` each time it was made."""
        stream = _Stream(params)
        self._streams.add(stream)
        try:
            try:
                await self._subscribe(stream)
            except Unsupported:
                self._later(self._look(stream))
            while (item := await stream.queue.get()) is not _END:
                yield item
        finally:
            self._streams.discard(stream)
            stream.closed = True
            if stream.name is not None and self._names.pop(stream.name, None) is not None:
                self._later(self._unsubscribe(stream.name))

    async def _look(self, stream: _Stream) -> None:
        """What a subscription would have brought, by asking: a new block, or the events up to it."""
        stream.queue.put_nowait(_MADE)
        last: Block | None = None
        while not stream.closed:
            with contextlib.suppress(GomaaError):
                raw = await self.request("eth_getBlockByNumber", "latest", False)
                head = node_answers.block(raw)
                if last is None:
                    last = head
                elif head != last:
                    kind, *rest = stream.params
                    found = (
                        [raw]
                        if kind == "newHeads"
                        else await self._past(rest[0], max(0, min(head.number, last.number) - REORG_DEPTH))
                    )
                    last = head
                    for item in found:
                        stream.queue.put_nowait(item)
            await asyncio.sleep(LOOK_S)

    async def _subscribe(self, stream: _Stream) -> None:
        if self._socket is not None and not self._socket.pushes:
            raise Unsupported("chain.unreachable", node=self.node, method="eth_subscribe")
        if not isinstance(await self._ask("eth_subscribe", stream.params, stream), str):
            raise GomaaError("chain.mismatch", node=self.node, method="eth_subscribe")

    async def _unsubscribe(self, name: str) -> None:
        with contextlib.suppress(GomaaError):
            await self.request("eth_unsubscribe", name)

    async def send(
        self, private_key: bytes, to: bytes | None, data: bytes, value: int = 0, *, depth: int | None = None
    ) -> TxReceipt:
        """Sign, send and wait for a block, ``depth`` deep (by default the network's confirmations).

        Raises GomaaError chain.reverted with the reason.
        """
        from chain.sender import send

        return await send(self, private_key, to, data, value, self.confirmations if depth is None else depth)

    async def transact(
        self, private_key: bytes, to: bytes, function: Function, *args: Any, depth: int | None = None
    ) -> TxReceipt:
        """Call a contract's function in a transaction, and wait as ``send`` does."""
        return await self.send(private_key, to, function.encode(*args), depth=depth)

    def nonce_lock(self, account: bytes) -> asyncio.Lock:
        """One transaction of an account is numbered at a time."""
        return self._nonces.setdefault(account, asyncio.Lock())

    async def until(self, ready: Callable[[], Awaitable[bool]]) -> None:
        """Wait until a condition on the chain holds, looking now, at every block, and after every loss of connection."""
        async with contextlib.aclosing(self._stream(["newHeads"])) as items:
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
