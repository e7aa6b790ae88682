"""The door to the streaming rights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from chain.abi import event, function, to_address
from chain.client import Chain, Log, TxReceipt, decode_log
from chain.deployment import Deployment

DAY_S = 86_400


@dataclass(frozen=True)
class RightTerms:
    """What new rights to a content cost: wei for good, wei per day (0: not offered), and basis points of a resale."""

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
class Seen:
    """What a buyer names: number and hash of the policy, and the royalty in basis points, that its right will have."""

    version: int
    policy_hash: bytes
    royalty: int


@dataclass(frozen=True)
class Permit:
    """An ERC-2612 signature that lets the contract take a price in the same transaction.

    Deadline 0: an approval is there already.
    """

    deadline: int = 0
    v: int = 0
    r: bytes = bytes(32)
    s: bytes = bytes(32)


class Rights:
    """Streaming rights: ERC-721 tokens that let an account (a station, mostly) play a content.

    Amounts in wei, times in Unix seconds.
    """

    def __init__(self, chain: Chain, deployment: Deployment) -> None:
        self._chain = chain
        self._deployment = deployment
        self.address = deployment.rights

    async def holds(self, who: bytes, content: bytes, time_s: int) -> bool:
        """Whether an account has a right to a content at a time from now on.

        What a station asks before it gives out a ticket.
        """
        return bool((await self._chain.call(self.address, function("Rights", "holds"), who, content, time_s))[0])

    async def terms(self, content: bytes) -> RightTerms:
        """What new rights to a content cost."""
        return RightTerms(*(await self._chain.call(self.address, function("Rights", "terms"), content))[0])

    async def seen(self, content: bytes) -> Seen:
        """What a new right to a content would be bought under, now."""
        return Seen(*(await self._chain.call(self.address, function("Rights", "seen"), content))[0])

    async def right(self, number: int) -> Right | None:
        """A right, or None where there is none."""
        content, expires, policy, version, royalty = (
            await self._chain.call(self.address, function("Rights", "rights"), number)
        )[0]
        address = to_address(content)
        return Right(address, expires or None, policy, version, royalty) if any(address) else None

    async def holder(self, number: int) -> bytes:
        """Whose a right is, lent out or not. Raises GomaaError chain.reverted where there is none."""
        return to_address((await self._chain.call(self.address, function("Rights", "ownerOf"), number))[0])

    async def held(self, who: bytes) -> list[int]:
        """The numbers of all rights of an account, expired ones too."""
        count = int((await self._chain.call(self.address, function("Rights", "balanceOf"), who))[0])
        how = function("Rights", "tokenOfOwnerByIndex")
        return [int((await self._chain.call(self.address, how, who, index))[0]) for index in range(count)]

    async def loan_of(self, number: int) -> tuple[bytes, int] | None:
        """Who last borrowed a right and until when, or None if it never was."""
        borrower, until = (await self._chain.call(self.address, function("Rights", "loans"), number))[0]
        return (to_address(borrower), int(until)) if until else None

    async def listing(self, number: int) -> int | None:
        """What a right is offered for, or None."""
        return int((await self._chain.call(self.address, function("Rights", "listings"), number))[0]) or None

    async def royalty(self, number: int, price: int) -> tuple[bytes, int]:
        """Who gets how much of a resale (ERC-2981)."""
        to, amount = await self._chain.call(self.address, function("Rights", "royaltyInfo"), number, price)
        return to_address(to), int(amount)

    async def set_terms(self, private_key: bytes, content: bytes, terms: RightTerms) -> TxReceipt:
        """Offer new rights. The content owner's key."""
        return await self._chain.transact(
            private_key, self.address, function("Rights", "set_terms"), content, *astuple(terms)
        )

    async def give(self, private_key: bytes, content: bytes, to: bytes, duration_s: int = 0) -> TxReceipt:
        """Give a right away; duration 0: for good. The content owner's key."""
        return await self._chain.transact(
            private_key, self.address, function("Rights", "give"), content, to, duration_s
        )

    async def buy(
        self, private_key: bytes, content: bytes, to: bytes, seen: Seen, most: int, permit: Permit | None = None
    ) -> TxReceipt:
        """A right for good.

        Args:
            seen: What the buyer saw (``seen()``); under anything else nothing is bought.
            most: Wei to be paid at most.

        Raises:
            GomaaError: ``chain.reverted`` with the reason ``terms``, ``policy``, ``royalty``, ``price`` or ``revoked``.
        """
        row = (content, to, astuple(seen), most, astuple(permit or Permit()))
        return await self._chain.transact(private_key, self.address, function("Rights", "buy"), *row)

    async def rent(
        self,
        private_key: bytes,
        content: bytes,
        to: bytes,
        days: int,
        seen: Seen,
        most: int,
        permit: Permit | None = None,
    ) -> TxReceipt:
        """A right for some days; ``most`` is for all of them. Otherwise as ``buy``."""
        row = (content, to, days, astuple(seen), most, astuple(permit or Permit()))
        return await self._chain.transact(private_key, self.address, function("Rights", "rent"), *row)

    async def loan(self, private_key: bytes, number: int, borrower: bytes, until_s: int) -> TxReceipt:
        """Lend a right; it comes back by itself. The holder's key."""
        return await self._chain.transact(
            private_key, self.address, function("Rights", "loan"), number, borrower, until_s
        )

    async def give_back(self, private_key: bytes, number: int) -> TxReceipt:
        """End a loan before its time. The borrower's key."""
        return await self._chain.transact(private_key, self.address, function("Rights", "give_back"), number)

    async def list(self, private_key: bytes, number: int, price: int) -> TxReceipt:
        """Offer a right for sale. The holder's key."""
        return await self._chain.transact(private_key, self.address, function("Rights", "list"), number, price)

    async def unlist(self, private_key: bytes, number: int) -> TxReceipt:
        """Take the offer back. The holder's key."""
        return await self._chain.transact(private_key, self.address, function("Rights", "unlist"), number)

    async def purchase(
        self, private_key: bytes, number: int, right: Right, most: int, permit: Permit | None = None
    ) -> TxReceipt:
        """Buy a listed right; its royalty goes to the content's owner.

        Args:
            right: What the buyer saw (``right()``); nothing else is bought under this number.
            most: Wei to be paid at most.

        Raises:
            GomaaError: ``chain.reverted`` with the reason ``listing``, ``content``, ``expires``, ``policy``,
                ``royalty``, ``price``,
                ``revoked``, ``lent`` or ``expired``.
        """
        seen = (right.version, right.policy_hash, right.royalty)
        row = (number, right.content, right.expires or 0, seen, most, astuple(permit or Permit()))
        return await self._chain.transact(private_key, self.address, function("Rights", "purchase"), *row)

    async def activate(self, private_key: bytes, number: int) -> TxReceipt:
        """Have ``holds`` look at a right of the key's account, own or borrowed, that found no place among the four."""
        return await self._chain.transact(private_key, self.address, function("Rights", "activate"), number)

    async def transfer(self, private_key: bytes, number: int, to: bytes) -> TxReceipt:
        """Hand a right over for nothing. The holder's key."""
        from pywallet.crypto import address_of

        row = (address_of(private_key), to, number)
        return await self._chain.transact(private_key, self.address, function("Rights", "transferFrom"), *row)

    def granted(self, receipt: TxReceipt) -> Sequence[int]:
        """The numbers of the rights that a transaction made."""
        what = event("Rights", "Granted")
        topic = "0x" + what.topic.hex()
        return [int(decode_log(what, item).fields["id"]) for item in receipt.logs if item["topics"][0] == topic]

    async def history(self, name: str, number: int) -> Sequence[Log]:
        """A right's events by their name (Granted, Lent, Returned, Listed, Unlisted, Resold), oldest first."""
        topics = (number.to_bytes(32, "big"),)
        return await self._chain.logs(self.address, event("Rights", name), self._deployment.block, topics)
