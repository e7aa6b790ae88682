"""A voucher that is settled in parts settles what it would in one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from unittest.mock import patch

from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from sqlalchemy import select

from pywallet.errors import Refusal
from pywallet.settlement import gross
from security_server.billing import settling
from security_server.billing.fair_slots import EpochBounds
from security_server.db.tables import lines, payees, receipts, tickets
from tests.budget import budget
from tests.unit.security_server.payers import RICH, Payers, name
from tests.unit.security_server.server_desk import STATION, Desk, undone


@contextmanager
def parts_of(count: int) -> Iterator[None]:
    """So many lines in a part."""
    with patch.object(settling, "PART_LINES", count):
        yield


def settle(payers: Payers, cap: int, least_wei: int) -> tuple[int, str | None]:
    """Settle all parts; their number and why not everything was settled."""
    count = 0
    while True:
        try:
            outcome = payers.pay(STATION, cap)
        except Refusal as refusal:
            assert count == 0
            return count, refusal.code
        count += 1
        assert gross(payers.net(STATION), RICH.bps) >= least_wei
        if outcome.is_last:
            return count, outcome.waiting


@budget(0.5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    owed=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 500)), min_size=1, max_size=12),
    cap=st.integers(0, 12_000),
    bond=st.integers(0, 12_000),
    least_wei=st.sampled_from((0, 100, 2_000)),
    size=st.integers(1, 5),
    other=st.integers(0, 3_000),
)
def test_parts_settle_what_one_transaction_would(
    desk: Desk, owed: list[tuple[int, int]], cap: int, bond: int, least_wei: int, size: int, other: int
) -> None:
    """Whatever bounds it, and beside another payer; after each part the epoch holds the minimum at least."""
    found = []
    for lines_in_part in (10**6, size):
        with undone(desk.connection), parts_of(lines_in_part):
            payers = Payers(desk, EpochBounds(least_wei=least_wei), bond)
            if other:
                payers.heard(name(1), 1, other)
                with suppress(Refusal):
                    payers.pay(name(1))
            for intervals, price in owed:
                payers.heard(STATION, intervals, price)
            _, code = settle(payers, cap, least_wei)
            read = desk.connection
            left = select(tickets.c.number, tickets.c.vouchered_intervals, tickets.c.unvouchered_intervals)
            rows = (
                read.execute(left.order_by(tickets.c.number)).all(),
                read.execute(select(lines.c.number, lines.c.settled_intervals).order_by(lines.c.number)).all(),
                read.execute(select(payees.c.payee, payees.c.amount).order_by(payees.c.payee)).all(),
                read.execute(select(receipts.c.payee, receipts.c.amount).order_by(receipts.c.payee)).all(),
            )
            found.append((code, payers.net(STATION), rows))
    assert found[0] == found[1]


def test_a_large_voucher_takes_several_parts(desk: Desk) -> None:
    """Each part is a transaction of its own, so that others have their turn between them."""
    payers = Payers(desk, EpochBounds(), 10**9)
    for _ in range(2 * settling.PART_LINES + 1):
        payers.heard(STATION, 1, 10)
    assert settle(payers, 10**12, 0) == (3, None)
