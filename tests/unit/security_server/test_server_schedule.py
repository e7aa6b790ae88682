"""A server that cannot keep to its network's epochs does not start."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from chain.deployment import Deployment
from pywallet.errors import InputError
from pywallet.settlement import Schedule
from security_server.api.app import create_app
from security_server.config import Config
from tests.unit.security_server.books_world import KEYS

HERE = Deployment(
    31337, "ws://127.0.0.1:1", *[bytes([n]) * 20 for n in range(1, 6)], 7, Schedule(60, 5, 15, 15, 3600, 70), 10**18
)


@pytest.mark.parametrize(("change", "name"), [({"confirmations": 4}, "grace"), ({"block_time": 2}, "grace")])
async def test_a_network_that_is_too_slow(tmp_path: Path, change: dict[str, int], name: str) -> None:
    """The error names the time that is too short, before a database is opened or a node is read."""
    replace(HERE, **change).save(tmp_path / "deployment.json")
    config = Config(
        deployment=tmp_path / "deployment.json", keys=tmp_path / "keys.json", database=str(tmp_path / "server.sqlite3")
    )
    with pytest.raises(InputError) as caught:
        await create_app(config, KEYS)
    assert (caught.value.code, caught.value.detail["name"]) == ("chain.schedule", name)
    assert [path.name for path in tmp_path.iterdir()] == ["deployment.json"]
