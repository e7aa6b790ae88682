"""Audit of epochs that were debited in parts: every intermediate state adds up to the wei."""

from __future__ import annotations

from dataclasses import astuple, replace

from audit.events import posted_entries
from audit.watch import Watcher, WatchEvent
from chain.abi import function
from chain.contracts.settlement import Entry
from chain.contracts.token import Token
from pywallet.crypto import address_of, keccak256
from pywallet.protocol import Voucher, compact, sign
from pywallet.settlement import DebitRow, StationRow, entries_digest
from tests.integration.test_audit_watch import COIN, FAN, Stage, stage
from tests.unit.audit.audit_book import seal

__all__ = ["stage"]
SECOND = keccak256(b"second station")


async def debit(stage: Stage, epoch: int, entry: Entry, before: bytes = bytes(32)) -> None:
    """Debit a part of one entry."""
    how = function("Settlement", "debit")
    await stage.chain.transact(stage.server, stage.deployment.settlement, how, epoch, before, [astuple(entry)])


async def faults(stage: Stage) -> set[str]:
    """Return the audit's faults in amounts; missing published data are ignored here."""
    return await stage.kinds() - {"data.missing"}


async def test_parts_add_up_at_every_step(stage: Stage) -> None:
    """Debited, undone, debited again, posted, void, refunded by a watcher, and undone.

    Every account of the audit agrees with the chain.
    """
    server, settlement = address_of(stage.server), stage.settlement
    token = Token(stage.chain, stage.deployment)
    await stage.chain.send(stage.platform, address_of(SECOND), b"", COIN)
    await token.transfer(stage.platform, address_of(SECOND), 10 * COIN)
    await token.approve(SECOND, stage.deployment.settlement, 10 * COIN)
    await settlement.deposit(SECOND, server, address_of(SECOND), 10 * COIN)
    epoch, nets = await stage.epoch(), {stage.station: 600, SECOND: 400}
    payers = sorted(nets, key=address_of)
    rows = tuple(DebitRow(address_of(key), nets[key]) for key in payers)
    debits = [(row.payer, row.net) for row in rows]
    stations = tuple(StationRow(address_of(key)) for key in sorted(nets, key=address_of))
    data = seal(replace(stage.honest(epoch), debits=rows, stations=stations))
    entries = []
    for key in payers:
        signed = sign(Voucher(server, address_of(key), 10**6, epoch), stage.deployment.domain, key)
        entries.append(Entry(address_of(key), nets[key], 10**6, epoch, *compact(signed.signature)))
    await stage.travel(stage.deployment.schedule.ends(epoch))
    await debit(stage, epoch, entries[0])
    assert await faults(stage) == set()
    await debit(stage, epoch, entries[1], entries_digest(debits[:1]))
    await settlement.undo(stage.server, server, epoch, debits)
    assert await faults(stage) == set()
    assert await settlement.account(server, address_of(SECOND)) == (0, 10 * COIN)
    await debit(stage, epoch, entries[0])
    made = await settlement.post(stage.server, epoch, data.root, data.counts_root, data.hash, entries)
    stage.publish(data)
    assert await posted_entries(stage.chain, stage.deployment, made.hash) == debits
    # Its one play is of one station, so the other payer has no play: a fault of the data, not of the amounts.
    assert not {kind for kind in await faults(stage) if kind.startswith(("chain.", "commit", "data."))}
    lie = stage.receipt(epoch, 301)
    await token.approve(stage.watcher, stage.deployment.settlement, 10**30)
    await stage.travel(stage.deployment.schedule.ends(epoch) + stage.deployment.schedule.grace)
    challenged = await settlement.challenge(stage.watcher, lie)
    assert challenged.block
    found = await settlement.open_challenge(server, epoch, FAN, 301)
    assert found is not None
    await stage.travel(found.deadline + 1)
    said: list[WatchEvent] = []
    watcher = Watcher(stage.chain, stage.deployment, [stage.folder / "receipts"], (), stage.watcher, say=said.append)
    await watcher.round()
    assert {did.what for did in said} >= {"slash", "refund"}
    assert await settlement.account(server, address_of(SECOND)) == (0, 10 * COIN)
    assert await settlement.account(server, address_of(stage.station)) == (0, 100 * COIN)
    assert (await settlement.draft(server, epoch)).count == 0
    assert await faults(stage) == set()
