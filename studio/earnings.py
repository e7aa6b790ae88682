"""Earnings of an owner at one security server, by epoch, proven against the chain; and their collection."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from typing import Final

from chain.client import Chain, TxReceipt
from chain.contracts.settlement import ClaimItem, Settlement
from chain.deployment import Deployment
from common.http_body import read_reply
from pywallet.errors import InputError, Unavailable
from pywallet.settlement import EpochData, EpochHeader, SumTree, commitment, entries_digest, rest
from studio.server import TIMEOUT_S, ServerInfo

_MAX_DATA: Final = 256 << 20
_CLAIMS_PER_TRANSACTION: Final = 20


@dataclass(frozen=True)
class Earning:
    """Earning of one epoch.

    Attributes:
        epoch: The epoch.
        amount: Wei.
        final: True if it can be collected.
        collected: True if it has been claimed.
        item: The claim of the leaf.
        proof: Siblings of the sum tree from the leaf up: hash and sum.
    """

    epoch: int
    amount: int
    final: bool
    collected: bool
    item: ClaimItem
    proof: tuple[tuple[bytes, int], ...]


async def proven_earnings(deployment: Deployment, server: ServerInfo, owner: bytes) -> list[Earning]:
    """Earnings of ``owner`` in every posted epoch; published data is verified by the commitments on the chain.

    Args:
        deployment: The network.
        server: The security server.
        owner: The owner's address, 20 bytes.

    Raises:
        Unavailable: ``server.*``, ``chain.*``.
        InputError: ``chain.mismatch``.
    """
    async with Chain.connect(deployment.rpc) as chain:
        settlement, out = Settlement(chain, deployment), []
        for log in await settlement.posts(server.address):
            epoch = int(log.fields["epoch"])
            data = EpochData.decode(await asyncio.to_thread(_published, server.url, epoch))
            state = await settlement.epoch(server.address, epoch)
            header = EpochHeader(
                data.root,
                data.total,
                rest(entries_digest((r.payer, r.net) for r in data.debits), data.counts_root, data.hash),
            )
            if (data.server, data.epoch) != (server.address, epoch) or commitment(header) != state.commit:
                raise InputError("chain.mismatch", epoch=epoch, reason="the published books are not those on the chain")
            tree = SumTree([(row.payee, row.amount) for row in data.payees])
            for index, row in enumerate(data.payees):
                if row.payee != owner:
                    continue
                collected = await settlement.is_claimed(server.address, epoch, index, tree.depth)
                item = ClaimItem(server.address, epoch, header, owner, row.amount, index, tree.depth, 0, 0)
                out.append(
                    Earning(
                        epoch, row.amount, state.final and not state.void, collected, item, tuple(tree.proof(index))
                    )
                )
        return out


async def collect(deployment: Deployment, owner_key: bytes, owner: bytes, due: list[Earning]) -> list[TxReceipt]:
    """Claim final earnings to the owner's account, twenty epochs in a transaction; the owner pays the gas."""
    receipts = []
    async with Chain.connect(deployment.rpc) as chain:
        settlement = Settlement(chain, deployment)
        for at in range(0, len(due), _CLAIMS_PER_TRANSACTION):
            part = due[at : at + _CLAIMS_PER_TRANSACTION]
            nodes = [node for earning in part for node in earning.proof]
            receipts.append(await settlement.claim(owner_key, [earning.item for earning in part], nodes, owner))
    return receipts


def _published(url: str, epoch: int) -> bytes:
    """The server's published data of an epoch."""
    try:
        with urllib.request.urlopen(f"{url}/v1/epochs/{epoch}/data", timeout=TIMEOUT_S) as reply:  # noqa: S310 - fetch_info checked the scheme
            return read_reply(reply, _MAX_DATA)
    except urllib.error.HTTPError as e:
        raise Unavailable("server.protocol", url=url, status=e.code) from None
    except (OSError, ValueError, HTTPException) as e:
        raise Unavailable("server.unreachable", url=url, reason=e) from None
