"""Acknowledged invocations, compared with what the database holds, the chain has and the audit finds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, select

from audit.run import audit
from chain.contracts.settlement import Settlement
from pywallet.protocol import Receipt, Signed, digest
from security_server.db.tables import (
    entries,
    epoch_contents,
    epochs,
    invocations,
    lines,
    tickets,
    usage_leaves,
    usages,
)
from tests.integration.chaos_hosts import Record
from tests.integration.server_processes import Servers
from tests.integration.server_world import TOKENS, World


async def compare(world: World, servers: Servers, record: Record, wrong: list[str], last: int) -> int:
    """Add every discrepancy to ``wrong``; returns the number of final epochs up to ``last``."""
    engine = servers.cluster.primary.engine()
    with engine.connect() as connection:
        _plays(world, connection, record, wrong)
        closed = _payments(connection, wrong)
    engine.dispose()
    settlement = Settlement(world.chain, world.deployment)
    final = [epoch for epoch in closed if (await settlement.epoch(world.keys.address, epoch)).final]
    if final != closed:
        wrong.append(f"epochs {closed} are closed, and {final} of them final")
    promised = await _receipts(world, record)
    result = await audit(world.chain, world.deployment, (servers.urls[0],), promised=promised)
    wrong += [str(fault) for fault in result.faults]
    lane = await settlement.server_state(world.keys.address)
    if lane.bond < 1000 * TOKENS:
        wrong.append(f"the bond is {lane.bond}")
    return len(final)


def _plays(world: World, connection: Connection, record: Record, wrong: list[str]) -> None:
    domain = world.deployment.domain
    rows = connection.execute(select(invocations.c.id).where(invocations.c.code.is_(None)))
    stored = Counter(bytes(row[0]) for row in rows)
    acknowledged = {name for play in record.plays for name in play.acknowledged}
    if missing := acknowledged - stored.keys():
        wrong.append(f"{len(missing)} acknowledged invocations are not stored")
    if strange := stored.keys() - acknowledged:
        wrong.append(f"{len(strange)} stored invocations were never acknowledged")
    if twice := [name for name, count in stored.items() if count > 1]:
        wrong.append(f"{len(twice)} invocations are stored twice")
    begun = [play for play in record.plays if play.acknowledged]
    heard = {
        bytes(row.id): (int(row.heard_ms), int(row.heard_intervals))
        for row in connection.execute(select(tickets.c.id, tickets.c.heard_ms, tickets.c.heard_intervals))
    }
    expected = {digest(play.ticket.message, domain): (play.heard_ms, play.heard_ms // 2_000) for play in begun}
    if other := {name for name, times in expected.items() if heard.get(name) != times}:
        some = [(expected[name], heard.get(name)) for name in sorted(other)[:5]]
        wrong.append(f"heard time of {len(other)} of {len(expected)} tickets differs (expected, stored): {some}")
    counted = connection.execute(select(func.sum(usages.c.plays), func.sum(usages.c.heard_ms))).one()
    wanted = (len(begun), sum(play.heard_ms for play in begun))
    if tuple(int(value or 0) for value in counted) != wanted:
        wrong.append(f"usages are {tuple(counted)} and not {wanted}")
    # A leaf's numbers are cumulative.
    leaves = connection.execute(
        select(func.max(usage_leaves.c.plays), func.max(usage_leaves.c.seconds)).group_by(
            usage_leaves.c.listener, usage_leaves.c.content
        )
    ).all()
    wanted = (len(begun), sum(play.heard_ms // 1000 for play in begun))
    if (found := (sum(row[0] for row in leaves), sum(row[1] for row in leaves))) != wanted:
        wrong.append(f"epochs have {found} plays and seconds of listeners, not {wanted}")
    contents = connection.execute(select(func.sum(epoch_contents.c.plays))).scalar()
    if int(contents or 0) != len(begun):
        wrong.append(f"epochs have {contents} plays of contents, not {len(begun)}")


def _payments(connection: Connection, wrong: list[str]) -> list[int]:
    """Check that each heard interval is settled once; returns the closed epochs."""
    rows = connection.execute(
        select(tickets.c.heard_intervals, tickets.c.vouchered_intervals, tickets.c.price, tickets.c.reward)
    ).all()
    owed = sum(int(row.heard_intervals) * (int(row.price) + int(row.reward)) for row in rows)
    if open_lines := [row for row in rows if row.heard_intervals != row.vouchered_intervals]:
        wrong.append(f"{len(open_lines)} tickets are not paid in full")
    debited = sum(int(row[0]) for row in connection.execute(select(entries.c.net)))
    if debited != owed:
        wrong.append(f"epochs debit {debited} wei, and {owed} wei were heard")
    settled = connection.execute(select(func.sum(lines.c.settled_intervals))).scalar()
    if int(settled or 0) != sum(int(row.heard_intervals) for row in rows):
        wrong.append(f"lines have {settled} settled intervals")
    return sorted(int(row[0]) for row in connection.execute(select(epochs.c.epoch)))


async def _receipts(world: World, record: Record) -> Mapping[tuple[bytes, int], Mapping[bytes, int]]:
    promised: dict[tuple[bytes, int], dict[bytes, int]] = {}
    for payee, key in sorted(record.payees.items()):
        answer: dict[str, Any] = await world.call("POST", "/v1/receipts", await world.proof(key))
        for item in answer["receipts"]:
            receipt = Signed.from_json(Receipt, item["receipt"]).message
            of_epoch = promised.setdefault((world.keys.address, receipt.epoch), {})
            of_epoch[payee] = max(of_epoch.get(payee, 0), receipt.amount)
    return promised
