"""Base of the contract clients: calls and transactions of one contract by function name."""

from __future__ import annotations

from typing import Any, ClassVar

from chain.abi import event, function
from chain.client import Chain, Log, Topics, TxReceipt
from chain.deployment import Deployment


class ContractClient:
    """One deployed contract. ``CONTRACT`` is its name in ``chain/abi.json``."""

    CONTRACT: ClassVar[str]

    def __init__(self, chain: Chain, deployment: Deployment, address: bytes) -> None:
        self._chain = chain
        self._deployment = deployment
        self._address = address

    async def _call(self, name: str, *args: Any) -> Any:
        """Read a function's first result in the latest block."""
        return (await self._chain.call(self._address, function(self.CONTRACT, name), *args))[0]

    async def _transact(self, private_key: bytes, name: str, *args: Any, depth: int | None = None) -> TxReceipt:
        """Call a function in a transaction, and wait until it is ``depth`` blocks deep."""
        return await self._chain.transact(private_key, self._address, function(self.CONTRACT, name), *args, depth=depth)

    async def _logs(self, name: str, topics: Topics = ()) -> list[Log]:
        """All events of a name since the deployment, oldest first."""
        return await self._chain.logs(self._address, event(self.CONTRACT, name), self._deployment.block, topics)
