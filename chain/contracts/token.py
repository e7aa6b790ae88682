"""Contract client of GoMAA, the token."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chain import node_answers
from chain.abi import event
from chain.client import Chain, Log, TxReceipt, decode_log
from chain.contracts.contract_client import ContractClient
from chain.deployment import Deployment
from pywallet.crypto.interface import split_signature
from pywallet.encoding.hex import to_hex

MAX_PARALLEL: Final = 16
"""Parallel queries of balances, since public nodes limit the rate."""


@dataclass(frozen=True)
class Holding:
    """Balance of an address in wei, nonce of its next permit, and allowance of ``spender`` in wei."""

    holder: bytes
    amount: int
    nonce: int
    allowed: int


class Token(ContractClient):
    """Balances and transfers, in wei."""

    CONTRACT = "GoMAA"

    def __init__(self, chain: Chain, deployment: Deployment) -> None:
        super().__init__(chain, deployment, deployment.token)

    async def balance_of(self, account: bytes) -> int:
        """The balance of an account."""
        return int(await self._call("balanceOf", account))

    async def total_supply(self) -> int:
        """The total supply."""
        return int(await self._call("totalSupply"))

    async def transfer(self, private_key: bytes, to: bytes, amount: int) -> TxReceipt:
        """Transfer tokens."""
        return await self._transact(private_key, "transfer", to, amount)

    async def approve(self, private_key: bytes, spender: bytes, amount: int) -> TxReceipt:
        """Set a contract's allowance."""
        return await self._transact(private_key, "approve", spender, amount)

    async def holdings(self, holders: Sequence[bytes], spender: bytes) -> list[Holding]:
        """Holdings of those of ``holders`` that have any tokens, in order. Only the node is sent the addresses."""
        limit = asyncio.Semaphore(MAX_PARALLEL)

        async def holding(holder: bytes) -> Holding | None:
            async with limit:
                amount = await self.balance_of(holder)
                return (
                    Holding(holder, amount, await self.nonce(holder), await self.allowance(holder, spender))
                    if amount
                    else None
                )

        return [each for each in await asyncio.gather(*map(holding, holders)) if each is not None]

    async def nonce(self, owner: bytes) -> int:
        """The nonce of an owner's next permit."""
        return int(await self._call("nonces", owner))

    async def allowance(self, owner: bytes, spender: bytes) -> int:
        """Amount of an owner's tokens that a spender may take, wei."""
        return int(await self._call("allowance", owner, spender))

    async def sent(self, owners: Sequence[bytes], from_block: int) -> list[Log]:
        """``Transfer`` events (sender, receiver, value) from any of these addresses since a block, oldest first."""
        return await self._chain.logs(self._address, event("GoMAA", "Transfer"), from_block, (owners,))

    async def receivers(self, holders: Sequence[bytes]) -> list[bytes]:
        """Those of ``holders`` that have received tokens, in order."""
        logs = await self._chain.logs(
            self._address, event("GoMAA", "Transfer"), self._deployment.block, (None, holders)
        )
        receivers = {log.fields["receiver"] for log in logs}
        return [holder for holder in holders if holder in receivers]

    async def moved(self, transaction: bytes) -> list[Log] | None:
        """``Transfer`` events (sender, receiver, value) of a transaction; None while it is in no block."""
        receipt = await self._chain.request("eth_getTransactionReceipt", to_hex(transaction))
        if receipt is None:
            return None
        kind, logs = (
            event("GoMAA", "Transfer"),
            map(node_answers.mapping, node_answers.listing(node_answers.mapping(receipt).get("logs"))),
        )
        transfers = (
            log
            for log in logs
            if log.get("topics", [None])[0] == to_hex(kind.topic)
            and str(log.get("address")).lower() == to_hex(self._address)
        )
        return [decode_log(kind, log) for log in transfers]

    async def permit(
        self, private_key: bytes, owner: bytes, spender: bytes, amount: int, deadline: int, signature: bytes
    ) -> TxReceipt:
        """Submit an owner's permit (ERC-2612, 65-byte signature). Anyone's key."""
        r, s, parity = split_signature(signature)
        row = (owner, spender, amount, deadline, 27 + parity, r.to_bytes(32, "big"), s.to_bytes(32, "big"))
        return await self._transact(private_key, "permit", *row)

    async def transfer_from(self, private_key: bytes, owner: bytes, to: bytes, amount: int) -> TxReceipt:
        """Transfer an owner's tokens within the allowance."""
        return await self._transact(private_key, "transferFrom", owner, to, amount)
