"""``transaction``: is it in a block, did it succeed, and did another one take its number?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chain import node_answers
from native_host.context import Services
from native_host.messaging.chain_requests import Transaction
from pywallet.errors import GomaaError

if TYPE_CHECKING:
    from chain.client import Chain


async def run(services: Services, request: Transaction) -> dict[str, Any]:
    """Report where a transaction stands.

    Confirmed, failed and replaced are said once a block with the account's number is as deep as the network asks, and
    end a transfer. Unknown and pending end nothing: a node may have lost a transaction, or not have it yet.

    Returns:
        ``state`` (unknown, pending, confirmed, failed or replaced), ``block``, ``time_s``, ``fee_wei``, ``by``: the
        hash of the transaction that took the number, for replaced only; and ``deep``: of how many blocks, its own
        included, a pending one is part already.

    Raises:
        GomaaError: ``chain.unreachable``, ``chain.mismatch``.
    """
    network = services.networks.require(request.chain_id)
    await network.ready()
    chain, depth = network.chain, network.deployment.confirmations
    blank = {"block": None, "time_s": None, "fee_wei": None, "by": None, "deep": 0}
    found = await chain.request("eth_getTransactionReceipt", request.transaction)
    if found is None:
        by = (
            await _taker(chain, request.account, request.nonce, depth)
            if request.account and request.nonce is not None
            else None
        )
        if by is not None and by != request.transaction:
            return {"state": "replaced", **blank, "by": by}
        known = await chain.request("eth_getTransactionByHash", request.transaction)
        return {"state": "unknown" if known is None else "pending", **blank}
    receipt = node_answers.mapping(found)
    number = node_answers.number(receipt.get("blockNumber"))
    deep = (await chain.block()).number - number + 1
    if deep < depth:
        return {"state": "pending", **blank, "deep": deep}
    fee = node_answers.number(receipt.get("gasUsed")) * node_answers.number(receipt.get("effectiveGasPrice", "0x0"))
    good = node_answers.number(receipt.get("status", "0x0")) == 1
    block = await chain.block(number)
    return {
        **blank,
        "state": "confirmed" if good else "failed",
        "block": number,
        "time_s": block.timestamp,
        "fee_wei": str(fee),
    }


async def _taker(chain: Chain, account: str, nonce: int, depth: int) -> str | None:
    """The hash of the mined transaction with an account's number, or None where no block that is deep enough shows one.

    The account's count alone proves nothing: the node that gives it may be ahead of the one that was asked for the
    receipt. So the block is looked for (by doubling steps back, then halving), which a node without history refuses.
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
