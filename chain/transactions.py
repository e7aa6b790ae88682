"""Transactions: EIP-1559 fees, numbered without gaps, waited for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from chain.client import TxReceipt
from pywallet.errors import GomaaError, Unavailable
from pywallet.hexes import to_hex
from pywallet.platform import address_of

if TYPE_CHECKING:
    from chain.client import Chain

MARGIN: Final = (6, 5)
"""Gas limit over the estimate, as a fraction."""

PATIENCE_S: Final = 120.0


async def send(chain: Chain, private_key: bytes, to: bytes | None, data: bytes, value: int) -> TxReceipt:
    """Sign, send and wait until it is in a block. Raises GomaaError chain.reverted, chain.unreachable."""
    from eth_account import Account

    sender = address_of(private_key)
    call: dict[str, Any] = {"from": to_hex(sender), "data": to_hex(data), "value": hex(value)}
    if to is not None:
        call["to"] = to_hex(to)
    async with chain.nonce_lock(sender):
        # The estimate runs the call: a revert is known with its reason before anything is sent.
        gas = int(await chain.request("eth_estimateGas", call), 16) * MARGIN[0] // MARGIN[1]
        tip = int(await chain.request("eth_maxPriorityFeePerGas"), 16)
        base = int((await chain.request("eth_getBlockByNumber", "latest", False)).get("baseFeePerGas", "0x0"), 16)
        fields = {
            "chainId": await chain.chain_id(),
            "nonce": int(await chain.request("eth_getTransactionCount", to_hex(sender), "pending"), 16),
            "gas": gas,
            "maxPriorityFeePerGas": tip,
            "maxFeePerGas": 2 * base + tip,
            "value": value,
            "data": data,
            **({"to": to} if to is not None else {}),
        }
        signed = Account.sign_transaction(fields, private_key)
        name = str(await chain.request("eth_sendRawTransaction", to_hex(bytes(signed.raw_transaction))))
    return await _mined(chain, name, call)


async def _mined(chain: Chain, name: str, call: dict[str, Any]) -> TxReceipt:
    """The receipt once there is one; looked for at every block, and in between for nodes that mine at once."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            # No event says that a transaction is mined, and not every node makes blocks at once.
            while (found := await chain.request("eth_getTransactionReceipt", name)) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise Unavailable("chain.unreachable", transaction=name, reason="not in a block yet") from None
    block = int(found["blockNumber"], 16)
    if int(found["status"], 16) != 1:
        reason = ""
        try:
            await chain.request("eth_call", call, hex(block))
        except GomaaError as e:
            reason = str(e.detail.get("reason", ""))
        raise GomaaError("chain.reverted", transaction=name, reason=reason)
    return TxReceipt(bytes.fromhex(name[2:]), int(found["gasUsed"], 16), block, found["logs"])
