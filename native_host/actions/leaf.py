"""``leaf``: what a payee has in an epoch, proven against the chain."""

from __future__ import annotations

from typing import Any

from native_host import proofs
from native_host.host import Host
from native_host.schema import Leaf
from pywallet.encoding.hex import from_hex
from pywallet.errors import GomaaError
from pywallet.settlement import verify_leaf


async def run(host: Host, request: Leaf) -> dict[str, Any]:
    """Fetch the leaf and check it. Raises ``chain.mismatch``, ``claim.pending``, ``server.*``, ``chain.unreachable``."""
    server, payee = from_hex(request.server, 20), from_hex(request.payee, 20)
    async with proofs.line(host, server) as (line, network):
        answer = await line.request("leaf", epoch=request.epoch, payee=request.payee)
    header = proofs.read(lambda: proofs.header(answer))
    amount, index = proofs.read(lambda: (int(answer["amount"]), int(answer["index"])))
    proof = proofs.read(lambda: [(from_hex(node, 32), int(total)) for node, total in answer["proof"]])
    if not verify_leaf(header, payee, amount, index, proof):
        raise GomaaError("chain.mismatch", epoch=request.epoch, reason="the leaf is not under the root")
    final = await proofs.committed(network, server, request.epoch, header)
    return {"amount_wei": str(amount), "index": index, "depth": len(proof), "final": final, "verified": True}
