"""Contract client of the settlement: escrow, bonds and events; epochs, claims and challenges have their own modules."""

from __future__ import annotations

from dataclasses import dataclass

from chain.abi import event, to_address
from chain.client import Chain, Log, TxReceipt
from chain.contracts.settlement_challenges import MOST_ANSWERS, ChallengeCalls, OpenChallenge
from chain.contracts.settlement_claims import ClaimCalls, ClaimItem, PaidLeaf
from chain.contracts.settlement_epochs import MOST_ENTRIES, Draft, Entry, EpochCalls, EpochState
from chain.deployment import Deployment
from pywallet.settlement import Schedule

__all__ = [
    "MOST_ANSWERS",
    "MOST_ENTRIES",
    "ClaimItem",
    "Draft",
    "Entry",
    "EpochState",
    "OpenChallenge",
    "PaidLeaf",
    "ServerState",
    "Settlement",
]

_MASK_32, _MASK_96, _MASK_128 = ((1 << bits) - 1 for bits in (32, 96, 128))


@dataclass(frozen=True)
class ServerState:
    """State of a server."""

    bond: int
    """Wei."""

    last: int | None
    """The epoch that it debited or posted last."""

    retired: int | None
    """The last epoch that it may post, if it is retired."""

    open: int = 0
    """Open challenges."""

    @classmethod
    def of(cls, word: int) -> ServerState:
        """The state from the result of the contract's ``server_state``."""
        last, retired = (word >> 96) & _MASK_32, (word >> 128) & _MASK_32
        return cls(word & _MASK_96, last - 1 if last else None, retired - 1 if retired else None, word >> 160)


def account_of(word: int) -> tuple[int, int]:
    """Cumulative gross spent, and escrow left, from the result of the contract's ``account``."""
    return word >> 128, word & _MASK_128


class Settlement(EpochCalls, ClaimCalls, ChallengeCalls):
    """Escrow, bonds, epochs, claims and challenges. Amounts in wei."""

    CONTRACT = "Settlement"

    def __init__(self, chain: Chain, deployment: Deployment) -> None:
        super().__init__(chain, deployment, deployment.settlement)

    @property
    def schedule(self) -> Schedule:
        """The periods of an epoch."""
        return self._deployment.schedule

    async def account(self, server: bytes, payer: bytes) -> tuple[int, int]:
        """Cumulative gross spent, and escrow left."""
        return account_of(int(await self._call("account", server, payer)))

    async def requested(self, server: bytes, payer: bytes) -> int:
        """The amount of the payer's pending withdrawal request."""
        return int((await self._call("requests", server, payer))[0])

    async def withdrawable(self, server: bytes, payer: bytes) -> tuple[int, int]:
        """Amount of the payer's pending request, and the Unix s from which it can be withdrawn; (0, 0) if none."""
        amount, ready = await self._call("requests", server, payer)
        return int(amount), int(ready)

    async def server_state(self, server: bytes) -> ServerState:
        """Bond, last epochs and open challenges of a server."""
        return ServerState.of(int(await self._call("server_state", server)))

    async def bond_owner(self, server: bytes) -> bytes | None:
        """The first account that bonded the server, which may add to the bond and retire it; None if there is none."""
        owner = to_address(await self._call("bond_owner", server))
        return owner if any(owner) else None

    async def deposit(self, private_key: bytes, server: bytes, payer: bytes, amount: int) -> TxReceipt:
        """Add to a payer's escrow with one server (approve the contract first). Anyone's key."""
        return await self._transact(private_key, "deposit", server, payer, amount)

    async def request(self, private_key: bytes, server: bytes, amount: int) -> TxReceipt:
        """Request a withdrawal of escrow; replaces an earlier request and restarts the delay. The payer's key."""
        return await self._transact(private_key, "request", server, amount)

    async def withdraw(self, private_key: bytes, server: bytes) -> TxReceipt:
        """Withdraw the requested escrow, after the delay. The payer's key."""
        return await self._transact(private_key, "withdraw", server)

    async def bond(self, private_key: bytes, server: bytes, amount: int) -> TxReceipt:
        """Add to a server's bond (approve the contract first). Only the bond's owner, which is the first to add."""
        return await self._transact(private_key, "bond", server, amount)

    async def retire(self, private_key: bytes, server: bytes) -> TxReceipt:
        """Retire a server: the running epoch is the last that it may post. The bond owner's key."""
        return await self._transact(private_key, "retire", server)

    async def unbond(self, private_key: bytes, server: bytes) -> TxReceipt:
        """Return a retired server's bond, once nothing can be challenged any more. The bond owner's key."""
        return await self._transact(private_key, "unbond", server)

    async def posted_between(self, first: int, last: int) -> list[Log]:
        """``Posted`` events of all servers in blocks ``first`` to ``last``, oldest first."""
        return await self._chain.logs(self._address, event(self.CONTRACT, "Posted"), first, (), last)

    async def posts(self, server: bytes) -> list[Log]:
        """Every ``Posted`` event of a server."""
        return await self._logs("Posted", (server,))

    async def history(
        self, name: str, server: bytes, epoch: int | None = None, payee: bytes | None = None
    ) -> list[Log]:
        """Every event of a server by its name, oldest first.

        Args:
            name: Such as Challenged, Answered, Slashed, Refunded, Claimed, Posted, Retired.
            server: Whose events.
            epoch: Only those of this epoch.
            payee: Only those of this payee.
        """
        indexed = (server, None if epoch is None else epoch.to_bytes(32, "big"), payee)
        return await self._logs(name, indexed[: sum(event(self.CONTRACT, name).indexed)])
