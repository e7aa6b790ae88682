"""Contract client of the streaming rights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Final

from chain.abi import event, function, to_address
from chain.client import Chain, Log, TxReceipt, decode_log
from chain.contracts.contract_client import ContractClient
from chain.deployment import Deployment

DAY_S: Final = 86_400


@dataclass(frozen=True)
class RightTerms:
    """Prices of new rights to a content: wei unlimited, wei per day (0: not offered), and basis points of a resale."""

    price: int
    rent: int
    royalty: int


@dataclass(frozen=True)
class Right:
    """One right: ``expires`` Unix s (None: never); the policy and royalty are those it was bought under."""

    content: bytes
    expires: int | None
    policy_hash: bytes
    version: int
    royalty: int


@dataclass(frozen=True)
class SeenTerms:
    """Terms of a new right that a buyer has seen, the contract's ``Seen``: version and hash of the policy, and royalty.

    The royalty is in basis points.
    """

    version: int
    policy_hash: bytes
    royalty: int


@dataclass(frozen=True)
class PermitSignature:
    """Signature of an ERC-2612 permit for the contract, the contract's ``Permit``.

    Deadline 0: no permit, since the allowance exists already.
    """

    deadline: int = 0
    v: int = 0
    r: bytes = bytes(32)
    s: bytes = bytes(32)


class Rights(ContractClient):
    """Streaming rights: ERC-721 tokens that let an account (mostly a station) play a content.

    Amounts in wei, times in Unix seconds.
    """

    CONTRACT = "Rights"

    def __init__(self, chain: Chain, deployment: Deployment) -> None:
        super().__init__(chain, deployment, deployment.rights)
        self.address = deployment.rights

    async def holds(self, account: bytes, content: bytes, time_s: int) -> bool:
        """True if an account has access to a content at a present or future time (Unix s)."""
        return bool(await self._call("holds", account, content, time_s))

    async def terms(self, content: bytes) -> RightTerms:
        """Prices of new rights to a content."""
        return RightTerms(*await self._call("terms", content))

    async def seen(self, content: bytes) -> SeenTerms:
        """The present state of a content, as ``buy`` and ``rent`` take it."""
        return SeenTerms(*await self._call("seen", content))

    async def right(self, number: int) -> Right | None:
        """A right by its number, or None."""
        content, expires, policy, version, royalty = await self._call("rights", number)
        address = to_address(content)
        return Right(address, expires or None, policy, version, royalty) if any(address) else None

    async def holder(self, number: int) -> bytes:
        """The holder of a right, lent out or not. Raises GomaaError ``chain.reverted`` if there is none."""
        return to_address(await self._call("ownerOf", number))

    async def held(self, account: bytes) -> list[int]:
        """The numbers of all rights of an account, expired ones too."""
        count = int(await self._call("balanceOf", account))
        return [int(await self._call("tokenOfOwnerByIndex", account, index)) for index in range(count)]

    async def loan_of(self, number: int) -> tuple[bytes, int] | None:
        """Last borrower of a right and the end of the loan, or None."""
        borrower, until = await self._call("loans", number)
        return (to_address(borrower), int(until)) if until else None

    async def listing(self, number: int) -> int | None:
        """The price that a right is offered for, or None."""
        return int(await self._call("listings", number)) or None

    async def royalty(self, number: int, price: int) -> tuple[bytes, int]:
        """Recipient and amount of the royalty of a resale (ERC-2981)."""
        to, amount = await self._chain.call(self.address, function("Rights", "royaltyInfo"), number, price)
        return to_address(to), int(amount)

    async def set_terms(self, private_key: bytes, content: bytes, terms: RightTerms) -> TxReceipt:
        """Set the prices of new rights. The content owner's key."""
        return await self._transact(private_key, "set_terms", content, *astuple(terms))

    async def give(self, private_key: bytes, content: bytes, to: bytes, duration_s: int = 0) -> TxReceipt:
        """Give a right away; duration 0: unlimited. The content owner's key."""
        return await self._transact(private_key, "give", content, to, duration_s)

    async def buy(
        self,
        private_key: bytes,
        content: bytes,
        to: bytes,
        seen: SeenTerms,
        max_price: int,
        permit: PermitSignature | None = None,
    ) -> TxReceipt:
        """Buy an unlimited right from the content's owner.

        Args:
            private_key: The buyer's.
            content: The content.
            to: The right's holder.
            seen: The state that the buyer saw (``seen()``); any other reverts.
            max_price: The most that the buyer pays, wei.
            permit: An ERC-2612 permit over ``max_price``.

        Raises:
            GomaaError: ``chain.reverted`` with the contract's reason: ``rights: not offered``, ``policy changed``,
                ``royalty changed``, ``price above maximum`` or ``content revoked``.
        """
        row = (content, to, astuple(seen), max_price, astuple(permit or PermitSignature()))
        return await self._transact(private_key, "buy", *row)

    async def rent(
        self,
        private_key: bytes,
        content: bytes,
        to: bytes,
        days: int,
        seen: SeenTerms,
        max_price: int,
        permit: PermitSignature | None = None,
    ) -> TxReceipt:
        """Rent a right for some days; ``max_price`` covers all of them. Otherwise as ``buy``."""
        row = (content, to, days, astuple(seen), max_price, astuple(permit or PermitSignature()))
        return await self._transact(private_key, "rent", *row)

    async def loan(self, private_key: bytes, number: int, borrower: bytes, until_s: int) -> TxReceipt:
        """Lend a right; it returns when the loan ends, without a transaction. The holder's key."""
        return await self._transact(private_key, "loan", number, borrower, until_s)

    async def give_back(self, private_key: bytes, number: int) -> TxReceipt:
        """End a loan early. The borrower's key."""
        return await self._transact(private_key, "give_back", number)

    async def list(self, private_key: bytes, number: int, price: int) -> TxReceipt:
        """Offer a right for resale. The holder's key."""
        return await self._transact(private_key, "list", number, price)

    async def unlist(self, private_key: bytes, number: int) -> TxReceipt:
        """Withdraw the offer. The holder's key."""
        return await self._transact(private_key, "unlist", number)

    async def purchase(
        self, private_key: bytes, number: int, right: Right, max_price: int, permit: PermitSignature | None = None
    ) -> TxReceipt:
        """Buy a listed right; its royalty goes to the content's owner.

        Args:
            private_key: The buyer's.
            number: The right's.
            right: The right that the buyer saw (``right()``); any other under this number reverts.
            max_price: The most that the buyer pays, wei.
            permit: An ERC-2612 permit over ``max_price``.

        Raises:
            GomaaError: ``chain.reverted`` with the contract's reason: ``rights: not listed``, ``content differs``,
                ``expiry differs``, ``policy changed``, ``royalty changed``, ``price above maximum``,
                ``content revoked``, ``lent`` or ``expired``.
        """
        seen = (right.version, right.policy_hash, right.royalty)
        row = (number, right.content, right.expires or 0, seen, max_price, astuple(permit or PermitSignature()))
        return await self._transact(private_key, "purchase", *row)

    async def activate(self, private_key: bytes, number: int) -> TxReceipt:
        """Make an own or borrowed right one of the four that ``holds`` checks. The holder's or borrower's key."""
        return await self._transact(private_key, "activate", number)

    async def transfer(self, private_key: bytes, number: int, to: bytes) -> TxReceipt:
        """Transfer a right without payment. The holder's key."""
        from pywallet.crypto import address_of

        row = (address_of(private_key), to, number)
        return await self._transact(private_key, "transferFrom", *row)

    def granted(self, receipt: TxReceipt) -> Sequence[int]:
        """The numbers of the rights that a transaction created."""
        kind = event("Rights", "Granted")
        topic = "0x" + kind.topic.hex()
        return [int(decode_log(kind, item).fields["id"]) for item in receipt.logs if item["topics"][0] == topic]

    async def history(self, name: str, number: int) -> Sequence[Log]:
        """A right's events by their name (Granted, Lent, Returned, Listed, Unlisted, Resold), oldest first."""
        topics = (number.to_bytes(32, "big"),)
        return await self._logs(name, topics)
