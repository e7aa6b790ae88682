"""``simulate``: what a transaction would cost, and whether it would succeed."""

from __future__ import annotations

from typing import Any, Final

from chain import node_answers
from native_host.context import Services
from native_host.messaging.chain_requests import Simulate
from native_host.remote.network import Network
from native_host.transactions import effects
from pywallet.encoding.hex import from_hex
from pywallet.errors import GomaaError
from pywallet.provider import read_call

MARGIN: Final = (5, 4)
"""Gas over the estimate: a block may stand between the estimate and the transaction."""


async def run(services: Services, request: Simulate) -> dict[str, Any]:
    """Run a call as if it were sent now. Raises ``chain.reverted`` with the chain's reason, ``chain.unreachable``.

    ``fee_wei`` is what it would cost in this block, ``most_wei`` the most it may cost; both in the network's coin. For
    a transaction of a site (``effects``): ``standard`` of the called contract and ``effects`` of
    ``native_host.transactions.effects.told``.
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
    seen: dict[str, Any] = {}
    if request.effects:
        sender, to, value = from_hex(account, 20), from_hex(request.to, 20), int(request.value_wei)
        kind = await effects.standard(chain, request.to)
        says = read_call(from_hex(request.data), kind, sender)
        # As it will be sent: a contract sees the price of its gas.
        fees = {"gas": hex(gas), "maxFeePerGas": hex(2 * base + tip), "maxPriorityFeePerGas": hex(tip)}
        # What the account has sent and no block has yet comes before this call and may change what it does.
        found = (
            await effects.changes(chain, {**call, **fees}, says, network.deployment.token) if nonce == mined else None
        )
        seen = {"standard": kind, "effects": effects.told(sender, to, value, says, found)}
    return {
        **seen,
        "nonce": nonce,
        "gas": gas,
        "tip_wei": str(tip),
        "max_fee_wei": str(2 * base + tip),
        "fee_wei": str(gas * (base + tip)),
        "most_wei": str(gas * (2 * base + tip)),
        "coin_wei": str(node_answers.number(await chain.request("eth_getBalance", account, "latest"))),
    }


async def price(network: Network) -> tuple[int, int]:
    """Base fee and tip, wei per gas."""
    latest = node_answers.mapping(await network.chain.request("eth_getBlockByNumber", "latest", False))
    base = node_answers.number(latest.get("baseFeePerGas", "0x0"))
    try:
        return base, node_answers.number(await network.chain.request("eth_maxPriorityFeePerGas"))
    except GomaaError:
        return base, max(10**8, node_answers.number(await network.chain.request("eth_gasPrice")) - base)
