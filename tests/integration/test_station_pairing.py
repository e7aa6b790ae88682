"""The station's check against the security server's own statements: an honest pair always agrees, through lost messages and epochs."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, update

from pywallet.messages import Signed, Statement, Voucher, sign, statement_lines_hash
from pywallet.platform import address_of
from pywallet.settlement import gross
from security_server.accounts import Money
from security_server.invocations import Now
from security_server.statements import Settling, settle, state
from security_server.tables import METADATA, tickets
from station.servers import ServerAnswer
from station.statements import Expectation, check
from station.store import TicketRow
from tests.budget import budget
from tests.unit.security_server.server_desk import CONTENT, DOMAIN, START_MS, STATION, Desk, terms

SERVER_KEY, STATION_KEY = b"\x11" * 32, b"\x22" * 32
SERVER = address_of(SERVER_KEY)

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("hear"), st.integers(1, 4), st.integers(1, 5)),
        st.tuples(st.just("round"), st.sampled_from(["arrives", "statement lost", "voucher lost", "a late voucher"]), st.just(0)),
        st.tuples(st.just("epoch"), st.just(0), st.just(0)),
    ),
    max_size=25,
)


class Pair:
    """A server's database and a station's books over four tickets."""

    def __init__(self, desk: Desk, prices: list[tuple[int, int]], bps: int) -> None:
        self.desk = desk
        self.bps = bps
        self.epoch = 7
        self.cap = 0
        self.money = Money(10**30, 0, 0, bps)
        session = desk.session()
        self.rows: dict[int, TicketRow] = {}
        for number, (price, reward) in enumerate(prices, 1):
            desk.ticket(session, number, price, reward, invocation=bytes(32))
            self.rows[number] = TicketRow(SERVER, CONTENT, session, 0, 1 << 40, 10, price, reward, bps, 1 << 30, 0, number)

    def hear(self, number: int, intervals: int) -> None:
        """More intervals at the server."""
        change = {"intervals": tickets.c.intervals + intervals, "due": tickets.c.due + intervals}
        self.desk.connection.execute(update(tickets).where(tickets.c.number == number).values(**change))

    def round(self, fate: str) -> None:
        """One statement, checked and signed by the station, whatever becomes of the messages."""
        stated = state(self.desk.connection, STATION, self.epoch, self.money, 10**30)
        if fate == "statement lost":
            return
        message = Statement(server=SERVER, payer=STATION, epoch=stated.epoch, spent=stated.spent, lines=statement_lines_hash(stated.lines))
        answer = ServerAnswer(sign(message, DOMAIN, SERVER_KEY), stated.lines)
        known = Expectation(SERVER, STATION, DOMAIN, self.cap, self.epoch, self.bps, 1 << 50)
        for number, intervals in check(answer, self.rows, known).items():
            self.rows[number] = replace(self.rows[number], vouchered=intervals)
        self.cap = stated.spent
        if fate == "voucher lost":
            return
        self.epoch += fate == "a late voucher"
        voucher = Voucher(server=SERVER, payer=STATION, cap=self.cap, until=stated.epoch + 1)
        at = Settling(DOMAIN, SERVER, SERVER_KEY, self.epoch, START_MS // 1000, self.money, 10**30)
        settle(self.desk.connection, Signed(voucher, sign(voucher, DOMAIN, STATION_KEY).signature), at)


@budget()
@given(st.lists(st.tuples(st.integers(0, 1007), st.integers(0, 1007)), min_size=4, max_size=4), st.integers(0, 3000), STEPS)
def test_honest_pair_agrees(prices: list[tuple[int, int]], bps: int, steps: list[tuple[str, int, int]]) -> None:
    """Whatever is heard, lost or late, no honest statement is refused, and in the end the cap covers all, within a wei per round."""
    prices = [(price + 1, reward) for price, reward in prices]
    engine = create_engine("sqlite://")
    METADATA.create_all(engine)
    with engine.connect() as connection:
        desk = Desk(connection, terms(), Now(START_MS, 7, "radio.example", False, False, Money(10**30, 0, 0, bps)))
        pair = Pair(desk, prices, bps)
        heard = 0
        for name, first, second in steps:
            if name == "hear":
                pair.hear(first, second)
                heard += second * sum(prices[first - 1])
            elif name == "round":
                pair.round(first)
            else:
                pair.epoch += 1
        for _ in range(3):
            pair.round("arrives")
        assert not state(connection, STATION, pair.epoch, pair.money, 10**30).lines
        rounds = sum(name == "round" for name, _, _ in steps) + 3
        assert abs(pair.cap - gross(heard, bps)) <= rounds
    engine.dispose()
