"""Client of a chain: blocks, calls, events and transactions over one JSON-RPC connection."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from chain import node_answers, sender
from chain.abi import Event, Function, event
from chain.connection import RpcConnection
from chain.event_history import EventHistory
from chain.node_answers import Block, Log, TxReceipt, decode_log
from chain.subscriptions import Subscriptions
from pywallet.encoding.hex import to_hex
from pywallet.errors import Unavailable

__all__ = ["Block", "Chain", "Log", "TxReceipt", "decode_log"]

Topics = Sequence[bytes | Sequence[bytes] | None]
"""Filter on indexed fields in their order: a value, any of several values, or None for all."""


class Chain(RpcConnection):
    """One connection to a node, shared by a whole process.

    Every failure is a GomaaError: ``chain.unreachable`` (Unavailable) while the node does not answer,
    ``chain.mismatch`` for malformed responses.
    """

    def __init__(
        self, rpc: str, chain_id: int | None = None, confirmations: int = 1, max_fee: int | None = None
    ) -> None:
        """Initialise without connecting; see ``connect``."""
        super().__init__(rpc, chain_id)
        self.confirmations = confirmations
        self.max_fee = max_fee
        self._subscriptions = Subscriptions(self)
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

    def _on_notification(self, params: Any) -> None:
        self._subscriptions.notify(params)

    def _on_disconnect(self) -> None:
        self._subscriptions.disconnected()

    async def _on_reconnect(self) -> None:
        await self._subscriptions.restore()

    def _on_close(self) -> None:
        self._subscriptions.close()

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
        kind: Event,
        from_block: int = 0,
        topics: Topics = (),
        to_block: int | None = None,
    ) -> list[Log]:
        """Past events, oldest first.

        Args:
            address: The contract or contracts.
            kind: The event.
            from_block: The first block.
            topics: Filter on the indexed fields.
            to_block: The last block, the latest by default.
        """
        query = _filter(address, [kind], topics)
        return [decode_log(kind, item) for item in await self.raw_logs(query, from_block, to_block)]

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

    async def watch(self, addresses: Sequence[bytes], *names: str, contract: str = "Content") -> AsyncIterator[Log]:
        """New events as they arrive, each once; after a lost connection also those that were missed.

        Args:
            addresses: The contracts.
            names: The events' names.
            contract: The contract whose ABI has the events.
        """
        kinds = [event(contract, name) for name in names]
        async with contextlib.aclosing(self._subscriptions.events(kinds, _filter(addresses, kinds, ()))) as logs:
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


def _filter(address: bytes | Sequence[bytes], kinds: Sequence[Event], topics: Topics) -> dict[str, Any]:
    listed = [to_hex(address)] if isinstance(address, bytes) else [to_hex(a) for a in address]
    narrowed = [_topic(topic) for topic in topics]
    return {"address": listed, "topics": [[to_hex(kind.topic) for kind in kinds], *narrowed]}


def _topic(topic: bytes | Sequence[bytes] | None) -> str | list[str] | None:
    if topic is None or isinstance(topic, bytes):
        return None if topic is None else to_hex(topic.rjust(32, b"\0"))
    return [to_hex(value.rjust(32, b"\0")) for value in topic]
