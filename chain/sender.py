"""Transactions: EIP-1559 fees, numbered without gaps, waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from chain import node_answers
from chain.node_answers import TxReceipt, Unsupported
from common import idle_timeout
from pywallet.crypto import address_of
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError, Unavailable

if TYPE_CHECKING:
    from chain.client import Chain

MARGIN: Final = (3, 2)
"""Gas limit over the estimate, as a fraction.

Some nodes tell what is left after refunds, up to a fifth less (EIP-3529).
"""

PATIENCE_S: Final = 120.0
"""Longest silence: a transaction that no block has, or that has one, while no new block comes, for so long.

Not the time in all: twelve confirmations of twelve seconds take longer.
"""

RAISE_S: Final = 30.0
"""A transaction that no block has taken for so long offers more."""

AGAIN_S: Final = 2.0
"""So long unseen, and a transaction is offered again: a node may have lost it, or its block was replaced."""

RAISE: Final = (5, 4)
"""Nodes replace a transaction only for at least a tenth more."""

TIP: Final = 10**8
"""Wei per gas for the block's maker where the node has no word on it."""

POLL_S: Final = (0.05, 0.5)
"""Rest between two looks: the first, and the longest that it grows to."""


@dataclass(frozen=True)
class Offer:
    """One signed transaction: its fields, bytes and hash."""

    fields: Mapping[str, Any]
    raw: str
    name: str

    @classmethod
    def of(cls, fields: Mapping[str, Any], private_key: bytes) -> Offer:
        """Sign."""
        from eth_account import Account

        signed = Account.sign_transaction(dict(fields), private_key)
        return cls(fields, to_hex(bytes(signed.raw_transaction)), to_hex(bytes(signed.hash)))

    def raised(self, private_key: bytes, least: int = 0) -> Offer:
        """The same transaction for more, and for at least ``least`` wei per gas."""
        fees = {name: self.fields[name] * RAISE[0] // RAISE[1] + 1 for name in ("maxPriorityFeePerGas", "maxFeePerGas")}
        return Offer.of({**self.fields, **fees, "maxFeePerGas": max(fees["maxFeePerGas"], least)}, private_key)


async def send(chain: Chain, private_key: bytes, to: bytes | None, data: bytes, value: int, depth: int) -> TxReceipt:
    """Sign, send and wait until it is in a block that is ``depth`` deep.

    A connection lost on the way is waited for: the same bytes are sent again,
    so that a transaction is neither lost nor made twice. One that no block
    takes is offered for more, under the same number. One whose block the
    network replaced is offered again.

    Raises GomaaError chain.reverted, chain.fee.high; Unavailable chain.unreachable.
    """
    sender = address_of(private_key)
    call: dict[str, Any] = {"from": to_hex(sender), "data": to_hex(data), "value": hex(value)}
    if to is not None:
        call["to"] = to_hex(to)
    async with chain.nonce_lock(sender):
        # The estimate runs the call: a revert is known with its reason before anything is sent.
        gas = node_answers.number(await chain.request("eth_estimateGas", call)) * MARGIN[0] // MARGIN[1]
        tip, base = await fees(chain)
        fields: dict[str, Any] = {
            "chainId": await chain.chain_id(),
            "nonce": max(
                node_answers.number(await chain.request("eth_getTransactionCount", to_hex(sender), "pending")),
                chain.next_nonce.get(sender, 0),
            ),
            "gas": gas,
            "maxPriorityFeePerGas": tip,
            "maxFeePerGas": 2 * base + tip,
            "value": value,
            "data": data,
            **({"to": to} if to is not None else {}),
        }
        if chain.max_fee is not None and base + tip > chain.max_fee:
            raise GomaaError("chain.fee.high", wei_per_gas=base + tip, most=chain.max_fee)
        if chain.max_fee is not None:
            fields["maxFeePerGas"] = min(fields["maxFeePerGas"], chain.max_fee)
        waiting = _Waiting(chain, private_key, call, Offer.of(fields, private_key), depth)
        await waiting.begin()
        chain.next_nonce[sender] = fields["nonce"] + 1
    try:
        return await waiting.done()
    finally:
        # Mined, and the node counts it; or given up, and its number must not leave a gap.
        if chain.next_nonce.get(sender) == fields["nonce"] + 1:
            del chain.next_nonce[sender]


async def fees(chain: Chain) -> tuple[int, int]:
    """Tip and base fee, wei per gas."""
    latest = node_answers.mapping(await chain.request("eth_getBlockByNumber", "latest", False))
    base = node_answers.number(latest.get("baseFeePerGas", "0x0"))
    try:
        return node_answers.number(await chain.request("eth_maxPriorityFeePerGas")), base
    except Unsupported:
        return max(TIP, node_answers.number(await chain.request("eth_gasPrice")) - base), base


async def _offer(chain: Chain, raw: str) -> bool:
    """Hand it to the node; False if it is not known whether the node has it. Raises what the node has against it."""
    try:
        await chain.request("eth_sendRawTransaction", raw)
    except Unavailable as e:
        if "node" in e.detail:
            return False
        reason = str(e.detail.get("reason", "")).lower()
        if "base fee" in reason:
            raise _Outbid(e.code, **e.detail) from None
        if "already" not in reason:
            raise
    return True


class _Outbid(Unavailable):
    """The base fee has risen over an offer before the node took it.

    No number of JSON-RPC's says so, only the sentence.
    """


class _Waiting:
    """A transaction on its way: every offer made for it, and whether the node has the newest one."""

    def __init__(self, chain: Chain, private_key: bytes, call: dict[str, Any], offer: Offer, depth: int) -> None:
        self._chain = chain
        self._depth = depth
        self._key = private_key
        self._call = call
        self._offers = [offer]
        self._sent = False
        self._outbid = False
        self._against = ""

    async def begin(self) -> None:
        """The first offer. Raises what the node has against it."""
        try:
            self._sent = await _offer(self._chain, self._offers[0].raw)
        except _Outbid:
            self._outbid = True

    async def done(self) -> TxReceipt:
        """The receipt, once its block is deep enough. No event says so, and not every node makes blocks at once."""
        waiting, rest_s = idle_timeout.Patience(PATIENCE_S), POLL_S[0]
        raise_at, again_at = idle_timeout.now_s() + RAISE_S, idle_timeout.now_s() + AGAIN_S
        while not waiting.over:
            head: int | None = None
            try:
                found = await self._found()
                if found is not None:
                    deep, head = await self._deep(found)
                    if deep:
                        return await self._good(found)
            except Unavailable:
                found = None
            # In a block, every new block is a step; without one, new blocks are none.
            waiting.saw(head)
            if found is not None:
                again_at = idle_timeout.now_s() + AGAIN_S
            elif self._outbid or idle_timeout.now_s() > raise_at:
                raise_at = idle_timeout.now_s() + RAISE_S
                await self._raise()
            if found is None and (not self._sent or idle_timeout.now_s() > again_at):
                again_at = idle_timeout.now_s() + AGAIN_S
                self._sent = await self._again()
            await asyncio.sleep(rest_s)
            rest_s = min(2 * rest_s, POLL_S[1])
        raise Unavailable(
            "chain.unreachable", transaction=self._offers[-1].name, reason=self._against or "not in a block yet"
        )

    async def _again(self) -> bool:
        try:
            return await _offer(self._chain, self._offers[-1].raw)
        except _Outbid as e:
            self._outbid, self._against = True, str(e.detail.get("reason", ""))
            return False
        except Unavailable as e:
            # An earlier offer may be in a block by now, or a block away: what the node has against this one ends
            # nothing.
            self._against = str(e.detail.get("reason", ""))
            return True

    async def _found(self) -> Any:
        for offer in reversed(self._offers):
            found = await self._chain.request("eth_getTransactionReceipt", offer.name)
            if found is not None:
                return found
        return None

    async def _deep(self, found: Any) -> tuple[bool, int]:
        """Whether its block is as deep as is asked, and the number of the newest block."""
        mined = node_answers.number(node_answers.mapping(found).get("blockNumber"))
        if self._depth <= 1:
            return True, mined
        head = (await self._chain.block()).number
        return head - mined + 1 >= self._depth, head

    async def _raise(self) -> None:
        try:
            tip, base = await fees(self._chain)
        except Unavailable:
            return
        offer = self._offers[-1].raised(self._key, base + tip)
        self._outbid = False
        most = self._chain.max_fee
        if most is None or offer.fields["maxFeePerGas"] <= most:
            self._offers.append(offer)
            self._sent = False

    async def _good(self, found: Any) -> TxReceipt:
        receipt = node_answers.receipt(found)
        if node_answers.number(node_answers.mapping(found).get("status")) != 1:
            raise GomaaError("chain.reverted", transaction=to_hex(receipt.hash), reason=await self._why(receipt.block))
        return receipt

    async def _why(self, block: int) -> str:
        """A reverted transaction's reason: the same call in its block."""
        try:
            await self._chain.request("eth_call", self._call, hex(block))
        except GomaaError as e:
            return str(e.detail.get("reason", ""))
        return ""
