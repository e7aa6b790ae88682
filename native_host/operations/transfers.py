"""``transfers``: the token's transfers from and to an account, from the chain's logs."""

from __future__ import annotations

from typing import Final

from chain.abi import event
from messages.browser_host.chain import Transfer, Transfers, TransfersResult
from native_host.context import Services
from pywallet.encoding.hex import from_hex, to_hex

SHOWN: Final = 100
"""Transfers in one result."""


async def run(services: Services, request: Transfers) -> TransfersResult:
    """Read the last transfers of the token from and to an account.

    Raises:
        Unavailable: ``chain.unreachable``.
    """
    network = services.networks.require(request.chain_id)
    await network.ready()
    account, token = from_hex(request.account, 20), network.deployment.token
    logs = []
    for topics in ((account,), (None, account)):
        logs += await network.chain.logs(token, event("GoMAA", "Transfer"), network.deployment.block, topics)
    newest = sorted(logs, key=lambda log: -log.block)[:SHOWN]
    times = {number: (await network.chain.block(number)).timestamp for number in {log.block for log in newest}}
    transfers = []
    for log in newest:
        sender, to, amount = log.fields.values()
        transfers.append(
            Transfer(
                time_s=times[log.block],
                block=log.block,
                transaction=to_hex(log.transaction),
                sender=to_hex(sender),
                to=to_hex(to),
                amount_wei=str(amount),
                reward=services.ledger.is_claim(to_hex(log.transaction)),
            )
        )
    return TransfersResult(transfers)
