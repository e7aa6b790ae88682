"""The door to one content's contract."""

from __future__ import annotations

from dataclasses import astuple, dataclass

from chain.abi import function, to_address
from chain.client import Chain, TxReceipt
from pywallet.encoding.hex import ZERO_ADDRESS


@dataclass(frozen=True)
class ContentState:
    """What the contract says: ``price`` wei per ``interval`` seconds to the owner.

    ``open_license`` lets any station play.

    ``owner`` is who earns in the running epoch; after a sale the new owner decides at once and earns from the next one.
    ``server`` is the running epoch's.
    """

    owner: bytes
    policy_hash: bytes
    price: int
    interval: int
    server: bytes
    revoked: bool
    destroyed: bool
    open_license: bool


@dataclass(frozen=True)
class Offer:
    """The recording is offered for ``price`` wei, to one address or (None) to anyone."""

    to: bytes | None
    price: int


@dataclass(frozen=True)
class Seen:
    """State of a recording that its buyer names: policy, and counts of the changes to it and to its rights."""

    policy_hash: bytes
    version: int
    changes: int
    rights_changes: int


class Content:
    """One recording on the chain."""

    def __init__(self, chain: Chain, address: bytes) -> None:
        self._chain = chain
        self.address = address

    async def state(self) -> ContentState | None:
        """The state, or None where no contract stands."""
        if not await self._chain.code(self.address):
            return None
        owner, policy_hash, price, interval, server, *flags = (
            await self._chain.call(self.address, function("Content", "state"))
        )[0]
        return ContentState(to_address(owner), policy_hash, price, interval, to_address(server), *flags)

    async def licensed(self, station: bytes) -> bool:
        """Whether the owner lets a station play it now."""
        return bool((await self._chain.call(self.address, function("Content", "licensed"), station))[0])

    async def owner(self) -> bytes:
        """Who decides."""
        return to_address((await self._chain.call(self.address, function("Content", "owner")))[0])

    async def owner_at(self, epoch: int) -> bytes:
        """Who earns in an epoch, past or to come."""
        return to_address((await self._chain.call(self.address, function("Content", "owner_at"), epoch))[0])

    async def server_at(self, epoch: int) -> bytes:
        """The security server of an epoch, past or to come."""
        return to_address((await self._chain.call(self.address, function("Content", "server_at"), epoch))[0])

    async def proposed_server(self) -> bytes | None:
        """The security server to which the owner would move the content, or None."""
        found = to_address((await self._chain.call(self.address, function("Content", "proposed_server")))[0])
        return found if any(found) else None

    async def seen(self) -> Seen:
        """The present state, for ``accept``."""
        return Seen(*(await self._chain.call(self.address, function("Content", "seen")))[0])

    async def policies(self) -> list[bytes]:
        """The hashes of all its policies, oldest first; the last one holds."""
        last = int((await self._chain.call(self.address, function("Content", "version")))[0])
        found = [
            await self._chain.call(self.address, function("Content", "policy"), number) for number in range(last + 1)
        ]
        return [bytes(answer[0]) for answer in found]

    async def offer(self) -> Offer | None:
        """The standing offer to sell it, or None."""
        to, price, on = (await self._chain.call(self.address, function("Content", "offer")))[0]
        address = to_address(to)
        return Offer(address if any(address) else None, int(price)) if on else None

    async def license(self, private_key: bytes, station: bytes, on: bool = True) -> TxReceipt:
        """License a station, or take the licence back. The owner's key."""
        return await self._chain.transact(private_key, self.address, function("Content", "set_license"), station, on)

    async def revoke(self, private_key: bytes) -> TxReceipt:
        """Withdraw the recording for good. The owner's key."""
        return await self._chain.transact(private_key, self.address, function("Content", "revoke"))

    async def destroy(self, private_key: bytes) -> TxReceipt:
        """Withdraw it and have hosts delete what they hold. The owner's key."""
        return await self._chain.transact(private_key, self.address, function("Content", "destroy"))

    async def set_policy(self, private_key: bytes, policy_hash: bytes, price: int, interval: int) -> TxReceipt:
        """New terms for whoever begins now; rights that are out keep theirs. The owner's key."""
        return await self._chain.transact(
            private_key, self.address, function("Content", "set_policy"), policy_hash, price, interval
        )

    async def offer_to(self, private_key: bytes, to: bytes | None, price: int) -> TxReceipt:
        """Offer it to one address, or for a price to anyone. The owner's key."""
        return await self._chain.transact(
            private_key, self.address, function("Content", "offer_to"), to or ZERO_ADDRESS, price
        )

    async def retract(self, private_key: bytes) -> TxReceipt:
        """Take the offer back. The owner's key."""
        return await self._chain.transact(private_key, self.address, function("Content", "retract"))

    async def accept(self, private_key: bytes, most: int, seen: Seen) -> TxReceipt:
        """Take the offer (approve the content first, if there is a price): the key's account owns it from then on.

        Args:
            most: Wei to be paid at most.
            seen: What the buyer saw; whatever the owner changed since then ends the purchase.

        Raises:
            GomaaError: ``chain.reverted`` with the reason ``offer``, ``to``, ``price``, ``revoked``, ``policy``,
                ``changes`` or
                ``rights``.
        """
        return await self._chain.transact(private_key, self.address, function("Content", "accept"), most, astuple(seen))

    async def propose_server(self, private_key: bytes, server: bytes | None) -> TxReceipt:
        """Name the security server to which the content is to move; None takes the proposal back. The owner's key."""
        return await self._chain.transact(
            private_key, self.address, function("Content", "propose_server"), server or ZERO_ADDRESS
        )

    async def accept_server(self, private_key: bytes) -> TxReceipt:
        """Serve the content from the next epoch on. The proposed server's key, once it has the content's keys."""
        return await self._chain.transact(private_key, self.address, function("Content", "accept_server"))
