"""Longer timeouts for everything that runs in the tests' own process."""

from __future__ import annotations

import pytest

from demo.waiting import TIMEOUT_S

ANSWERS = ("chain.connection.TIMEOUT_S", "native_host.remote.network.CONNECT_S", "studio.server.TIMEOUT_S")
"""How long nodes and servers that are there may take to answer.

One that is not there refuses the connection at once.
"""


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for answers that a busy machine delays; a test of a limit sets its own."""
    for name in ANSWERS:
        monkeypatch.setattr(name, TIMEOUT_S)
