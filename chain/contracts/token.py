"""Contract client of GoMAA, the token."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chain import node_answers
from chain.abi import event, function
from chain.client import Chain, Log, TxReceipt, decode_log
from chain.deployment import Deployment
from pywallet.crypto.interface import split_signature
from pywallet.encoding.hex import to_hex

MOST_AT_ONCE: Final = 16
"""Questions about balances that are under way at a time: a public node refuses a flood."""


@dataclass(frozen=True)
class Holding:
    """Balance of an address in wei, the number of its next permit, and the amount that ``spender`` may take already."""

    holder: bytes
    amount: int
    nonce: int
    allowed: int


class Token:
    """Balances and transfers, in wei."""

    def __init__(self, chain: Chain, deployment: Deployment) -> None:
        self._chain = chain
        self._address = deployment.token
        self._deployment = deployment

    async def balance_of(self, account: bytes) -> int:
        """What an account holds."""
        return int((await self._chain.call(self._address, function("GoMAA", "balanceOf"), account))[0])

    async def total_supply(self) -> int:
        """All there is."""
        return int((await self._chain.call(self._address, function("GoMAA", "totalSupply")))[0])

    async def transfer(self, private_key: bytes, to: bytes, amount: int) -> TxReceipt:
        """Send tokens."""
        return await self._chain.transact(private_key, self._address, function("GoMAA", "transfer"), to, amount)

    async def approve(self, private_key: bytes, spender: bytes, amount: int) -> TxReceipt:
        """Let a contract take up to an amount."""
        return await self._chain.transact(private_key, self._address, function("GoMAA", "approve"), spender, amount)

    async def holdings(self, holders: Sequence[bytes], spender: bytes) -> list[Holding]:
        """Those of ``holders`` that hold any tokens, in their order. Only the node learns who was asked about."""
        room = asyncio.Semaphore(MOST_AT_ONCE)

        async def one(holder: bytes) -> Holding | None:
            async with room:
                amount = await self.balance_of(holder)
                return (
                    Holding(holder, amount, await self.nonce(holder), await self.allowance(holder, spender))
                    if amount
                    else None
                )

        return [found for found in await asyncio.gather(*map(one, holders)) if found is not None]

    async def nonce(self, owner: bytes) -> int:
        """The number of an owner's next permit."""
        return int((await self._chain.call(self._address, function("GoMAA", "nonces"), owner))[0])

    async def allowance(self, owner: bytes, spender: bytes) -> int:
        """Amount of an owner's tokens that a spender may take, wei."""
        return int((await self._chain.call(self._address, function("GoMAA", "allowance"), owner, spender))[0])

    async def sent(self, owners: Sequence[bytes], from_block: int) -> list[Log]:
        """``Transfer`` events (sender, receiver, value) of what left any of these addresses since a block, oldest
        first.
        """
        return await self._chain.logs(self._address, event("GoMAA", "Transfer"), from_block, (owners,))

    async def receivers(self, holders: Sequence[bytes]) -> list[bytes]:
        """Those of ``holders`` that ever received tokens, in their order."""
        logs = await self._chain.logs(
            self._address, event("GoMAA", "Transfer"), self._deployment.block, (None, holders)
        )
        found = {log.fields["receiver"] for log in logs}
        return [holder for holder in holders if holder in found]

    async def moved(self, transaction: bytes) -> list[Log] | None:
        """``Transfer`` events (sender, receiver, value) of a transaction; None while it is in no block."""
        found = await self._chain.request("eth_getTransactionReceipt", to_hex(transaction))
        if found is None:
            return None
        what, logs = (
            event("GoMAA", "Transfer"),
            map(node_answers.mapping, node_answers.listing(node_answers.mapping(found).get("logs"))),
        )
        mine = (
            log
            for log in logs
            if log.get("topics", [None])[0] == to_hex(what.topic)
            and str(log.get("address")).lower() == to_hex(self._address)
        )
        return [decode_log(what, log) for log in mine]

    async def permit(
        self, private_key: bytes, owner: bytes, spender: bytes, amount: int, deadline: int, signature: bytes
    ) -> TxReceipt:
        """Bring an owner's permit (EIP-2612, 65-byte signature) to the token. Anyone's key."""
        r, s, parity = split_signature(signature)
        row = (owner, spender, amount, deadline, 27 + parity, r.to_bytes(32, "big"), s.to_bytes(32, "big"))
        return await self._chain.transact(private_key, self._address, function("GoMAA", "permit"), *row)

    async def transfer_from(self, private_key: bytes, owner: bytes, to: bytes, amount: int) -> TxReceipt:
        """Send tokens of an owner who has allowed it."""
        return await self._chain.transact(
            private_key, self._address, function("GoMAA", "transferFrom"), owner, to, amount
        )
