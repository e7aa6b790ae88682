"""The door to GoMAA, the token."""

from __future__ import annotations

from chain.abi import function
from chain.client import Chain, TxReceipt
from chain.deployment import Deployment


class Token:
    """Balances and transfers, in wei."""

    def __init__(self, chain: Chain, deployment: Deployment) -> None:
        self._chain = chain
        self._address = deployment.token

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
