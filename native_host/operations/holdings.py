"""``holdings``: token balances at payees' own addresses, which have no coin to move them."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from chain import node_answers
from chain.contracts.token import Holding as TokenHolding
from chain.node_answers import Declined
from messages.browser_host.payout import Holding, Holdings, HoldingsResult
from native_host.context import Services
from native_host.ledger import PayeeRow
from native_host.operations.simulate import MARGIN, price
from native_host.remote.network import Network
from pywallet.encoding.hex import from_hex, to_hex

PAGE: Final = 256
"""Payees of a wallet in one result."""

GAS: Final = 110_000 + 80_000
"""Of a permit and a transfer under it, with the margin that ``simulate`` adds to each."""


async def run(services: Services, request: Holdings) -> HoldingsResult:
    """Read balances of payees from the network's node; no server learns which addresses are the wallet's.

    Raises:
        Unavailable: ``chain.unreachable``.
    """
    network = services.networks.require(request.chain_id)
    await network.ready()
    account = from_hex(request.account, 20)
    rows, last = _own_payees(services, request)
    wanted = [from_hex(payee, 20) for payee in request.payees] or list(rows)
    # Most payees have never received anything: one search of the logs finds the others.
    holdings = await network.token.holdings(await _receivers(network, wanted), account) if wanted else []
    base, tip = await price(network)
    balance = node_answers.number(await network.chain.request("eth_getBalance", request.account, "latest"))
    return HoldingsResult(
        token=to_hex(network.deployment.token),
        settlement=to_hex(network.deployment.settlement),
        now_s=services.clock.now_ms(network) // 1000,
        # Twice the base fee, which changes with every block: the amount holds for some blocks more.
        each_wei=str(GAS * (2 * base + tip) * MARGIN[0] // MARGIN[1]),
        coin_wei=str(balance),
        holdings=[_entry(services, holding, rows.get(holding.holder)) for holding in holdings],
        next=last,
        asked=len(wanted),
    )


async def _receivers(network: Network, wanted: list[bytes]) -> list[bytes]:
    try:
        return await network.token.receivers(wanted)
    except Declined:
        # The node limits the range of a log search: every payee's balance is read.
        return wanted


def _own_payees(services: Services, request: Holdings) -> tuple[dict[bytes, PayeeRow], str | None]:
    """The requested payees of a wallet, or a page of all of them, by address; and ``next``."""
    if request.wallet is None:
        return {}, None
    wallet = from_hex(request.wallet, 20)
    if request.payees:
        own = (services.ledger.payee(wallet, from_hex(payee, 20), request.chain_id) for payee in request.payees)
        return {row.payee: row for row in own if row is not None}, None
    after = from_hex(request.after, 20) if request.after else b""
    rows = services.ledger.payees_after(wallet, request.chain_id, after, PAGE)
    return {row.payee: row for row in rows}, to_hex(rows[-1].payee) if len(rows) == PAGE else None


def _entry(services: Services, holding: TokenHolding, row: PayeeRow | None) -> Holding:
    entry = Holding(to_hex(holding.holder), str(holding.amount), holding.nonce, str(holding.allowed))
    if row is None:
        return entry
    owed = sum(
        receipt.amount_wei
        for receipt in services.ledger.receipts_of(row.payee)
        if receipt.at_payee and receipt.chain_id == row.chain_id
    )
    return replace(
        entry,
        station=to_hex(row.station_address),
        number=row.session_number,
        name=row.station_name,
        owed_wei=str(owed),
    )
