"""The vouchers of a posted epoch, read back from the transactions that debited them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from chain import node_answers
from chain.abi import event, function, to_address
from chain.client import Chain, Log
from chain.deployment import Deployment
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError, Unavailable
from pywallet.settlement import entries_digest


@dataclass(frozen=True)
class DebitVoucher:
    """A debit of an epoch and the voucher that allows it.

    Attributes:
        payer: Whose escrow is debited, 20 bytes.
        net: Debited before commission, wei.
        cap: Cap of the voucher, wei.
        until: Last epoch in which the voucher may be used.
        signature: The payer's, under the voucher, 65 bytes.
    """

    payer: bytes
    net: int
    cap: int
    until: int
    signature: bytes


MOST_BLOCKS: Final = 10_000
"""Blocks of events asked for at once.

Halved for a node that refuses or takes too long, doubled again while it answers.
"""

Part = tuple[bytes, list[DebitVoucher]]
"""The digest that a transaction's entries were added to, and the entries."""


async def debited_vouchers(
    chain: Chain, deployment: Deployment, server: bytes, epoch: int, digest: bytes
) -> list[DebitVoucher] | None:
    """The vouchers under which an epoch's entries were debited, in the post or in a draft.

    Args:
        chain: The node.
        deployment: Where the settlement is.
        server: Whose epoch.
        epoch: Its number.
        digest: Of the entries.

    Returns:
        One for each entry; None where the node has the transactions no more, or another contract stood between.

    Raises:
        Unavailable: ``chain.unreachable``.
    """
    topics = (server, epoch.to_bytes(32, "big"))
    parts: list[Part] = []
    for name, where in (("Debited", "debit"), ("Posted", "post")):
        for log in await all_logs(chain, deployment, name, topics):
            part = await _part(chain, deployment, log.transaction, where)
            if part is not None:
                parts.append(part)
    # Parts that were undone and sent again may begin at the same digest: every way is tried, none twice.
    ways: dict[bytes, list[DebitVoucher]] = {bytes(32): []}
    waiting = [bytes(32)]
    while waiting and digest not in ways:
        here = waiting.pop()
        for before, rows in parts:
            after = entries_digest([(row.payer, row.net) for row in rows], before)
            if before == here and after not in ways:
                ways[after] = ways[here] + rows
                waiting.append(after)
    return ways.get(digest)


async def all_logs(chain: Chain, deployment: Deployment, name: str, topics: Sequence[bytes | None]) -> list[Log]:
    """All events of the settlement by their name, in ranges of blocks that the node allows."""
    out: list[Log] = []
    last = (await chain.block()).number
    at, span = min(deployment.block, last), MOST_BLOCKS
    while at <= last:
        try:
            out += await chain.logs(
                deployment.settlement, event("Settlement", name), at, topics, min(last, at + span - 1)
            )
        except Unavailable:
            if span == 1:
                raise
            span = max(1, span // 2)
        else:
            at, span = at + span, min(MOST_BLOCKS, span * 2)
    return out


async def _part(chain: Chain, deployment: Deployment, transaction: bytes, name: str) -> Part | None:
    response = await chain.request("eth_getTransactionByHash", to_hex(transaction))
    signature = function("Settlement", name)
    if (
        not isinstance(response, dict)
        or response.get("to") is None
        or str(response["to"]).lower() != to_hex(deployment.settlement)
    ):
        return None
    data = node_answers.data(response.get("input"))
    if data[:4] != signature.selector:
        return None
    try:
        *_, before, rows = decode(signature.inputs, data[4:])
    except (DecodingError, OverflowError):
        raise GomaaError("chain.mismatch", reason="call data of a post") from None
    return bytes(before), [
        DebitVoucher(to_address(row[0]), int(row[1]), int(row[2]), int(row[3]), _signature(int(row[4]), int(row[5])))
        for row in rows
    ]


def _signature(r: int, vs: int) -> bytes:
    """The 65 bytes of a compact signature (EIP-2098): the opposite of ``compact``."""
    s = vs & ((1 << 255) - 1)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([27 + (vs >> 255)])
