"""``leaf``: a payee's amount in an epoch, proven against the chain."""

from __future__ import annotations

from messages.browser_host.payout import Leaf, LeafResult
from messages.host_server import billing
from native_host.context import Services
from native_host.payments import epoch_proofs
from pywallet.encoding.hex import from_hex
from pywallet.errors import GomaaError
from pywallet.settlement import verify_leaf


async def run(services: Services, request: Leaf) -> LeafResult:
    """Fetch the leaf and verify its proof.

    Raises:
        GomaaError: ``chain.mismatch``, ``claim.pending``, ``server.*``, ``chain.unreachable``.
    """
    server, payee = from_hex(request.server, 20), from_hex(request.payee, 20)
    async with services.directory.anonymous(server) as (connection, network):
        answer = await connection.request("leaf", billing.LeafResult, epoch=request.epoch, payee=request.payee)
    header, amount = epoch_proofs.header(answer.header), int(answer.amount)
    proof = [(from_hex(node, 32), int(total)) for node, total in answer.proof]
    if not verify_leaf(header, payee, amount, answer.index, proof):
        raise GomaaError("chain.mismatch", epoch=request.epoch, reason="the leaf is not under the root")
    final = await epoch_proofs.committed(network, server, request.epoch, header)
    return LeafResult(str(amount), answer.index, len(proof), final, verified=True)
