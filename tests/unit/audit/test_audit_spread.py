"""Check of epochs in this process, in others and on a cluster: the same result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audit.file_check import FileTask, check_file
from common.spread import Spread, in_order
from pywallet.settlement import DebitRow, EpochData
from tests.dask_cluster import cluster
from tests.unit.audit.audit_book import BPS, honest, post


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
