"""``relayer``: the address that a payee's permit has to name for its security server to move its tokens."""

from __future__ import annotations

from messages.browser_host.payout import Relayer, RelayerResult
from messages.host_server import relay
from native_host.context import Services
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import Refusal


async def run(services: Services, request: Relayer) -> RelayerResult:
    """Fetch the relayer of a server that has paid this payee: no other server learns of the payee.

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
        answer = await connection.request(
            "relayer", relay.RelayerResult, payee=request.payee, amount=request.amount_wei
        )
    return RelayerResult(
        to_hex(chosen), to_hex(from_hex(answer.relayer, 20)), services.clock.now_ms(network, connection) // 1000
    )
