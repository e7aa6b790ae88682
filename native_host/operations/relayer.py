"""``relayer``: whom a payee's permit has to name, so that its security server sends what lies there."""

from __future__ import annotations

from typing import Any

from native_host.host import Host
from native_host.messaging.requests import Relayer
from native_host.payments import epoch_proofs
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import Refusal


async def run(host: Host, request: Relayer) -> dict[str, Any]:
    """Ask a server that has paid this payee, and so knows it; no other server learns of it.

    Returns:
        ``server``, ``relayer`` (address), ``now_s``: the server's clock, for the permit's deadline.

    Raises:
        Refusal: ``claim.unknown`` where no server has; ``claim.small``, ``claim.busy``.
        GomaaError: ``server.unreachable``, ``server.answer``.
    """
    payee = from_hex(request.payee, 20)
    known = [server for server, chain_id in host.ledger.servers_of(payee) if chain_id == request.chain_id]
    if not known:
        raise Refusal("claim.unknown")
    async with epoch_proofs.line(host, known[-1], host.network(request.chain_id)) as (line, network):
        answer = await line.request("relayer", payee=request.payee, amount=request.amount_wei)
    relayer = epoch_proofs.read(lambda: from_hex(answer["relayer"], 20))
    return {"server": to_hex(known[-1]), "relayer": to_hex(relayer), "now_s": host.now_ms(network, line) // 1000}
