"""Transactions: EIP-1559 fees, numbered without gaps, waited for."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

from chain import answers
from chain.answers import TxReceipt
from pywallet.errors import GomaaError, Unavailable
from pywallet.hexes import to_hex
from pywallet.platform import address_of

if TYPE_CHECKING:
    from chain.client import Chain

MARGIN: Final = (6, 5)
"""Gas limit over the estimate, as a fraction."""

PATIENCE_S: Final = 120.0
POLL_S: Final = 0.05


async def send(chain: Chain, private_key: bytes, to: bytes | None, data: bytes, value: int) -> TxReceipt:
    """Sign, send and wait until it is in a block. Raises GomaaError chain.reverted, chain.unreachable.

    A connection lost on the way is waited for: the same bytes are sent again,
    so that a transaction is neither lost nor made twice.
    """
    from eth_account import Account

    sender = address_of(private_key)
    call: dict[str, Any] = {"from": to_hex(sender), "data": to_hex(data), "value": hex(value)}
    if to is not None:
        call["to"] = to_hex(to)
    async with chain.nonce_lock(sender):
        # The estimate runs the call: a revert is known with its reason before anything is sent.
        gas = answers.number(await chain.request("eth_estimateGas", call)) * MARGIN[0] // MARGIN[1]
        tip = answers.number(await chain.request("eth_maxPriorityFeePerGas"))
        latest = answers.mapping(await chain.request("eth_getBlockByNumber", "latest", False))
        base = answers.number(latest.get("baseFeePerGas", "0x0"))
        fields = {
            "chainId": await chain.chain_id(),
            "nonce": answers.number(await chain.request("eth_getTransactionCount", to_hex(sender), "pending")),
            "gas": gas,
            "maxPriorityFeePerGas": tip,
            "maxFeePerGas": 2 * base + tip,
            "value": value,
            "data": data,
            **({"to": to} if to is not None else {}),
        }
        signed = Account.sign_transaction(fields, private_key)
        raw, name = to_hex(bytes(signed.raw_transaction)), to_hex(bytes(signed.hash))
        sent = await _offer(chain, raw)
    return await _mined(chain, name, None if sent else raw, call)


async def _offer(chain: Chain, raw: str, *, again: bool = False) -> bool:
    """Hand it to the node; False if it is not known whether the node has it. Raises what the node has against it."""
    try:
        await chain.request("eth_sendRawTransaction", raw)
    except Unavailable as e:
        if "rpc" in e.detail:
            return False
        said = str(e.detail.get("reason", "")).lower()
        # The first attempt may have arrived, and be in a block by now: then the node refuses the number, rightly.
        if "already" not in said and not (again and "nonce" in said):
            raise
    return True


async def _mined(chain: Chain, name: str, raw: str | None, call: dict[str, Any]) -> TxReceipt:
    """The receipt once there is one. No event says that a transaction is mined, and not every node makes blocks at once."""
    found = None
    try:
        async with asyncio.timeout(PATIENCE_S):
            while found is None:
                with contextlib.suppress(Unavailable):
                    found = await chain.request("eth_getTransactionReceipt", name)
                if found is None:
                    if raw is not None and await _offer(chain, raw, again=True):
                        raw = None
                    await asyncio.sleep(POLL_S)
    except TimeoutError:
        raise Unavailable("chain.unreachable", transaction=name, reason="not in a block yet") from None
    receipt = answers.receipt(found)
    if answers.number(answers.mapping(found).get("status")) != 1:
        raise GomaaError("chain.reverted", transaction=name, reason=await _why(chain, call, receipt.block))
    return receipt


async def _why(chain: Chain, call: dict[str, Any], block: int) -> str:
    """A reverted transaction's reason: the same call in its block."""
    try:
        await chain.request("eth_call", call, hex(block))
    except GomaaError as e:
        return str(e.detail.get("reason", ""))
    return ""
