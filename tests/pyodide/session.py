"""pytest inside Pyodide, with coroutine tests awaited by the browser's event loop.

Without JavaScript promise integration (node 20 has none) no Python code can
block on a promise, so pytest-asyncio's ``run_until_complete`` cannot work here.
This loop does what pytest's own does (setup, call, teardown of every test, with
all hooks and reports) but awaits a coroutine test between setup and call; the
call phase then only passes its outcome on.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from _pytest.config import _prepareconfig
from _pytest.main import Session
from _pytest.runner import call_and_report

SUITES = ["tests/unit/pywallet"]


async def main(arguments: list[str]) -> int:
    """Run the tests and return pytest's exit code."""
    options = ["-c", "tests/pyodide/pytest.ini", "--rootdir", "/repo"]
    paths = [a for a in arguments if not a.startswith("-")]
    config = _prepareconfig([*options, *arguments, *([] if paths else SUITES)], plugins=None)
    _fewer_examples()
    session = Session.from_config(config)
    config._do_configure()
    config.hook.pytest_sessionstart(session=session)
    try:
        config.hook.pytest_collection(session=session)
        for item, following in zip(session.items, [*session.items[1:], None], strict=True):
            await _run(item, following)
        session.exitstatus = _status(session)
    except pytest.UsageError as e:
        print(e)
        session.exitstatus = pytest.ExitCode.USAGE_ERROR
    config.hook.pytest_sessionfinish(session=session, exitstatus=session.exitstatus)
    config._ensure_unconfigure()
    return int(session.exitstatus)


def _fewer_examples() -> None:
    # After pytest's configuration, which wants to import hypothesis first.
    from hypothesis import settings

    # The code is the same as on CPython and an order of magnitude slower.
    settings.register_profile("pyodide", max_examples=15, deadline=None, database=None)
    settings.load_profile("pyodide")


def _status(session: Session) -> pytest.ExitCode:
    if session.testsfailed:
        return pytest.ExitCode.TESTS_FAILED
    return pytest.ExitCode.OK if session.testscollected else pytest.ExitCode.NO_TESTS_COLLECTED


async def _run(item: Any, following: Any) -> None:
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    if not item._request:
        item._initrequest()
    if call_and_report(item, "setup").passed:
        if inspect.iscoroutinefunction(item.obj):
            item.obj = await _outcome(item)
        call_and_report(item, "call")
    call_and_report(item, "teardown", nextitem=following)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)


async def _outcome(item: Any) -> Callable[..., None]:
    """A plain test with the outcome of the coroutine test."""
    failure: BaseException | None = None
    try:
        await item.obj(**{name: item.funcargs[name] for name in item._fixtureinfo.argnames})
    except BaseException as e:
        failure = e

    def replay(**_: Any) -> None:
        if failure is not None:
            raise failure

    return replay
