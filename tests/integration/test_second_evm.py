"""Deploy, settle, claim and slash without anvil's leniencies, and on a second, independent implementation of the
EVM.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from chain.anvil import Anvil
from chain.client import Chain
from chain.contracts.settlement import Settlement
from chain.deploy import STAKE, deploy
from demo.waiting import TIMEOUT_S
from pywallet.crypto import address_of, keccak256
from pywallet.encoding.hex import to_hex
from pywallet.settlement import Schedule
from tests.integration.ethereumjs_pair import CHAIN_ID, pair
from tests.integration.settled_once import COIN, Outcome, settle_and_slash

START = 1_800_000_000


def check(found: Outcome) -> None:
    """The fan is paid, the relayer has its tip, the liar's bond is slashed and the station is refunded."""
    assert (found.claimed, found.tip) == (680, 20)
    assert found.bond == 0
    assert found.stake_back > 0
    assert found.refunded >= 1000


async def test_a_chain_with_real_blocks_fees_and_limits() -> None:
    """Anvil in its strictest configuration.

    A block a second, a base fee, the gas caps of blocks and of transactions (EIP-7825).
    """
    schedule = Schedule(length=10, grace=1, window=6, answer=3, late=600, delay=12)
    with Anvil(block_time=1, extra=("--enable-tx-gas-limit", "--base-fee", "1000000000")) as anvil:
        made = await deploy(anvil.rpc, anvil.keys[0], schedule)
        async with Chain.connect(anvil.rpc, made.chain_id) as chain:

            async def pass_until(timestamp: int) -> None:
                async def reached() -> bool:
                    return (await chain.block()).timestamp >= timestamp

                await chain.until(reached)

            check(await settle_and_slash(chain, made, anvil.keys[0], pass_until, at_once=True))
            assert int((await chain.request("eth_getBlockByNumber", "latest", False))["baseFeePerGas"], 16) > 0


async def test_two_nodes_of_another_client_agree(tmp_path: Path) -> None:
    """Every block is executed by two nodes of @ethereumjs/client, which must compute the same state.

    The client is connected over HTTP.
    """
    schedule = Schedule(length=120, grace=10, window=20, answer=20, late=3600, delay=150)
    platform = keccak256(b"platform")
    async with pair(tmp_path, to_hex(address_of(platform)), START) as nodes:
        made = await deploy(nodes.builder.rpc, platform, schedule)
        assert made.chain_id == CHAIN_ID
        async with Chain.connect(nodes.builder.rpc, CHAIN_ID) as chain:

            async def pass_until(timestamp: int) -> None:
                nodes.jump(timestamp)
                async with asyncio.timeout(TIMEOUT_S):
                    while (await chain.block()).timestamp < timestamp:
                        await asyncio.sleep(0.05)

            check(await settle_and_slash(chain, made, platform, pass_until, at_once=False))
            ours = (await chain.block()).number
        async with Chain.connect(nodes.follower.rpc, CHAIN_ID) as other:
            async with asyncio.timeout(TIMEOUT_S):
                while (await other.block()).number < ours:
                    await asyncio.sleep(0.05)
            server = address_of(keccak256(b"server"))
            station = address_of(keccak256(b"station"))
            assert (await Settlement(other, made).server_state(server)).bond == 0
            spent, escrow = await Settlement(other, made).account(server, station)
            assert 0 < spent < 2000
            assert 100 * COIN - 2000 < escrow < 100 * COIN
        assert made.stake == STAKE
