"""``send``: send a signed transaction to the network's node."""

from __future__ import annotations

from messages.browser_host.chain import Send, SendResult
from native_host.context import Services
from pywallet.crypto import keccak256
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import GomaaError


async def run(services: Services, request: Send) -> SendResult:
    """Send a transaction. The same bytes again are no error.

    A node's refusal is not final: the signed bytes stay valid until a transaction with their nonce is in a block.

    Raises:
        GomaaError: ``chain.reverted`` with the node's reason, ``chain.unreachable``.
    """
    network = services.networks.require(request.chain_id)
    await network.ready()
    transaction = to_hex(keccak256(from_hex(request.raw)))
    try:
        await network.chain.request("eth_sendRawTransaction", request.raw)
    except GomaaError as e:
        # A ``node`` in the detail is an unreachable node, which is no refusal.
        if "node" in e.detail:
            raise
        # The node may have it already, in its pool or in a block, by its error or the look-up by hash.
        if "already" in str(e.detail.get("reason", "")).lower():
            return SendResult(transaction)
        if await network.chain.request("eth_getTransactionByHash", transaction) is None:
            raise GomaaError("chain.reverted", reason=e.detail.get("reason", e.code)) from None
    return SendResult(transaction)
