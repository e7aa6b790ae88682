"""``escrow``: the escrow of each of this listener's keys, from chain and ledger."""

from __future__ import annotations

from messages.browser_host.listening import Escrow, EscrowEntry, EscrowResult
from native_host.context import Services
from pywallet.encoding.hex import from_hex, to_hex


async def run(services: Services, request: Escrow) -> EscrowResult:
    """Read the escrow at every server and station where a content had a price for this listener.

    Raises:
        Unavailable: ``chain.unreachable``.
    """
    places = []
    keys = None if request.wallet is None else services.ledger.listeners(from_hex(request.wallet, 20))
    for server, payer, station, domain, chain_id in services.ledger.payers():
        if chain_id not in services.networks or (keys is not None and payer not in keys):
            continue
        network = services.networks.require(chain_id)
        await network.ready()
        settlement = network.settlement
        spent, escrow = await settlement.account(server, payer)
        requested, ready_s = await settlement.withdrawable(server, payer)
        last = services.ledger.voucher(server, payer)
        # Signed for, and not debited on the chain yet.
        pending = max(0, last.cap_wei - spent) if last else 0
        places.append(
            EscrowEntry(
                server=to_hex(server),
                payer=to_hex(payer),
                station=to_hex(station),
                domain=domain,
                chain_id=chain_id,
                settlement=to_hex(network.deployment.settlement),
                token=to_hex(network.deployment.token),
                escrow_wei=str(escrow),
                left_wei=str(max(0, escrow - requested - pending)),
                pending_wei=str(pending),
                spent_wei=str(spent + pending),
                requested_wei=str(requested),
                held_wei=str(await network.token.balance_of(payer)),
                ready_s=ready_s,
                now_s=services.clock.now_ms(network) // 1000,
                delay_s=network.deployment.schedule.delay,
            )
        )
    return EscrowResult(places)
