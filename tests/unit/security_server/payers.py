"""Payers at one desk, each with plays that are heard."""

from __future__ import annotations

from sqlalchemy import select

from pywallet.crypto import address_of
from pywallet.protocol import Voucher, sign
from security_server.billing.epoch_facts import EpochFacts
from security_server.billing.fair_slots import EpochBounds
from security_server.billing.settling import VoucherOutcome, settle_voucher
from security_server.billing.statements import StatementDraft, draft_statement
from security_server.chain.money import Money
from security_server.db.tables import debits, tickets
from tests.unit.security_server.server_desk import DOMAIN, START_MS, STATION, Desk

SERVER_KEY = b"\x11" * 32
SERVER = address_of(SERVER_KEY)
RICH = Money(10**12, 0, 0, 500)


class Payers:
    """Many payers at one desk, each with plays that are heard."""

    def __init__(self, desk: Desk, slots: EpochBounds, bond: int) -> None:
        self.desk, self.slots, self.bond, self.number, self.epoch = desk, slots, bond, 0, 7

    def heard(self, payer: bytes, intervals: int, price: int, station: bool = True) -> None:
        """So many intervals under a new ticket."""
        self.number += 1
        row = {
            "station_address": payer if station else STATION,
            "payer": payer,
            "listener": payer,
            "payee": b"\x04" * 20,
            "content": b"\x06" * 20,
        }
        row |= {
            "header_owner": b"\x05" * 20,
            "number": self.number,
            "price": price,
            "reward": 0,
            "bps": 500,
            "interval_s": 10,
        }
        row |= {
            "heard_intervals": intervals,
            "unvouchered_intervals": intervals,
            "opened_ms": START_MS,
            "expiry_s": 0,
            "signature": bytes(65),
        }
        identity = self.number.to_bytes(32, "big")
        row |= {"id": identity, "session": bytes(32), "last_invocation": bytes(32)}
        self.desk.connection.execute(tickets.insert(), row)

    def stated(self, payer: bytes) -> StatementDraft:
        """The payer's statement."""
        return draft_statement(self.desk.connection, payer, self.epoch, RICH, self.bond, self.slots)

    def pay(self, payer: bytes, cap: int = 10**12) -> VoucherOutcome:
        """The payer signs for all that it owes, or less."""
        voucher = sign(Voucher(server=SERVER, payer=payer, cap=cap, until=self.epoch + 1), DOMAIN, SERVER_KEY)
        facts = EpochFacts(DOMAIN, SERVER, SERVER_KEY, self.epoch, START_MS // 1000, RICH, self.bond, slots=self.slots)
        with self.desk.connection.savepoint():
            return settle_voucher(self.desk.connection, voucher, facts)

    def net(self, payer: bytes) -> int:
        """Net of the payer in the epoch, wei."""
        query = select(debits.c.net).where(debits.c.epoch == self.epoch, debits.c.payer == payer)
        return self.desk.connection.execute(query).scalar() or 0


def name(number: int) -> bytes:
    """The address of a payer."""
    return (0xAA << 152 | number).to_bytes(20, "big")
