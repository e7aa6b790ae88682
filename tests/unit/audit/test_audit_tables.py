"""Tables that do not fit in memory: the same sums, tickets and faults as a plain count of every row in memory."""

from __future__ import annotations

import pickle
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import faults, tables, usage_groups
from audit.epoch_totals import EpochTotals, sum_epoch
from audit.epochs import EpochCheck
from audit.file_check import FileTask, check_file
from audit.repeated_keys import Neighbours
from audit.tables import EpochFile
from audit.ticket_table import TicketTable
from common.spread import LocalPool
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError, InputError
from pywallet.protocol.outcomes import PlayOutcome
from pywallet.settlement import NO_TERMS, EpochData, PlayRow
from tests.unit.audit.audit_book import BPS, CONTENTS, SERVER, STATIONS, TERMS, FakeAt, honest, post

OTHER = b"\x12" * 20
PLAYS = st.lists(
    st.builds(
        PlayRow,
        station=st.integers(0, 1),
        content=st.integers(0, 2),
        terms=st.integers(0, 1),
        second=st.integers(0, 60),
        heard_s=st.integers(0, 4).map(lambda count: count * 10),
        seeks=st.integers(0, 255),
        outcome=st.sampled_from(list(map(int, PlayOutcome))),
        ticket=st.integers(1, 6),
        tag=st.just(bytes(7)),
    ).map(lambda row: replace(row, terms=NO_TERMS, heard_s=0) if row.outcome == PlayOutcome.REFUSED else row),
    max_size=30,
)


def ordered(rows: list[PlayRow]) -> list[PlayRow]:
    """In the order that docs/settlement.md specifies."""
    return sorted(rows, key=lambda row: (row.outcome == PlayOutcome.REFUSED, row.station, row.ticket))


def book(rows: list[PlayRow], epoch: int = 1, server: bytes = SERVER) -> EpochData:
    """An epoch with these plays."""
    return replace(honest(0, epoch, server), plays=tuple(rows))


def counted(rows: list[PlayRow]) -> list[tuple[int, ...]]:
    """The groups, counted row by row."""
    sums: dict[tuple[int, int, int], list[int]] = defaultdict(lambda: [0] * 6)
    for row in rows:
        refused = row.outcome == PlayOutcome.REFUSED
        intervals = 0 if refused else row.heard_s // TERMS[row.terms].interval_s
        listener = intervals if row.outcome == PlayOutcome.PAID_BY_LISTENER else 0
        new = (intervals, not refused, refused, row.heard_s, row.seeks, listener)
        group = sums[row.station, row.content, row.terms]
        group[:] = [before + int(value) for before, value in zip(group, new, strict=True)]
    return sorted((*key, *values) for key, values in sums.items())


def tickets_of(rows: list[PlayRow]) -> list[int]:
    """Keys of paid plays."""
    return [row.station << 32 | row.ticket for row in rows if row.outcome != PlayOutcome.REFUSED]


@given(PLAYS, st.booleans(), st.sampled_from([1, 4, 1 << 20]), st.sampled_from([3, 1 << 18]))
def test_groups_and_repeated_tickets_are_those_of_a_plain_count(
    rows: list[PlayRow], in_order: bool, most: int, part: int
) -> None:
    """A table on disk, a part's border or an unordered table would change the sums."""
    rows = ordered(rows) if in_order else rows
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "ROWS_PER_READ", part)
        with EpochFile(book(rows).encode()) as file:
            totals = sum_epoch(file, 60, most=most)
        assert list(totals.groups) == counted(rows)
        seen = dict.fromkeys((content, terms) for _, content, terms, intervals, *_ in counted(rows) if intervals)
        assert list(totals.groups.priced()) == list(seen)
        twice = sorted(key for key, count in Counter(tickets_of(rows)).items() if count > 1)
        assert (totals.repeated.first, totals.repeated.count) == (twice, len(twice))
        assert ("plays" in totals.unordered_tables) == (rows != ordered(rows))


def test_totals_on_disk_can_be_read_by_another_process(tmp_path: Path) -> None:
    """A worker's table could not be read by the command."""
    with EpochFile(honest(30).encode()) as file:
        totals = sum_epoch(file, 60, tmp_path, most=1)
        expected = list(sum_epoch(file, 60).lines())
    sent: EpochTotals = pickle.loads(pickle.dumps(totals))
    assert list(sent.lines()) == expected
    assert len(list(tmp_path.glob("*.duckdb"))) == 1
    sent.groups.delete()
    assert list(tmp_path.glob("*.duckdb")) == []


def test_two_epochs_with_the_same_data_have_tables_of_their_own(tmp_path: Path) -> None:
    """A server that posts one epoch's data twice, or a worker that was killed, would end the audit."""
    with EpochFile(honest(30).encode()) as file:
        one, two = (sum_epoch(file, 60, tmp_path, most=1) for _ in range(2))
    one.groups.delete()
    assert list(two.lines())


def test_a_folder_that_a_worker_cannot_write_has_a_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster without the shared folder would be reported as a mistake in GoMAA."""
    monkeypatch.setattr(usage_groups, "IN_MEMORY", 1)
    data = honest(30)
    path = tmp_path / "epoch.gmed"
    path.write_bytes(data.encode())
    task = FileTask(path, post(data), BPS, 60, {}, {}, tmp_path / "missing")
    error = LocalPool().submit(check_file, task, "epoch 1").exception()
    assert isinstance(error, GomaaError)
    assert (error.code, error.detail["file"]) == ("spread.file", str(tmp_path / "missing"))


def differing(files: list[EpochData], folder: Path, rows_per_pass: int) -> list[tuple[bytes, int, int]]:
    """Answers of the table about these epochs."""
    table = TicketTable(folder, rows_per_pass)
    for data in files:
        with EpochFile(data.encode()) as file:
            table.add(sum_epoch(file, 60))
    found = list(table.differing())
    table.close()
    return found


@pytest.mark.long
@given(st.lists(st.tuples(PLAYS, st.sampled_from([SERVER, OTHER])), max_size=4), st.sampled_from([2, 1 << 24]))
def test_tickets_that_differ_are_those_of_a_plain_count(
    tmp_path_factory: pytest.TempPathFactory, epochs: list[tuple[list[PlayRow], bytes]], rows_per_pass: int
) -> None:
    """A ticket with two contents, terms or servers would be missed, or an honest one reported."""
    facts: dict[tuple[bytes, int], list[tuple[int, object]]] = defaultdict(list)
    for number, (rows, server) in enumerate(epochs):
        for row in rows:
            if row.outcome != PlayOutcome.REFUSED:
                fact = (server, CONTENTS[row.content], TERMS[row.terms])
                facts[STATIONS[row.station], row.ticket].append((number, fact))
    wrong = {ticket for ticket, known in facts.items() if len({fact for _, fact in known}) > 1}
    files = [book(ordered(rows), number, server) for number, (rows, server) in enumerate(epochs)]
    found = differing(files, tmp_path_factory.mktemp("tickets"), rows_per_pass)
    assert {(station, ticket) for station, ticket, _ in found} == wrong
    for station, ticket, epoch in found:
        earlier = {fact for number, fact in facts[station, ticket] if number <= epoch}
        assert len(earlier) > 1
    assert found == differing(files, tmp_path_factory.mktemp("tickets"), 1 << 24)


def test_a_ticket_that_differs_is_told_with_its_epoch(tmp_path: Path) -> None:
    """The report would name another epoch or station."""
    paid = PlayRow(1, 0, 0, 1, 10, 0, 0, 5, bytes(7))
    files = [book([paid], 3), book([replace(paid, ticket=6)], 4), book([replace(paid, terms=1)], 9)]
    assert differing(files, tmp_path, 1) == [(STATIONS[1], 5, 9)]


def test_a_repeated_key_over_the_border_of_parts_is_told_once() -> None:
    """A ticket three times, over two parts, would be two faults or none."""
    keys = Neighbours()
    assert all(keys.add(np.array(part, dtype=np.int64)) for part in ([1, 2, 2], [], [2, 3], [3], [3, 4]))
    assert (keys.found.first, keys.found.count) == ([2, 3], 2)
    assert not keys.add(np.array([1], dtype=np.int64))


async def test_many_faults_of_one_kind_are_listed_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hostile data would fill the memory with faults."""
    monkeypatch.setattr(faults, "MOST", 3)
    data = honest(30)
    data = replace(data, segments=tuple(replace(data.segments[0], segment=number) for number in range(8)))
    raw = bytearray(data.encode())
    for row in range(8):
        # The last byte of a row is its number of listeners.
        raw[len(raw) - 10 * row - 1] = 1
    check = EpochCheck(post(data), FakeAt())  # type: ignore[arg-type]
    with EpochFile(bytes(raw)) as file:
        await check.check(file)
    few = [fault.subject for fault in check.faults if fault.kind == "segment.few"]
    assert few == [*(f"{to_hex(CONTENTS[0])} segment {number}" for number in range(3)), "5 more"]


@pytest.mark.parametrize("cut", [0, 1, 50, 117, 118, 119, 200, -1])
def test_a_file_that_ends_early_is_refused(tmp_path: Path, cut: int) -> None:
    """A part of the data would be read as the whole, or end in a traceback."""
    path = tmp_path / "cut.gmed"
    path.write_bytes(honest(30).encode()[:cut])
    with pytest.raises(InputError, match="end too early"):
        EpochFile(path)


def test_a_file_that_is_cut_while_it_is_read_is_refused(tmp_path: Path) -> None:
    """The rest would be read as empty."""
    path = tmp_path / "epoch.gmed"
    path.write_bytes(honest(30).encode())
    with EpochFile(path) as file:
        path.write_bytes(honest(30).encode()[:300])
        with pytest.raises(InputError, match="end too early"):
            sum_epoch(file, 60)
