"""The part of the settlement client that challenges, answers, dismisses and slashes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Final

from chain.abi import to_address
from chain.client import TxReceipt
from chain.contracts.contract_client import ContractClient
from pywallet.errors import InputError
from pywallet.protocol import Receipt, Signed, compact
from pywallet.settlement import Answer
from pywallet.settlement.schedule import ANSWERS_A_BATCH

MOST_ANSWERS: Final = ANSWERS_A_BATCH
"""Answers in one transaction."""


@dataclass(frozen=True)
class OpenChallenge:
    """An open challenge.

    ``deadline`` is the Unix s until which an answer is certain to be accepted; ``blocking``: the epoch is not final
    while the challenge is open.
    """

    challenger: bytes
    deadline: int
    blocking: bool


class ChallengeCalls(ContractClient):
    """ChallengeCalls by receipts and their answers. Amounts in wei."""

    async def open_challenge(self, server: bytes, epoch: int, payee: bytes, amount: int) -> OpenChallenge | None:
        """The open challenge by a receipt over that payee and amount, or None."""
        challenger, deadline, blocking = await self._call("open_challenge", server, epoch, payee, amount)
        address = to_address(challenger)
        return OpenChallenge(address, int(deadline), bool(blocking)) if any(address) else None

    async def challenge(self, private_key: bytes, receipt: Signed[Receipt]) -> TxReceipt:
        """Demand the proof of a receipt's leaf (approve the contract for the stake first). Anyone's key."""
        return await self._transact(private_key, "challenge", astuple(receipt.message), *compact(receipt.signature))

    async def answer(self, private_key: bytes, server: bytes, epoch: int, challenged: int, shown: Answer) -> TxReceipt:
        """Prove the leaf for a receipt over ``challenged`` wei. Anyone's key."""
        return await self.answer_batch(private_key, server, epoch, [(challenged, shown)])

    async def answer_batch(
        self, private_key: bytes, server: bytes, epoch: int, shown: Sequence[tuple[int, Answer]]
    ) -> TxReceipt:
        """Answer challenges to one epoch in one transaction. The contract skips challenges that are already closed.

        Args:
            private_key: Anyone's.
            server: Whose epoch.
            epoch: Its number.
            shown: The challenged amounts (wei) and their leaves, at most ``MOST_ANSWERS``, all under one header.

        Raises:
            InputError: ``message.schema`` for none, for too many, or for several headers.
            GomaaError: ``chain.reverted``; ``settlement: no open challenge`` if all of them are closed already.
        """
        headers = {answer.header for _, answer in shown}
        if len(headers) != 1 or len(shown) > MOST_ANSWERS:
            raise InputError("message.schema", field="answers", reason=f"1 to {MOST_ANSWERS} under one header")
        rows = [(leaf.payee, challenged, leaf.amount, leaf.index, len(leaf.proof)) for challenged, leaf in shown]
        nodes = [node for _, leaf in shown for node in leaf.proof]
        return await self._transact(private_key, "answerBatch", server, epoch, headers.pop().rest, rows, nodes)

    async def dismiss(self, private_key: bytes, server: bytes, epoch: int, payee: bytes, challenged: int) -> TxReceipt:
        """Close a challenge at or below what was already proven for the payee. Anyone's key."""
        return await self._transact(private_key, "dismiss", server, epoch, payee, challenged)

    async def answered(self, commitment: bytes, payee: bytes) -> int:
        """The greatest amount, wei, that an answer has proven for a payee under a commitment; zero if none."""
        return int(await self._call("answered", commitment, payee))

    async def slash(self, private_key: bytes, server: bytes, epoch: int, payee: bytes, challenged: int) -> TxReceipt:
        """Slash the bond of a server that left a challenge unanswered beyond its deadline. Anyone's key."""
        return await self._transact(private_key, "slash", server, epoch, payee, challenged)
