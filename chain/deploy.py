"""Deploying the contracts."""

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
COMMISSION_BPS: Final = 500
STAKE: Final = 10**18


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
    """Deploy everything from one account, which gets the supply and becomes the platform.

    ``treasury`` gets the commission; by default an account made from the
    platform's, so that its balance is commission and nothing else.
    ``block_time``: seconds from one block to the next, by default what the
    network's usually is. With ``check`` nothing is deployed on a network
    that is too slow for the schedule (InputError ``chain.schedule``).
    """
    from contracts.compile import artifacts

    made = artifacts()
    platform = address_of(private_key)
    treasury = treasury or keccak256(b"gomaa treasury" + platform)[12:]
    async with Chain.connect(rpc, confirmations=confirmations, max_fee=max_fee) as chain:
        chain_id = await chain.chain_id()
        seconds = usual_block_time(chain_id) if block_time is None else block_time
        if check:
            schedule.require(seconds, confirmations)
        block = (await chain.block()).number

        async def create(name: str, *args: Any) -> bytes:
            code = bytes.fromhex(made[name]["bytecode"][2:])
            receipt = await chain.send(private_key, None, code + encode(constructor_types(made[name]["abi"]), args))
            found = await chain.request("eth_getTransactionReceipt", "0x" + receipt.hash.hex())
            return bytes.fromhex(found["contractAddress"][2:])

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
