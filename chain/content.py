"""The door to one content's contract."""

from __future__ import annotations

from dataclasses import dataclass

from chain.abi import function, to_address
from chain.client import Chain, TxReceipt


@dataclass(frozen=True)
class ContentState:
    """What the contract says: ``price`` wei per ``interval`` seconds to the owner; ``open_license`` lets any station play."""

    owner: bytes
    policy_hash: bytes
    price: int
    interval: int
    server: bytes
    revoked: bool
    destroyed: bool
    open_license: bool


class Content:
    """One recording on the chain."""

    def __init__(self, chain: Chain, address: bytes) -> None:
        self._chain = chain
        self.address = address

    async def state(self) -> ContentState | None:
        """The state, or None where no contract stands."""
        if not await self._chain.code(self.address):
            return None
        owner, policy_hash, price, interval, server, *flags = (await self._chain.call(self.address, function("Content", "state")))[0]
        return ContentState(to_address(owner), policy_hash, price, interval, to_address(server), *flags)

    async def licensed(self, station: bytes) -> bool:
        """Whether the owner lets a station play it now."""
        return bool((await self._chain.call(self.address, function("Content", "licensed"), station))[0])

    async def license(self, private_key: bytes, station: bytes, on: bool = True) -> TxReceipt:
        """License a station, or take the licence back. The owner's key."""
        return await self._chain.transact(private_key, self.address, function("Content", "set_license"), station, on)

    async def revoke(self, private_key: bytes) -> TxReceipt:
        """Withdraw the recording for good. The owner's key."""
        return await self._chain.transact(private_key, self.address, function("Content", "revoke"))

    async def destroy(self, private_key: bytes) -> TxReceipt:
        """Withdraw it and have hosts delete what they hold. The owner's key."""
        return await self._chain.transact(private_key, self.address, function("Content", "destroy"))
