"""Sending of transactions: EIP-1559 fees, nonces without gaps, replacement at higher fees, confirmation."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from chain import node_answers
from chain.node_answers import Block, TxReceipt, Unsupported
from common import idle_timeout
from pywallet.crypto import address_of
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError, Unavailable

GAS_MARGIN: Final = (3, 2)
"""Gas limit as a fraction of the estimate.

Some nodes estimate the gas after refunds, up to a fifth less than needed (EIP-3529).
"""

IDLE_S: Final = 120.0
"""Longest time without progress: before inclusion, or between blocks after it, seconds. The total is unlimited."""

FEE_BUMP_S: Final = 30.0
"""Time without inclusion after which a transaction is replaced at a higher fee."""

RESEND_S: Final = 2.0
"""Time without inclusion after which a transaction is sent again, since a node may have dropped it."""

FEE_BUMP: Final = (5, 4)
"""Factor of the fees of a replacement; nodes require at least a tenth more."""

DEFAULT_TIP: Final = 10**8
"""Smallest priority fee, wei per gas, for nodes without ``eth_maxPriorityFeePerGas``."""

POLL_S: Final = (0.05, 0.5)
"""Interval of polling for a receipt: the first, and the longest that it doubles to."""


class TransactionNode(Protocol):
    """The part of ``chain.client.Chain`` that sending needs."""

    max_fee: int | None
    next_nonce: dict[bytes, int]

    async def request(self, method: str, *params: Any) -> Any:
        """One JSON-RPC call."""

    async def chain_id(self) -> int:
        """The network's number."""

    async def block(self, number: int | None = None) -> Block:
        """A block, the latest by default."""

    def nonce_lock(self, account: bytes) -> asyncio.Lock:
        """Lock under which an account's transactions get their nonces."""


@dataclass(frozen=True)
class SignedTransaction:
    """A signed transaction: its fields, raw bytes (0x-hex) and hash (0x-hex)."""

    fields: Mapping[str, Any]
    raw: str
    hash: str

    @classmethod
    def sign(cls, fields: Mapping[str, Any], private_key: bytes) -> SignedTransaction:
        """Sign the fields of a transaction."""
        from eth_account import Account

        signed = Account.sign_transaction(dict(fields), private_key)
        return cls(fields, to_hex(bytes(signed.raw_transaction)), to_hex(bytes(signed.hash)))

    def bumped(self, private_key: bytes, minimum: int = 0) -> SignedTransaction:
        """The replacement at higher fees, of at least ``minimum`` wei per gas."""
        fees = {
            name: self.fields[name] * FEE_BUMP[0] // FEE_BUMP[1] + 1
            for name in ("maxPriorityFeePerGas", "maxFeePerGas")
        }
        return SignedTransaction.sign(
            {**self.fields, **fees, "maxFeePerGas": max(fees["maxFeePerGas"], minimum)}, private_key
        )


async def send(
    chain: TransactionNode, private_key: bytes, to: bytes | None, data: bytes, value: int, depth: int
) -> TxReceipt:
    """Sign and send a transaction and wait until its block is ``depth`` deep.

    After a lost connection the same bytes are sent again, so that a transaction is neither lost nor duplicated. A
    transaction that no block includes is replaced at a higher fee under the same nonce. One whose block is replaced is
    sent again.

    Args:
        chain: The connection.
        private_key: The sender's.
        to: The recipient; None creates a contract.
        data: Call data, or a contract's creation code.
        value: Wei of the network's coin.
        depth: Blocks.

    Raises:
        GomaaError: ``chain.reverted`` with the contract's reason, ``chain.fee.high`` above ``max_fee``.
        Unavailable: ``chain.unreachable``, ``chain.funds``.
    """
    sender = address_of(private_key)
    call: dict[str, Any] = {"from": to_hex(sender), "data": to_hex(data), "value": hex(value)}
    if to is not None:
        call["to"] = to_hex(to)
    async with chain.nonce_lock(sender):
        # The estimate executes the call: a revert is reported before anything is sent.
        gas = node_answers.number(await chain.request("eth_estimateGas", call)) * GAS_MARGIN[0] // GAS_MARGIN[1]
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
        pending = _PendingTransaction(chain, private_key, call, SignedTransaction.sign(fields, private_key), depth)
        await pending.begin()
        chain.next_nonce[sender] = fields["nonce"] + 1
    try:
        return await pending.confirmed()
    finally:
        # Mined and counted by the node, or abandoned, in which case its nonce must not leave a gap.
        if chain.next_nonce.get(sender) == fields["nonce"] + 1:
            del chain.next_nonce[sender]


async def fees(chain: TransactionNode) -> tuple[int, int]:
    """Priority fee and base fee, wei per gas."""
    latest = node_answers.mapping(await chain.request("eth_getBlockByNumber", "latest", False))
    base = node_answers.number(latest.get("baseFeePerGas", "0x0"))
    try:
        return node_answers.number(await chain.request("eth_maxPriorityFeePerGas")), base
    except Unsupported:
        return max(DEFAULT_TIP, node_answers.number(await chain.request("eth_gasPrice")) - base), base


async def _submit(chain: TransactionNode, raw: str) -> bool:
    """Send raw bytes to the node. Returns False if the response was lost. Raises the node's objection."""
    try:
        await chain.request("eth_sendRawTransaction", raw)
    except Unavailable as e:
        if "node" in e.detail:
            return False
        reason = str(e.detail.get("reason", "")).lower()
        if "base fee" in reason:
            raise _BaseFeeRisen(e.code, **e.detail) from None
        if "already" not in reason:
            raise
    return True


class _BaseFeeRisen(Unavailable):
    """The base fee has risen above the transaction's maximum before the node accepted it.

    JSON-RPC has no error code for it, only the message.
    """


class _PendingTransaction:
    """A pending transaction and its replacements at rising fees."""

    def __init__(
        self, chain: TransactionNode, private_key: bytes, call: dict[str, Any], first: SignedTransaction, depth: int
    ) -> None:
        self._chain = chain
        self._depth = depth
        self._key = private_key
        self._call = call
        self._versions = [first]
        self._sent = False
        self._base_fee_risen = False
        self._objection = ""

    async def begin(self) -> None:
        """Send the first version. Raises the node's objection."""
        try:
            self._sent = await _submit(self._chain, self._versions[0].raw)
        except _BaseFeeRisen:
            self._base_fee_risen = True

    async def confirmed(self) -> TxReceipt:
        """Poll for the receipt until its block is deep enough; not every node has subscriptions."""
        idle, interval_s = idle_timeout.IdleTimer(IDLE_S), POLL_S[0]
        bump_at, resend_at = idle_timeout.now_s() + FEE_BUMP_S, idle_timeout.now_s() + RESEND_S
        while not idle.expired:
            head: int | None = None
            try:
                receipt = await self._receipt()
                if receipt is not None:
                    deep_enough, head = await self._is_deep(receipt)
                    if deep_enough:
                        return await self._checked(receipt)
            except Unavailable:
                receipt = None
            # Once it is in a block, every new block is progress; before that, none is.
            idle.observe(head)
            if receipt is not None:
                resend_at = idle_timeout.now_s() + RESEND_S
            elif self._base_fee_risen or idle_timeout.now_s() > bump_at:
                bump_at = idle_timeout.now_s() + FEE_BUMP_S
                await self._bump_fee()
            if receipt is None and (not self._sent or idle_timeout.now_s() > resend_at):
                resend_at = idle_timeout.now_s() + RESEND_S
                self._sent = await self._resend()
            await asyncio.sleep(interval_s)
            interval_s = min(2 * interval_s, POLL_S[1])
        raise Unavailable(
            "chain.unreachable", transaction=self._versions[-1].hash, reason=self._objection or "not in a block yet"
        )

    async def _resend(self) -> bool:
        try:
            return await _submit(self._chain, self._versions[-1].raw)
        except _BaseFeeRisen as e:
            self._base_fee_risen, self._objection = True, str(e.detail.get("reason", ""))
            return False
        except Unavailable as e:
            # An earlier version may be included by now or soon, so an objection to this one is not final.
            self._objection = str(e.detail.get("reason", ""))
            return True

    async def _receipt(self) -> Any:
        for version in reversed(self._versions):
            receipt = await self._chain.request("eth_getTransactionReceipt", version.hash)
            if receipt is not None:
                return receipt
        return None

    async def _is_deep(self, receipt: Any) -> tuple[bool, int]:
        """True if the receipt's block is deep enough, and the number of the newest block."""
        mined = node_answers.number(node_answers.mapping(receipt).get("blockNumber"))
        if self._depth <= 1:
            return True, mined
        head = (await self._chain.block()).number
        return head - mined + 1 >= self._depth, head

    async def _bump_fee(self) -> None:
        try:
            tip, base = await fees(self._chain)
        except Unavailable:
            return
        version = self._versions[-1].bumped(self._key, base + tip)
        self._base_fee_risen = False
        limit = self._chain.max_fee
        if limit is None or version.fields["maxFeePerGas"] <= limit:
            self._versions.append(version)
            self._sent = False

    async def _checked(self, receipt: Any) -> TxReceipt:
        mined = node_answers.receipt(receipt)
        if node_answers.number(node_answers.mapping(receipt).get("status")) != 1:
            reason = await self._revert_reason(mined.block)
            raise GomaaError("chain.reverted", transaction=to_hex(mined.hash), reason=reason)
        return mined

    async def _revert_reason(self, block: int) -> str:
        """The reason of a reverted transaction, from the same call in its block."""
        try:
            await self._chain.request("eth_call", self._call, hex(block))
        except GomaaError as e:
            return str(e.detail.get("reason", ""))
        return ""
