"""After the music: wait for the epochs, pay the band, collect the commission."""

from __future__ import annotations

import time
import urllib.request
from typing import Any

from chain.client import Chain
from chain.contracts.settlement import ClaimItem, Settlement
from demo.stack import Stack
from demo.web import account
from pywallet.settlement import EpochData, EpochHeader, SumTree, entries_digest, rest

PATIENCE_S = 600.0
"""Seconds after which an epoch that is not final never will be."""


async def final_epochs(stack: Stack, chain: Chain, *, nothing_after_s: int) -> list[int]:
    """Wait until every epoch up to the one in which ``nothing_after_s`` (chain time) falls is final.

    The posted ones.
    """
    settlement = Settlement(chain, stack.deployment)
    last = stack.deployment.schedule.epoch_of(nothing_after_s)
    found: list[int] = []

    async def ready() -> bool:
        block = await chain.block()
        if block.timestamp < stack.deployment.schedule.due(last) + 2:
            return False
        logs = await settlement.posts(stack.server_address)
        found[:] = [log.fields["epoch"] for log in logs]
        open_debts = account(stack, stack.station_key)
        if open_debts["unposted_wei"] or open_debts["unvouchered_wei"]:
            return False
        states = [await settlement.epoch(stack.server_address, epoch) for epoch in found]
        return bool(found) and all(state.final for state in states)

    deadline = time.monotonic() + PATIENCE_S

    async def ready_or_late() -> bool:
        if time.monotonic() > deadline:
            raise TimeoutError(f"epochs not final after {PATIENCE_S:.0f} s: {found}\n{stack.server.tail(15)}")
        return await ready()

    await chain.until(ready_or_late)
    return found


async def pay_owner(stack: Stack, chain: Chain, posted: list[Any]) -> None:
    """Claim the band's leaves to the band and the commission to the treasury.

    No signature is needed where the payee is the receiver.
    """
    settlement = Settlement(chain, stack.deployment)
    relayer = stack.anvil.keys[5]
    for one in posted:
        tree = SumTree([(row.payee, row.amount) for row in one.data.payees])
        for index, row in enumerate(one.data.payees):
            if row.payee == stack.owner_address and not await settlement.is_claimed(
                stack.server_address, one.epoch, index, tree.depth
            ):
                item = ClaimItem(
                    stack.server_address, one.epoch, header_of(one.data), row.payee, row.amount, index, tree.depth, 0, 0
                )
                await settlement.claim(relayer, [item], tree.proof(index), row.payee)
        if (await settlement.epoch(stack.server_address, one.epoch)).fee:
            await settlement.collect(relayer, stack.server_address, one.epoch)


def header_of(data: EpochData) -> EpochHeader:
    """The commitment's preimage from published data."""
    return EpochHeader(
        data.root, data.total, rest(entries_digest((r.payer, r.net) for r in data.debits), data.counts_root, data.hash)
    )


def answers(url: str) -> bool:
    """Return whether something listens at a URL."""
    try:
        with urllib.request.urlopen(url, timeout=30):
            return True
    except OSError:
        return False
