"""The simulated chain against anvil: the same transactions in the same blocks end the same way, event by event."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from chain.anvil import Anvil
from chain.client import Chain
from pywallet.encoding.hex import to_hex
from tests.simulation.run import run
from tests.simulation.simulated_chain import GENESIS_S, Mined
from tests.simulation.world import Plan, World

ARGUMENTS = (
    "--timestamp",
    str(GENESIS_S),
    "--block-base-fee-per-gas",
    "0",
    "--gas-price",
    "0",
    "--gas-limit",
    "4000000000",
    "--no-mining",
)


def plain(logs: Any) -> list[tuple[str, tuple[str, ...], str]]:
    """Address, topics and data of each log."""
    return [(log["address"].lower(), tuple(log["topics"]), log["data"]) for log in logs]


async def replayed(anvil: Anvil, blocks: list[Mined]) -> list[str]:
    """Make the blocks again in anvil; what differs."""
    different = []
    async with Chain.connect(anvil.rpc) as chain:
        for sender in {one.sender for block in blocks for one in block.transactions}:
            await chain.request("anvil_setBalance", to_hex(sender), hex(10**24))
        for block in blocks[1:]:
            for one in block.transactions:
                await chain.request("eth_sendRawTransaction", to_hex(one.raw))
            await chain.request("evm_setNextBlockTimestamp", block.timestamp)
            await chain.request("evm_mine")
            for one in block.transactions:
                receipt = await chain.request("eth_getTransactionReceipt", to_hex(one.hash))
                here = block.receipts[one.hash]
                there = {
                    "status": receipt["status"],
                    "contract": receipt["contractAddress"],
                    "logs": plain(receipt["logs"]),
                }
                ours = {"status": here["status"], "contract": here["contractAddress"], "logs": plain(here["logs"])}
                if ours != there:
                    different.append(f"block {block.number}: {json.dumps(ours)} here, {json.dumps(there)} in anvil")
    return different


@pytest.mark.parametrize("seed", [1, 2])
def test_the_simulated_chain_ends_as_anvil_does(seed: int) -> None:
    blocks: list[Mined] = []

    def see(world: World) -> None:
        blocks.extend(world.simulated.blocks)

    run(Plan(seed), see)
    with Anvil(extra=ARGUMENTS) as anvil:
        different = asyncio.run(replayed(anvil, blocks))
    assert not different
    assert sum(len(block.transactions) for block in blocks) > 30
