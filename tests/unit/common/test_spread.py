"""Spread work: one result in one order, whoever computes it, and errors that name their item."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from common import spread_dask
from common.spread import LocalPool, Pool, Spread, as_finished, in_order
from common.spread_dask import require_private
from common.spread_options import spread_options
from demo.waiting import wait_until
from pywallet.errors import GomaaError
from tests.dask_cluster import ROOT, Cluster, cluster
from tests.unit.common.spread_work import deadly, fail, odd_refused, squared, wait_for

NUMBERS = range(11)


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A scheduler and two workers."""
    with cluster(tmp_path_factory.mktemp("dask")) as running:
        yield running


@pytest.fixture(params=["local", "processes", "dask"])
def pool(request: pytest.FixtureRequest) -> Iterator[Pool]:
    """Each kind of pool."""
    address = request.getfixturevalue("dask").address if request.param == "dask" else None
    with Spread(1 if request.param == "local" else 2, address).opened() as opened:
        yield opened


@pytest.mark.long
def test_results_come_in_the_order_of_the_items(pool: Pool) -> None:
    """Work would come back in another order, or be computed in this process where others were asked."""
    found = [(number, future.result()) for number, future in in_order(pool, squared, NUMBERS, str)]
    assert [(number, result) for number, (result, _) in found] == [(number, number**2) for number in NUMBERS]
    assert ({place for _, (_, place) in found} == {os.getpid()}) == isinstance(pool, LocalPool)


@pytest.mark.long
def test_an_error_names_its_item_and_spoils_no_other(pool: Pool) -> None:
    """A failed item would hide the others, or say something else in another process."""
    found = {}
    for number, future in as_finished(pool, odd_refused, NUMBERS, lambda number: f"number {number}"):
        try:
            found[number] = future.result()
        except GomaaError as error:
            found[number] = (error.code, error.detail["item"], error.detail["reason"])
    refused = {number: ("media.decode", f"number {number}", "odd") for number in (1, 3, 5)}
    mistakes = {
        7: ("spread.failed", "number 7", "ZeroDivisionError: seven"),
        9: ("spread.file", "number 9", "No such file or directory"),
    }
    assert found == {number: number for number in range(0, 11, 2)} | refused | mistakes


@pytest.mark.long
async def test_a_result_can_be_awaited(pool: Pool) -> None:
    """The audit waits for a chain meanwhile."""
    assert (await pool.result(squared, 12, "twelve"))[0] == 144
    with pytest.raises(GomaaError, match=r"media\.decode.*item=one"):
        await pool.result(odd_refused, 1, "one")


@pytest.mark.long
def test_a_process_that_ends_loses_its_own_item_only(tmp_path: Path) -> None:
    """One item that ends its process, as by lack of memory, would lose the others' results."""
    names = ["a", "bad", "b", "c", "d"]
    found = {}
    with Spread(2).opened() as pool:
        for (name, _), future in in_order(pool, deadly, [(name, tmp_path) for name in names], lambda item: item[0]):
            error = future.exception()
            found[name] = future.result() if error is None else str(error)
    assert {name: text for name, text in found.items() if text != name}.keys() == {"bad"}
    assert found["bad"].startswith("spread.lost: ")
    assert found["bad"].endswith("(item=bad)")
    with Spread(2).opened() as pool:
        # Ended once from outside: the item is computed again.
        assert pool.submit(deadly, ("once", tmp_path), "once").result() == "once"
        assert pool.submit(deadly, ("e", tmp_path), "e").result() == "e"


@pytest.mark.long
def test_processes_that_cannot_begin_have_a_code() -> None:
    """The command would wait for ever, or end in a traceback."""
    with Spread(2).opened(initializer=fail) as pool:
        for name in ("one", "two"):
            error = pool.submit(squared, 1, name).exception()
            assert isinstance(error, GomaaError)
            assert (error.code, error.detail["item"]) == ("spread.lost", name)


@pytest.mark.long
def test_all_processes_begin_with_the_pool() -> None:
    """One that begins later would end at Ctrl-C before it ignores it."""
    go = multiprocessing.get_context("spawn").Event()
    before = len(multiprocessing.active_children())
    with Spread(3).opened(initializer=wait_for, arguments=(go,)):
        # None of them is ready for an item yet.
        assert len(multiprocessing.active_children()) == before + 3
        go.set()


@pytest.mark.long
def test_a_dask_worker_that_ends_is_named_by_its_item(tmp_path: Path) -> None:
    """The command would wait for ever, or name nothing."""
    with cluster(tmp_path, workers=1) as running, Spread(dask=running.address).opened() as pool:
        error = pool.submit(deadly, ("bad", tmp_path), "bad").exception()
    assert isinstance(error, GomaaError)
    assert (error.code, error.detail["item"]) == ("spread.lost", "bad")


_INTERRUPTED = """
import sys
from pathlib import Path
from common.spread import Spread, in_order
from tests.unit.common.spread_work import forever
if __name__ == "__main__":
    with Spread(2).opened() as pool:
        marks = [Path(name) for name in sys.argv[1:]]
        for _ in in_order(pool, forever, marks, str):
            pass
"""


def _ended(mark: Path) -> bool:
    status = Path(f"/proc/{mark.read_text()}/status")
    try:
        return "State:\tZ" in status.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.long
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_their_command(tmp_path: Path, how: signal.Signals) -> None:
    """Ctrl-C, or a killed command, would leave processes at work."""
    script, marks = tmp_path / "interrupted.py", [tmp_path / "one", tmp_path / "two"]
    script.write_text(_INTERRUPTED)
    process = subprocess.Popen(
        [sys.executable, script, *marks], env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True
    )
    wait_until(lambda: all(mark.exists() for mark in marks) or process.poll() is not None, "both workers work")
    if how == signal.SIGINT:
        # As a terminal does: to the whole group.
        os.killpg(process.pid, how)
    else:
        process.kill()
    process.wait()
    wait_until(lambda: all(_ended(mark) for mark in marks), "both workers end")


def test_a_scheduler_that_does_not_answer_has_a_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong address would end in a traceback."""
    monkeypatch.setattr(spread_dask, "CONNECT_S", 0.2)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    for address in (f"tcp://127.0.0.1:{port}", "nonsense://here", "tcp://"):
        with pytest.raises(GomaaError, match=r"^spread\.unreachable: "):
            Spread(dask=address).opened()


@pytest.mark.long
def test_a_scheduler_without_workers_has_a_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command would wait for ever."""
    monkeypatch.setattr(spread_dask, "CONNECT_S", 2.0)
    with cluster(tmp_path, workers=0) as running, pytest.raises(GomaaError, match="has no worker"):
        Spread(dask=running.address).opened()


@pytest.mark.long
def test_a_worker_of_another_release_is_refused(dask: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two releases would make two results of one command."""
    monkeypatch.setattr(spread_dask, "VERSION", "0.0.0")
    with pytest.raises(GomaaError, match=r"^spread\.version: .*expected=0\.0\.0"):
        Spread(dask=dask.address).opened()


def test_without_distributed_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing library would be a traceback."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(GomaaError, match=r'command\.extra: .*pip install "gomaa\[dask\]"'):
        Spread(dask="tcp://127.0.0.1:1").opened()


def test_a_private_key_crosses_no_network_in_the_clear() -> None:
    """An owner's key would be readable on the way to a worker."""
    for address in (
        "tls://10.0.0.1:8786",
        "tcp://127.0.0.1:8786",
        "tcp://[::1]:8786",
        "tcp://localhost",
        "localhost:1",
    ):
        require_private(address)
    for address in (
        "tcp://10.0.0.1:8786",
        "ws://a.example:1",
        "10.0.0.1:8786",
        "inproc://x",
        "tcp://127.0.0.1@a:1",
        "[",
    ):
        with pytest.raises(GomaaError, match=r"^spread\.plain: "):
            require_private(address)


@pytest.mark.long
def test_a_private_key_is_sent_to_no_worker_in_the_clear(dask: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scheduler on this machine would send the owner's key on to a worker on another."""
    asked: list[str] = []
    monkeypatch.setattr(spread_dask, "require_private", asked.append)
    with Spread(dask=dask.address).opened():
        assert asked == []
    with Spread(dask=dask.address).opened(private=True) as pool:
        assert asked[0] == dask.address
        assert len(set(asked)) == 1 + pool.size


def test_the_options_make_a_spread() -> None:
    """The options would be lost, or two answers to one question be taken."""
    said = []

    @click.command()
    @spread_options(default=3, alias=("--jobs",))
    def command(spread: Spread) -> None:
        said.append(spread)

    run = CliRunner().invoke
    for arguments in ([], ["--workers", "2"], ["--jobs", "2"], ["--dask", "tcp://127.0.0.1:1"]):
        assert run(command, arguments).exit_code == 0
    assert said == [Spread(3), Spread(2), Spread(2), Spread(3, "tcp://127.0.0.1:1")]
    assert "exclude each other" in run(command, ["--workers", "2", "--dask", "tcp://127.0.0.1:1"]).output
    assert run(command, ["--workers", "0"]).exit_code == 2
