"""Contract client of one content."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any

from chain.abi import function, to_address
from chain.client import Chain, TxReceipt
from pywallet.encoding.hex import ZERO_ADDRESS


@dataclass(frozen=True)
class ContentState:
    """State of a content: ``price`` in wei per ``interval`` seconds, to the owner.

    ``open_license`` lets any registered station play. ``owner`` is the account that earns in the running epoch; after a
    sale the new owner decides at once and earns from the next epoch. ``server`` is the running epoch's.
    """

    owner: bytes
    policy_hash: bytes
    price: int
    interval: int
    server: bytes
    revoked: bool
    destroyed: bool
    open_license: bool

    @classmethod
    def of(cls, values: tuple[Any, ...]) -> ContentState:
        """The state from the fields of the contract's ``state``."""
        owner, policy_hash, price, interval, server, *flags = values
        return cls(to_address(owner), policy_hash, price, interval, to_address(server), *flags)


@dataclass(frozen=True)
class Offer:
    """An offer of the recording for ``price`` wei, to one address or, if None, to anyone."""

    to: bytes | None
    price: int


@dataclass(frozen=True)
class SeenContent:
    """State of a content that a buyer has seen, the contract's ``Seen``.

    ``changes`` and ``rights_changes`` count the owner's changes of the content and of its rights.
    """

    policy_hash: bytes
    version: int
    changes: int
    rights_changes: int


class Content:
    """One recording on the chain. Amounts in wei."""

    def __init__(self, chain: Chain, address: bytes) -> None:
        self._chain = chain
        self.address = address

    async def _call(self, name: str, *args: Any) -> Any:
        return (await self._chain.call(self.address, function("Content", name), *args))[0]

    async def _transact(self, private_key: bytes, name: str, *args: Any) -> TxReceipt:
        return await self._chain.transact(private_key, self.address, function("Content", name), *args)

    async def state(self) -> ContentState | None:
        """The state, or None if there is no contract at the address."""
        if not await self._chain.code(self.address):
            return None
        return ContentState.of(await self._call("state"))

    async def licensed(self, station: bytes) -> bool:
        """True if a station may play the content now, by licence or by right."""
        return bool(await self._call("licensed", station))

    async def owner(self) -> bytes:
        """The account that decides."""
        return to_address(await self._call("owner"))

    async def owner_at(self, epoch: int) -> bytes:
        """The account that earns in an epoch, past or to come."""
        return to_address(await self._call("owner_at", epoch))

    async def server_at(self, epoch: int) -> bytes:
        """The security server of an epoch, past or to come."""
        return to_address(await self._call("server_at", epoch))

    async def proposed_server(self) -> bytes | None:
        """The proposed security server, or None."""
        address = to_address(await self._call("proposed_server"))
        return address if any(address) else None

    async def seen(self) -> SeenContent:
        """The present state, as ``accept`` takes it."""
        return SeenContent(*await self._call("seen"))

    async def policies(self) -> list[bytes]:
        """The hashes of all policies, oldest first; the last one is current."""
        last = int(await self._call("version"))
        return [bytes(await self._call("policy", number)) for number in range(last + 1)]

    async def offer(self) -> Offer | None:
        """The standing offer to sell it, or None."""
        to, price, on = await self._call("offer")
        address = to_address(to)
        return Offer(address if any(address) else None, int(price)) if on else None

    async def license(self, private_key: bytes, station: bytes, on: bool = True) -> TxReceipt:
        """Grant or withdraw a station's licence. The owner's key."""
        return await self._transact(private_key, "set_license", station, on)

    async def revoke(self, private_key: bytes) -> TxReceipt:
        """Revoke the recording for good. The owner's key."""
        return await self._transact(private_key, "revoke")

    async def destroy(self, private_key: bytes) -> TxReceipt:
        """Revoke the recording and have hosts delete their copies. The owner's key."""
        return await self._transact(private_key, "destroy")

    async def set_policy(self, private_key: bytes, policy_hash: bytes, price: int, interval: int) -> TxReceipt:
        """Set the policy for new sessions; existing rights keep theirs. ``interval`` in seconds. The owner's key."""
        return await self._transact(private_key, "set_policy", policy_hash, price, interval)

    async def offer_to(self, private_key: bytes, to: bytes | None, price: int) -> TxReceipt:
        """Offer the recording to one address or, for a price, to anyone. The owner's key."""
        return await self._transact(private_key, "offer_to", to or ZERO_ADDRESS, price)

    async def retract(self, private_key: bytes) -> TxReceipt:
        """Withdraw the offer. The owner's key."""
        return await self._transact(private_key, "retract")

    async def accept(self, private_key: bytes, max_price: int, seen: SeenContent) -> TxReceipt:
        """Accept the offer, and own the recording (approve the content for the price first).

        Args:
            private_key: The buyer's.
            max_price: The most that the buyer pays, wei.
            seen: The state that the buyer saw; any change by the owner since then reverts.

        Raises:
            GomaaError: ``chain.reverted`` with the contract's reason: ``content: no offer``, ``offered to another``,
                ``price above maximum``, ``revoked``, ``policy changed``, ``state changed`` or ``rights changed``.
        """
        return await self._transact(private_key, "accept", max_price, astuple(seen))

    async def propose_server(self, private_key: bytes, server: bytes | None) -> TxReceipt:
        """Propose another security server; None withdraws the proposal. The owner's key."""
        return await self._transact(private_key, "propose_server", server or ZERO_ADDRESS)

    async def accept_server(self, private_key: bytes) -> TxReceipt:
        """Accept the content from the next epoch on. The proposed server's key, once it has the content's keys."""
        return await self._transact(private_key, "accept_server")
