"""An empty server for the tests beside this file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from security_server.billing.accounts import Money
from security_server.db.tables import METADATA
from security_server.playback.invocations import Now
from tests.unit.security_server.server_desk import START_MS, Desk, terms


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """An empty server with a rich station."""
    engine = create_engine(f"sqlite:///{tmp_path}/db")
    METADATA.create_all(engine)
    money = Money(escrow=10**9, requested=0, spent=0, bps=500)
    with engine.connect() as connection:
        yield Desk(connection, terms(), Now(START_MS, 7, "radio.example", False, False, money))
    engine.dispose()
