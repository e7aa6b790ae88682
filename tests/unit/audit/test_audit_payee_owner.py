"""A listener whose payee is the band's address, in an epoch of a real security server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from pywallet.settlement import EpochData
from security_server.db.tables import tickets
from tests.unit.audit.audit_book import FakeAt, audited, post, seal
from tests.unit.security_server.epoch_server import KEYS, STATION, EpochServer, begin_s
from tests.unit.security_server.ledger_chain import SCHEDULE, LedgerChain
from tests.unit.security_server.server_desk import CONTENT, PAYEE


@pytest.mark.parametrize("named", [False, True])
async def test_a_band_as_a_listeners_payee_gets_both_sums(tmp_path: Path, named: bool) -> None:
    """Three intervals at 700 and 300 wei would not be paid in one leaf, or fail the audit."""
    chain = LedgerChain(begin_s())
    chain.deposit(STATION, 10**12)
    server = EpochServer(tmp_path, chain)
    await server.prepare()
    ticket = await server.open()
    epoch = SCHEDULE.epoch_of(begin_s())
    owner = await chain.owner_at(CONTENT, epoch)
    payee = owner if named else PAYEE
    change = update(tickets).where(tickets.c.id == ticket).values(payee=payee)
    await server.store.run(lambda connection: connection.execute(change) and None)
    for _ in range(3):
        chain.time_s += 10
        await server.hear(ticket)
    await server.pay()
    chain.time_s += 31
    await server.closing.round()
    data = EpochData.decode(await server.publishing.data(epoch))
    server.kill()
    earned = {owner: 2_100}
    earned[payee] = earned.get(payee, 0) + 900
    assert {row.payee: row.amount for row in data.payees} == earned
    assert [(data.payees[row.payee].payee, row.owned) for row in data.owners] == [(owner, 2_100)]
    at = FakeAt({CONTENT: owner}, KEYS.address, (STATION,))
    assert await audited(data, at=at, receipts={one.payee: one.amount for one in server.receipts}) == []
    # A wei that the server moves from the band's part to the rewards.
    (price,) = data.owners
    lying = seal(replace(data, owners=(replace(price, owned=price.owned - 1),)))
    assert {fault.kind for fault in await audited(lying, post(lying), at)} == {"leaf.owner", "leaf.rewards"}
