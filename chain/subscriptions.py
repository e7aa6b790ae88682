"""Subscriptions to new blocks and events: made again after a lost connection, polled where a node has none."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from typing import Any, Final, Protocol

from chain import node_answers
from chain.abi import Event
from chain.node_answers import Block, Log, Unsupported, decode_log
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError, Unavailable

POLL_S: Final = 0.5
"""Interval at which a node without subscriptions is polled for its newest block."""

REORG_DEPTH: Final = 12
"""Blocks by which polling looks back for events, since a polled node does not report replaced blocks."""

_MAX_SEEN: Final = 4096
"""Newest events that are kept, so that none is delivered twice."""

_END: Final = object()
_ESTABLISHED: Final = object()


def _kind_of(raw: Any, kinds: Sequence[Event]) -> Event:
    """The event of a node's log; the first one where it is none of them, which does not decode as it."""
    topics = raw.get("topics") if isinstance(raw, dict) else None
    topic = topics[0] if isinstance(topics, list) and topics else None
    return next((kind for kind in kinds if to_hex(kind.topic) == topic), kinds[0])


class Subscription:
    """One subscription; ``id`` is the node's present identifier, which changes with the connection."""

    def __init__(self, params: list[Any]) -> None:
        self.params = params
        self.queue: asyncio.Queue[Any] = asyncio.Queue()
        self.id: str | None = None
        self.established = False
        self.closed = False


class Connection(Protocol):
    """The part of ``chain.client.Chain`` that subscriptions need."""

    node: str

    @property
    def pushes(self) -> bool:
        """True if the present transport can deliver notifications, and while there is none."""

    async def request(self, method: str, *params: Any) -> Any:
        """One JSON-RPC call."""

    async def subscribe(self, params: list[Any], on_id: Callable[[str], None]) -> Any:
        """``eth_subscribe``; ``on_id`` is called as soon as the response arrives."""

    async def raw_logs(self, query: dict[str, Any], from_block: int, to_block: int | None = None) -> list[Any]:
        """Past events of a filter, undecoded."""

    async def block(self, number: int | None = None) -> Block:
        """A block, the latest by default."""

    async def reconnect(self) -> None:
        """Drop the present connection; a new one is opened."""

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run in the background until the connection is closed."""


class Subscriptions:
    """All subscriptions of one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._open: set[Subscription] = set()
        self._by_id: dict[str, Subscription] = {}

    def notify(self, params: Any) -> None:
        """Deliver an ``eth_subscription`` notification; unknown and malformed ones are ignored."""
        identifier = params.get("subscription") if isinstance(params, dict) else None
        if isinstance(params, dict) and isinstance(identifier, str) and identifier in self._by_id:
            self._by_id[identifier].queue.put_nowait(params.get("result"))

    def disconnected(self) -> None:
        """Drop the node's identifiers, which are valid for one connection."""
        self._by_id.clear()

    async def restore(self) -> None:
        """Subscribe again on a new connection. Raises GomaaError."""
        for subscription in [each for each in self._open if each.established]:
            await self._subscribe(subscription)

    def close(self) -> None:
        """End every subscription."""
        for subscription in self._open:
            subscription.queue.put_nowait(_END)

    async def heads(self) -> AsyncGenerator[Block, None]:
        """New blocks as they arrive; after a lost connection the newest."""
        begun = False
        async with contextlib.aclosing(self.items(["newHeads"])) as items:
            async for item in items:
                if item is not _ESTABLISHED:
                    yield node_answers.block(item)
                elif begun:
                    with contextlib.suppress(Unavailable):
                        yield await self._connection.block()
                begun = True

    async def events(self, kinds: Sequence[Event], query: dict[str, Any]) -> AsyncGenerator[Log, None]:
        """New events of a filter, each once; after a lost connection also those that were missed.

        Args:
            kinds: The events that the filter has.
            query: Address and topics, as ``eth_getLogs`` takes them.
        """
        start = since = (await self._connection.block()).number
        seen: OrderedDict[tuple[Any, ...], None] = OrderedDict()
        async with contextlib.aclosing(self.items(["logs", query])) as items:
            async for item in items:
                for raw in await self._missed(query, since) if item is _ESTABLISHED else [item]:
                    log = decode_log(_kind_of(raw, kinds), raw)
                    key = (raw.get("blockHash"), log.transaction, raw.get("logIndex"))
                    if key in seen or log.block <= start or raw.get("removed"):
                        continue
                    seen[key] = None
                    while len(seen) > _MAX_SEEN:
                        seen.popitem(last=False)
                    since = max(since, log.block)
                    yield log

    async def items(self, params: list[Any]) -> AsyncGenerator[Any, None]:
        """The raw items of a subscription, and a marker each time that it is established."""
        subscription = Subscription(params)
        self._open.add(subscription)
        try:
            try:
                await self._subscribe(subscription)
            except Unsupported:
                self._connection.spawn(self._poll(subscription))
            while (item := await subscription.queue.get()) is not _END:
                yield item
        finally:
            self._open.discard(subscription)
            subscription.closed = True
            if subscription.id is not None and self._by_id.pop(subscription.id, None) is not None:
                self._connection.spawn(self._unsubscribe(subscription.id))

    async def _missed(self, query: dict[str, Any], since: int) -> list[Any]:
        try:
            return await self._connection.raw_logs(query, since)
        except Unavailable:
            # The new connection queries again, so that no event is lost.
            await self._connection.reconnect()
            return []

    async def _poll(self, subscription: Subscription) -> None:
        """Emulate a subscription: fetch each new block, or the events up to it."""
        subscription.queue.put_nowait(_ESTABLISHED)
        last: Block | None = None
        while not subscription.closed:
            with contextlib.suppress(GomaaError):
                raw = await self._connection.request("eth_getBlockByNumber", "latest", False)
                head = node_answers.block(raw)
                if last is None:
                    last = head
                elif head != last:
                    kind, *rest = subscription.params
                    items = (
                        [raw]
                        if kind == "newHeads"
                        else await self._connection.raw_logs(
                            rest[0], max(0, min(head.number, last.number) - REORG_DEPTH)
                        )
                    )
                    last = head
                    for item in items:
                        subscription.queue.put_nowait(item)
            await asyncio.sleep(POLL_S)

    async def _subscribe(self, subscription: Subscription) -> None:
        if not self._connection.pushes:
            raise Unsupported("chain.unreachable", node=self._connection.node, method="eth_subscribe")

        def on_id(identifier: str) -> None:
            self._established(subscription, identifier)

        if not isinstance(await self._connection.subscribe(subscription.params, on_id), str):
            raise GomaaError("chain.mismatch", node=self._connection.node, method="eth_subscribe")

    def _established(self, subscription: Subscription, identifier: str) -> None:
        if subscription.closed:
            self._connection.spawn(self._unsubscribe(identifier))
            return
        subscription.id, subscription.established = identifier, True
        self._by_id[identifier] = subscription
        subscription.queue.put_nowait(_ESTABLISHED)

    async def _unsubscribe(self, identifier: str) -> None:
        with contextlib.suppress(GomaaError):
            await self._connection.request("eth_unsubscribe", identifier)
