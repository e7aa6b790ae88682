"""JSON-RPC over one WebSocket: requests, subscriptions, transactions, and coming back after a loss."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from chain.abi import Event, Function, event
from pywallet.errors import GomaaError, Unavailable
from pywallet.hexes import to_hex

TIMEOUT_S: Final = 10.0
BACKOFF_S: Final = (0.1, 5.0)
_MAX_MESSAGE: Final = 64 << 20
_END: Final = object()


@dataclass(frozen=True)
class Block:
    """A block's number, Unix time in seconds, and hash."""

    number: int
    timestamp: int
    hash: bytes


@dataclass(frozen=True)
class Log:
    """One decoded event."""

    name: str
    address: bytes
    fields: Mapping[str, Any]
    block: int
    transaction: bytes


@dataclass(frozen=True)
class TxReceipt:
    """A transaction in a block. ``logs`` are raw."""

    hash: bytes
    gas_used: int
    block: int
    logs: Sequence[Mapping[str, Any]]


class Chain:
    """One connection, shared by everything in a process. Every failure is a GomaaError.

    Raises Unavailable ``chain.unreachable`` while the node doesn't answer.
    """

    def __init__(self, rpc: str) -> None:
        self.rpc = rpc
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._subscriptions: dict[int, tuple[list[Any], asyncio.Queue[Any]]] = {}
        self._keys: dict[str, int] = {}
        self._socket: ClientConnection | None = None
        self._up = asyncio.Event()
        self._runner: asyncio.Task[None] | None = None
        self._nonces: dict[bytes, asyncio.Lock] = {}

    @classmethod
    def connect(cls, rpc: str) -> Chain:
        """For ``async with``; entering fails with chain.unreachable if the node can't be reached now."""
        return cls(rpc)

    async def __aenter__(self) -> Chain:
        await self._open()
        self._runner = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            self._runner.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._runner
        if self._socket is not None:
            await self._socket.close()
        self._fail()
        for subscription in self._subscriptions.values():
            subscription[1].put_nowait(_END)

    async def _open(self) -> None:
        try:
            self._socket = await connect(self.rpc, open_timeout=TIMEOUT_S, max_size=_MAX_MESSAGE, compression=None, ping_interval=20)
        except (OSError, TimeoutError, WebSocketException, ValueError) as e:
            raise Unavailable("chain.unreachable", rpc=self.rpc, reason=type(e).__name__) from None
        self._up.set()

    async def _run(self) -> None:
        wait = BACKOFF_S[0]
        while True:
            if self._socket is None:
                try:
                    await self._open()
                    wait = BACKOFF_S[0]
                    for key in list(self._subscriptions):
                        task = asyncio.create_task(self._subscribe(key))
                        task.add_done_callback(lambda t: t.cancelled() or t.exception())
                except Unavailable:
                    await asyncio.sleep(wait * random.uniform(0.5, 1.5))  # noqa: S311
                    wait = min(wait * 2, BACKOFF_S[1])
                    continue
            assert self._socket is not None
            with contextlib.suppress(WebSocketException, OSError):
                async for text in self._socket:
                    self._hear(text)
            self._socket = None
            self._up.clear()
            self._keys.clear()
            self._fail()

    def _fail(self) -> None:
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(Unavailable("chain.unreachable", rpc=self.rpc))
        self._waiting.clear()

    def _hear(self, text: str | bytes) -> None:
        try:
            message = json.loads(text)
        except ValueError:
            return
        if not isinstance(message, dict):
            return
        if message.get("method") == "eth_subscription":
            params = message.get("params") or {}
            key = self._keys.get(str(params.get("subscription")))
            if key in self._subscriptions:
                self._subscriptions[key][1].put_nowait(params.get("result"))
            return
        number = message.get("id")
        future = self._waiting.pop(number, None) if isinstance(number, int) else None
        if future is not None and not future.done():
            future.set_result(message)

    async def request(self, method: str, *params: Any) -> Any:
        """One call. Raises GomaaError chain.reverted with the node's reason."""
        socket = self._socket
        if socket is None:
            try:
                async with asyncio.timeout(BACKOFF_S[1]):
                    await self._up.wait()
            except TimeoutError:
                raise Unavailable("chain.unreachable", rpc=self.rpc, method=method) from None
            socket = self._socket
            if socket is None:
                raise Unavailable("chain.unreachable", rpc=self.rpc, method=method)
        number = next(self._ids)
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await socket.send(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}))
                answer = await future
        except (TimeoutError, WebSocketException, OSError) as e:
            raise Unavailable("chain.unreachable", rpc=self.rpc, method=method, reason=type(e).__name__) from None
        finally:
            self._waiting.pop(number, None)
        if "error" in answer:
            raise _failure(method, answer["error"])
        return answer.get("result")

    async def chain_id(self) -> int:
        """The network's number."""
        return int(await self.request("eth_chainId"), 16)

    async def block(self, number: int | None = None) -> Block:
        """A block, the latest by default."""
        return _block(await self.request("eth_getBlockByNumber", "latest" if number is None else hex(number), False))

    async def call(self, to: bytes, function: Function, *args: Any) -> tuple[Any, ...]:
        """Read from a contract."""
        data = await self.request("eth_call", {"to": to_hex(to), "data": to_hex(function.encode(*args))}, "latest")
        return function.decode(bytes.fromhex(str(data)[2:]))

    async def code(self, address: bytes) -> bytes:
        """The byte code at an address, empty where no contract is."""
        return bytes.fromhex(str(await self.request("eth_getCode", to_hex(address), "latest"))[2:])

    async def logs(
        self, address: bytes | Sequence[bytes], what: Event, from_block: int = 0, topics: Sequence[bytes | None] = ()
    ) -> list[Log]:
        """Past events, oldest first; ``topics`` narrow the indexed fields."""
        found = await self.request("eth_getLogs", {**_filter(address, what, topics), "fromBlock": hex(from_block), "toBlock": "latest"})
        return [decode_log(what, item) for item in found]

    async def heads(self) -> AsyncIterator[Block]:
        """New blocks as they come; blocks made during a loss of connection are not repeated."""
        async for item in self._stream(["newHeads"]):
            yield _block(item)

    async def watch(self, addresses: Sequence[bytes], what: str, contract: str = "Content") -> AsyncIterator[Log]:
        """Events as they come, by subscription (made again after a loss)."""
        found = event(contract, what)
        async for item in self._stream(["logs", _filter(addresses, found, ())]):
            if not item.get("removed"):
                yield decode_log(found, item)

    async def _stream(self, params: list[Any]) -> AsyncIterator[Any]:
        key = next(self._ids)
        queue: asyncio.Queue[Any] = asyncio.Queue()
        self._subscriptions[key] = (params, queue)
        try:
            await self._subscribe(key)
            while (item := await queue.get()) is not _END:
                yield item
        finally:
            del self._subscriptions[key]

    async def _subscribe(self, key: int) -> None:
        name = await self.request("eth_subscribe", *self._subscriptions[key][0])
        self._keys[name] = key

    async def send(self, private_key: bytes, to: bytes | None, data: bytes, value: int = 0) -> TxReceipt:
        """Sign, send and wait for a block. Raises GomaaError chain.reverted with the reason."""
        from chain.transactions import send

        return await send(self, private_key, to, data, value)

    async def transact(self, private_key: bytes, to: bytes, function: Function, *args: Any) -> TxReceipt:
        """Call a contract's function in a transaction."""
        return await self.send(private_key, to, function.encode(*args))

    def nonce_lock(self, account: bytes) -> asyncio.Lock:
        """One transaction of an account is numbered at a time."""
        return self._nonces.setdefault(account, asyncio.Lock())

    async def until(self, ready: Callable[[], Awaitable[bool]]) -> None:
        """Wait until a condition on the chain holds, looking again at every block."""
        heads = self.heads()
        try:
            if await ready():
                return
            async for _ in heads:
                if await ready():
                    return
        finally:
            await heads.aclose()  # type: ignore[attr-defined]


def _filter(address: bytes | Sequence[bytes], what: Event, topics: Sequence[bytes | None]) -> dict[str, Any]:
    listed = [to_hex(address)] if isinstance(address, bytes) else [to_hex(a) for a in address]
    narrowed = [None if t is None else to_hex(t.rjust(32, b"\0")) for t in topics]
    return {"address": listed, "topics": [to_hex(what.topic), *narrowed]}


def decode_log(what: Event, item: Mapping[str, Any]) -> Log:
    """A node's log as an event's fields."""
    topics = [bytes.fromhex(t[2:]) for t in item["topics"]]
    fields = what.decode(topics, bytes.fromhex(item["data"][2:]))
    block = int(item["blockNumber"], 16) if item.get("blockNumber") else 0
    return Log(what.name, bytes.fromhex(item["address"][2:]), fields, block, bytes.fromhex(item["transactionHash"][2:]))


def _block(item: Any) -> Block:
    if not isinstance(item, Mapping):
        raise GomaaError("chain.mismatch", reason="no block")
    return Block(int(item["number"], 16), int(item["timestamp"], 16), bytes.fromhex(item["hash"][2:]))


def _failure(method: str, error: Any) -> GomaaError:
    message = str(error.get("message", "")) if isinstance(error, Mapping) else str(error)
    data = error.get("data") if isinstance(error, Mapping) else None
    reason = _reason(data) or message.split("revert: ")[-1].removeprefix("execution reverted: ")
    if "revert" in message.lower() or _reason(data):
        return GomaaError("chain.reverted", method=method, reason=reason)
    return Unavailable("chain.unreachable", method=method, reason=message[:200])


def _reason(data: Any) -> str:
    """The text of ``Error(string)`` in a revert's data, or nothing."""
    if not isinstance(data, str) or not data.startswith("0x08c379a0"):
        return ""
    raw = bytes.fromhex(data[10:])
    length = int.from_bytes(raw[32:64], "big")
    return raw[64 : 64 + length].decode("utf-8", "replace")
