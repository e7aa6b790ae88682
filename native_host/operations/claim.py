"""``claim``: send signed claims to the relayer, and wait for their transaction."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from msgspec import UNSET

from messages import settlement
from messages.browser_host.payout import Claim, ClaimResult
from native_host.context import Services
from native_host.remote.network import Network
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import InputError, Refusal, Unavailable
from pywallet.protocol import Claim as ClaimMessage
from pywallet.protocol import Signed, require_signer

RELAY_S: Final = 3600.0
"""Timeout of the relayer, which answers once the claim has the network's confirmations: minutes with slow blocks."""
CONFIRM_S: Final = 60.0
"""Longest wait for the transaction's logs on the chain."""
POLL_S: Final = 0.25


async def run(services: Services, request: Claim) -> ClaimResult:
    """Send claims of one server to one recipient.

    Raises:
        GomaaError: ``claim.*``, ``server.*``, ``chain.*``.
    """
    claims = [Signed.from_json(ClaimMessage, item) for item in request.claims]
    first = claims[0].message
    for claim in claims:
        if (claim.message.server, claim.message.to, claim.message.tip) != (first.server, first.to, first.tip):
            raise InputError("host.message.schema", field="claims", reason="one server, one recipient and one tip")
    signed_for = services.networks.of_signature(claims[0], first.payee)
    async with services.directory.anonymous(first.server, signed_for) as (server, network):
        rows = []
        for claim in claims:
            require_signer(claim, network.domain, claim.message.payee, "claim.signature")
            row = services.ledger.receipt(
                first.server, claim.message.epoch, claim.message.payee, network.deployment.chain_id
            )
            if row is not None and row.claim_transaction:
                raise Refusal("claim.done", transaction=row.claim_transaction)
            rows += [row] if row is not None else []
        mixed = {"mixed": True, "after_s": request.after_s} if request.mixed else {}
        result = await server.request("claim", settlement.ClaimResult, RELAY_S, claims=request.claims, **mixed)
        if result.transaction is None and (not request.mixed or result.due_s is UNSET):
            raise Unavailable("server.answer", server=server.url, op="claim")
    if result.transaction is None:
        return ClaimResult(None, due_s=result.due_s)
    transaction = from_hex(result.transaction, 32)
    amount = await _paid(network, transaction, [claim.message for claim in claims])
    # A payee cannot spend it: ``summary`` finds the transfer that moves it to the wallet.
    spendable = not services.ledger.is_payee(first.to) and all(claim.message.payee != first.to for claim in claims)
    with services.ledger.write():
        for row in rows if spendable else ():
            services.ledger.set_claimed(row, to_hex(transaction))
    return ClaimResult(to_hex(transaction), to=to_hex(first.to), amount_wei=str(amount))


async def _paid(network: Network, transaction: bytes, claims: list[ClaimMessage]) -> int:
    """The amount that a transaction paid, wei, from the chain's logs.

    Raises:
        Unavailable: ``chain.unreachable`` where its block does not appear within ``CONFIRM_S``.
    """
    wanted = {(claim.server, claim.epoch, claim.payee) for claim in claims}
    until = time.monotonic() + CONFIRM_S
    while time.monotonic() < until:
        paid = await network.settlement.claimed(transaction)
        amounts = [log.amount for log in paid if (log.server, log.epoch, log.payee) in wanted]
        if len(amounts) == len(wanted):
            return sum(amounts)
        await asyncio.sleep(POLL_S)
    raise Unavailable("chain.unreachable", transaction=to_hex(transaction))
