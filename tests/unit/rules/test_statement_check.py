"""Statement check: host and station with the same statements."""

from __future__ import annotations

from typing import Any

import pytest

from native_host.ledger.voucher_store import PaymentRow
from native_host.payments import statement_check as host
from pywallet.crypto import address_of, keccak256
from pywallet.encoding.hex import to_hex
from pywallet.errors import Refusal
from pywallet.protocol import Domain, Statement, StatementLine, sign, statement_lines_hash
from pywallet.protocol.commission import gross
from pywallet.rules.statement_check import ReceivedStatement
from station.db.ledger import TicketRow
from station.payments import statements as station

DOMAIN = Domain(31337, bytes(20))
KEY = keccak256(b"server")
SERVER, PAYER, CONTENT = address_of(KEY), b"\x02" * 20, b"\x03" * 20
SESSION, TICKET = b"\x04" * 32, b"\x05" * 32
EPOCH, BPS, PRICE, HEARD = 7, 500, 1_000, 4


def statement(
    intervals: int = HEARD, price: int = PRICE, epoch: int = EPOCH, payer: bytes = PAYER, number: int = 1
) -> tuple[Any, tuple[StatementLine, ...]]:
    """A signed statement of one unsettled line."""
    lines = (StatementLine(number, CONTENT, SESSION, intervals, price, 0),)
    spent = gross(intervals * price, BPS)
    message = Statement(server=SERVER, payer=payer, epoch=epoch, spent=spent, lines=statement_lines_hash(lines))
    return sign(message, DOMAIN, KEY), lines


def by_host(signed: Any, lines: tuple[StatementLine, ...]) -> Any:
    """The verdict of a host whose ledger has the play."""
    answer = {
        "statement": signed.to_json(),
        "settled_wei": "0",
        "net_wei": "0",
        "lines": [
            {
                "number": line.number,
                "content": to_hex(line.content),
                "session": to_hex(line.session),
                "intervals": line.intervals,
                "price": str(line.price),
                "reward": str(line.reward),
                "settled": 0,
            }
            for line in lines
        ],
    }
    payment = PaymentRow(
        ticket=TICKET,
        server=SERVER,
        payer=PAYER,
        station_address=b"\x06" * 20,
        station_domain="radio.example",
        chain_id=31337,
        ticket_number=1,
        session=SESSION,
        content=CONTENT,
        price_wei=PRICE,
        bps=BPS,
    )
    known = host.StatementContext(
        DOMAIN, SERVER, PAYER, 0, 0, EPOCH, BPS, BPS, {1: payment}, {TICKET: HEARD}, {TICKET: 10 * PRICE}
    )
    return host.examine(answer, known)[1]


def by_station(signed: Any, lines: tuple[StatementLine, ...]) -> Any:
    """The verdict of a station whose ticket is old enough."""
    row = TicketRow(
        server=SERVER,
        content=CONTENT,
        session=SESSION,
        issued_ms=0,
        expiry_s=10_000,
        interval_s=30,
        price=PRICE,
        reward=0,
        bps=BPS,
        max_intervals=100,
    )
    known = station.Expectation(SERVER, PAYER, DOMAIN, 0, EPOCH, BPS, (HEARD - 1) * 30_000)
    return station.examine(
        ReceivedStatement(signed, lines, dict.fromkeys((line.number for line in lines), 0), 0, 0), {1: row}, known
    )


def test_a_right_line_is_accepted_by_both() -> None:
    """Host and station would compute different caps or values."""
    ours, theirs = by_host(*statement()), by_station(*statement())
    assert (ours.cap, ours.agreed, ours.intervals) == (theirs.cap, theirs.agreed, theirs.intervals)
    assert ours.cap == gross(HEARD * PRICE, BPS)
    assert not ours.rejected
    assert not theirs.rejected


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"intervals": HEARD + 1}, "intervals"), ({"price": PRICE + 1}, "price"), ({"number": 2}, "ticket")],
)
def test_a_wrong_line_has_one_reason(change: dict[str, Any], reason: str) -> None:
    """A wrong line would be accepted by one side, or rejected for another reason."""
    for verdict in (by_host(*statement(**change)), by_station(*statement(**change))):
        assert [wrong.reason for wrong in verdict.rejected] == [reason]
        assert not verdict.lines


@pytest.mark.parametrize(("change", "reason"), [({"epoch": EPOCH + 2}, "epoch"), ({"payer": b"\x09" * 20}, "parties")])
def test_a_wrong_statement_has_one_reason(change: dict[str, Any], reason: str) -> None:
    """A statement of another payer or epoch would be accepted by one side."""
    for judge, code in ((by_host, "listener.statement"), (by_station, "statement.mismatch")):
        with pytest.raises(Refusal) as refused:
            judge(*statement(**change))
        assert (refused.value.code, refused.value.detail["reason"]) == (code, reason)
