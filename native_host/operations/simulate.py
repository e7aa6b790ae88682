"""``simulate``: cost and effects of a transaction, and whether it would succeed."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from chain import node_answers
from messages.browser_host.chain import Simulate, SimulateResult
from native_host.context import Services
from native_host.remote.network import Network
from native_host.transactions import effects
from pywallet.encoding.hex import from_hex
from pywallet.errors import GomaaError
from pywallet.provider import read_call

MARGIN: Final = (5, 4)
"""Gas limit as a fraction of the estimate: a block may come between estimate and transaction."""


async def run(services: Services, request: Simulate) -> SimulateResult:
    """Run a call as if it were sent now.

    Raises:
        GomaaError: ``chain.reverted`` with the chain's reason, ``chain.unreachable``.
    """
    network = services.networks.require(request.chain_id)
    await network.ready()
    chain, account = network.chain, request.account
    call = {"from": account, "to": request.to, "value": hex(int(request.value_wei)), "data": request.data}
    gas = node_answers.number(await chain.request("eth_estimateGas", call)) * MARGIN[0] // MARGIN[1]
    base, tip = await price(network)
    nonce, mined = [
        node_answers.number(await chain.request("eth_getTransactionCount", account, tag))
        for tag in ("pending", "latest")
    ]
    result = SimulateResult(
        nonce=nonce,
        gas=gas,
        tip_wei=str(tip),
        max_fee_wei=str(2 * base + tip),
        fee_wei=str(gas * (base + tip)),
        most_wei=str(gas * (2 * base + tip)),
        coin_wei=str(node_answers.number(await chain.request("eth_getBalance", account, "latest"))),
    )
    if request.effects:
        sender, to, value = from_hex(account, 20), from_hex(request.to, 20), int(request.value_wei)
        kind = await effects.standard(chain, request.to)
        decoded = read_call(from_hex(request.data), kind, sender)
        # The fees of the later transaction: a contract can read its gas price.
        fees = {"gas": hex(gas), "maxFeePerGas": hex(2 * base + tip), "maxPriorityFeePerGas": hex(tip)}
        # Pending transactions of the account come before this call and may change its effects.
        changes = (
            await effects.changes(chain, {**call, **fees}, decoded, network.deployment.token)
            if nonce == mined
            else None
        )
        result = replace(result, standard=kind, effects=effects.summarise(sender, to, value, decoded, changes))
    return result


async def price(network: Network) -> tuple[int, int]:
    """Base fee and tip, wei per gas."""
    latest = node_answers.mapping(await network.chain.request("eth_getBlockByNumber", "latest", False))
    base = node_answers.number(latest.get("baseFeePerGas", "0x0"))
    try:
        return base, node_answers.number(await network.chain.request("eth_maxPriorityFeePerGas"))
    except GomaaError:
        return base, max(10**8, node_answers.number(await network.chain.request("eth_gasPrice")) - base)
