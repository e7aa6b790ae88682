"""A year of plays costs nothing per request: no statement that a server runs reads a growing table from end to end."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import Connection as SqlConnection
from sqlalchemy import text

from pywallet.crypto import address_of
from pywallet.encoding.hex import to_hex
from security_server.db.connection import Connection
from tests.integration.server_world import SCHEDULE, World, make_world, private_key
from tests.unit.security_server import services

GROWING = {
    "tickets",
    "sessions",
    "invocations",
    "tracked",
    "usages",
    "lines",
    "receipts",
    "payees",
    "debits",
    "entries",
    "epoch_contents",
    "epoch_owners",
    "epoch_usages",
    "usage_leaves",
    "claims",
    "given_keys",
    "listeners",
    "destructions",
}
"""Tables with a row for each play, listener or epoch.

``epochs`` itself has 8,760 small ones a year, read through an index.
"""


_LITERAL: Final = re.compile(r"x'[0-9a-f]*'|'[^']*'|\b\d+\b", re.IGNORECASE)
"""A value in a statement."""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A deployed chain without a server."""
    async with make_world(tmp_path) as made:
        yield made


async def test_every_statement_uses_an_index(world: World) -> None:
    """From opening a ticket to the claim, closing and deletion.

    SQLite's plan of each statement searches, and scans no growing table.
    """
    async with world.server(keep_days=1) as parts, world.host() as host:
        asked: dict[str, str] = {}
        """One statement of each form."""

        def note(statement: str) -> None:
            asked.setdefault(_LITERAL.sub("?", statement), statement)

        await parts.store.run(lambda connection: _trace(connection, note))
        song = await world.publish()
        now_ms = await world.now_ms()
        await host.hello(now_ms)
        epoch = now_ms // 60_000
        session = world.session(address_of(host.device_key), now_ms // 1000)
        ticket = world.ticket(song, session, now_ms // 1000)
        await host.open(session, ticket)
        await host.grant(host.invocation(ticket, "play", 0, now_ms))
        await world.travel(11)
        await host.report(host.invocation(ticket, "renew", 10_000, await world.now_ms()))
        await world.account()
        statement, lines = await world.statement()
        assert len(lines) == 1
        await world.vouch(statement.spent, statement.epoch)
        await host.event("receipt")
        payee = private_key("listener payee")
        assert len((await host.ask("receipts", payees=[to_hex(address_of(payee))]))["receipts"]) == 1
        assert len((await world.call("POST", "/v1/receipts", await world.proof(payee)))["receipts"]) == 1
        await world.to_epoch(statement.epoch + 1)
        await world.call("POST", "/v1/epochs/close", headers={"Authorization": f"Bearer {world.keys.admin}"})
        await host.ask("leaf", epoch=statement.epoch, payee=to_hex(address_of(private_key("listener payee"))))
        await world.travel(SCHEDULE.grace + SCHEDULE.window + 1)
        assert world.closing is not None
        await world.closing.round()
        await world.travel(3 * 86_400)
        history = services.retention(parts)
        while await history.step():
            pass
        assert epoch <= statement.epoch
        await parts.store.run(lambda connection: _trace(connection, None))
        plans = await parts.store.run(lambda connection: {one: plan(connection.raw, one) for one in asked.values()})
    assert len(plans) > 40
    for one, steps in plans.items():
        scanned = [step for step in steps if step.startswith("SCAN ") and step.split()[1] in GROWING]
        assert scanned == [], one


def _trace(connection: Connection, note: Callable[[str], None] | None) -> None:
    """Show every statement of the writer's connection to ``note``, with its values; None: no longer."""
    driver: Any = connection.raw.connection.driver_connection
    driver.set_trace_callback(note)


def plan(connection: SqlConnection, statement: str, parameters: Any = ()) -> list[str]:
    """SQLite's plan of a statement; nothing of one that changes the tables themselves."""
    if statement.split(None, 1)[0].upper() not in ("SELECT", "UPDATE", "DELETE", "INSERT", "WITH"):
        return []
    raw = connection.connection.driver_connection
    assert raw is not None
    return [row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]


def test_the_test_sees_a_scan(tmp_path: Path) -> None:
    """A statement without an index is reported."""
    from sqlalchemy import create_engine

    from security_server.db.tables import METADATA

    engine = create_engine(f"sqlite:///{tmp_path}/db")
    METADATA.create_all(engine)
    with engine.connect() as connection:
        assert plan(connection, "SELECT * FROM tickets WHERE heard_ms > ?", (1,)) == ["SCAN tickets"]
        assert connection.execute(text("SELECT 1")).scalar() == 1
    engine.dispose()
