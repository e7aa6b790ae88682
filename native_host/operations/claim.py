"""``claim``: hand signed claims to the relayer and wait for the chain's word."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

from native_host.context import Services
from native_host.messaging.wallet_requests import Claim
from native_host.payments import epoch_proofs
from native_host.remote.network import Network
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import InputError, Refusal, Unavailable
from pywallet.protocol import Claim as ClaimMessage
from pywallet.protocol import Signed, require_signer

RELAY_S: Final = 3600.0
"""The relayer answers when the claim's block is as deep as the network asks: minutes, on a network with slow blocks."""
PATIENCE_S: Final = 60.0
PAUSE_S: Final = 0.25


async def run(services: Services, request: Claim) -> dict[str, Any]:
    """Send claims of one server to one recipient.

    Returns:
        ``transaction``, ``to`` and ``amount_wei``; of a claim that is mixed with others and not sent yet a null
        ``transaction`` and ``due_s``, Unix seconds until which the relayer holds it at most: asked again, it tells
        where it stands.

    Raises:
        GomaaError: ``claim.*``, ``server.*``, ``chain.*``.
    """
    claims = [Signed.from_json(ClaimMessage, item) for item in request.claims]
    first = claims[0].message
    for one in claims:
        if (one.message.server, one.message.to, one.message.tip) != (first.server, first.to, first.tip):
            raise InputError("host.message.schema", field="claims", reason="one server, one recipient and one tip")
    signed_for = services.networks.of_signature(claims[0], first.payee)
    async with services.directory.anonymous(first.server, signed_for) as (server, network):
        rows = []
        for one in claims:
            require_signer(one, network.domain, one.message.payee, "claim.signature")
            row = services.ledger.receipt(
                first.server, one.message.epoch, one.message.payee, network.deployment.chain_id
            )
            if row is not None and row.claim_transaction:
                raise Refusal("claim.done", transaction=row.claim_transaction)
            rows += [row] if row is not None else []
        mixed = {"mixed": True, "after_s": request.after_s} if request.mixed else {}
        result = await server.request("claim", RELAY_S, claims=request.claims, **mixed)
    if request.mixed and result.get("transaction") is None:
        return {"transaction": None, "due_s": epoch_proofs.read(lambda: int(result["due_s"]))}
    transaction = epoch_proofs.read(lambda: from_hex(result["transaction"], 32))
    amount = await _paid(network, transaction, [one.message for one in claims])
    # Money at a payee is not where the listener can spend it: the summary goes on looking for it.
    home = not services.ledger.is_payee(first.to) and all(one.message.payee != first.to for one in claims)
    with services.ledger.write():
        for row in rows if home else ():
            services.ledger.set_claimed(row, to_hex(transaction))
    return {"transaction": to_hex(transaction), "to": to_hex(first.to), "amount_wei": str(amount)}


async def _paid(network: Network, transaction: bytes, claims: list[ClaimMessage]) -> int:
    """The amount that the chain says this transaction paid.

    Waits for its block. Raises Unavailable ``chain.unreachable``.
    """
    wanted = {(one.server, one.epoch, one.payee) for one in claims}
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        paid = await network.settlement.claimed(transaction)
        amounts = [one.amount for one in paid if (one.server, one.epoch, one.payee) in wanted]
        if len(amounts) == len(wanted):
            return sum(amounts)
        await asyncio.sleep(PAUSE_S)
    raise Unavailable("chain.unreachable", transaction=to_hex(transaction))
