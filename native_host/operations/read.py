"""``read``: read-only JSON-RPC methods for sites with permission, passed to the network's node."""

from __future__ import annotations

import json
from typing import Final

from chain.node_answers import Unsupported
from messages.browser_host.chain import Read, ReadResult
from native_host.context import Services
from pywallet.errors import GomaaError, InputError, Unavailable

METHODS: Final = {
    "eth_blockNumber": 0,
    "eth_call": 2,
    "eth_estimateGas": 2,
    "eth_feeHistory": 3,
    "eth_gasPrice": 0,
    "eth_getBalance": 2,
    "eth_getBlockByHash": 2,
    "eth_getBlockByNumber": 2,
    "eth_getCode": 2,
    "eth_getLogs": 1,
    "eth_getStorageAt": 3,
    "eth_getTransactionByHash": 1,
    "eth_getTransactionCount": 2,
    "eth_getTransactionReceipt": 1,
    "eth_maxPriorityFeePerGas": 0,
}
"""Most parameters by method. The extension has the same list; this check does not depend on it."""
INVALID: Final = (-32600, -32602, -32000)
"""Error numbers of JSON-RPC and EIP-1474 for wrong parameters."""
MAX_ANSWER: Final = 512 * 1024
"""Longest result, characters."""


async def run(services: Services, request: Read) -> ReadResult:
    """Call a method of the network's node.

    Raises:
        GomaaError: ``wallet.unsupported``, ``message.schema``, ``chain.reverted``, ``chain.unreachable``.
    """
    most = METHODS.get(request.method)
    if most is None:
        raise GomaaError("wallet.unsupported", method=request.method)
    if len(request.params) > most:
        raise InputError("message.schema", field="params", most=most)
    network = services.networks.require(request.chain_id)
    await network.ready()
    try:
        value = await network.chain.request(request.method, *request.params)
    except Unsupported:
        raise GomaaError("wallet.unsupported", reason="the network's node does not answer this") from None
    except Unavailable as e:
        if e.detail.get("number") not in INVALID:
            raise
        raise InputError("message.schema", field="params", reason=e.detail["reason"]) from None
    if len(json.dumps(value)) > MAX_ANSWER:
        raise InputError("message.schema", field="params", reason="the answer is too long: ask for less")
    return ReadResult(value)
