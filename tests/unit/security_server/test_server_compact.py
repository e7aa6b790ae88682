"""Compaction: the space of deleted rows is given back, and only while no server uses the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from pywallet.errors import GomaaError
from security_server.db.database import compact_database
from security_server.db.refusal_counts import count_refusal
from security_server.db.tables import refusal_counts
from security_server.db.writer import Store


async def filled(url: str) -> None:
    """A database whose rows were deleted."""
    store = Store(url)
    await store.run(
        lambda connection: [
            count_refusal(connection, day * 86_400_000, "ticket", f"ticket.{day:050}") for day in range(2_000)
        ]
    )
    await store.run(lambda connection: connection.execute(refusal_counts.delete()) and None)
    store.close()


async def test_the_space_of_deleted_rows_is_given_back(tmp_path: Path) -> None:
    """The file would stay as long as it ever was."""
    url = f"sqlite:///{tmp_path}/db"
    await filled(url)
    before, after = compact_database(url)
    assert after < before
    Store(url).close()


def test_a_database_in_use_is_not_compacted(tmp_path: Path) -> None:
    """Every write of the server would wait for the whole copy."""
    url = f"sqlite:///{tmp_path}/db"
    store = Store(url)
    with pytest.raises(GomaaError) as error:
        compact_database(url)
    store.close()
    assert error.value.code == "server.database.busy"


@pytest.mark.long
async def test_a_postgresql_is_vacuumed_beside_its_servers(url: str) -> None:
    """A server would have to be stopped for it."""
    await filled(url)
    store = Store(url)
    assert await store.leads()
    before, after = compact_database(url)
    assert 0 < after <= before
    store.close()
