"""``sweep``: send a payee's order and permit to the relayer, and check the transfer on the chain."""

from __future__ import annotations

import asyncio
import time

from messages.browser_host.payout import Sweep, SweepResult
from messages.host_server import relay
from native_host.context import Services
from native_host.operations.claim import CONFIRM_S, POLL_S, RELAY_S
from native_host.remote.network import Network
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import GomaaError, Unavailable
from pywallet.protocol import Signed, require_signer
from pywallet.protocol import Sweep as SweepMessage


async def run(services: Services, request: Sweep) -> SweepResult:
    """Send one order.

    Raises:
        GomaaError: ``claim.*``, ``server.*``; ``chain.mismatch`` where the transaction has no such transfer.
    """
    signed = Signed.from_json(SweepMessage, request.sweep)
    order = signed.message
    signed_for = services.networks.of_signature(signed, order.payee)
    async with services.directory.anonymous(from_hex(request.server, 20), signed_for) as (server, network):
        require_signer(signed, network.domain, order.payee, "claim.signature")
        result = await server.request("sweep", relay.SweepResult, RELAY_S, sweep=request.sweep, permit=request.permit)
    transaction = from_hex(result.transaction, 32)
    await _confirm(network, transaction, order)
    return SweepResult(to_hex(transaction), to_hex(order.to), str(order.amount))


async def _confirm(network: Network, transaction: bytes, order: SweepMessage) -> None:
    """Wait for the transaction's block, and check the transfer in it.

    Raises:
        Unavailable: ``chain.unreachable`` where its block does not appear within ``CONFIRM_S``.
        GomaaError: ``chain.mismatch`` where it has no such transfer.
    """
    wanted = {"sender": order.payee, "receiver": order.to, "value": order.amount}
    until = time.monotonic() + CONFIRM_S
    while time.monotonic() < until:
        moved = await network.token.moved(transaction)
        if moved is not None:
            if any(log.fields == wanted for log in moved):
                return
            raise GomaaError(
                "chain.mismatch", transaction=to_hex(transaction), reason="the relayer sent something else"
            )
        await asyncio.sleep(POLL_S)
    raise Unavailable("chain.unreachable", transaction=to_hex(transaction))
