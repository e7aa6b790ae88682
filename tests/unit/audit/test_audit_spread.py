"""Check of epochs in this process, in others and on a cluster: the same result."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from audit.balances import Balances
from audit.file_check import FileTask, Post, check_file
from audit.run import Work
from audit.run import _epoch as audit_epoch
from audit.store import AuditStore
from audit.ticket_table import TicketTable
from common.spread import LocalPool, Spread, in_order
from pywallet.errors import Unavailable
from pywallet.settlement import DebitRow, EpochData
from tests.dask_cluster import cluster
from tests.unit.audit.audit_book import BPS, SCHEDULE, FakeAt, honest, post


def tasks(folder: Path) -> Iterator[FileTask]:
    """Honest epochs, one with a wrong debit, one of other bytes, and a claim that no leaf has."""
    for epoch in range(6):
        data: EpochData = honest(20 + epoch, epoch)
        posted = post(data)
        if epoch == 3:
            data = replace(data, debits=(replace(data.debits[0], net=1), *data.debits[1:]))
            posted = post(data)
        path = folder / f"{epoch}.gmed"
        path.write_bytes(b"other bytes" if epoch == 4 else data.encode())
        paid = {b"\x99" * 20: 5, data.payees[0].payee: data.payees[0].amount + 1} if epoch == 5 else {}
        yield FileTask(path, posted, BPS, 60, {data.payees[0].payee: 1 << 90} if epoch == 1 else {}, paid, folder)


def outcome(spread: Spread, folder: Path) -> list[Any]:
    """Everything that the results say."""
    out: list[Any] = []
    with spread.opened() as pool:
        for _, future in in_order(pool, check_file, tasks(folder), lambda task: task.path.name):
            result = future.result()
            totals = result.totals
            held = None if totals is None else (totals.money, list(totals.lines()), totals.debits, totals.contents)
            out.append((result.faults, result.claim_faults, result.leaves, held))
    return out


@pytest.mark.long
def test_every_place_of_work_finds_the_same(tmp_path: Path) -> None:
    """An audit by a cluster would not be the audit by one computer."""
    here = outcome(Spread(), tmp_path)
    kinds = [[fault.kind for fault in (*faults, *claims)] for faults, claims, _, _ in here]
    assert kinds == [[], ["leaf.receipt"], [], ["payer.net"], ["data.form"], ["claim.leaf", "claim.leaf"]]
    assert all(isinstance(row, DebitRow) for row in here[0][3][2])
    assert outcome(Spread(2), tmp_path) == here
    with cluster(tmp_path) as running:
        assert outcome(Spread(dask=running.address), tmp_path) == here


class Lost(LocalPool):
    """Two workers: the first item is lost, the others never end."""

    size = 2
    begun = 0

    def submit(self, function: Any, item: Any, name: str) -> Future[Any]:
        """Begin an item."""
        future: Future[Any] = Future()
        self.begun += 1
        if self.begun == 1:
            future.set_exception(Unavailable("spread.lost", item=name))
        return future


async def test_a_lost_epoch_ends_the_others_that_are_under_way(tmp_path: Path) -> None:
    """The audit would go on in the background of its error, with files that are being deleted."""
    balances = Balances(1, AuditStore(tmp_path))
    for epoch in range(8):
        balances.post(post(honest(5, epoch)), BPS)

    async def find(posted: Post) -> Path:
        return tmp_path / f"{posted.epoch}.gmed"

    at, sources = SimpleNamespace(deployment=SimpleNamespace(schedule=SCHEDULE)), SimpleNamespace(find=find)
    pool, before = Lost(), asyncio.all_tasks()
    work = Work(pool, at, sources, balances, {}, tmp_path)  # type: ignore[arg-type]
    with pytest.raises(Unavailable, match=r"^spread\.lost: .*item=epoch 0 of 0x1111"):
        await anext(work.checked())
    assert (pool.begun <= pool.ahead, asyncio.all_tasks()) == (True, before)


async def test_data_that_change_after_their_check_are_a_fault(tmp_path: Path) -> None:
    """The audit would end without a report."""
    store, path, data = AuditStore(tmp_path), tmp_path / "epoch.gmed", honest(20)
    balances = Balances(1, store)
    balances.post(post(data), BPS)
    path.write_bytes(data.encode())
    checked = check_file(FileTask(path, post(data), BPS, 60, {}, {}, tmp_path))
    path.write_bytes(b"other bytes")
    (balance,), tickets = balances.epochs.values(), TicketTable(tmp_path)
    faults = await audit_epoch(balance, path, checked, FakeAt(), None, store, tickets, 0, None, {})  # type: ignore[arg-type]
    assert [fault.kind for fault in faults] == ["data.form"]
