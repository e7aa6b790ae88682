"""``transaction``: state of a transaction: mined, failed, or replaced by another with its nonce."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chain import node_answers
from messages.browser_host.chain import Transaction, TransactionResult
from native_host.context import Services
from pywallet.errors import GomaaError

if TYPE_CHECKING:
    from chain.client import Chain


async def run(services: Services, request: Transaction) -> TransactionResult:
    """State of a transaction.

    Confirmed, failed and replaced are final: the block with the account's nonce is as deep as the network asks. Unknown
    and pending are not: a node may have lost a transaction, or not have it yet.

    Raises:
        GomaaError: ``chain.unreachable``, ``chain.mismatch``.
    """
    network = services.networks.require(request.chain_id)
    await network.ready()
    chain, depth = network.chain, network.deployment.confirmations
    raw_receipt = await chain.request("eth_getTransactionReceipt", request.transaction)
    if raw_receipt is None:
        by = (
            await _replacement(chain, request.account, request.nonce, depth)
            if request.account and request.nonce is not None
            else None
        )
        if by is not None and by != request.transaction:
            return TransactionResult("replaced", by=by)
        pending = await chain.request("eth_getTransactionByHash", request.transaction)
        return TransactionResult("unknown" if pending is None else "pending")
    receipt = node_answers.mapping(raw_receipt)
    number = node_answers.number(receipt.get("blockNumber"))
    deep = (await chain.block()).number - number + 1
    if deep < depth:
        return TransactionResult("pending", deep=deep)
    fee = node_answers.number(receipt.get("gasUsed")) * node_answers.number(receipt.get("effectiveGasPrice", "0x0"))
    succeeded = node_answers.number(receipt.get("status", "0x0")) == 1
    block = await chain.block(number)
    return TransactionResult("confirmed" if succeeded else "failed", number, block.timestamp, str(fee))


async def _replacement(chain: Chain, account: str, nonce: int, depth: int) -> str | None:
    """The hash of the confirmed transaction with an account's nonce; None where no block deep enough has one.

    The account's transaction count is not sufficient: its node may be ahead of the node that returned no receipt. So
    the block with the nonce is searched (exponential, then binary), which a node without history refuses.
    """

    async def used(number: int) -> bool:
        return (
            number >= 0
            and node_answers.number(await chain.request("eth_getTransactionCount", account, hex(number))) > nonce
        )

    high = (await chain.block()).number - depth + 1
    try:
        if not await used(high):
            return None
        step = 1
        while await used(high - step):
            high, step = high - step, step * 2
        low = max(high - step, -1)
        while high - low > 1:
            middle = (high + low) // 2
            low, high = (low, middle) if await used(middle) else (middle, high)
        block = node_answers.mapping(await chain.request("eth_getBlockByNumber", hex(high), True))
        for item in map(node_answers.mapping, node_answers.listing(block.get("transactions"))):
            if str(item.get("from", "")).lower() == account and node_answers.number(item.get("nonce")) == nonce:
                return str(item.get("hash", "")).lower() or None
    except GomaaError as e:
        if "node" in e.detail:
            raise
    return None
