"""The recovery scan: bounded steps, absent servers, interruptions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chain.node_answers import Log
from native_host.payments import claim_search, recovery_download, recovery_scan
from native_host.payments.published_data import Published, Reader
from pywallet.encoding.hex import to_hex
from pywallet.errors import Unavailable
from pywallet.rewards import recovery
from tests.unit.native_host.recovery_world import (
    AWAY,
    EPOCH,
    SERVER,
    STATION,
    WALLET,
    Chain,
    Computer,
    data,
    derived,
    payee,
)


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Chain, Computer]]:
    """A chain, a computer, and downloads that verify like the real ones."""
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


async def test_a_scan_interrupted_at_every_step_finds_everything(world: tuple[Chain, Computer]) -> None:
    """A host that ends after each step loses nothing, and no day is derived twice."""
    chain, computer = world
    for n in range(80):
        number = EPOCH + n - n % 7 * 24
        chain.posts.append((100 + 50 * n, data(SERVER, EPOCH + n, (payee(STATION, number), 10 + n))))
    given: list[tuple[str, int]] = []
    candidates: list[dict[str, Any]] = []
    for _ in range(200):
        status = await computer.step(candidates)
        candidates = [derived(want) for want in status["wants"]]
        given += [(one["station"], one["day"]) for one in candidates]
        if not status["more"] and not candidates:
            break
        if candidates:
            await computer.step(candidates)
            candidates = []
        await computer.start()
    assert computer.amounts() == {(SERVER, EPOCH + n): 10 + n for n in range(80)}
    assert len(given) == len(set(given))
    assert (status["listed"], status["left"]) == (80, 0)


@pytest.mark.parametrize("mute", [False, True])
async def test_found_receipts_have_their_state_at_once(world: tuple[Chain, Computer], mute: bool) -> None:
    """Pending, claimable or claimed as on the chain, without further summaries."""
    chain, computer = world
    many = 300
    for n in range(many):
        chain.posts.append((100 + n, data(SERVER, EPOCH + n, (payee(STATION, EPOCH + n), 10))))
    chain.final = set(range(EPOCH, EPOCH + many - 20))
    chain.claimed = {payee(STATION, EPOCH + n): EPOCH + n for n in range(100)}
    chain.mute = mute
    await computer.run_scan()
    assert computer.host is not None
    totals = computer.host.ledger.totals(WALLET)
    assert totals.pending + totals.claimable + totals.claimed == many * 10
    # Without a node the summaries read the epochs later.
    assert (totals.claimed, totals.claimable) == (1_000, 0 if mute else (many - 120) * 10)
    assert max(chain.asked_for) <= claim_search.MAX_PAYEES


async def test_an_absent_server_delays_no_other_and_is_retried(
    world: tuple[Chain, Computer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is retried after ``RETRY_S``; the status names it; once it answers its epochs are found."""
    chain, computer = world
    for n in range(6):
        chain.posts.append((100 + n, data(AWAY, EPOCH + n, (payee(STATION, EPOCH + n), 7))))
        chain.posts.append((200 + n, data(SERVER, EPOCH + n, (payee(STATION, EPOCH + n), 9))))
    status = await computer.run_scan()
    assert computer.amounts() == {(SERVER, EPOCH + n): 9 for n in range(6)}
    (away,) = status["away"]
    assert (away["server"], away["epochs"], away["code"], status["left"]) == (to_hex(AWAY), 6, "server.unreachable", 6)
    assert sum(server == AWAY for server, _ in chain.fetched) <= recovery_download.MAX_DOWNLOADS
    before = len(chain.fetched)
    await computer.run_scan()
    assert len(chain.fetched) == before
    chain.gone.clear()
    monkeypatch.setattr(recovery_download.time, "monotonic", lambda: 1e9)
    status = await computer.run_scan()
    assert (status["left"], status["away"]) == (0, [])
    assert computer.amounts() == {
        (server, EPOCH + n): wei for n in range(6) for server, wei in ((SERVER, 9), (AWAY, 7))
    }


async def test_a_server_with_a_private_address_is_absent(
    world: tuple[Chain, Computer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address of this computer or its network gets no request, and delays no other server."""
    chain, computer = world
    chain.gone.clear()
    chain.posts.append((100, data(SERVER, EPOCH, (payee(STATION, EPOCH), 9))))
    chain.posts.append((150, data(AWAY, EPOCH, (payee(STATION, EPOCH), 7))))

    async def server(address: bytes) -> Any:
        return SimpleNamespace(url="http://192.168.1.1" if address == AWAY else f"https://{address.hex()}.example")

    monkeypatch.setattr(chain, "server", server)
    status = await computer.run_scan()
    assert computer.amounts() == {(SERVER, EPOCH): 9}
    assert [(one["server"], one["code"]) for one in status["away"]] == [(to_hex(AWAY), "server.unreachable")]
    assert {address for address, _ in chain.fetched} == {SERVER}


async def test_a_complete_scan_reads_only_new_epochs(world: tuple[Chain, Computer]) -> None:
    """No block or epoch is read twice; a recorded payee is found however late it is paid."""
    chain, computer = world
    known = payee(STATION, EPOCH)
    chain.posts.append((100, data(SERVER, EPOCH, (known, 5))))
    await computer.run_scan()
    late = EPOCH + recovery.MAX_VOUCHER_DELAY_S // 3_600 * 5
    chain.posts += [(chain.height + 5, data(SERVER, late, (known, 6))), (chain.height + 7, data(SERVER, late + 1))]
    await computer.run_scan()
    chain.height += 20
    status = await computer.run_scan()
    assert computer.amounts() == {(SERVER, EPOCH): 5, (SERVER, late): 6}
    assert (status["listed"], status["left"]) == (3, 0)
    blocks = [block for first, last in chain.asked for block in range(first, last + 1)]
    assert len(blocks) == len(set(blocks)) == chain.height - 2
    assert len(chain.fetched) == len(set(chain.fetched)) == 3


async def test_missing_data_delay_no_other_server(
    world: tuple[Chain, Computer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that answers without its data is retried after the posts of others."""
    chain, computer = world
    for n in range(3 * recovery_download.BATCH):
        chain.posts.append((100 + n, data(SERVER, EPOCH - 500 + n)))
    chain.lost.add(SERVER)
    chain.posts.append((900, data(AWAY, EPOCH, (payee(STATION, EPOCH), 7))))
    status = await computer.run_scan()
    assert (status["left"], computer.amounts()) == (len(chain.posts), {})
    chain.gone.clear()
    # A new host uses the order in the ledger.
    await computer.start()
    monkeypatch.setattr(recovery_download.time, "monotonic", lambda: 1e9)
    await computer.run_scan()
    assert computer.amounts() == {(AWAY, EPOCH): 7}


async def test_unregistered_stations_are_not_derived(world: tuple[Chain, Computer]) -> None:
    """Data may name any stations; only registered ones are wanted, and few are read in a step."""
    chain, computer = world
    invented = tuple(sorted(n.to_bytes(20, "big") for n in range(1, 1_500)))
    chain.posts.append((100, data(AWAY, EPOCH, (payee(STATION, EPOCH), 7), stations=(*invented, STATION))))
    chain.gone.clear()
    wanted: set[str] = set()
    candidates: list[dict[str, Any]] = []
    for _ in range(100):
        before = chain.looked_up
        status = await computer.step(candidates)
        assert chain.looked_up - before <= recovery_scan.MAX_LOOKUPS
        wanted |= {one["station"] for one in status["wants"]}
        candidates = [derived(one) for one in status["wants"]]
        if not status["more"] and not candidates:
            break
    assert wanted == {to_hex(STATION)}
    assert (status["left"], computer.amounts()) == (0, {(AWAY, EPOCH): 7})


async def test_batches_are_bounded_by_bytes(world: tuple[Chain, Computer], monkeypatch: pytest.MonkeyPatch) -> None:
    """No post is left out for it."""
    chain, computer = world
    strangers = [(bytes([9]) + n.to_bytes(19, "big"), 1) for n in range(100)]
    for n in range(recovery_download.BATCH):
        chain.posts.append((100 + n, data(SERVER, EPOCH + n, *strangers, (payee(STATION, EPOCH + n), 5))))
    monkeypatch.setattr(recovery_download, "MAX_HELD", 7_000)
    most = 0
    candidates: list[dict[str, Any]] = []
    for _ in range(200):
        status = await computer.step(candidates)
        assert computer.host is not None
        (running,) = computer.host.scans.values()
        most = max(most, sum(len(published.rows) for _, published in running._batch.values()))
        candidates = [derived(one) for one in status["wants"]]
        if not status["more"] and not candidates:
            break
    assert 0 < most <= 7_000 + recovery_download.MAX_DOWNLOADS * 4_000
    assert computer.amounts() == {(SERVER, EPOCH + n): 5 for n in range(recovery_download.BATCH)}


async def test_two_hosts_on_one_ledger_list_each_post_once(world: tuple[Chain, Computer]) -> None:
    """Two browsers scan at the same time."""
    chain, computer = world
    chain.posts += [(10 + 900 * n, data(SERVER, EPOCH + n, (payee(STATION, EPOCH + n), 3))) for n in range(11)]
    other = Computer(computer.folder, chain)
    await other.start()
    candidates: dict[Computer, list[dict[str, Any]]] = {computer: [], other: []}
    for _ in range(100):
        both = await asyncio.gather(*(one.step(candidates[one]) for one in candidates))
        candidates = {
            one: [derived(want) for want in status["wants"]] for one, status in zip(candidates, both, strict=True)
        }
        if not any(status["more"] or status["wants"] for status in both):
            break
    assert [(status["listed"], status["left"]) for status in both] == [(11, 0), (11, 0)]
    assert len(computer.amounts()) == 11
    await other.stop()


async def test_a_scan_continues_after_a_lost_node(world: tuple[Chain, Computer]) -> None:
    """The step fails with ``chain.unreachable``; listed blocks are not read again, and no post is left out."""
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
            await computer.run_scan()
        await computer.start()
        chain.asked.append((0, -1))
    await computer.run_scan()
    blocks = [block for first, last in chain.asked for block in range(first, last + 1)]
    assert len(blocks) == len(set(blocks)) == chain.height - 2
    assert len(computer.amounts()) == 13


@pytest.mark.parametrize("most", [700, 100, 10])
async def test_searches_adapt_to_the_nodes_limit(world: tuple[Chain, Computer], most: int) -> None:
    """Ranges shrink until the node accepts them; blocks without confirmations are left for later."""
    chain, computer = world
    chain.most_blocks = most
    chain.posts += [(10 + 900 * n, data(SERVER, EPOCH + n, (payee(STATION, EPOCH + n), 3))) for n in range(11)]
    chain.posts.append((chain.height - 1, data(SERVER, EPOCH + 50, (payee(STATION, EPOCH + 50), 3))))
    status = await computer.run_scan()
    assert (status["listed"], len(computer.amounts())) == (11, 11)
    assert chain.asked[-1][1] == chain.height - 2
