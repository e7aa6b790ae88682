"""Nodes of the simulated chain: JSON-RPC, subscriptions, and faults."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Final

from pywallet.encoding.hex import to_hex
from tests.simulation.simulated_chain import CHAIN_ID, LOG_RANGE, Failure, Mined, SimulatedChain
from tests.simulation.virtual import PROCESS

URL: Final = "ws://node.simulated"

Lie = Callable[[str, Sequence[Any], Any], Any]
"""Replaces a result: called with method, parameters and the true result."""


class Node:
    """One process's node, which may be stopped, limit its logs, or give false results."""

    def __init__(self, chain: SimulatedChain) -> None:
        self.chain = chain
        self.stopped = False
        self.limited = False
        self.lie: Lie | None = None
        self.latency_s = 0.01

    def answer(self, method: str, params: Sequence[Any]) -> Any:
        """Return the result of a request. Raises Failure."""
        result = self._answer(method, params)
        return result if self.lie is None else self.lie(method, params, result)

    def _answer(self, method: str, params: Sequence[Any]) -> Any:
        chain = self.chain
        match method:
            case "eth_chainId":
                return hex(CHAIN_ID)
            case "eth_getBlockByNumber":
                number = chain.head.number if params[0] in ("latest", "pending") else int(params[0], 16)
                return chain.blocks[number].header() if number < len(chain.blocks) else None
            case "eth_blockNumber":
                return hex(chain.head.number)
            case "eth_call":
                tag = params[1] if len(params) > 1 else "latest"
                return to_hex(chain.call(params[0], None if tag in ("latest", "pending") else int(tag, 16)))
            case "eth_estimateGas":
                chain.call(params[0])
                return hex(8_000_000)
            case "eth_maxPriorityFeePerGas" | "eth_gasPrice":
                return hex(10**9)
            case "eth_getTransactionCount":
                account = bytes.fromhex(params[0][2:])
                return hex(chain.pending_nonce(account) if params[1] == "pending" else chain.nonces.get(account, 0))
            case "eth_sendRawTransaction":
                return to_hex(chain.offer(bytes.fromhex(params[0][2:])))
            case "eth_getTransactionReceipt":
                name = bytes.fromhex(params[0][2:])
                return next((block.receipts[name] for block in reversed(chain.blocks) if name in block.receipts), None)
            case "eth_getTransactionByHash":
                return self._transaction(bytes.fromhex(params[0][2:]))
            case "eth_getLogs":
                return self._logs(params[0])
            case "eth_getCode":
                return to_hex(bytes(chain.evm.get_code(params[0]) or b""))
            case "eth_getBalance":
                return hex(10**24)
        raise Failure(f"the method {method} does not exist", code=-32601)

    def _transaction(self, name: bytes) -> Any:
        for block in reversed(self.chain.blocks):
            for one in block.transactions:
                if one.hash == name:
                    to = None if one.to is None else to_hex(one.to)
                    place = {"blockNumber": hex(block.number), "blockHash": to_hex(block.hash), "hash": to_hex(name)}
                    return {
                        **place,
                        "from": to_hex(one.sender),
                        "to": to,
                        "input": to_hex(one.data),
                        "nonce": hex(one.nonce),
                    }
        return None

    def _logs(self, wanted: Mapping[str, Any]) -> list[Any]:
        head = self.chain.head.number
        first, last = (_height(wanted.get(name), head) for name in ("fromBlock", "toBlock"))
        if self.limited and last - first >= LOG_RANGE:
            raise Failure(f"query exceeds {LOG_RANGE} blocks", code=-32005)
        return [log for block in self.chain.blocks[first : last + 1] for log in block.logs if _matches(log, wanted)]


def _height(tag: Any, head: int) -> int:
    return head if tag in (None, "latest") else min(int(str(tag), 16), head)


def _matches(log: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    addresses = wanted.get("address") or []
    addresses = [addresses] if isinstance(addresses, str) else addresses
    if addresses and log["address"] not in [address.lower() for address in addresses]:
        return False
    for place, topic in enumerate(wanted.get("topics") or []):
        if topic is None:
            continue
        options = topic if isinstance(topic, list) else [topic]
        if place >= len(log["topics"]) or log["topics"][place] not in options:
            return False
    return True


class NodeConnection:
    """One WebSocket to a node (``chain.transport.Transport``), with the node's latency."""

    pushes = True
    _count = 0

    def __init__(self, node: Node) -> None:
        NodeConnection._count += 1
        self.number = NodeConnection._count
        self.node = node
        self._out: asyncio.Queue[str | None] = asyncio.Queue()
        self._subscriptions: dict[str, tuple[str, Mapping[str, Any]]] = {}
        self._closed = False
        self._process = PROCESS.get()
        node.chain.connections.add(self)

    async def send(self, text: str) -> None:
        """Send a request; iteration yields the response."""
        if self._closed or self.node.stopped:
            self.disconnect()
            raise OSError("the node is gone")
        request = json.loads(text)
        asyncio.get_running_loop().call_later(self.node.latency_s, self._reply, request)

    def _reply(self, request: Mapping[str, Any]) -> None:
        if self.node.stopped or (self._process is not None and self._process.dead):
            self.disconnect()
            return
        head = {"jsonrpc": "2.0", "id": request["id"]}
        try:
            if request["method"] == "eth_subscribe":
                name = hex(1000 * self.number + len(self._subscriptions))
                kind, *rest = request["params"]
                self._subscriptions[name] = (kind, rest[0] if rest else {})
                result: Any = name
            elif request["method"] == "eth_unsubscribe":
                result = self._subscriptions.pop(request["params"][0], None) is not None
            else:
                result = self.node.answer(request["method"], request["params"])
            self._out.put_nowait(json.dumps({**head, "result": result}))
        except Failure as failure:
            self._out.put_nowait(json.dumps({**head, "error": failure.error}))

    def push(self, made: Sequence[Mined], removed: Sequence[Mapping[str, Any]]) -> None:
        """Push new and removed blocks to the subscriptions."""
        if self.node.stopped:
            self.disconnect()
            return
        for name, (kind, wanted) in self._subscriptions.items():
            if kind == "newHeads":
                found: list[Any] = [block.header() for block in made]
            else:
                old = [{**log, "removed": True} for log in removed if _matches(log, wanted)]
                found = [*old, *(log for block in made for log in block.logs if _matches(log, wanted))]
            for item in found:
                message = {
                    "jsonrpc": "2.0",
                    "method": "eth_subscription",
                    "params": {"subscription": name, "result": item},
                }
                self._out.put_nowait(json.dumps(message))

    def disconnect(self) -> None:
        """Break the connection; iteration ends."""
        if not self._closed:
            self._closed = True
            self.node.chain.connections.discard(self)
            self._out.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        while (text := await self._out.get()) is not None:
            yield text

    async def close(self) -> None:
        """Disconnect."""
        self.disconnect()
