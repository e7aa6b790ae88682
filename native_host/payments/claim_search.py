"""Search for claims on the chain that other installations have made."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from native_host.ledger import Ledger, ReceiptRow
from native_host.ledger.payee_store import NEWEST, Key
from native_host.remote.network import Network
from native_host.remote.networks import Networks
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError

MAX_PAYEES: Final = 256
"""Payees in one search of the logs."""
MAX_SEARCHES: Final = 4
"""Searches in one round."""


class ClaimSearch:
    """Finds claims of a wallet's receipts, in rounds of a fixed size."""

    def __init__(self, ledger: Ledger, networks: Networks) -> None:
        self._ledger, self._networks = ledger, networks
        self._cursors: dict[bytes, Key] = {}

    async def refresh(self, wallet: bytes) -> None:
        """Record the transactions that claimed the next receipts of a wallet.

        A claim that pays the payee's own address is recorded as ``at_payee`` until a transfer moves its amount on.
        """
        size = MAX_PAYEES * MAX_SEARCHES
        after = self._cursors.get(wallet, NEWEST)
        rows = [row for row, _ in self._ledger.earnings(wallet, after, size, "final")]
        if len(rows) == size:
            self._cursors[wallet] = (rows[-1].epoch, rows[-1].server, rows[-1].payee, rows[-1].chain_id)
        else:
            self._cursors.pop(wallet, None)
        rows += [row for row, _ in self._ledger.earnings(wallet, NEWEST, size, "unconfirmed")]
        by_network: dict[int, list[ReceiptRow]] = {}
        for row in rows:
            by_network.setdefault(row.chain_id, []).append(row)
        parts = [
            record_claims(self._ledger, self._networks[chain_id], receipts[at : at + MAX_PAYEES])
            for chain_id, receipts in by_network.items()
            if chain_id in self._networks
            for at in range(0, len(receipts), MAX_PAYEES)
        ]
        for result in await asyncio.gather(*parts, return_exceptions=True):
            if isinstance(result, BaseException) and not isinstance(result, GomaaError):
                raise result


async def record_claims(ledger: Ledger, network: Network, rows: Sequence[ReceiptRow]) -> None:
    """Record the claims that the chain has of some receipts.

    Args:
        ledger: Records them.
        network: Network of the receipts.
        rows: The receipts, ``MAX_PAYEES`` at most.

    Raises:
        GomaaError: ``chain.*``.
    """
    await network.ready()
    claims = {
        (log.fields["server"], log.fields["epoch"], log.fields["payee"]): log
        for log in await network.settlement.claims_by([row.payee for row in rows])
    }
    paid = [
        (row, claims[row.server, row.epoch, row.payee]) for row in rows if (row.server, row.epoch, row.payee) in claims
    ]
    payees = {to for _, claim in paid if ledger.is_payee(to := bytes(claim.fields["to"]))}
    first_block = min((claim.block for _, claim in paid), default=0)
    transfers = await network.token.sent(sorted(payees), first_block) if payees else []
    last_confirmed = (await network.chain.block()).number - network.deployment.confirmations + 1 if paid else 0
    changes: list[tuple[ReceiptRow, str | None, bool, bool]] = [
        (row, None, False, False)
        for row in rows
        if (row.at_payee or row.claim_transaction) and (row.server, row.epoch, row.payee) not in claims
    ]
    for row, claim in paid:
        to = bytes(claim.fields["to"])
        # A transfer from the payee's address moves all of its tokens.
        moved = (
            next((log for log in transfers if log.fields["sender"] == to and log.block >= claim.block), None)
            if to in payees
            else claim
        )
        if moved is None:
            changes.append((row, None, True, False))
        else:
            changes.append((row, to_hex(moved.transaction), False, moved.block <= last_confirmed))
    changed = [
        change
        for change in changes
        if (change[1], *map(int, change[2:]))
        != (change[0].claim_transaction, change[0].at_payee, change[0].claim_confirmed)
    ]
    if changed:
        with ledger.write():
            for row, transaction, at_payee, confirmed in changed:
                ledger.set_claimed(row, transaction, at_payee, confirmed)
