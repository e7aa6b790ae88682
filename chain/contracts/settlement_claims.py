"""The part of the settlement client that pays leaves of final epochs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chain.abi import event
from chain.client import Log, TxReceipt, decode_log
from chain.contracts.contract_client import ContractClient
from pywallet.encoding.hex import to_hex
from pywallet.settlement import EpochHeader


@dataclass(frozen=True)
class ClaimItem:
    """One leaf to be paid, ``amount`` in wei; ``r`` and ``vs`` are the payee's signature over its Claim (EIP-2098).

    Root and total of the header follow from the proof.
    """

    server: bytes
    epoch: int
    header: EpochHeader
    payee: bytes
    amount: int
    index: int
    depth: int
    r: int
    vs: int

    def row(self) -> tuple[bytes, int, bytes, bytes, int, int, int, int, int]:
        """The contract's ClaimItem."""
        leaf = (self.payee, self.amount, self.index, self.depth)
        return (self.server, self.epoch, self.header.rest, *leaf, self.r, self.vs)


@dataclass(frozen=True)
class PaidLeaf:
    """One ``Claimed`` event; ``amount`` is the whole leaf, ``tip`` the sender's part of it, wei."""

    server: bytes
    epoch: int
    payee: bytes
    to: bytes
    amount: int
    tip: int


class ClaimCalls(ContractClient):
    """Payment of leaves. Amounts in wei."""

    async def claim(
        self,
        private_key: bytes,
        items: Sequence[ClaimItem],
        nodes: Sequence[tuple[bytes, int]],
        to: bytes,
        tip: int = 0,
    ) -> TxReceipt:
        """Pay leaves of final epochs to one recipient. A single leaf costs less gas.

        Args:
            private_key: Anyone's.
            items: The leaves.
            nodes: The items' proofs, one after the other.
            to: The recipient.
            tip: Wei per item for the sender.
        """
        if len(items) == 1:
            return await self._transact(private_key, "claimOne", items[0].row(), list(nodes), to, tip)
        return await self._transact(private_key, "claim", [item.row() for item in items], list(nodes), to, tip)

    async def is_claimed(self, server: bytes, epoch: int, index: int, depth: int) -> bool:
        """True if a leaf has been paid."""
        return bool(await self._call("claimed", server, epoch, index, depth))

    async def claimed(self, transaction: bytes) -> list[PaidLeaf]:
        """The payments of a transaction; empty while it is not in a block."""
        receipt = await self._chain.request("eth_getTransactionReceipt", to_hex(transaction))
        if receipt is None:
            return []
        kind = event(self.CONTRACT, "Claimed")
        logs = [
            log
            for log in receipt["logs"]
            if log["topics"][0] == to_hex(kind.topic) and log["address"].lower() == to_hex(self._address)
        ]
        return [_paid(decode_log(kind, log)) for log in logs]

    async def claims_of(self, payee: bytes) -> list[PaidLeaf]:
        """Every claim of a payee."""
        return [_paid(log) for log in await self._logs("Claimed", (None, None, payee))]

    async def claims_by(self, payees: Sequence[bytes]) -> list[Log]:
        """Every ``Claimed`` event of any of these payees, oldest first, in one query."""
        return await self._logs("Claimed", (None, None, payees))


def _paid(log: Log) -> PaidLeaf:
    return PaidLeaf(**log.fields)
