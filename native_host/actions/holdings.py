"""``holdings``: tokens that lie at payees' own addresses, which have no coins to move them."""

from __future__ import annotations

from typing import Any, Final

from chain import answers
from native_host.actions.simulate import price
from native_host.host import Host
from native_host.schema import Holdings
from pywallet.hexes import from_hex, to_hex

GAS: Final = 110_000 + 80_000
"""Of a permit and a transfer under it: more than they take, for what the person is shown before."""


async def run(host: Host, request: Holdings) -> dict[str, Any]:
    """Ask the network's node, and nobody else, what these addresses hold. Raises ``chain.unreachable``.

    Returns:
        ``holdings`` [{payee, amount_wei, nonce, allowed_wei (what ``account`` may take already)}] of those that hold
        anything, in the order asked; ``token``, ``settlement``, ``now_s`` (the chain's clock), ``each_wei``: the most
        that moving one may cost now, and ``coin_wei``: what ``account`` has for it, both in the network's coin.
    """
    network = host.network(request.chain_id)
    await network.ready()
    account = from_hex(request.account, 20)
    found = await network.token.holdings([from_hex(payee, 20) for payee in request.payees], account)
    base, tip = await price(network)
    return {
        "token": to_hex(network.deployment.token),
        "settlement": to_hex(network.deployment.settlement),
        "now_s": host.now_ms(network) // 1000,
        "each_wei": str(GAS * (2 * base + tip)),
        "coin_wei": str(answers.number(await network.chain.request("eth_getBalance", request.account, "latest"))),
        "holdings": [
            {"payee": to_hex(one.holder), "amount_wei": str(one.amount), "nonce": one.nonce, "allowed_wei": str(one.allowed)}
            for one in found
        ],
    }
