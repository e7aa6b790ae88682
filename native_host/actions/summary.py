"""``summary``: balance, receipts and where each stands, and what was heard or refused."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any, Final

from native_host import receipts
from native_host.host import Host
from native_host.ledger import ReceiptRow
from native_host.network import Network
from native_host.origins import Play
from native_host.proofs import line
from native_host.schema import Proof, Summary
from pywallet.errors import GomaaError, Refusal
from pywallet.hexes import from_hex, to_hex

SHOWN: Final = 100
MOST_RECEIPTS: Final = 500
"""A message has room for these; what they stand for in all is in ``totals``."""

MOST_PROOFS: Final = 256
"""So many a server takes at once."""
PATIENCE_S: Final = 1.5
CLAIMED: Final = "elsewhere"
"""Stands in older ledgers for a transaction that this host did not see itself: it is looked for on the chain again."""

Key = tuple[bytes, int, bytes]
"""Server, epoch and payee of a receipt."""


@dataclass(frozen=True)
class Standing:
    """Where an epoch of a server is: posted or not, final or not, and when its money is due."""

    posted: bool
    final: bool
    due_s: int


async def run(host: Host, request: Summary) -> dict[str, Any]:
    """Everything the popup shows. Without chain or server: what the ledger knows, and a null balance."""
    payees = [from_hex(payee, 20) for payee in request.payees]
    await _refresh(host, payees, request.proofs)
    rows = host.ledger.receipts(payees)
    standings = await _standings(host, rows)
    lying = await _settled(host, rows, standings, set(payees))
    rows = host.ledger.receipts(payees)
    told = [_receipt(host, row, standings.get((row.server, row.epoch)), _key(row) in lying) for row in rows]
    totals = dict.fromkeys(("pending", "claimable", "claimed", "at_payee"), 0)
    for one in told:
        totals["at_payee" if one["at_payee"] else one["state"]] += int(one["amount_wei"])
    # What is still to come stands before what is done.
    told.sort(key=lambda one: one["state"] == "claimed")
    return {
        "balance_wei": await _balance(host, request),
        "today_wei": str(_since(host, payees, request.since_s)),
        "totals": {f"{state}_wei": str(amount) for state, amount in totals.items()},
        "epochs": [
            {"server": to_hex(server), "epoch": epoch, "posted": s.posted, "final": s.final, "due_s": s.due_s}
            for (server, epoch), s in sorted(standings.items(), key=lambda item: -item[0][1])
        ],
        "receipts": told[:MOST_RECEIPTS],
        "activity": _activity(host),
    }


def _since(host: Host, payees: list[bytes], since_s: int) -> int:
    """Wei that the plays since a time have earned."""
    return sum(Play(*row).amount for row in host.ledger.heard_by(payees, since_s * 1000))


async def _balance(host: Host, request: Summary) -> str | None:
    chain_id = next(iter(host.networks), None) if request.chain_id is None else request.chain_id
    network = host.networks.get(chain_id) if chain_id is not None else None
    if network is None or request.account is None:
        return None
    try:
        await network.ready()
        return str(await network.token.balance_of(from_hex(request.account, 20)))
    except GomaaError:
        return None


async def _refresh(host: Host, payees: list[bytes], proofs: list[Proof]) -> None:
    """Fetch receipts that came while this host was not running, and those that payees ask for themselves."""
    wanted: dict[tuple[bytes, str, int, bytes], list[str]] = {}
    for server, url, identity in host.ledger.paid_sessions(payees):
        session = host.ledger.session(identity)
        with contextlib.suppress(Refusal):
            if session is not None and session.chain_id in host.networks:
                key = host.key_of(session, server)
                if (server, url, session.chain_id, key) not in wanted and not host.may_visit(server, key):
                    continue
                wanted.setdefault((server, url, session.chain_id, key), []).append(to_hex(session.payee))

    async def fetch(server: bytes, url: str, network: Network, key: bytes, some: list[str]) -> None:
        async with host.visit(server, url, network, key) as one:
            result = await one.request("receipts", payees=some[:1024], since_epoch=0)
        receipts.store_all(host.ledger, server, network.domain, result.get("receipts"))

    # Each station's device asks for itself: a server cannot tie two of them by who asks.
    asked = [fetch(server, url, host.networks[chain_id], key, some) for (server, url, chain_id, key), some in wanted.items()]
    asked += [_proven(host, server, some) for server, some in _by_station(proofs).items()]
    # A server that is away must not keep the popup waiting: what the ledger holds is shown.
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), PATIENCE_S)


def _by_station(proofs: list[Proof]) -> dict[tuple[str, str], list[Proof]]:
    """Proofs by (server, station)."""
    found: dict[tuple[str, str], list[Proof]] = {}
    for proof in proofs:
        found.setdefault((proof.server, proof.station), []).append(proof)
    return found


async def _proven(host: Host, where: tuple[str, str], some: list[Proof]) -> None:
    """Receipts of payees that have signed: a line of its own for each station, so that nothing ties two of them."""
    server = from_hex(where[0], 20)
    async with line(host, server) as (one, network):
        for first in range(0, len(some), MOST_PROOFS):
            asked = [
                {"payee": proof.payee, "time_s": proof.time_s, "signature": proof.signature} for proof in some[first : first + MOST_PROOFS]
            ]
            result = await one.request("receipts", payees=[], since_epoch=0, proofs=asked)
            receipts.store_all(host.ledger, server, network.domain, result.get("receipts"))


async def _standings(host: Host, rows: list[ReceiptRow]) -> dict[tuple[bytes, int], Standing]:
    keys = {(row.server, row.epoch): row.chain_id for row in rows if row.chain_id in host.networks}

    async def one(server: bytes, epoch: int, network: Network) -> Standing:
        due_s = network.deployment.schedule.due(epoch)
        try:
            await network.ready()
            state = await network.settlement.epoch(server, epoch)
        except GomaaError:
            return Standing(False, False, due_s)
        posted = any(state.commit)
        return Standing(posted, bool(state.final), state.ready if posted else due_s)

    found = await asyncio.gather(*(one(server, epoch, host.networks[chain_id]) for (server, epoch), chain_id in keys.items()))
    return dict(zip(keys, found, strict=True))


async def _settled(host: Host, rows: list[ReceiptRow], standings: dict[tuple[bytes, int], Standing], payees: set[bytes]) -> set[Key]:
    """Look on the chain for claims that this host did not make itself, and keep the transactions that brought the money home.

    Returns:
        The receipts whose money the chain has sent to an address of a payee, where it lies: nobody has claimed it for the account.
    """
    lying = set[Key]()
    for row in rows:
        standing = standings.get((row.server, row.epoch))
        if row.claimed not in (None, CLAIMED) or standing is None or not standing.final:
            continue
        with contextlib.suppress(GomaaError):
            transaction, lies = await _paid_to(host.networks[row.chain_id], row, payees)
            if lies:
                lying.add(_key(row))
            if transaction != row.claimed:
                with host.ledger.write():
                    host.ledger.set_claimed(row.server, row.epoch, row.payee, transaction)
    return lying


async def _paid_to(network: Network, row: ReceiptRow, payees: set[bytes]) -> tuple[str | None, bool]:
    """The transaction that brought a receipt's money to where its payee's key sent it, or None; and whether it lies at a payee."""
    claims = await network.settlement.history("Claimed", row.server, row.epoch, row.payee)
    if not claims:
        return None, False
    claim = claims[-1]
    to = bytes(claim.fields["to"])
    if to not in payees:
        return to_hex(claim.transaction), False
    # A later transfer from the address took all of it along.
    moved = await network.token.sent(to, claim.block)
    return (to_hex(moved[0].transaction), False) if moved else (None, True)


def _key(row: ReceiptRow) -> Key:
    return row.server, row.epoch, row.payee


def _receipt(host: Host, row: ReceiptRow, standing: Standing | None, lies: bool) -> dict[str, Any]:
    state = "claimed" if row.claimed else "claimable" if standing and standing.final else "pending"
    return {
        "server": to_hex(row.server),
        "epoch": row.epoch,
        "payee": to_hex(row.payee),
        "amount_wei": str(row.amount),
        "content": to_hex(row.content) if row.content else None,
        "title": host.ledger.song(row.content)[0],
        "station": row.station,
        "state": state,
        "at_payee": lies,
        "due_s": standing.due_s if standing else None,
        "transaction": None if row.claimed == CLAIMED else row.claimed,
    }


def _activity(host: Host) -> list[dict[str, Any]]:
    ledger = host.ledger
    out = []
    for play in ledger.plays(SHOWN):
        title, artist = ledger.song(play["content"])
        amount = play["heard_ms"] // (play["interval_s"] * 1000) * int(play["reward"])
        state = "refused" if play["code"] else "unreported" if play["unreported"] else "reported"
        out.append(
            {
                "time_s": play["time_s"],
                "content": to_hex(play["content"]),
                "title": title,
                "artist": artist,
                "station": play["station"],
                "amount_wei": str(amount),
                "state": state,
                "code": play["code"],
            }
        )
    for refusal in ledger.refusals(SHOWN):
        title, artist = ledger.song(refusal["content"] or b"")
        out.append(
            {
                "time_s": refusal["time_s"],
                "content": to_hex(refusal["content"]) if refusal["content"] else None,
                "title": title,
                "artist": artist,
                "station": refusal["station"],
                "amount_wei": "0",
                "state": "refused",
                "code": refusal["code"],
            }
        )
    return sorted(out, key=lambda entry: -entry["time_s"])[:SHOWN]
