"""The search for earlier rewards.

Bounded steps, servers that are away, stops in the middle, and data that are not what the chain names.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chain.contracts.registry import StationEntry
from chain.node_answers import Log, failure
from native_host.context import Services, open_services
from native_host.install.paths import Paths
from native_host.ledger.payee_store import NEWEST
from native_host.messaging import requests
from native_host.operations import scan
from native_host.payments import claim_search, recovery_download, recovery_scan
from native_host.payments.published_data import MAX_STATIONS, Published, Reader
from pywallet.encoding.hex import from_b64, to_b64, to_hex
from pywallet.errors import GomaaError, InputError, Unavailable
from pywallet.rewards import recovery
from pywallet.settlement import EpochData, PayeeRow, Schedule, StationRow
from pywallet.settlement.published_data import HEAD

WALLET, STATION, SERVER, AWAY = (bytes([n]) * 20 for n in (1, 3, 4, 5))
CHAIN_ID, SETTLEMENT = 31337, bytes([6]) * 20
SCHEDULE = Schedule(3_600, 300, 900, 900, 7_200, 3_600)
EPOCH = 500_000
BEGIN_S = EPOCH * 3_600 - 86_400


def payee(station: bytes, number: int) -> bytes:
    """Stands for the wallet's derivation."""
    return station[:4] + number.to_bytes(16, "big")


def data(server: bytes, epoch: int, *rows: tuple[bytes, int], stations: tuple[bytes, ...] = (STATION,)) -> EpochData:
    """Published data with these leaves, and strangers' before and after them."""
    leaves = sorted([*rows, (bytes(20), 1), (b"\xff" * 20, 1)])
    payees = tuple(PayeeRow(*row) for row in leaves)
    return EpochData(
        server, epoch, bytes(32), 0, bytes(32), 0, stations=tuple(map(StationRow, stations)), payees=payees
    )


class Chain:
    """Posts by block, one registered server that answers and one that does not."""

    def __init__(self) -> None:
        self.posts: list[tuple[int, EpochData]] = []
        self.most_blocks = 1 << 30
        self.asked: list[tuple[int, int]] = []
        self.gone: set[bytes] = {AWAY}
        self.lost: set[bytes] = set()
        self.listed: set[bytes] = {STATION}
        self.looked_up = 0
        self.final: set[int] = set()
        self.claimed: dict[bytes, int] = {}
        self.asked_for: list[int] = []
        self.mute = False
        self.fetched: list[tuple[bytes, int]] = []
        self.height = 10_000

    async def block(self, number: int | None = None) -> Any:
        """Height and time."""
        return SimpleNamespace(number=self.height, timestamp=BEGIN_S)

    async def posted_between(self, first: int, last: int) -> list[Log]:
        """As a node does that answers for so many blocks at a time."""
        if last - first >= self.most_blocks:
            raise failure("eth_getLogs", {"code": -32005, "message": "query exceeds max block range"})
        self.asked.append((first, last))
        found = [(block, one) for block, one in self.posts if first <= block <= last]
        return [
            Log("Posted", SETTLEMENT, {"server": d.server, "epoch": d.epoch, "data": d.hash}, block, bytes(32))
            for block, d in found
        ]

    async def epoch(self, server: bytes, epoch: int) -> Any:
        """Posted, and final where it is said to be."""
        if self.mute:
            raise Unavailable("chain.unreachable")
        return SimpleNamespace(commit=b"\1", final=epoch in self.final, ready=0)

    async def claims_by(self, payees: list[bytes]) -> list[Log]:
        """Of these payees, to the wallet's account."""
        self.asked_for.append(len(payees))
        found = [(one, self.claimed[one]) for one in payees if one in self.claimed]
        fields = (
            {"server": SERVER, "epoch": epoch, "payee": one, "to": WALLET, "amount": 1, "tip": 0}
            for one, epoch in found
        )
        return [Log("Claimed", SETTLEMENT, some, 7, bytes(32)) for some in fields]

    async def server(self, address: bytes) -> Any:
        """Both are registered."""
        return SimpleNamespace(url=f"https://{address.hex()}.example")

    async def station(self, address: bytes) -> StationEntry | None:
        """One that is not active any more."""
        self.looked_up += 1
        return StationEntry("radio.example", "Radio", False) if address in self.listed else None


class Network:
    """A network whose chain is given."""

    def __init__(self, chain: Chain) -> None:
        self.chain = self.settlement = self.registry = chain
        node = "wss://node.example"
        self.deployment = SimpleNamespace(
            chain_id=CHAIN_ID, rpc=node, settlement=SETTLEMENT, schedule=SCHEDULE, block=1, confirmations=3
        )

    async def ready(self) -> None:
        """Always."""

    async def close(self) -> None:
        """Nothing to hang up."""


class Computer:
    """Hosts on one ledger, one after the other."""

    def __init__(self, folder: Path, chain: Chain) -> None:
        self.folder, self.chain = folder, chain
        self.host: Services | None = None

    async def start(self) -> None:
        """A host; the one before is gone."""
        await self.stop()
        self.host = open_services(Paths(self.folder / "data", self.folder / "config"), lambda event: None, {})
        self.host.networks.add(Network(self.chain))  # type: ignore[arg-type]

    async def stop(self) -> None:
        """As a browser that quits."""
        if self.host is not None:
            await self.host.close()
        self.host = None

    async def step(self, candidates: list[dict[str, Any]]) -> dict[str, Any]:
        """One step."""
        assert self.host is not None
        request = {"op": "scan", "wallet": to_hex(WALLET), "chain_id": CHAIN_ID, "candidates": candidates}
        return await scan.run(self.host, requests.parse(request))

    async def search(self, steps: int = 1_000) -> dict[str, Any]:
        """Until it is through, or so many steps."""
        candidates: list[dict[str, Any]] = []
        told: dict[str, Any] = {}
        for _ in range(steps):
            told = await self.step(candidates)
            assert len(told["wants"]) <= recovery_scan.MAX_WANTED
            candidates = [derived(want) for want in told["wants"]]
            if not told["more"] and not candidates:
                break
        return told

    def amounts(self) -> dict[tuple[bytes, int], int]:
        """What is known, by server and epoch."""
        assert self.host is not None
        return {(row.server, row.epoch): row.amount_wei for row, _ in self.host.ledger.earnings(WALLET, NEWEST, 10_000)}


def derived(want: dict[str, Any]) -> dict[str, Any]:
    """As the core answers."""
    station = bytes.fromhex(want["station"][2:])
    hours = range(want["day"] * 24, want["day"] * 24 + 24)
    return {**want, "payees": to_b64(b"".join(payee(station, hour) for hour in hours))}


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Chain, Computer]]:
    """A chain, a computer, and servers behind a stand-in for HTTP that checks as the real one."""
    chain = Chain()
    computer = Computer(tmp_path, chain)

    async def fetch(session: object, url: str, server: bytes, epoch: int, named: bytes) -> Published:
        chain.fetched.append((server, epoch))
        if server in chain.gone:
            raise Unavailable("server.unreachable")
        if server in chain.lost:
            raise Unavailable("server.epoch.damaged")
        (one,) = (d for _, d in chain.posts if (d.server, d.epoch) == (server, epoch))
        reader = Reader()
        reader.feed(one.encode())
        return reader.end(server, epoch, named)

    monkeypatch.setattr(recovery_download, "fetch", fetch)
    await computer.start()
    yield chain, computer
    await computer.stop()


async def test_everything_is_found_by_a_search_that_is_stopped_at_every_step(world: tuple[Chain, Computer]) -> None:
    """A host that ends after each answer loses nothing, derives no day twice that it was given, and finds the same."""
    chain, computer = world
    for n in range(80):
        number = EPOCH + n - n % 7 * 24
        chain.posts.append((100 + 50 * n, data(SERVER, EPOCH + n, (payee(STATION, number), 10 + n))))
    given: list[tuple[str, int]] = []
    candidates: list[dict[str, Any]] = []
    for _ in range(200):
        told = await computer.step(candidates)
        candidates = [derived(want) for want in told["wants"]]
        given += [(one["station"], one["day"]) for one in candidates]
        if not told["more"] and not candidates:
            break
        if candidates:
            await computer.step(candidates)
            candidates = []
        await computer.start()
    assert computer.amounts() == {(SERVER, EPOCH + n): 10 + n for n in range(80)}
    assert len(given) == len(set(given))
    assert (told["listed"], told["left"]) == (80, 0)


@pytest.mark.parametrize("mute", [False, True])
async def test_what_is_found_stands_at_once_as_the_chain_has_it(world: tuple[Chain, Computer], mute: bool) -> None:
    """Final, collected or still to come, however much it is: not only after as many summaries as it has epochs."""
    chain, computer = world
    many = 300
    for n in range(many):
        chain.posts.append((100 + n, data(SERVER, EPOCH + n, (payee(STATION, EPOCH + n), 10))))
    chain.final = set(range(EPOCH, EPOCH + many - 20))
    chain.claimed = {payee(STATION, EPOCH + n): EPOCH + n for n in range(100)}
    chain.mute = mute
    await computer.search()
    assert computer.host is not None
    totals = computer.host.ledger.totals(WALLET)
    assert totals.pending + totals.claimable + totals.claimed == many * 10
    # A node that answers later is asked by the summaries.
    assert (totals.claimed, totals.claimable) == (1_000, 0 if mute else (many - 120) * 10)
    assert max(chain.asked_for) <= claim_search.MAX_PAYEES


async def test_a_server_that_is_away_keeps_no_other_waiting_and_is_looked_for_again(
    world: tuple[Chain, Computer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked once in a while, for one epoch; what is left is said; once it is back its epochs are found."""
    chain, computer = world
    for n in range(6):
        chain.posts.append((100 + n, data(AWAY, EPOCH + n, (payee(STATION, EPOCH + n), 7))))
        chain.posts.append((200 + n, data(SERVER, EPOCH + n, (payee(STATION, EPOCH + n), 9))))
    told = await computer.search()
    assert computer.amounts() == {(SERVER, EPOCH + n): 9 for n in range(6)}
    (away,) = told["away"]
    assert (away["server"], away["epochs"], away["code"], told["left"]) == (to_hex(AWAY), 6, "server.unreachable", 6)
    assert sum(server == AWAY for server, _ in chain.fetched) <= recovery_download.MAX_DOWNLOADS
    before = len(chain.fetched)
    await computer.search()
    assert len(chain.fetched) == before
    chain.gone.clear()
    monkeypatch.setattr(recovery_download.time, "monotonic", lambda: 1e9)
    told = await computer.search()
    assert (told["left"], told["away"]) == (0, [])
    assert computer.amounts() == {
        (server, EPOCH + n): wei for n in range(6) for server, wei in ((SERVER, 9), (AWAY, 7))
    }


async def test_a_server_that_is_registered_inside_is_asked_for_nothing(
    world: tuple[Chain, Computer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry that names this computer or its network is a server that is away, and keeps no other waiting."""
    chain, computer = world
    chain.gone.clear()
    chain.posts.append((100, data(SERVER, EPOCH, (payee(STATION, EPOCH), 9))))
    chain.posts.append((150, data(AWAY, EPOCH, (payee(STATION, EPOCH), 7))))

    async def server(address: bytes) -> Any:
        return SimpleNamespace(url="http://192.168.1.1" if address == AWAY else f"https://{address.hex()}.example")

    monkeypatch.setattr(chain, "server", server)
    told = await computer.search()
    assert computer.amounts() == {(SERVER, EPOCH): 9}
    assert [(one["server"], one["code"]) for one in told["away"]] == [(to_hex(AWAY), "server.unreachable")]
    assert {address for address, _ in chain.fetched} == {SERVER}


async def test_afterwards_only_new_epochs_are_looked_at(world: tuple[Chain, Computer]) -> None:
    """Neither a block nor an epoch is asked about twice; a payee that is known is found however late it is paid."""
    chain, computer = world
    known = payee(STATION, EPOCH)
    chain.posts.append((100, data(SERVER, EPOCH, (known, 5))))
    await computer.search()
    late = EPOCH + recovery.MAX_VOUCHER_DELAY_S // 3_600 * 5
    chain.posts += [(chain.height + 5, data(SERVER, late, (known, 6))), (chain.height + 7, data(SERVER, late + 1))]
    await computer.search()
    chain.height += 20
    told = await computer.search()
    assert computer.amounts() == {(SERVER, EPOCH): 5, (SERVER, late): 6}
    assert (told["listed"], told["left"]) == (3, 0)
    blocks = [block for first, last in chain.asked for block in range(first, last + 1)]
    assert len(blocks) == len(set(blocks)) == chain.height - 2
    assert len(chain.fetched) == len(set(chain.fetched)) == 3


async def test_a_server_without_its_data_keeps_no_other_waiting(
    world: tuple[Chain, Computer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answers each time that it does not have them.

    Those of another one that was away are looked at all the same.
    """
    chain, computer = world
    for n in range(3 * recovery_download.BATCH):
        chain.posts.append((100 + n, data(SERVER, EPOCH - 500 + n)))
    chain.lost.add(SERVER)
    chain.posts.append((900, data(AWAY, EPOCH, (payee(STATION, EPOCH), 7))))
    told = await computer.search()
    assert (told["left"], computer.amounts()) == (len(chain.posts), {})
    chain.gone.clear()
    # The same after the browser was closed: the order is in the ledger.
    await computer.start()
    monkeypatch.setattr(recovery_download.time, "monotonic", lambda: 1e9)
    await computer.search()
    assert computer.amounts() == {(AWAY, EPOCH): 7}


async def test_stations_that_nobody_listed_cost_the_wallet_nothing(world: tuple[Chain, Computer]) -> None:
    """A server says what it likes about stations.

    Only registered ones are derived, and the questions of a step are few.
    """
    chain, computer = world
    invented = tuple(sorted(n.to_bytes(20, "big") for n in range(1, 1_500)))
    chain.posts.append((100, data(AWAY, EPOCH, (payee(STATION, EPOCH), 7), stations=(*invented, STATION))))
    chain.gone.clear()
    wanted: set[str] = set()
    candidates: list[dict[str, Any]] = []
    for _ in range(100):
        before = chain.looked_up
        told = await computer.step(candidates)
        assert chain.looked_up - before <= recovery_scan.MAX_LOOKUPS
        wanted |= {one["station"] for one in told["wants"]}
        candidates = [derived(one) for one in told["wants"]]
        if not told["more"] and not candidates:
            break
    assert wanted == {to_hex(STATION)}
    assert (told["left"], computer.amounts()) == (0, {(AWAY, EPOCH): 7})


async def test_large_data_are_looked_at_a_few_at_a_time(
    world: tuple[Chain, Computer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is held together is bounded by bytes, and nothing is passed over for it."""
    chain, computer = world
    strangers = [(bytes([9]) + n.to_bytes(19, "big"), 1) for n in range(100)]
    for n in range(recovery_download.BATCH):
        chain.posts.append((100 + n, data(SERVER, EPOCH + n, *strangers, (payee(STATION, EPOCH + n), 5))))
    monkeypatch.setattr(recovery_download, "MAX_HELD", 7_000)
    most = 0
    candidates: list[dict[str, Any]] = []
    for _ in range(200):
        told = await computer.step(candidates)
        assert computer.host is not None
        (search,) = computer.host.scans.values()
        most = max(most, sum(len(published.rows) for _, published in search._batch.values()))
        candidates = [derived(one) for one in told["wants"]]
        if not told["more"] and not candidates:
            break
    assert 0 < most <= 7_000 + recovery_download.MAX_DOWNLOADS * 4_000
    assert computer.amounts() == {(SERVER, EPOCH + n): 5 for n in range(recovery_download.BATCH)}


async def test_two_browsers_that_search_at_once_list_each_post_once(world: tuple[Chain, Computer]) -> None:
    """Each has a host of its own, and both have one ledger."""
    chain, computer = world
    chain.posts += [(10 + 900 * n, data(SERVER, EPOCH + n, (payee(STATION, EPOCH + n), 3))) for n in range(11)]
    other = Computer(computer.folder, chain)
    await other.start()
    candidates: dict[Computer, list[dict[str, Any]]] = {computer: [], other: []}
    for _ in range(100):
        both = await asyncio.gather(*(one.step(candidates[one]) for one in candidates))
        candidates = {
            one: [derived(want) for want in told["wants"]] for one, told in zip(candidates, both, strict=True)
        }
        if not any(told["more"] or told["wants"] for told in both):
            break
    assert [(told["listed"], told["left"]) for told in both] == [(11, 0), (11, 0)]
    assert len(computer.amounts()) == 11
    await other.stop()


async def test_a_node_that_goes_away_in_the_middle_is_asked_on_where_it_was(world: tuple[Chain, Computer]) -> None:
    """The step fails and says so; blocks that were listed are not asked about again, and no post is passed over."""
    chain, computer = world
    chain.height = 400_000
    chain.posts += [(10 + 30_000 * n, data(SERVER, EPOCH + n, (payee(STATION, EPOCH + n), 3))) for n in range(13)]
    answer, refused = chain.posted_between, 0

    async def sometimes(first: int, last: int) -> list[Log]:
        nonlocal refused
        if len(chain.asked) % 3 == 2 and refused < 4:
            refused += 1
            raise Unavailable("chain.unreachable")
        return await answer(first, last)

    chain.posted_between = sometimes  # type: ignore[method-assign]
    for _ in range(4):
        with pytest.raises(Unavailable):
            await computer.search()
        await computer.start()
        chain.asked.append((0, -1))
    await computer.search()
    blocks = [block for first, last in chain.asked for block in range(first, last + 1)]
    assert len(blocks) == len(set(blocks)) == chain.height - 2
    assert len(computer.amounts()) == 13


@pytest.mark.parametrize("most", [700, 100, 10])
async def test_a_node_that_answers_for_few_blocks_is_asked_for_few(world: tuple[Chain, Computer], most: int) -> None:
    """The questions grow smaller until it answers; blocks that a reorganisation could replace are left for later."""
    chain, computer = world
    chain.most_blocks = most
    chain.posts += [(10 + 900 * n, data(SERVER, EPOCH + n, (payee(STATION, EPOCH + n), 3))) for n in range(11)]
    chain.posts.append((chain.height - 1, data(SERVER, EPOCH + 50, (payee(STATION, EPOCH + 50), 3))))
    told = await computer.search()
    assert (told["listed"], len(computer.amounts())) == (11, 11)
    assert chain.asked[-1][1] == chain.height - 2


@pytest.mark.parametrize("spoil", ["other bytes", "cut", "another epoch"])
def test_data_that_the_chain_does_not_name_are_refused(spoil: str) -> None:
    """A server cannot say what it likes about who earned what."""
    good = data(SERVER, EPOCH, (payee(STATION, EPOCH), 5))
    raw = good.encode()
    if spoil == "other bytes":
        raw = data(SERVER, EPOCH, (payee(STATION, EPOCH), 6)).encode()
    named = good.hash
    if spoil == "another epoch":
        other = data(SERVER, EPOCH + 1)
        raw, named = other.encode(), other.hash
    reader = Reader()
    for at in range(0, len(raw), 7):
        reader.feed(raw[at : at + 7] if spoil != "cut" else raw[at : at + 7][: max(0, len(raw) - 1 - at)])
    with pytest.raises(GomaaError) as caught:
        reader.end(SERVER, EPOCH, named)
    assert caught.value.code == "chain.mismatch"


@pytest.mark.parametrize("rows", [(1 << 32) - 1, MAX_STATIONS + 1])
def test_a_table_that_says_it_is_endless_is_refused(rows: int) -> None:
    """Before anything of it is kept."""
    raw = bytearray(data(SERVER, EPOCH).encode())
    raw[HEAD.size : HEAD.size + 4] = rows.to_bytes(4, "big")
    reader = Reader()
    with pytest.raises(InputError):
        reader.feed(bytes(raw))


def test_candidates_are_whole_days() -> None:
    """24 payees of 20 bytes each: nothing else passes the schema."""
    one = derived({"station": to_hex(STATION), "day": 3})
    assert len(from_b64(one["payees"])) == 480
    request = {"op": "scan", "wallet": to_hex(WALLET), "chain_id": 1, "candidates": [one]}
    assert requests.parse(request).candidates[0].day == 3
    for wrong in (one["payees"][:-4], one["payees"] + "AAAA", "=" * 640):
        with pytest.raises(InputError):
            requests.parse({**request, "candidates": [{**one, "payees": wrong}]})
