"""A server that is killed under load loses nothing and counts nothing twice; its epochs audit OK."""

from __future__ import annotations

from pathlib import Path

from tests.integration.kills import run


async def test_what_was_acknowledged_is_stored_and_published(tmp_path: Path) -> None:
    """An acknowledged invocation that is missing after a restart would be an unpaid play."""
    record = await run(tmp_path, kills=12, listeners=4)
    assert not record.faults
    assert len(record.acknowledged) > 20
    assert record.receipts
