"""The dashboard's tables on PostgreSQL: the same answers as on SQLite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from station.db.figures import Figures
from station.db.ledger import Store
from station.db.posted import PostedStore
from tests.unit.audit.audit_book import CONTENTS, SERVER, STATIONS, honest
from tests.unit.security_server.conftest import postgres, url
from tests.unit.station.test_station_posted import part_of

__all__ = ["postgres", "url"]

DAY_S = 86_400
NOW_S = 1_800_000_000


def answers(database: str) -> list[Any]:
    """What the stores answer after epochs that were taken, voided and taken again, refusals and listeners."""
    store = Store(database)
    posted, figures = PostedStore(store.engine), Figures(store, lambda: 7)
    for epoch in range(5):
        posted.take(part_of(honest(10 + epoch, epoch), STATIONS[epoch % 2]), epoch * DAY_S // 2, "posted")
    posted.settle(SERVER, 1, "void")
    posted.settle(SERVER, 2, "final")
    posted.take(part_of(honest(10, 2), STATIONS[0]), 0, "posted")
    for code in ("station.busy", "station.busy", "content.revoked"):
        figures.note_refusal(code)
    for minute in range(3):
        figures.note_listeners((NOW_S + 240 * minute) * 1000)
    found = [
        posted.epochs(0, 10**9),
        posted.epoch(SERVER, 3),
        posted.by_day(0, 9),
        posted.by_content(0, 9),
        posted.gross_by_day(0, 9),
        posted.gross(0, 10**9),
        [posted.passages(content) for content in CONTENTS],
        sorted(posted.unsettled()),
        posted.read_until(SERVER),
        figures.refusals(0, 10**6),
        figures.audience(0, 2 * NOW_S, 300),
        figures.audience(0, 2 * NOW_S, DAY_S),
        store.playing(NOW_S * 1000),
        store.first_issued_ms(),
    ]
    store.close()
    return found


def test_both_databases_answer_alike(url: str, tmp_path: Path) -> None:
    """A cast or a sum that one of them does in another way would show here."""
    assert answers(url) == answers(f"sqlite:///{tmp_path / 'station.sqlite3'}")
