"""Earnings of a wallet in the host's ledger.

Fifty thousand station-hours are as quick as five hundred, and no list grows with them.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from chain.node_answers import Log
from native_host.context import Services, open_services
from native_host.install.paths import Paths
from native_host.ledger import Ledger, PayeeRow, ReceiptRow
from native_host.ledger.payee_store import NEWEST
from native_host.messaging import requests
from native_host.operations import earnings as page
from native_host.operations import summary
from native_host.payments import claim_search, epoch_standing
from native_host.payments.earnings import WalletEarnings
from pywallet.encoding.hex import to_hex
from pywallet.settlement import Schedule

VECTORS = Path(__file__).parents[2] / "vectors"
WALLET, OTHER, STATION, SERVER = (bytes([n]) * 20 for n in (1, 2, 3, 4))
CHAIN_ID, SETTLEMENT = 31337, bytes([5]) * 20
SCHEDULE = Schedule(3_600, 300, 900, 900, 7_200, 3_600)
MANY, FEW = 50_000, 500
CLAIM_BLOCK, CONFIRMATIONS = 7, 12
NOW_S = 1_800_000_000
FIRST = NOW_S // 3_600 - MANY
# Both are some milliseconds; a summary that looked at every hour was slower by more than eighty.
MOST_TIMES = 8.0


RECEIPTS_6 = (
    "CREATE TABLE receipts (server BLOB NOT NULL, epoch INTEGER NOT NULL, payee BLOB NOT NULL, chain_id INTEGER NOT "
    "NULL, "
    "settlement BLOB NOT NULL, amount TEXT NOT NULL, signed TEXT NOT NULL, detail TEXT NOT NULL, content BLOB NOT "
    "NULL, "
    "station TEXT NOT NULL, claimed TEXT, PRIMARY KEY (server, epoch, payee)) WITHOUT ROWID"
)
"""Of the version before."""


def payee(number: int) -> bytes:
    """The payee of an hour."""
    return number.to_bytes(20, "big")


class Chain:
    """Settlement and token, as far as a summary asks: claims by payee, and how much was asked."""

    def __init__(self) -> None:
        self.claims: dict[bytes, tuple[int, bytes]] = {}
        self.asked: list[int] = []
        self.epochs = 0
        self.settled = True
        self.height = CLAIM_BLOCK + CONFIRMATIONS - 1

    async def block(self) -> Any:
        """The newest one."""
        return SimpleNamespace(number=self.height)

    async def claims_by(self, payees: list[bytes]) -> list[Log]:
        """Logs of these payees."""
        self.asked.append(len(payees))
        found = [(one, *self.claims[one]) for one in payees if one in self.claims]
        fields = (
            {"server": SERVER, "epoch": epoch, "payee": one, "to": to, "amount": 1, "tip": 0}
            for one, epoch, to in found
        )
        return [
            Log(name="Claimed", address=SETTLEMENT, fields=some, block=CLAIM_BLOCK, transaction=bytes(32))
            for some in fields
        ]

    async def epoch(self, server: bytes, epoch: int) -> Any:
        """Final, if it has ended."""
        self.epochs += 1
        return SimpleNamespace(commit=b"\1", final=self.settled, ready=NOW_S)

    async def sent(self, owners: list[bytes], from_block: int) -> list[Log]:
        """Nothing has left."""
        return []

    async def balance_of(self, account: bytes) -> int:
        """Of any account."""
        return 5


class Network:
    """A network that answers at once."""

    def __init__(self, chain: Chain) -> None:
        self.settlement = self.token = chain
        self.chain = chain
        self.deployment = SimpleNamespace(
            chain_id=CHAIN_ID, settlement=SETTLEMENT, schedule=SCHEDULE, confirmations=CONFIRMATIONS
        )

    async def ready(self) -> None:
        """Always."""

    def now_ms(self) -> int:
        """The chain's clock."""
        return NOW_S * 1000

    async def close(self) -> None:
        """Nothing to hang up."""


def fill(ledger: Ledger, hours: int, claimed: int = 0) -> None:
    """Hours of listening, one payee each; the oldest ``claimed`` are collected, the newest is not final."""
    numbers = range(FIRST + MANY - hours, FIRST + MANY)
    rows: dict[str, list[tuple[object, ...]]] = {"payees": [], "receipts": [], "sessions": [], "tickets": []}
    for count, n in enumerate(numbers):
        done = "0x" + n.to_bytes(32, "big").hex() if count < claimed else None
        identity, begun = n.to_bytes(32, "big"), n * 3_600
        where = (CHAIN_ID, SETTLEMENT)
        amount, final = str(10**15 + n % 7), int(count < hours - 1)
        rows["payees"].append((WALLET, payee(n), *where, STATION, n, "Radio"))
        rows["receipts"].append(
            (
                SERVER,
                n,
                payee(n),
                *where,
                amount,
                "{}",
                "{}",
                bytes(20),
                "radio.example",
                done,
                final,
                0,
                int(done is not None),
            )
        )
        rows["sessions"].append((identity, *where, STATION, bytes(20), payee(n), begun + 604_800, "", 0, 0))
        place = (SERVER, "http://127.0.0.1:1", "radio.example", "5", 30)
        times = (begun, begun, "ended", 3_600_000, 0, begun * 1000)
        rows["tickets"].append(((n + 1).to_bytes(32, "big"), identity, bytes(20), bytes(20), *place, *times))
    with ledger.write():
        for table, some in rows.items():
            ledger._db.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(some[0]))})", some)
        ledger.changed_earnings()


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    """Makes hosts with so many hours in their ledgers; servers are not asked."""
    made: list[Services] = []

    async def nobody(*_: object) -> None:
        """No receipts come."""

    monkeypatch.setattr(WalletEarnings, "fetch_receipts", nobody)

    def make(name: str, hours: int, claimed: int = 0) -> tuple[Services, Chain]:
        host = open_services(Paths(tmp_path / name / "data", tmp_path / name / "config"), lambda event: None, {})
        chain = Chain()
        host.networks.add(Network(chain))  # type: ignore[arg-type]
        fill(host.ledger, hours, claimed)
        made.append(host)
        return host, chain

    yield make
    for host in made:
        await host.close()


async def told(host: Services, wallet: bytes = WALLET) -> dict[str, Any]:
    """A summary."""
    request = {"op": "summary", "account": to_hex(WALLET), "wallet": to_hex(wallet), "since_s": NOW_S - 86_400}
    return await summary.run(host, requests.parse(request))


async def quickest(host: Services, times: int = 7) -> float:
    """Seconds of the quickest of some summaries."""
    best = 1e9
    for _ in range(times):
        begun = time.perf_counter()
        await told(host)
        best = min(best, time.perf_counter() - begun)
    return best


@pytest.mark.long
@pytest.mark.parametrize("claimed", [0, MANY - 200])
async def test_fifty_thousand_hours_are_as_quick_as_five_hundred(world: Any, claimed: int) -> None:
    """Uncollected or nearly all collected.

    The same answer in a few times the time, within one message, with few questions.
    """
    few, _ = world("few", FEW, max(0, FEW - 200) if claimed else 0)
    many, chain = world("many", MANY, claimed)
    await told(few)
    answer = await told(many)
    sums = [10**15 + n % 7 for n in range(FIRST, FIRST + MANY)]
    totals = {name: int(answer["totals"][f"{name}_wei"]) for name in ("pending", "claimable", "claimed", "at_payee")}
    assert totals == {"pending": 0, "claimable": sum(sums[claimed:]), "claimed": sum(sums[:claimed]), "at_payee": 0}
    assert len(answer["receipts"]) == summary.SHOWN
    assert len(msgspec.json.encode(answer)) < 1 << 17
    chain.asked.clear()
    chain.epochs = 0
    assert await quickest(many) < MOST_TIMES * await quickest(few) + 0.002
    assert len(chain.asked) <= 7 * claim_search.MAX_QUESTIONS
    assert max(chain.asked) <= claim_search.MAX_PAYEES
    assert chain.epochs == 0


@pytest.mark.long
async def test_fifty_thousand_hours_that_nobody_posts_are_as_quick_as_five_hundred(world: Any) -> None:
    """A server that is gone never settles them.

    Each epoch is asked about, so many at a time, and once it is final it is so.
    """
    few, first = world("few", FEW)
    many, chain = world("many", MANY)
    for host, its in ((few, first), (many, chain)):
        its.settled = False
        with host.ledger.write():
            host.ledger._db.execute("UPDATE receipts SET final = 0")
            host.ledger.changed_earnings()
        await told(host)
    chain.epochs = 0
    assert await quickest(many) < MOST_TIMES * await quickest(few) + 0.002
    assert chain.epochs <= 7 * epoch_standing.MAX_EPOCHS
    first.settled = True
    for _ in range(FEW // epoch_standing.MAX_EPOCHS + 2):
        answer = await told(few)
    assert (answer["totals"]["pending_wei"], int(answer["totals"]["claimable_wei"]) > 0) == ("0", True)


async def test_every_receipt_comes_once_in_pages(world: Any) -> None:
    """Newest epoch first, of the state that was asked for, none twice, none of another wallet."""
    host, _ = world("pages", 1_000, 400)
    await told(host)
    for state, count in ((None, 1_000), ("claimable", 600), ("claimed", 400), ("open", 600)):
        found: list[dict[str, Any]] = []
        after = None
        while True:
            request = {"op": "earnings", "wallet": to_hex(WALLET), "state": state, "after": after, "limit": 256}
            answer = await page.run(host, requests.parse(request))
            assert len(msgspec.json.encode(answer)) < 1 << 18
            found += answer["receipts"]
            after = answer["next"]
            if after is None:
                break
        epochs = [one["epoch"] for one in found]
        assert (len(set(epochs)), len(epochs)) == (count, count)
        assert epochs == sorted(epochs, reverse=True)
    assert (await told(host, OTHER))["receipts"] == []
    assert (await page.run(host, requests.parse({"op": "earnings", "wallet": to_hex(OTHER)})))["receipts"] == []


async def test_a_claim_of_another_computer_is_found_wherever_it_stands(world: Any) -> None:
    """Looked for in parts, round and round: what was paid home is collected, what lies at a payee is not."""
    host, chain = world("round", 3_000)
    home, lies = payee(FIRST + MANY - 2_900), payee(FIRST + MANY - 20)
    chain.claims = {home: (FIRST + MANY - 2_900, WALLET), lies: (FIRST + MANY - 20, lies)}
    answers = [await told(host) for _ in range(4)]
    last = answers[-1]["totals"]
    assert int(last["claimed_wei"]) == 10**15 + (FIRST + MANY - 2_900) % 7
    assert int(last["at_payee_wei"]) == 10**15 + (FIRST + MANY - 20) % 7
    (found,) = (one for one in answers[-1]["receipts"] if one["at_payee"])
    assert (found["payee"], found["state"], found["transaction"]) == (to_hex(lies), "claimable", None)


async def test_a_claim_that_a_reorganisation_takes_back_is_collected_again(world: Any) -> None:
    """Until it is as deep as the network asks it is looked for; from then on nobody is asked about it."""
    host, chain = world("reorganised", 3)
    newest = FIRST + MANY - 2
    one = payee(newest)
    amount = 10**15 + newest % 7

    async def claimed() -> tuple[int, list[int]]:
        chain.asked.clear()
        answer = await told(host)
        return int(answer["totals"]["claimed_wei"]), chain.asked

    chain.claims, chain.height = {one: (newest, WALLET)}, CLAIM_BLOCK
    assert (await claimed())[0] == amount
    chain.claims = {}
    assert (await claimed())[0] == 0
    chain.claims = {one: (newest, WALLET)}
    assert (await claimed())[0] == amount
    chain.height = CLAIM_BLOCK + CONFIRMATIONS - 1
    assert await claimed() == (amount, [3])
    assert await claimed() == (amount, [2])


def test_a_receipt_takes_the_place_of_what_the_published_data_say(tmp_path: Path) -> None:
    """Of the same amount the signed one stays, with all that is known of it; the greater amount counts."""

    def row(amount: int, signed: str = "null", content: bytes = b"") -> ReceiptRow:
        return ReceiptRow(SERVER, 7, payee(9), CHAIN_ID, SETTLEMENT, amount, signed, "null", content, "radio.example")

    with Ledger(tmp_path / "ledger.sqlite") as ledger, ledger.write():
        ledger.add_payees([PayeeRow(WALLET, payee(9), CHAIN_ID, SETTLEMENT, STATION, 9)])
        ledger.add_leaf(row(5))
        ledger.set_final(SERVER, 7, CHAIN_ID)
        assert ledger.add_receipt(row(5, "{}", bytes(20)))
        assert not ledger.add_receipt(row(4, "{}", bytes(20)))
        ledger.add_leaf(row(8))
        ledger.add_leaf(row(6))
        ((found, of),) = ledger.earnings(WALLET, NEWEST, 9)
        assert (found.amount_wei, found.signed_json, found.final, of.session_number) == (8, "{}", 1, 9)


def test_a_ledger_of_the_version_before_has_its_claims_looked_for_again(tmp_path: Path) -> None:
    """Claims of other installations have no transaction in it."""
    path = tmp_path / "ledger.sqlite"
    with sqlite3.connect(path) as db:
        db.executescript((VECTORS / "ledger" / "7.sql").read_text())
        for table in ("receipts", "payees", "scans", "scan_posts", "candidates"):
            db.execute(f"DROP TABLE {table}")
        db.execute(RECEIPTS_6)
        db.execute("CREATE INDEX receipts_payee ON receipts (payee)")
        row = (SERVER, 7, payee(9), CHAIN_ID, SETTLEMENT, "5", "{}", "{}", bytes(20), "radio.example")
        for epoch, claimed in ((7, "elsewhere"), (8, "0xabc"), (9, None)):
            db.execute(f"INSERT INTO receipts VALUES ({', '.join('?' * 11)})", (SERVER, epoch, *row[2:], claimed))
        db.execute("PRAGMA user_version=6")
    with Ledger(path) as again:
        found = [row for epoch in (7, 8, 9) if (row := again.receipt(SERVER, epoch, payee(9))) is not None]
        assert [
            (row.claim_transaction, row.final, row.at_payee, row.claim_confirmed, row.amount_wei) for row in found
        ] == [
            (None, 0, 0, 0, 5),
            ("0xabc", 0, 0, 1, 5),
            (None, 0, 0, 0, 5),
        ]
        assert again.payees_of(WALLET, CHAIN_ID) == set()


def test_a_ledger_of_version_7_keeps_its_rewards_payees_and_search(tmp_path: Path) -> None:
    """The tables of that version, with rows in them, become those of this one: nothing is lost or found twice."""
    path, fresh = tmp_path / "ledger.sqlite", tmp_path / "fresh.sqlite"
    with sqlite3.connect(path) as db:
        db.executescript((VECTORS / "ledger" / "7.sql").read_text())
        for epoch, claimed, final, lies in ((7, None, 1, 0), (8, "0xabc", 1, 0), (9, None, 0, 0), (10, None, 1, 1)):
            row = (
                SERVER,
                epoch,
                payee(9),
                CHAIN_ID,
                SETTLEMENT,
                "5",
                "{}",
                "{}",
                bytes(20),
                "radio.example",
                claimed,
                final,
                lies,
            )
            db.execute(f"INSERT INTO receipts VALUES ({', '.join('?' * 13)})", row)
        db.execute(
            "INSERT INTO payees VALUES (?, ?, ?, ?, ?, ?, ?)",
            (WALLET, payee(9), CHAIN_ID, SETTLEMENT, STATION, 9, "Radio"),
        )
        db.execute(
            "INSERT INTO scan_posts VALUES (?, ?, ?, ?, ?, ?, ?)",
            (WALLET, CHAIN_ID, SETTLEMENT, 7, SERVER, bytes(32), None),
        )
    with Ledger(path) as again, Ledger(fresh) as made:
        found = [
            row for epoch in (7, 8, 9, 10) if (row := again.receipt(SERVER, epoch, payee(9), CHAIN_ID)) is not None
        ]
        assert [
            (row.amount_wei, row.claim_transaction, row.final, row.at_payee, row.claim_confirmed) for row in found
        ] == [
            (5, None, 1, 0, 0),
            (5, "0xabc", 1, 0, 1),
            (5, None, 0, 0, 0),
            (5, None, 1, 1, 0),
        ]
        assert again.payees_of(WALLET, CHAIN_ID) == {payee(9)}
        assert again._rows("SELECT epoch, retry_round FROM scan_posts") == [(7, 0)]
        tables = (
            "SELECT m.name, i.name, i.pk FROM sqlite_master m JOIN pragma_table_info(m.name) i WHERE m.type = "
            "'table' ORDER BY 1, 3, 2"
        )
        indexes = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY 1"
        assert again._rows(tables) == made._rows(tables)
        assert again._rows(indexes) == made._rows(indexes)


def test_a_network_says_nothing_of_the_rewards_of_another(tmp_path: Path) -> None:
    """The words make the same payees on all.

    A false network that names the same server, epoch and payee changes no true amount.
    """
    false = 666

    def row(chain_id: int, amount: int) -> ReceiptRow:
        return ReceiptRow(SERVER, 7, payee(9), chain_id, SETTLEMENT, amount, "null", "null", b"", "radio.example")

    with Ledger(tmp_path / "ledger.sqlite") as ledger, ledger.write():
        for chain_id, amount in ((false, 10**20), (CHAIN_ID, 5)):
            ledger.add_payees([PayeeRow(WALLET, payee(9), chain_id, SETTLEMENT, STATION, 9)])
            ledger.add_leaf(row(chain_id, amount))
        ledger.set_final(SERVER, 7, false)
        ledger.set_claimed(row(false, 0), "0xabc")
        true = ledger.receipt(SERVER, 7, payee(9), CHAIN_ID)
        assert true is not None
        assert (true.amount_wei, true.final, true.claim_transaction) == (5, 0, None)
        assert [one.payee for one in ledger.payees_after(WALLET, CHAIN_ID, b"", 9)] == [payee(9)]
        assert ledger.unsettled(WALLET, (1 << 62, SERVER, 0), 9) == [(SERVER, 7, CHAIN_ID)]
        # Page by page each comes once.
        first = ledger.earnings(WALLET, NEWEST, 1)
        after = (first[0][0].epoch, first[0][0].server, first[0][0].payee, first[0][0].chain_id)
        rest = ledger.earnings(WALLET, after, 9)
        assert sorted(found.chain_id for found, _ in first + rest) == [false, CHAIN_ID]
