"""Deployment of the contracts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from eth_abi.abi import encode

from chain.abi import function
from chain.client import Chain
from chain.deployment import Deployment, usual_block_time
from pywallet.crypto import address_of, keccak256
from pywallet.settlement import Schedule

SUPPLY: Final = 10**9 * 10**18
"""Supply of tokens, wei."""
COMMISSION_BPS: Final = 500
STAKE: Final = 10**18
"""Stake of a challenge, wei."""


async def deploy(
    rpc: str,
    private_key: bytes,
    schedule: Schedule,
    *,
    supply: int = SUPPLY,
    bps: int = COMMISSION_BPS,
    treasury: bytes | None = None,
    stake: int = STAKE,
    confirmations: int = 1,
    max_fee: int | None = None,
    block_time: int | None = None,
    check: bool = False,
) -> Deployment:
    """Deploy all contracts from one account, which receives the supply and becomes the platform.

    Args:
        rpc: The node's ws(s) or http(s) URL.
        private_key: The platform's.
        schedule: Periods of the epochs.
        supply: Tokens, wei.
        bps: Commission in basis points of the net.
        treasury: Receives the commission; by default an address derived from the platform's, whose balance is then
            commission only.
        stake: Stake of a challenge, wei.
        confirmations: Depth in blocks at which a transaction is done.
        max_fee: Most wei per gas; above it ``chain.fee.high``.
        block_time: Seconds between blocks, by default the network's usual.
        check: Require a network that is fast enough for the schedule.

    Raises:
        InputError: ``chain.schedule``, with ``check``.
        GomaaError: As ``Chain.send``.
    """
    from contracts.compile import artifacts

    compiled = artifacts()
    platform = address_of(private_key)
    treasury = treasury or keccak256(b"gomaa treasury" + platform)[12:]
    async with Chain.connect(rpc, confirmations=confirmations, max_fee=max_fee) as chain:
        chain_id = await chain.chain_id()
        seconds = usual_block_time(chain_id) if block_time is None else block_time
        if check:
            schedule.require(seconds, confirmations)
        block = (await chain.block()).number

        async def create(name: str, *args: Any) -> bytes:
            code = bytes.fromhex(compiled[name]["bytecode"][2:])
            receipt = await chain.send(private_key, None, code + encode(constructor_types(compiled[name]["abi"]), args))
            mined = await chain.request("eth_getTransactionReceipt", "0x" + receipt.hash.hex())
            return bytes.fromhex(mined["contractAddress"][2:])

        token = await create("GoMAA", platform, supply)
        registry = await create("Registry", bps, schedule.length)
        rights = await create("Rights", token, registry)
        implementation = await create("Content", registry, token, rights)
        await chain.transact(private_key, registry, function("Registry", "set_implementation"), implementation)
        times = (schedule.length, schedule.grace, schedule.window, schedule.answer, schedule.late, schedule.delay)
        settlement = await create("Settlement", token, registry, treasury, *times, stake)
    addresses = (token, registry, implementation, settlement, treasury)
    return Deployment(chain_id, rpc, *addresses, block, schedule, stake, rights, confirmations, seconds)


def constructor_types(abi: Sequence[Any]) -> list[str]:
    """The ABI types of a contract's constructor."""
    return [spec["type"] for entry in abi if entry["type"] == "constructor" for spec in entry["inputs"]]
