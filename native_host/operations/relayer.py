"""``relayer``: the address that a payee's permit has to name for its security server to move its tokens."""

from __future__ import annotations

from typing import Any

from messages.browser_host.payout import Relayer
from native_host.context import Services
from native_host.payments import epoch_proofs
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import Refusal


async def run(services: Services, request: Relayer) -> dict[str, Any]:
    """Ask a server that has paid this payee, and knows it already.

    Returns:
        ``server``, ``relayer`` (address), ``now_s``: the server's clock, for the permit's deadline.

    Raises:
        Refusal: ``claim.unknown`` where no server has; ``claim.small``, ``claim.busy``.
        GomaaError: ``server.unreachable``, ``server.answer``.
    """
    payee = from_hex(request.payee, 20)
    servers = [server for server, chain_id in services.ledger.servers_of_payee(payee) if chain_id == request.chain_id]
    if not servers:
        raise Refusal("claim.unknown")
    chosen, network = servers[-1], services.networks.require(request.chain_id)
    async with services.directory.anonymous(chosen, network) as (connection, _):
        answer = await connection.request("relayer", payee=request.payee, amount=request.amount_wei)
    relayer = epoch_proofs.read(lambda: from_hex(answer["relayer"], 20))
    return {
        "server": to_hex(chosen),
        "relayer": to_hex(relayer),
        "now_s": services.clock.now_ms(network, connection) // 1000,
    }
