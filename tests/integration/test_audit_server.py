"""An honest server's accounts, recomputed from the chain and the published data only."""

from __future__ import annotations

import asyncio
import csv
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from audit.dsr import SY02
from audit.reports import Report, band, fan, society, station
from audit.run import AuditedEpoch, audit
from chain.contracts.content import Content
from demo.stack import gomaa
from pywallet.crypto import address_of
from pywallet.encoding.amounts import parse
from pywallet.encoding.hex import ZERO_ADDRESS, to_hex
from pywallet.protocol import (
    Claim,
    Signed,
    Ticket,
    sign,
)
from pywallet.settlement import EpochData
from tests.dask_cluster import cluster
from tests.integration.server_client import HostClient
from tests.integration.server_songs import Upload, terms
from tests.integration.server_world import SCHEDULE, World, make_world, private_key


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A deployed chain without a server."""
    async with make_world(tmp_path) as made:
        yield made


async def play(
    world: World, host: HostClient, song: Upload, listener: str, seconds: int, payee: bytes | None = None
) -> Signed[Ticket]:
    """One play of a listener, from play to stop."""
    now_ms = await world.now_ms()
    session = world.session(address_of(host.device_key), now_ms // 1000, listener, payee)
    ticket = world.ticket(song, session, now_ms // 1000)
    await host.open(session, ticket)
    assert (await host.report(host.invocation(ticket, "play", 0, now_ms)))["refused"] == []
    for second in range(5, seconds + 1, 5):
        now_ms = await world.travel(5)
        assert (await host.report(host.invocation(ticket, "renew", second * 1000, now_ms)))["refused"] == []
    await host.report(host.invocation(ticket, "stop", seconds * 1000, await world.now_ms()))
    return ticket


async def pay(world: World) -> None:
    """Sign the station's voucher over all that it owes."""
    statement, _ = await world.statement()
    await world.vouch(statement.spent, statement.epoch)


async def close(world: World, epoch: int) -> None:
    """Post an epoch and let it become final."""
    await world.to_epoch(epoch + 1)
    assert world.closing is not None
    await world.closing.round()
    await world.travel(SCHEDULE.grace + SCHEDULE.window + 1)
    await world.closing.round()


async def two_epochs(world: World, host: HostClient) -> tuple[int, Upload]:
    """Three listeners, one without a wallet, a refused play, a sale between two epochs, a claim, a fee.

    Returns the first epoch and its song.
    """
    song = await world.publish(terms(counts={"play": {"limit": 2}}))
    await world.to_epoch(await world.now_ms() // 60_000 + 1)
    epoch = await world.now_ms() // 60_000
    await host.hello(await world.now_ms())
    await play(world, host, song, "one", 10)
    await play(world, host, song, "two", 5)
    await play(world, host, song, "three", 5, ZERO_ADDRESS)
    await pay(world)
    await play(world, host, song, "one", 5)
    now_ms = await world.now_ms()
    session = world.session(address_of(host.device_key), now_ms // 1000, "one")
    ticket = world.ticket(song, session, now_ms // 1000)
    await host.open(session, ticket)
    refused = await host.report(host.invocation(ticket, "play", 0, now_ms))
    assert len(refused["refused"]) == 1
    content = Content(world.chain, song.content)
    await content.offer_to(world.owner_key, address_of(world.anvil.keys[4]), 0)
    await content.accept(world.anvil.keys[4], 0, await content.seen())
    await close(world, epoch)
    await pay(world)
    await close(world, epoch + 1)
    secret = private_key("two payee")
    claim = Claim(
        server=world.keys.address, epoch=epoch, payee=address_of(secret), to=address_of(private_key("fan")), tip=0
    )
    await host.ask("claim", claims=[sign(claim, world.deployment.domain, secret).to_json()])
    await world.settlement.collect(world.platform_key, world.keys.address, epoch)
    return epoch, song


async def test_an_artist_as_a_fans_payee(world: World) -> None:
    """A listener who names the artist's address as payee.

    The honest server passes, and artist and fan have their own rows in the reports.
    """
    async with world.server(), world.host() as host:
        song = await world.publish()
        await world.to_epoch(await world.now_ms() // 60_000 + 1)
        epoch = await world.now_ms() // 60_000
        await host.hello(await world.now_ms())
        owner = address_of(world.owner_key)
        await play(world, host, song, "one", 10)
        await play(world, host, song, "two", 5, owner)
        await pay(world)
        # A second voucher raises both parts of an existing leaf.
        await play(world, host, song, "two", 10, owner)
        await pay(world)
        await close(world, epoch)
        of_fan, of_band = fan([owner]), band([owner])

        def take(one: AuditedEpoch) -> None:
            of_fan.take(one)
            of_band.take(one)

        result = await audit(world.chain, world.deployment, (world.url,), on_epoch=take)
        assert [str(fault) for fault in result.faults] == []
        assert result.figures["leaves"] == 2
        # Intervals of two seconds: five, two and five.
        price = song.policy.price
        assert (of_band.total("earned_wei"), of_fan.total("earned_wei")) == (12 * price.owner, 7 * price.reward)
        data = EpochData.decode(await (await world.http.get(f"{world.url}/v1/epochs/{epoch}/data")).read())
        assert [(data.payees[row.payee].payee, row.owned) for row in data.owners] == [(owner, 12 * price.owner)]
        assert next(row.amount for row in data.payees if row.payee == owner) == 12 * price.owner + 7 * price.reward


def payees() -> list[bytes]:
    """Return the payees of the two fans that accept rewards."""
    return [address_of(private_key(f"{name} payee")) for name in ("one", "two")]


def everybody(world: World) -> list[Report]:
    """Statements of the station, both owners, both fans and the society."""
    owners = [address_of(world.owner_key), address_of(world.anvil.keys[4])]
    return [station(world.station), band(owners), fan(payees()), society(60)]


async def test_an_honest_server_passes_the_audit(world: World, tmp_path: Path) -> None:
    """Refused plays, plays without a wallet, a sale, a claim and a fee: the auditor in a process of its own says OK."""
    async with world.server(), world.host() as host:
        epoch, _ = await two_epochs(world, host)
        seen: list[tuple[int, dict[bytes, int]]] = []
        result = await audit(
            world.chain,
            world.deployment,
            (world.url,),
            keep=tmp_path / "kept",
            on_epoch=lambda one: seen.append((one.totals.epoch, one.totals.earned())),
        )
        assert [str(fault) for fault in result.faults] == []
        assert (result.figures["plays"], result.figures["refused"]) == (4, 1)
        spent, escrow = await world.settlement.account(world.keys.address, world.station)
        assert (result.figures["debited_wei"], result.figures["escrow_wei"]) == (spent, escrow)
        statements = everybody(world)
        again = await audit(
            world.chain,
            world.deployment,
            (world.url,),
            on_epoch=lambda one: [each.take(one) for each in statements] and None,
        )
        assert again.figures == result.figures
        of_station, of_bands, of_fans, of_society = statements
        assert of_station.total("gross_wei") == of_society.total("GrossRevenue_wei") == spent
        assert (
            of_station.total("commission_wei") == of_society.total("Commission_wei") == result.figures["commission_wei"]
        )
        earned = of_bands.total("earned_wei")
        assert (
            earned
            == of_station.total("price_wei")
            == of_society.total("RightsControllerShare_wei")
            == result.figures["owners_wei"]
        )
        given = of_fans.total("earned_wei")
        assert (
            given
            == of_station.total("reward_wei")
            == of_society.total("ListenerShare_wei")
            == result.figures["listeners_wei"]
        )
        assert sorted(row["collected"] for row in of_fans.rows if row["epoch"] == epoch) == [False, True]
        paid = result.figures["owners_wei"] + result.figures["listeners_wei"] + result.figures["commission_wei"]
        assert paid == spent
        # What was vouchered after the sale's epoch belongs to the buyer.
        buyer, seller = address_of(world.anvil.keys[4]), address_of(world.owner_key)
        assert [(number, set(earned)) for number, earned in seen] == [(epoch, {seller}), (epoch + 1, {buyer})]
        data = EpochData.decode(await (await world.http.get(f"{world.url}/v1/epochs/{epoch}/data")).read())
        assert sorted(row.tag == bytes(7) for row in data.plays) == [False, False, False, True]
        wallets = [address_of(private_key(name)) for name in ("one", "two", "three", "one device", "device")]
        assert not any(wallet in data.encode() for wallet in wallets)
    # The server is down: the stored data suffice, for another process as well.
    arguments = ["audit", "--deployment", str(tmp_path / "deployment.json"), "--data", str(tmp_path / "kept"), "--json"]
    done = subprocess.run([sys.executable, "-m", "gomaa", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["figures"]["debited_wei"] == str(spent)
    with cluster(tmp_path) as running:
        for where in (["--workers", "2", "--scratch", str(tmp_path / "scratch")], ["--dask", running.address]):
            said = await asyncio.to_thread(gomaa, *arguments, *where)
            assert said == done.stdout, where
            rows = await asyncio.to_thread(gomaa, "report", "society", *arguments[1:-1], "--form", "csv", *where)
            assert rows == await asyncio.to_thread(gomaa, "report", "society", *arguments[1:-1], "--form", "csv")
    for name, column, value in (
        (["band", to_hex(seller), to_hex(buyer)], "earned_wei", earned),
        (["society"], "GrossRevenue_wei", spent),
        (["value"], "", 2),
        (["fan", *(f"--payee={to_hex(payee)}" for payee in payees())], "earned_wei", given),
    ):
        options = ["--deployment", str(tmp_path / "deployment.json"), "--data", str(tmp_path / "kept"), "--form", "csv"]
        rows = list(csv.DictReader((await asyncio.to_thread(gomaa, "report", *name, *options)).splitlines()))
        # Two owners have a value; everything else adds up.
        assert (sum(int(row[column]) for row in rows) if column else len(rows)) == value
    options = ["--deployment", str(tmp_path / "deployment.json"), "--data", str(tmp_path / "kept"), "--form", "dsr"]
    done = subprocess.run(
        [sys.executable, "-m", "gomaa", "report", "society", *options], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    summaries = [line.split("\t") for line in done.stdout.splitlines() if line.startswith("SY02.02")]
    assert sum(parse(cells[SY02.index("NetRevenue")]) for cells in summaries) == spent
    assert sum(parse(cells[SY02.index("AllocatedRevenue")]) for cells in summaries) == earned
    assert all(cell in done.stderr for cell in ("SenderPartyId", "CurrencyOfReporting", "Title"))
    for path in (tmp_path / "kept").iterdir():
        path.unlink()
    done = subprocess.run([sys.executable, "-m", "gomaa", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert {fault["kind"] for fault in json.loads(done.stdout)["faults"]} == {"data.missing"}
