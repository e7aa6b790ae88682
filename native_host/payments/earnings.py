"""Where the rewards of a wallet stand: receipts that came meanwhile, epochs that became final, claims that others made.

Everything is asked in parts of a fixed size, and only what can have changed: a collected receipt is not looked at
again, a final epoch stays final, and the others are looked at round and round. Collected is a receipt once its claim is
as deep as the network asks; until then the claim is looked for again.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from typing import Any, Final

from native_host.host import Host
from native_host.ledger import ReceiptRow
from native_host.ledger.payee_store import NEWEST, Key
from native_host.payments import receipts
from native_host.payments.earnings_cache import Standing, Where
from native_host.remote.network import Network
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError, Refusal

PATIENCE_S: Final = 1.5
RECENT_MS: Final = 15 * 86_400_000
"""Receipts of plays before this are no news: a session lasts a week. Later ones are found in the published data."""
MOST_PAYEES: Final = 1_024
"""One question to a server about receipts."""
MOST_EPOCHS: Final = 32
"""Epochs that the chain is asked about at a time, by three calls each."""
PART: Final = 256
"""Payees in one question about claims."""
PARTS: Final = 4


async def refresh(host: Host, wallet: bytes) -> None:
    """Fetch receipts that came while this host was not running, each from its own server and as the device of its own
    session.
    """
    # A network whose time is ahead does not make the plays of others old.
    since_ms = max(0, min(host.ledger.newest_ms(), time.time_ns() // 1_000_000) - RECENT_MS)
    wanted: dict[tuple[bytes, str, int, bytes], list[str]] = {}
    for server, url, identity in host.ledger.recent_sessions(wallet, since_ms, MOST_PAYEES):
        session = host.ledger.session(identity)
        with contextlib.suppress(Refusal):
            if session is not None and session.chain_id in host.networks:
                key = host.key_of(session, server)
                place = (server, url, session.chain_id, key)
                if place in wanted or host.may_visit(server, key):
                    wanted.setdefault(place, []).append(to_hex(session.payee))

    async def fetch(server: bytes, url: str, network: Network, key: bytes, some: list[str]) -> None:
        async with host.visit(server, url, network, key) as one:
            result = await one.request("receipts", payees=some, since_epoch=0)
        receipts.store_all(host.ledger, server, network.domain, result.get("receipts"))

    # Each station's device asks for itself: a server cannot tie two of them by who asks.
    asked = [
        fetch(server, url, host.networks[chain_id], key, some) for (server, url, chain_id, key), some in wanted.items()
    ]
    # A server that is away must not keep the popup waiting: what the ledger holds is shown.
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), PATIENCE_S)


async def standings(host: Host, wallet: bytes) -> dict[Where, Standing]:
    """Where the next epochs stand that are not final yet, and the newest of all.

    Those that have become final are written down as such.
    """
    looks = host.looks
    begin = (NEWEST[0], NEWEST[1], NEWEST[3])
    newest = host.ledger.unsettled(wallet, begin, 1)
    after = looks.unsettled.pop(wallet, begin)
    rows = host.ledger.unsettled(wallet, after, MOST_EPOCHS)
    if len(rows) == MOST_EPOCHS:
        server, epoch, chain_id = rows[-1]
        looks.unsettled[wallet] = (epoch, server, chain_id)
    elif after != begin:
        # Round and round: the newest ones again.
        again = host.ledger.unsettled(wallet, begin, MOST_EPOCHS - len(rows))
        rows += [row for row in again if row not in rows]
    found: dict[Where, Standing] = {}
    asked: list[tuple[Where, Network]] = []
    for where in newest + rows:
        _, epoch, chain_id = where
        network = host.networks.get(chain_id)
        if network is None or where in found:
            continue
        schedule = network.deployment.schedule
        found[where] = looks.epochs.get(where, Standing(False, False, schedule.due(epoch)))
        # No epoch is posted before it has ended.
        if where in rows and network.now_ms() // 1000 >= schedule.ends(epoch):
            asked.append((where, network))
    for (where, _), standing in zip(asked, await asyncio.gather(*(_standing(*one) for one in asked)), strict=True):
        if standing is not None:
            found[where] = standing
            if standing.final:
                looks.epochs.pop(where, None)
            else:
                looks.epochs[where] = standing
    final = [where for where, standing in found.items() if standing.final]
    if final:
        with host.ledger.write():
            for where in final:
                host.ledger.set_final(*where)
    return found


async def settle(host: Host, network: Network, epochs: Sequence[Where]) -> None:
    """Write down which of these epochs are final, at most ``MOST_EPOCHS``.

    What the chain does not answer is asked another time.
    """
    found = await asyncio.gather(*(_standing(where, network) for where in epochs))
    with host.ledger.write():
        for where, standing in zip(epochs, found, strict=True):
            if standing is not None and standing.final:
                host.ledger.set_final(*where)


async def _standing(where: Where, network: Network) -> Standing | None:
    try:
        await network.ready()
        server, epoch, _ = where
        state = await network.settlement.epoch(server, epoch)
    except GomaaError:
        return None
    posted = any(state.commit)
    return Standing(posted, bool(state.final), state.ready if posted else network.deployment.schedule.due(epoch))


async def look_for_claims(host: Host, wallet: bytes) -> None:
    """Look on the chain for claims that this host did not make itself, and keep the transactions that brought the money
    home.

    A claim to an address of a payee has brought it nowhere: it is written down that the money lies there, until it
    leaves.
    """
    size = PART * PARTS
    after = host.looks.claims.get(wallet, NEWEST)
    rows = [row for row, _ in host.ledger.earnings(wallet, after, size, "final")]
    if len(rows) == size:
        host.looks.claims[wallet] = (rows[-1].epoch, rows[-1].server, rows[-1].payee, rows[-1].chain_id)
    else:
        host.looks.claims.pop(wallet, None)
    rows += [row for row, _ in host.ledger.earnings(wallet, NEWEST, size, "unsure")]
    by_network: dict[int, list[ReceiptRow]] = {}
    for row in rows:
        by_network.setdefault(row.chain_id, []).append(row)
    parts = [
        look_at(host, host.networks[chain_id], some[at : at + PART])
        for chain_id, some in by_network.items()
        if chain_id in host.networks
        for at in range(0, len(some), PART)
    ]
    for result in await asyncio.gather(*parts, return_exceptions=True):
        if isinstance(result, BaseException) and not isinstance(result, GomaaError):
            raise result


async def look_at(host: Host, network: Network, rows: Sequence[ReceiptRow]) -> None:
    """Look on the chain for claims of some receipts, at most ``PART``. Raises GomaaError ``chain.*``."""
    await network.ready()
    claims = {
        (log.fields["server"], log.fields["epoch"], log.fields["payee"]): log
        for log in await network.settlement.claims_by([row.payee for row in rows])
    }
    paid = [
        (row, claims[row.server, row.epoch, row.payee]) for row in rows if (row.server, row.epoch, row.payee) in claims
    ]
    at_payee = {to for _, claim in paid if host.ledger.is_payee(to := bytes(claim.fields["to"]))}
    first = min((claim.block for _, claim in paid), default=0)
    left = await network.token.sent(sorted(at_payee), first) if at_payee else []
    deep = (await network.chain.block()).number - network.deployment.confirmations + 1 if paid else 0
    changes: list[tuple[ReceiptRow, str | None, bool, bool]] = [
        (row, None, False, False)
        for row in rows
        if (row.lies or row.claimed) and (row.server, row.epoch, row.payee) not in claims
    ]
    for row, claim in paid:
        to = bytes(claim.fields["to"])
        # A later transfer from the address took all of it along.
        moved = (
            next((log for log in left if log.fields["sender"] == to and log.block >= claim.block), None)
            if to in at_payee
            else claim
        )
        if moved is None:
            changes.append((row, None, True, False))
        else:
            changes.append((row, to_hex(moved.transaction), False, moved.block <= deep))
    changed = [one for one in changes if (one[1], *map(int, one[2:])) != (one[0].claimed, one[0].lies, one[0].sure)]
    if changed:
        with host.ledger.write():
            for row, transaction, lies, sure in changed:
                host.ledger.set_claimed(row, transaction, lies, sure)


def page(
    host: Host, wallet: bytes, after: Key, limit: int, state: str | None, known: dict[Where, Standing]
) -> list[dict[str, Any]]:
    """Receipts of a wallet as the extension is told of them."""
    out = []
    for row, payee in host.ledger.earnings(wallet, after, limit, state):
        where = row.server, row.epoch, row.chain_id
        standing = known.get(where) or host.looks.epochs.get(where)
        network = host.networks.get(row.chain_id)
        due_s = standing.due_s if standing else network.deployment.schedule.due(row.epoch) if network else None
        out.append(
            {
                "server": to_hex(row.server),
                "epoch": row.epoch,
                "payee": to_hex(row.payee),
                "amount_wei": str(row.amount),
                "content": to_hex(row.content),
                "title": host.ledger.song(row.content)[0],
                "station": row.station,
                "station_name": payee.name,
                "station_address": to_hex(payee.station),
                "number": payee.number,
                "chain_id": row.chain_id,
                "settlement": to_hex(row.settlement),
                "state": "claimed" if row.claimed else "claimable" if row.final else "pending",
                "at_payee": bool(row.lies),
                "due_s": due_s,
                "transaction": row.claimed,
            }
        )
    return out
