"""The rules that contracts cannot see (docs/settlement.md).

What an honest server or its payees lose without each, and who keeps it.

The contracts run in this process; a server that forgets a rule is played by
the test, one that keeps it is the real code, asked for the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from pywallet.crypto import address_of
from pywallet.errors import Refusal
from pywallet.protocol import (
    Receipt,
    Signed,
    StatementLine,
    Voucher,
    compact,
    sign,
    statement_lines_hash,
)
from pywallet.protocol import Statement as StatementMessage
from pywallet.settlement import Schedule, SumTree, gross
from security_server.billing.epoch_facts import EpochFacts
from security_server.billing.settling import settle_voucher
from security_server.billing.statements import draft_statement
from security_server.chain.money import Money
from security_server.db.connection import Connection, Rows
from security_server.db.database import open_database
from security_server.playback.conditions import Conditions
from station.payments.server_client import ServerAnswer
from station.payments.statements import Expectation, check
from tests.contracts.revm_world import Refused, Revm, key
from tests.unit.security_server import server_desk
from tests.unit.security_server.server_desk import DOMAIN, START_MS, Desk, terms

SCHEDULE = Schedule(60, 5, 15, 15, 3_600, 75)
BPS, STAKE, BOND, ESCROW = 500, 10, 10_000, 100_000
SERVER, STATION, FAN, OWNER = (address_of(key(name)) for name in ("server", "station", "fan", "owner"))


class Scene:
    """A bonded server, a station with escrow, and a watcher with tokens, on a fresh chain."""

    def __init__(self, bond: int = BOND, escrow: int = ESCROW) -> None:
        self.evm = Revm(SCHEDULE, BPS, STAKE)
        self.watcher = address_of(key("watcher"))
        for who in (STATION, SERVER, self.watcher):
            self.evm.fund(who, 10**9)
        self.evm.send(SERVER, "Settlement", "bond", SERVER, bond)
        self.evm.send(STATION, "Settlement", "deposit", SERVER, STATION, escrow)
        self.epoch = SCHEDULE.epoch_of(self.evm.now) + 1
        self.evm.at(SCHEDULE.ends(self.epoch - 1))

    def receipt(self, amount: int, payee: bytes = FAN) -> Signed[Receipt]:
        """Sign the server's receipt."""
        return sign(Receipt(SERVER, self.epoch, payee, amount, bytes(32)), self.evm.domain, key("server"))

    def post(self, leaves: list[tuple[bytes, int]], net: int, cap: int, signer: str = "station") -> None:
        """Post the epoch at its end under the station's voucher. Raises Refused."""
        tree = SumTree(leaves)
        voucher = sign(Voucher(SERVER, STATION, cap, self.epoch + 1), self.evm.domain, key(signer))
        entry = (STATION, net, cap, self.epoch + 1, *compact(voucher.signature))
        self.evm.at(max(self.evm.now, SCHEDULE.ends(self.epoch)))
        self.evm.send(SERVER, "Settlement", "post", self.epoch, tree.root, bytes(32), bytes(32), bytes(32), [entry])

    def challenge(self, signed: Signed[Receipt]) -> None:
        """Challenge as the watcher. Raises Refused."""
        self.evm.at(max(self.evm.now, SCHEDULE.ends(self.epoch) + SCHEDULE.grace))
        message = signed.message
        row = (message.server, message.epoch, message.payee, message.amount, message.detail)
        self.evm.send(self.watcher, "Settlement", "challenge", row, *compact(signed.signature))

    def slashed(self, signed: Signed[Receipt]) -> bool:
        """Return whether the receipt slashes the bond of a server that cannot answer."""
        self.challenge(signed)
        self.evm.at(self.evm.now + SCHEDULE.answer + 1)
        self.evm.send(
            self.watcher, "Settlement", "slash", SERVER, self.epoch, signed.message.payee, signed.message.amount
        )
        return int(self.evm.read("Settlement", "server_state", SERVER)) & (1 << 96) - 1 == 0


@contextmanager
def refused(reason: str) -> Iterator[None]:
    """Assert that the contract reverts with this reason."""
    with pytest.raises(Refused) as error:
        yield
    assert error.value.reason == reason


@pytest.fixture
def desk() -> Iterator[Desk]:
    """The real server's billing, empty."""
    engine, lock = open_database("sqlite://")
    money = Money(10**9, 0, 0, BPS)
    with engine.begin() as raw:
        yield Desk(
            Connection(raw, Rows(engine.dialect)),
            terms(),
            Conditions(START_MS, 7, "radio.example", False, False, money),
        )
    lock.release()
    engine.dispose()


def heard(desk: Desk, seconds: int = 30) -> None:
    """Store one play at the real server: 1,000 wei for every ten seconds."""
    session = desk.session()
    ticket = desk.ticket(session, 1)
    assert desk.act(session, ticket, "play").code is None
    desk.hear(session, ticket, seconds)


def vouch(desk: Desk, money: Money, bond: int = 10**9, epoch: int = 7) -> int:
    """Statement, voucher and settling by the real server; return the number of receipts. Raises Refusal."""
    secret = b"\x22" * 32
    # The desk's station has no key: its voucher's signature is checked before settling, not here.
    stated = draft_statement(desk.connection, server_desk.STATION, epoch, Money(10**9, 0, 0, BPS), 10**9)
    voucher = sign(Voucher(server=SERVER, payer=server_desk.STATION, cap=stated.spent, until=epoch + 1), DOMAIN, secret)
    facts = EpochFacts(DOMAIN, SERVER, b"\x11" * 32, epoch, START_MS // 1000, money, bond)
    return len(settle_voucher(desk.connection, voucher, facts).issued)


def test_1_escrow_withdrawn_before_the_post(desk: Desk) -> None:
    """Without: a station requests its escrow, has its plays vouchered, withdraws.

    The post fails and the receipt takes the bond.
    """
    scene = Scene(escrow=3_150)
    scene.evm.send(STATION, "Settlement", "request", SERVER, 3_150)
    promised = scene.receipt(900)
    scene.evm.at(scene.evm.now + SCHEDULE.delay)
    scene.evm.send(STATION, "Settlement", "withdraw", SERVER)
    with refused("settlement: escrow too low"):
        scene.post(sorted([(OWNER, 2_100), (FAN, 900)]), 3_000, 3_150)
    assert scene.slashed(promised)
    # With: requested escrow counts as withdrawn when the voucher comes and when the next play begins.
    heard(desk)
    with pytest.raises(Refusal, match=r"station\.escrow\.short"):
        vouch(desk, Money(3_150, 2_101, 0, BPS))
    desk.now = replace(desk.now, money=Money(3_150, 3_150, 0, BPS))
    session = desk.session(listener=b"\x77" * 20, number=2)
    assert desk.act(session, desk.ticket(session, 2, listener=b"\x77" * 20), "play").code == "station.escrow.short"


def test_2_commission_on_each_play(desk: Desk) -> None:
    """Without.

    Caps that sum each play's gross are a wei short of the chain's, the post fails, the receipt takes the bond.
    """
    nets = [19, 19, 19]
    by_play, by_sum = sum(gross(net, BPS) for net in nets), gross(sum(nets), BPS)
    assert by_sum > by_play
    scene = Scene()
    with refused("settlement: voucher cap exceeded"):
        scene.post([(FAN, sum(nets))], sum(nets), by_play)
    assert scene.slashed(scene.receipt(sum(nets)))
    # With: statements are gross of the epoch's sum.
    session = desk.session()
    for number in range(3):
        ticket = desk.ticket(session, number + 1, price=10, reward=9)
        desk.act(session, ticket, "play")
        desk.hear(session, ticket, 10)
        desk.act(session, ticket, "stop", 10_000)
    assert draft_statement(desk.connection, server_desk.STATION, 7, Money(10**9, 0, 0, BPS), 10**9).spent == by_sum


def test_3_a_receipt_before_its_voucher(desk: Desk) -> None:
    """Without: the station never signs, or signs when the epoch is posted.

    Either way the receipt has no leaf and takes the bond.
    """
    scene = Scene()
    with refused("settlement: invalid voucher"):
        scene.post([(FAN, 300)], 300, 315, signer="somebody else")
    assert scene.slashed(scene.receipt(300))
    late = Scene()
    late.post([], 0, 0)
    assert late.slashed(late.receipt(300))
    # With: a play gives no receipt until the voucher comes, and then one of the running epoch.
    heard(desk)
    stated = draft_statement(desk.connection, server_desk.STATION, 7, Money(10**9, 0, 0, BPS), 10**9)
    secret = b"\x22" * 32
    voucher = sign(Voucher(server=SERVER, payer=server_desk.STATION, cap=stated.spent, until=8), DOMAIN, secret)
    facts = EpochFacts(DOMAIN, SERVER, b"\x11" * 32, 8, START_MS // 1000, Money(10**9, 0, 0, BPS), 10**9)
    assert {item.receipt.message.epoch for item in settle_voucher(desk.connection, voucher, facts).issued} == {8}


def test_4_promises_beyond_the_bond(desk: Desk) -> None:
    """Without: an epoch worth more than the bond cannot be posted at all, and each of its receipts takes the bond."""
    scene = Scene(bond=999)
    with refused("settlement: bond exceeded"):
        scene.post([(FAN, 1_000)], 1_000, 1_050)
    assert scene.slashed(scene.receipt(1_000))
    heard(desk)
    with pytest.raises(Refusal, match=r"server\.unbonded"):
        vouch(desk, Money(10**9, 0, 0, BPS), bond=999)


def test_5_receipts_while_retiring(desk: Desk) -> None:
    """Without: a receipt after the last epoch cannot be posted, and takes the bond that was to be withdrawn."""
    scene = Scene()
    scene.evm.at(scene.evm.now - SCHEDULE.length)
    scene.evm.send(SERVER, "Settlement", "retire", SERVER)
    with refused("settlement: server retired"):
        scene.post([(FAN, 300)], 300, 315)
    assert scene.slashed(scene.receipt(300))
    # With: a retiring server's bond counts as none (``Billing._bond``).
    heard(desk)
    with pytest.raises(Refusal, match=r"server\.unbonded"):
        vouch(desk, Money(10**9, 0, 0, BPS), bond=0)


def test_6_a_server_without_a_bond() -> None:
    """Without: the receipt of an unbonded server is worthless to its fan."""
    scene = Scene()
    first = scene.receipt(300)
    assert scene.slashed(first)
    with refused("settlement: no bond"):
        scene.challenge(scene.receipt(400))


def test_7_late_posts_and_unanswered_challenges() -> None:
    """Without: any receipt may be challenged after the grace time, and an unanswered challenge costs the bond."""
    scene = Scene()
    assert scene.slashed(scene.receipt(300))
    in_time = Scene()
    in_time.post([(FAN, 300)], 300, 315)
    promised = in_time.receipt(300)
    in_time.challenge(promised)
    from pywallet.settlement import EpochHeader, entries_digest, rest

    tree = SumTree([(FAN, 300)])
    header = EpochHeader(tree.root, 300, rest(entries_digest([(STATION, 300)]), bytes(32), bytes(32)))
    row: tuple[Any, ...] = (header.root, header.total, header.rest)
    in_time.evm.send(SERVER, "Settlement", "answerBatch", SERVER, in_time.epoch, row[2], [(FAN, 300, 300, 0, 0)], [])
    assert int(in_time.evm.read("Settlement", "server_state", SERVER)) & (1 << 96) - 1 == BOND + STAKE


def test_8_a_statement_that_is_signed_unchecked() -> None:
    """Without: the chain debits whatever the station has signed, heard or not."""
    scene = Scene()
    scene.post([(OWNER, 90_000 // 9)], 10_000, 10_500)
    word = int(scene.evm.read("Settlement", "account", SERVER, STATION))
    assert word >> 128 == 10_500
    # With: a line about a ticket that the station has not issued, or more intervals than time has passed, is not
    # signed.
    line = StatementLine(number=1, content=bytes(20), session=bytes(32), intervals=10, price=700, reward=300)
    known = Expectation(SERVER, STATION, scene.evm.domain, 0, 5, BPS, 60_000)
    message = StatementMessage(SERVER, STATION, 5, 10_500, statement_lines_hash([line]))
    answer = ServerAnswer(sign(message, scene.evm.domain, key("server")), (line,))
    with pytest.raises(Refusal, match=r"statement\.mismatch"):
        check(answer, {}, known)


def test_10_no_watcher_in_the_window() -> None:
    """Without: a leaf that was given to a friend is final after the window; a late challenge takes the bond only."""
    scene = Scene()
    friend = address_of(key("friend"))
    scene.post([(friend, 300)], 300, 315)
    scene.evm.at(SCHEDULE.due(scene.epoch) + 1)
    promised = scene.receipt(300)
    assert scene.slashed(promised)
    assert scene.evm.read("Settlement", "final", SERVER, scene.epoch)
    # With (``gomaa watch``, tests/integration/test_audit_watch.py): challenged in the window, the post is void.
    watched = Scene()
    watched.post([(friend, 300)], 300, 315)
    assert watched.slashed(watched.receipt(300))
    assert not watched.evm.read("Settlement", "final", SERVER, watched.epoch)
