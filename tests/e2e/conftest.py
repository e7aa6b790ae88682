"""Fixtures of the end-to-end tests; the servers' logs in the report of a failed test."""

from collections.abc import Generator

import pluggy
import pytest

from tests.e2e.money import wallet
from tests.e2e.world import BrowserWorld, browser_name, packed, world

__all__ = ["browser_name", "packed", "wallet", "world"]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Function) -> Generator[None, pluggy.Result[pytest.TestReport], None]:
    """Add the end of the security server's and the station's log to the report of a failed test."""
    outcome = yield
    report = outcome.get_result()
    shared = item.funcargs.get("world")
    if report.failed and isinstance(shared, BrowserWorld):
        for service in (shared.stack.server, shared.stack.station):
            ended = service.process.poll() if service.process else None
            report.sections.append((f"{service.name}, exit code {ended}", service.tail()))
