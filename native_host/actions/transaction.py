"""``transaction``: is it in a block, and did it succeed?"""

from __future__ import annotations

from typing import Any

from chain import answers
from native_host.host import Host
from native_host.schema import Transaction


async def run(host: Host, request: Transaction) -> dict[str, Any]:
    """Unknown, pending, confirmed or failed. Confirmed and failed are said once the block is as deep as the network asks."""
    network = host.network(request.chain_id)
    await network.ready()
    chain = network.chain
    found = await chain.request("eth_getTransactionReceipt", request.transaction)
    blank = {"block": None, "time_s": None, "fee_wei": None}
    if found is None:
        known = await chain.request("eth_getTransactionByHash", request.transaction)
        return {"state": "unknown" if known is None else "pending", **blank}
    receipt = answers.mapping(found)
    number = answers.number(receipt.get("blockNumber"))
    if (await chain.block()).number - number + 1 < network.deployment.confirmations:
        return {"state": "pending", **blank}
    fee = answers.number(receipt.get("gasUsed")) * answers.number(receipt.get("effectiveGasPrice", "0x0"))
    good = answers.number(receipt.get("status", "0x0")) == 1
    block = await chain.block(number)
    return {"state": "confirmed" if good else "failed", "block": number, "time_s": block.timestamp, "fee_wei": str(fee)}
