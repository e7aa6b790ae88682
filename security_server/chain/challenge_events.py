"""Events of challenges and refunds of this server's epochs."""

from __future__ import annotations

from dataclasses import dataclass

from chain.abi import event
from chain.client import Chain
from chain.deployment import Deployment


@dataclass(frozen=True)
class ChallengeEvent:
    """A challenge.

    Attributes:
        epoch: The challenged epoch.
        payee: The payee of the shown receipt, 20 bytes.
        amount: The receipt's amount, wei.
        block: Number of the event's block.
    """

    epoch: int
    payee: bytes
    amount: int
    block: int


@dataclass(frozen=True)
class RefundEvent:
    """The refund of a void epoch's debits.

    Attributes:
        epoch: The void epoch.
        block: Number of the event's block.
    """

    epoch: int
    block: int


async def read_events(
    chain: Chain, deployment: Deployment, server: bytes, first: int, last: int
) -> tuple[list[ChallengeEvent], list[RefundEvent]]:
    """Challenges and refunds of a server in a range of blocks, both ends included.

    Raises:
        Unavailable: ``chain.unreachable``.
    """
    challenged, refunded = [
        await chain.logs(deployment.settlement, event("Settlement", name), first, (server,), last)
        for name in ("Challenged", "Refunded")
    ]
    return (
        [
            ChallengeEvent(int(log.fields["epoch"]), bytes(log.fields["payee"]), int(log.fields["amount"]), log.block)
            for log in challenged
        ],
        [RefundEvent(int(log.fields["epoch"]), log.block) for log in refunded],
    )
