"""A year of tickets costs a station nothing per request: no statement reads its tickets from end to end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import event

from station.listening import Listening
from station.store import Store, TicketRow

GROWING = {"tickets", "listening", "asked"}


def test_every_statement_uses_an_index(tmp_path: Path) -> None:
    """SQLite's plan of each statement searches."""
    store = Store(f"sqlite:///{tmp_path}/db")
    listening = Listening(store.engine)
    asked: dict[str, Any] = {}

    def note(_: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        asked.setdefault(statement, parameters[0] if many else parameters)

    event.listen(store.engine, "before_cursor_execute", note)
    servers = [bytes([n]) * 20 for n in (3, 1, 2)]
    for server in servers:
        ticket = TicketRow(server, b"c" * 20, server + bytes(12), 10**12, 10**9 + 600, 30, 700, 5, 250, 4)
        number = store.issue(ticket, 10**30, 0, 100)
        with store.engine.begin() as db:
            listening.note(db, number, b"\x09" * 20, b"\x08" * 20, 1_000, 2_000, 18)
    assert store.servers() == set(servers)
    store.plays(0, 10)
    store.outstanding(servers[0], 1_000)
    listening.earned(b"\x09" * 20, 1_000_000)
    listening.known(b"\x09" * 20, b"\x08" * 20)
    listening.finished(1_000)
    listening.fed([1])
    with store.engine.begin() as db:
        listening.unplayed(db, b"\x09" * 20, 1_000)
        listening.hurried(b"\x09" * 20, 1_000_000, db)
        raw = db.connection.driver_connection
        assert raw is not None
        plans = {
            one: [step[3] for step in raw.execute(f"EXPLAIN QUERY PLAN {one}", given)]
            for one, given in asked.items()
            if one.split(None, 1)[0].upper() in ("SELECT", "UPDATE", "DELETE")
        }
    assert len(plans) >= 8
    for one, steps in plans.items():
        # The newest tickets are walked backwards until there are enough.
        scanned = [step for step in steps if step.startswith("SCAN ") and step.split()[1] in GROWING and "number DESC" not in one]
        assert scanned == [], one
    store.close()
