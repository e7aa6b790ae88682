"""Earnings of a wallet: summaries of bounded time and size, pages, and claims of other computers."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from chain.node_answers import Log
from native_host.context import Services, open_services
from native_host.ledger import Ledger
from native_host.messaging import requests
from native_host.operations import earnings as page
from native_host.operations import summary
from native_host.paths import Paths
from native_host.payments import claim_search, epoch_standing
from native_host.payments.earnings import WalletEarnings
from pywallet.encoding.hex import to_hex
from pywallet.settlement import Schedule
from tests.host_messages import as_json

WALLET, OTHER, STATION, SERVER = (bytes([n]) * 20 for n in (1, 2, 3, 4))
CHAIN_ID, SETTLEMENT = 31337, bytes([5]) * 20
SCHEDULE = Schedule(3_600, 300, 900, 900, 7_200, 3_600)
MANY, FEW = 50_000, 500
CLAIM_BLOCK, CONFIRMATIONS = 7, 12
NOW_S = 1_800_000_000
FIRST = NOW_S // 3_600 - MANY
# Both are some milliseconds; a summary that looked at every hour was slower by more than eighty.
MOST_TIMES = 8.0


def payee(number: int) -> bytes:
    """The payee of an hour."""
    return number.to_bytes(20, "big")


class Chain:
    """Settlement and token for summaries; counts the reads."""

    def __init__(self) -> None:
        self.claims: dict[bytes, tuple[int, bytes]] = {}
        self.asked: list[int] = []
        self.epochs = 0
        self.settled = True
        self.height = CLAIM_BLOCK + CONFIRMATIONS - 1

    async def block(self) -> Any:
        """The newest block."""
        return SimpleNamespace(number=self.height)

    async def claims_by(self, payees: list[bytes]) -> list[Log]:
        """Claims of these payees."""
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
        """An epoch, final if ``settled``."""
        self.epochs += 1
        return SimpleNamespace(commit=b"\1", final=self.settled, ready=NOW_S)

    async def sent(self, owners: list[bytes], from_block: int) -> list[Log]:
        """No transfers."""
        return []

    async def balance_of(self, account: bytes) -> int:
        """Balance of any account."""
        return 5


class Network:
    """A network with this chain."""

    def __init__(self, chain: Chain) -> None:
        self.settlement = self.token = chain
        self.chain = chain
        self.deployment = SimpleNamespace(
            chain_id=CHAIN_ID, settlement=SETTLEMENT, schedule=SCHEDULE, confirmations=CONFIRMATIONS
        )

    async def ready(self) -> None:
        """The chain is always connected."""

    def now_ms(self) -> int:
        """The chain's clock."""
        return NOW_S * 1000

    async def close(self) -> None:
        """Nothing to close."""


def fill(ledger: Ledger, hours: int, claimed: int = 0) -> None:
    """Hours of listening, one payee each; the oldest ``claimed`` are claimed, the newest is not final."""
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
    """Makes hosts with so many hours in their ledgers; servers are not read."""
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


async def read_summary(host: Services, wallet: bytes = WALLET) -> dict[str, Any]:
    """The result of ``summary``."""
    request = {"op": "summary", "account": to_hex(WALLET), "wallet": to_hex(wallet), "since_s": NOW_S - 86_400}
    return dict(as_json(await summary.run(host, requests.parse(request))))


async def fastest(host: Services, times: int = 7) -> float:
    """Seconds of the fastest of some summaries."""
    best = 1e9
    for _ in range(times):
        begun = time.perf_counter()
        await read_summary(host)
        best = min(best, time.perf_counter() - begun)
    return best


@pytest.mark.long
@pytest.mark.parametrize("claimed", [0, MANY - 200])
async def test_summary_time_is_bounded(world: Any, claimed: int) -> None:
    """Of 50,000 hours within a few times that of 500, open or nearly all claimed.

    The result has a bounded size, and the chain is read in bounded rounds.
    """
    few, _ = world("few", FEW, max(0, FEW - 200) if claimed else 0)
    many, chain = world("many", MANY, claimed)
    await read_summary(few)
    answer = await read_summary(many)
    sums = [10**15 + n % 7 for n in range(FIRST, FIRST + MANY)]
    totals = {name: int(answer["totals"][f"{name}_wei"]) for name in ("pending", "claimable", "claimed", "at_payee")}
    assert totals == {"pending": 0, "claimable": sum(sums[claimed:]), "claimed": sum(sums[:claimed]), "at_payee": 0}
    assert len(answer["receipts"]) == summary.SHOWN
    assert len(msgspec.json.encode(answer)) < 1 << 17
    chain.asked.clear()
    chain.epochs = 0
    assert await fastest(many) < MOST_TIMES * await fastest(few) + 0.002
    assert len(chain.asked) <= 7 * claim_search.MAX_SEARCHES
    assert max(chain.asked) <= claim_search.MAX_PAYEES
    assert chain.epochs == 0


@pytest.mark.long
async def test_summary_time_is_bounded_without_posts(world: Any) -> None:
    """An absent server never posts them.

    Epochs are read in rounds, and not again once they are final.
    """
    few, first = world("few", FEW)
    many, chain = world("many", MANY)
    for host, its in ((few, first), (many, chain)):
        its.settled = False
        with host.ledger.write():
            host.ledger._db.execute("UPDATE receipts SET final = 0")
            host.ledger.changed_earnings()
        await read_summary(host)
    chain.epochs = 0
    assert await fastest(many) < MOST_TIMES * await fastest(few) + 0.002
    assert chain.epochs <= 7 * epoch_standing.MAX_EPOCHS
    first.settled = True
    for _ in range(FEW // epoch_standing.MAX_EPOCHS + 2):
        answer = await read_summary(few)
    assert (answer["totals"]["pending_wei"], int(answer["totals"]["claimable_wei"]) > 0) == ("0", True)


async def test_pages_have_every_receipt_once(world: Any) -> None:
    """Newest epoch first, of the requested state, and none of another wallet."""
    host, _ = world("pages", 1_000, 400)
    await read_summary(host)
    for state, count in ((None, 1_000), ("claimable", 600), ("claimed", 400), ("open", 600)):
        found: list[dict[str, Any]] = []
        after = None
        while True:
            request = {"op": "earnings", "wallet": to_hex(WALLET), "state": state, "after": after, "limit": 256}
            answer = as_json(await page.run(host, requests.parse(request)))
            assert len(msgspec.json.encode(answer)) < 1 << 18
            found += answer["receipts"]
            after = answer["next"]
            if after is None:
                break
        epochs = [one["epoch"] for one in found]
        assert (len(set(epochs)), len(epochs)) == (count, count)
        assert epochs == sorted(epochs, reverse=True)
    assert (await read_summary(host, OTHER))["receipts"] == []
    assert (await page.run(host, requests.parse({"op": "earnings", "wallet": to_hex(OTHER)}))).receipts == []


async def test_claims_of_other_computers_are_found_in_rounds(world: Any) -> None:
    """A claim to the wallet is claimed; one to a payee is claimable, at the payee."""
    host, chain = world("round", 3_000)
    home, lies = payee(FIRST + MANY - 2_900), payee(FIRST + MANY - 20)
    chain.claims = {home: (FIRST + MANY - 2_900, WALLET), lies: (FIRST + MANY - 20, lies)}
    answers = [await read_summary(host) for _ in range(4)]
    last = answers[-1]["totals"]
    assert int(last["claimed_wei"]) == 10**15 + (FIRST + MANY - 2_900) % 7
    assert int(last["at_payee_wei"]) == 10**15 + (FIRST + MANY - 20) % 7
    (found,) = (one for one in answers[-1]["receipts"] if one["at_payee"])
    assert (found["payee"], found["state"], found["transaction"]) == (to_hex(lies), "claimable", None)


async def test_a_claim_is_read_again_until_it_is_confirmed(world: Any) -> None:
    """A reorganisation may revert it; with the network's confirmations it is not read again."""
    host, chain = world("reorganised", 3)
    newest = FIRST + MANY - 2
    one = payee(newest)
    amount = 10**15 + newest % 7

    async def claimed() -> tuple[int, list[int]]:
        chain.asked.clear()
        answer = await read_summary(host)
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
