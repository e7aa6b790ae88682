"""The table of networks in docs/settlement.md, row by row.

What fits, what can be answered, and that no false challenge gains.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from chain.commands import schedule
from chain.contracts.settlement import MOST_ANSWERS
from chain.deploy import STAKE as DEFAULT_STAKE
from demo.stack import OPEN_S
from demo.stack import schedule as demonstration
from pywallet.errors import InputError
from pywallet.settlement import Schedule
from pywallet.settlement.schedule import ANSWER_GAS, BATCHES, PARTS
from tests.contracts.economy import BLOCK_GAS, FEE, GAS, NET, STAKE, Network, Outcome, fraud, robbery

PAGE = Path(__file__).resolve().parents[2] / "docs" / "settlement.md"
ROW = re.compile(
    r"^\| (\d+) \| (\d+) \| (\d+)( \(demonstration\))? \| (yes|no: \w+) \| ([\d,]+|) \| ([\d,]+|) \|$", re.MULTILINE
)


class Row(NamedTuple):
    """One network and epoch; the figures are empty where it does not fit."""

    block_time: int
    confirmations: int
    length: int
    demo: bool
    fits: str
    answers: str
    bond: str

    @property
    def schedule(self) -> Schedule:
        """The epoch's times."""
        return demonstration(self.length) if self.demo else schedule(self.length)

    @property
    def network(self) -> Network:
        """The chain."""
        return Network(self.block_time, self.confirmations)


def rows() -> list[Row]:
    """The table."""
    section = PAGE.read_text(encoding="utf-8").split("### Networks", 1)[1].split("\n### ", 1)[0]
    return [Row(int(a), int(b), int(c), bool(d), *rest) for a, b, c, d, *rest in ROW.findall(section)]


ALLOWED = [row for row in rows() if row.fits == "yes"]


def name(row: Row) -> str:
    """Return a row's name for test identifiers."""
    return f"{row.block_time}s-{row.confirmations}-{row.length}s"


def test_the_table_has_its_rows() -> None:
    """Networks that fit and others that do not, the defaults and the demonstration among them."""
    found = rows()
    assert len(found) >= 10
    assert {row.fits for row in found} >= {"yes", "no: grace"}
    assert any(row.demo and row.length == OPEN_S for row in found)
    assert any((row.block_time, row.length) == (12, 3600) for row in ALLOWED)


@pytest.mark.parametrize("row", rows(), ids=name)
def test_rows_match_the_rule(row: Row) -> None:
    """Fit of the schedule, too short windows, answers that fit, and the bond up to which numbers do not win."""
    times, network = row.schedule, (row.block_time, row.confirmations)
    if row.fits != "yes":
        with pytest.raises(InputError) as caught:
            times.require(*network)
        assert (caught.value.code, f"no: {caught.value.detail['name']}") == ("chain.schedule", row.fits)
        assert not times.fits(*network)
        assert (row.answers, row.bond) == ("", "")
        return
    times.require(*network)
    assert times.fits(*network)
    answers = times.answerable(*network)
    assert answers >= BATCHES * MOST_ANSWERS
    assert (row.answers, row.bond) == (f"{answers:,}", f"{2 * answers:,}")


@pytest.mark.parametrize("row", ALLOWED, ids=name)
def test_a_fitting_row_agrees_with_a_count_of_blocks(row: Row) -> None:
    """Blocks counted one by one, without the formula: in each window everything is confirmed before it ends."""
    times, step, deep = row.schedule, row.block_time, row.confirmations - 1
    grace = step + PARTS * step + deep * step
    window = step + deep * step + step + deep * step
    answer = deep * step + BATCHES * step + deep * step
    assert grace <= times.grace
    assert window <= times.window
    assert answer <= times.answer


@cache
def robbed(row: Row, count: int, receipts: int, begin: int, server: bool = True) -> Outcome:
    """Simulate an attack, once."""
    return robbery(row.schedule, row.network, count, receipts, 10**24, begin, server)


@pytest.mark.parametrize("row", ALLOWED, ids=name)
@pytest.mark.parametrize("receipts", [1, 25])
@pytest.mark.parametrize("moment", ["first", "last", "late"])
def test_no_number_of_receipts_robs_an_honest_server(row: Row, receipts: int, moment: str) -> None:
    """As many payees as the row allows, at the first second, the window's last and after it.

    Each stake goes to the server and covers its costs.
    """
    begin = {"first": 0, "last": row.schedule.window - 1, "late": row.schedule.window + 1}[moment]
    count = min(row.schedule.answerable(*row.network), 640) // receipts
    found = robbed(row, count, receipts, begin)
    assert not found.slashed
    assert found.thief < -count * STAKE
    assert found.server > 0


@pytest.mark.parametrize("row", [row for row in ALLOWED if row.schedule.answerable(*row.network) < 3000], ids=name)
def test_the_row_holds_at_its_bound(row: Row) -> None:
    """With one transaction a block: every payee of the row is answered in time, all challenged at once."""
    count = row.schedule.answerable(*row.network)
    fit = BLOCK_GAS // GAS["challenge"]
    assert not robbed(row, min(count, fit), 1, 0).slashed


@pytest.mark.parametrize("row", [row for row in ALLOWED if row.schedule.answerable(*row.network) < 3000], ids=name)
def test_attacks_beyond_the_row_cost_more_than_they_gain(row: Row) -> None:
    """A server with one transaction a block can be outnumbered.

    It costs more stakes than half of the bond of the row.
    """
    answers = row.schedule.answerable(*row.network)
    found = robbery(row.schedule, row.network, 4 * answers, 1, 2 * answers * STAKE, 0)
    assert found.slashed
    assert found.thief < 0
    assert robbery(row.schedule, row.network, 4 * answers, 1, 8 * answers * STAKE, 0).thief > found.thief
    # Blocks take answers faster than challenges, so a server that sends more than one transaction a block is not
    # outnumbered at all.
    assert GAS["answer_each_of_32"] < GAS["challenge"]


@pytest.mark.parametrize("row", ALLOWED, ids=name)
def test_silence_costs_the_bond(row: Row) -> None:
    """A server that answers nothing loses its whole bond to the first challenger.

    A thief of an honest server cannot get it.
    """
    found = robbed(row, 3, 1, 0, False)
    assert found.slashed
    assert found.server == -(10**24)
    assert found.thief > 10**24 // 2 - 4 * STAKE


@pytest.mark.parametrize("row", ALLOWED, ids=name)
@pytest.mark.parametrize("friends", [0, 40])
def test_a_self_challenging_fraud_loses_half_its_bond(row: Row, friends: int) -> None:
    """Whichever account slashes first, and however many answered challenges precede.

    The epoch is void, and half of the bond is the treasury's.
    """
    bond = 100 * STAKE
    found = fraud(row.schedule, row.network, bond, 10 * NET, friends)
    assert found.slashed
    assert found.thief + found.server <= -bond // 2


def test_the_tables_assumptions_are_the_measured_values() -> None:
    """The default stake, the most expensive answer, and the gas that it pays for."""
    assert STAKE == DEFAULT_STAKE
    assert GAS["answer"] <= ANSWER_GAS
    assert GAS["answer_each_of_32"] * 2 <= ANSWER_GAS * 1.02
    assert GAS["answer"] * FEE * 2 <= STAKE
    assert GAS["dismiss"] * FEE < STAKE
    text = PAGE.read_text(encoding="utf-8").split("### Networks", 1)[1]
    for figure in ("challenge", "answer", "answer_each_of_32", "dismiss"):
        assert f"{GAS[figure]:,}" in text, figure
    assert json.dumps(GAS)
