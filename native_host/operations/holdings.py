"""``holdings``: token balances of payees' own addresses, which have no coins to move them."""

from __future__ import annotations

from typing import Any, Final

from chain import node_answers
from chain.node_answers import Declined
from messages.browser_host.payout import Holdings
from native_host.context import Services
from native_host.ledger import PayeeRow
from native_host.operations.simulate import MARGIN, price
from native_host.remote.network import Network
from pywallet.encoding.hex import from_hex, to_hex

PAGE: Final = 256
"""Payees of a wallet in one answer."""

GAS: Final = 110_000 + 80_000
"""Of a permit and a transfer under it, with the margin that ``simulate`` adds to each."""


async def run(services: Services, request: Holdings) -> dict[str, Any]:
    """Ask only the network's node for the balances of payees.

    Returns:
        ``holdings`` [{payee, amount_wei, nonce, allowed_wei (what ``account`` may take already), and of a wallet's
        payee station, number, name, owed_wei (rewards that lie there)}] of those that hold anything, in the order
        asked; ``next``: the ``after`` of the wallet's next part, null at the end; ``asked``: payees in this part;
        ``token``, ``settlement``, ``now_s`` (the chain's clock), ``each_wei``: the most that moving one may cost now,
        and ``coin_wei``: what ``account`` has for it, both in the network's coin.

    Raises:
        Unavailable: ``chain.unreachable``.
    """
    network = services.networks.require(request.chain_id)
    await network.ready()
    account = from_hex(request.account, 20)
    rows, last = _own_payees(services, request)
    wanted = [from_hex(payee, 20) for payee in request.payees] or list(rows)
    # Most payees have never received anything: one question finds the others.
    held = await network.token.holdings(await _receivers(network, wanted), account) if wanted else []
    base, tip = await price(network)
    return {
        "token": to_hex(network.deployment.token),
        "settlement": to_hex(network.deployment.settlement),
        "now_s": services.clock.now_ms(network) // 1000,
        # The base fee changes with every block: the person is shown what some blocks more may ask.
        "each_wei": str(GAS * (2 * base + tip) * MARGIN[0] // MARGIN[1]),
        "coin_wei": str(node_answers.number(await network.chain.request("eth_getBalance", request.account, "latest"))),
        "holdings": [
            {
                "payee": to_hex(one.holder),
                "amount_wei": str(one.amount),
                "nonce": one.nonce,
                "allowed_wei": str(one.allowed),
                **_named(services, rows.get(one.holder)),
            }
            for one in held
        ],
        "next": last,
        "asked": len(wanted),
    }


async def _receivers(network: Network, wanted: list[bytes]) -> list[bytes]:
    try:
        return await network.token.receivers(wanted)
    except Declined:
        # The node does not search the whole chain at once: every payee is asked about.
        return wanted


def _own_payees(services: Services, request: Holdings) -> tuple[dict[bytes, PayeeRow], str | None]:
    """A page of a wallet's payees, or those that were asked about, by address; and ``next``."""
    if request.wallet is None:
        return {}, None
    wallet = from_hex(request.wallet, 20)
    if request.payees:
        own = (services.ledger.payee(wallet, from_hex(payee, 20), request.chain_id) for payee in request.payees)
        return {row.payee: row for row in own if row is not None}, None
    after = from_hex(request.after, 20) if request.after else b""
    rows = services.ledger.payees_after(wallet, request.chain_id, after, PAGE)
    return {row.payee: row for row in rows}, to_hex(rows[-1].payee) if len(rows) == PAGE else None


def _named(services: Services, row: PayeeRow | None) -> dict[str, Any]:
    if row is None:
        return {}
    owed = sum(
        receipt.amount_wei
        for receipt in services.ledger.receipts_of(row.payee)
        if receipt.at_payee and receipt.chain_id == row.chain_id
    )
    return {
        "station": to_hex(row.station_address),
        "number": row.session_number,
        "name": row.station_name,
        "owed_wei": str(owed),
    }
