"""Proof of a claim: the chain's state after it, compared with what was done."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from chain.client import Chain
from chain.contracts.registry import Registry
from chain.contracts.settlement import Settlement
from chain.contracts.token import Token
from demo.settle import header_of
from demo.stack import Stack
from demo.web import get_json
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.settlement import EpochData, commitment, content_leaf, gross, verify_count


@dataclass(frozen=True)
class PostedEpoch:
    """One posted epoch whose published data hash to what the chain committed to."""

    epoch: int
    data: EpochData
    fee: int


async def epochs(stack: Stack, chain: Chain) -> list[PostedEpoch]:
    """Every posted epoch of the server, proven against the chain's commitment. Raises AssertionError when one lies."""
    settlement = Settlement(chain, stack.deployment)
    out = []
    for log in await settlement.posts(stack.server_address):
        epoch = log.fields["epoch"]
        data = EpochData.decode(get_json(f"{stack.server_url}/v1/epochs/{epoch}/data", raw=True))
        state = await settlement.epoch(stack.server_address, epoch)
        assert commitment(header_of(data)) == state.commit, (
            f"epoch {epoch}: the published data are not what the chain holds"
        )
        out.append(PostedEpoch(epoch, data, int(log.fields["fee"])))
    return out


def counted(stack: Stack, posted: list[PostedEpoch], content: bytes) -> tuple[int, int, int]:
    """Plays, seeks and seconds of a content over all epochs, each leaf proven under the posted counts root."""
    plays = seeks = seconds = 0
    for one in posted:
        for row in one.data.contents:
            if row.content != content:
                continue
            prove_content(stack, one, row)
            plays, seeks, seconds = plays + row.plays, seeks + row.seeks, seconds + row.seconds
    return plays, seeks, seconds


def prove_content(stack: Stack, posted: PostedEpoch, row: Any) -> None:
    """The content's leaf stands under the counts root that the chain committed to. Raises AssertionError."""
    found = get_json(f"{stack.server_url}/v1/epochs/{posted.epoch}/counts/{to_hex(row.content)}")
    leaf = content_leaf(row.content, row.plays, row.unvalidated, row.seeks, row.seconds)
    proof = [from_hex(item, 32) for item in found["proof"]]
    assert verify_count(posted.data.counts_root, leaf, found["index"], proof), (
        f"epoch {posted.epoch}: a counts leaf is not under the root"
    )


async def money(stack: Stack, chain: Chain, listener: bytes) -> dict[str, int]:
    """Balances and debits, in wei, read from the chain now."""
    token, settlement = Token(chain, stack.deployment), Settlement(chain, stack.deployment)
    spent, escrow = await settlement.account(stack.server_address, stack.station_address)
    return {
        "listener": await token.balance_of(listener),
        "owner": await token.balance_of(stack.owner_address),
        "treasury": await token.balance_of(stack.deployment.treasury),
        "spent": spent,
        "escrow": escrow,
    }


def tickets(stack: Stack) -> int:
    """Tickets that the station has given out."""
    with closing(sqlite3.connect(f"file:{stack.folder / 'station.sqlite3'}?mode=ro", uri=True)) as db:
        return int(db.execute("SELECT count(*) FROM tickets").fetchone()[0])


async def commission_agrees(stack: Stack, chain: Chain, posted: list[PostedEpoch]) -> bool:
    """Each epoch's fee is the registry's rate on each payer's net."""
    registry = Registry(chain, stack.deployment)
    for one in posted:
        bps = await registry.rate_at(one.epoch)
        if one.fee != sum(gross(row.net, bps) - row.net for row in one.data.debits):
            return False
    return True
