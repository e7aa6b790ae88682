"""``summary``: balance, the latest receipts with their states, plays and refusals."""

from __future__ import annotations

from typing import Final

from messages.browser_host.earnings import ActivityEntry, EarningTotals, ReceiptEntry, Summary, SummaryResult
from native_host.context import Services
from native_host.ledger.payee_store import NEWEST, Totals
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import GomaaError

SHOWN: Final = 100
"""Receipts, plays and refusals in one result; ``totals`` sums all receipts, and ``earnings`` pages through them."""


async def run(services: Services, request: Summary) -> SummaryResult:
    """Read everything that the popup shows; without chain or server the ledger's part, and a null balance."""
    today_wei, due_s = 0, None
    receipts: list[ReceiptEntry] = []
    totals = Totals()
    if request.wallet is not None:
        wallet = from_hex(request.wallet, 20)
        await services.earnings.fetch_receipts(wallet)
        standings = await services.earnings.standings.refresh(wallet)
        await services.earnings.claims.refresh(wallet)
        totals = services.ledger.totals(wallet)
        # Open receipts before claimed ones.
        receipts = services.earnings.page(wallet, NEWEST, SHOWN, "open", standings)
        receipts += services.earnings.page(wallet, NEWEST, SHOWN - len(receipts), "claimed", standings)
        plays = services.ledger.play_sums(wallet, request.since_s * 1000)
        today_wei = sum(intervals * reward for _, intervals, reward in plays)
        due_s = max((standing.due_s for standing in standings.values() if not standing.final), default=None)
    return SummaryResult(
        balance_wei=await _balance(services, request),
        totals=EarningTotals(
            pending_wei=str(totals.pending),
            claimable_wei=str(totals.claimable),
            claimed_wei=str(totals.claimed),
            at_payee_wei=str(totals.at_payee),
        ),
        activity=_activity(services),
        today_wei=str(today_wei),
        due_s=due_s,
        receipts=receipts,
    )


async def _balance(services: Services, request: Summary) -> str | None:
    chain_id = next(iter(services.networks), None) if request.chain_id is None else request.chain_id
    network = services.networks.get(chain_id) if chain_id is not None else None
    if network is None or request.account is None:
        return None
    try:
        await network.ready()
        return str(await network.token.balance_of(from_hex(request.account, 20)))
    except GomaaError:
        return None


def _activity(services: Services) -> list[ActivityEntry]:
    ledger = services.ledger
    entries = []
    for play in ledger.plays(SHOWN):
        title, artist = ledger.title_and_artist(play["content"])
        amount = play["heard_ms"] // (play["interval_s"] * 1000) * int(play["reward_wei"])
        entries.append(
            ActivityEntry(
                time_s=play["time_s"],
                content=to_hex(play["content"]),
                title=title,
                artist=artist,
                station=play["station_domain"],
                amount_wei=str(amount),
                state="refused" if play["code"] else "unreported" if play["unreported"] else "reported",
                code=play["code"],
            )
        )
    for refusal in ledger.refusals(SHOWN):
        title, artist = ledger.title_and_artist(refusal["content"] or b"")
        entries.append(
            ActivityEntry(
                time_s=refusal["time_s"],
                content=to_hex(refusal["content"]) if refusal["content"] else None,
                title=title,
                artist=artist,
                station=refusal["station_domain"],
                amount_wei="0",
                state="refused",
                code=refusal["code"],
            )
        )
    return sorted(entries, key=lambda entry: -entry.time_s)[:SHOWN]
