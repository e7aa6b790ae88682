"""The drill of docs/operate-server.md: run, back up, run on, lose the database, restore, import, go on.

The audit is content.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from audit.run import audit
from pywallet.crypto import address_of
from pywallet.errors import GomaaError
from pywallet.protocol import Receipt, Signed
from security_server.commands import server
from tests.integration.server_client import HostClient
from tests.integration.server_songs import Upload
from tests.integration.server_world import SCHEDULE, World, make_world
from tests.integration.test_audit_server import close, pay, play
from tests.unit.security_server import services


async def earn(world: World, host: HostClient, song: Upload, listener: str) -> tuple[int, Receipt]:
    """A play that is paid, its epoch closed and final; the epoch and the receipt."""
    await host.hello(await world.now_ms())
    await play(world, host, song, listener, 10)
    await pay(world)
    receipt = Signed.from_json(Receipt, (await host.event("receipt"))["receipt"]).message
    await close(world, receipt.epoch)
    return receipt.epoch, receipt


async def import_epoch(*arguments: Any) -> Any:
    """The command, as an operator gives it."""
    return await asyncio.to_thread(CliRunner().invoke, server, ["import-epoch", *map(str, arguments)])


async def refused(work: Any) -> str:
    """The code of a refusal."""
    with pytest.raises(GomaaError) as error:
        await work
    return error.value.code


async def test_a_restored_backup_gives_no_receipts_until_the_lost_epoch_is_imported(tmp_path: Path) -> None:
    """Yesterday's copy knows nothing of the last post: no statement, no voucher, no play.

    After the import everything goes on.
    """
    async with make_world(tmp_path) as world:
        database, copy, file = tmp_path / "server.sqlite3", tmp_path / "copy.sqlite3", tmp_path / "epoch.gmed"
        async with world.server(), world.host() as host:
            song = await world.publish()
            await world.to_epoch(await world.now_ms() // 60_000 + 1)
            await earn(world, host, song, "one")
            with sqlite3.connect(database) as source, sqlite3.connect(copy) as made:
                source.backup(made)
            epoch, receipt = await earn(world, host, song, "two")
            raw = await (await world.http.get(f"{world.url}/v1/epochs/{epoch}/data")).read()
            file.write_bytes(raw)
        for path in tmp_path.glob("server.sqlite3*"):
            path.unlink()
        shutil.copy(copy, database)

        async with world.server() as parts, world.host() as host:
            await host.hello(await world.now_ms())
            assert parts.agreement.differing == {epoch}
            assert await refused(world.statement()) == "server.mismatch.chain"
            assert await refused(world.vouch(10**18, epoch)) == "server.mismatch.chain"
            assert await refused(play(world, host, song, "three", 10)) == "server.mismatch.chain"
            keys = tmp_path / "keys.json"
            wrong = tmp_path / "wrong.gmed"
            wrong.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
            assert "server.epoch.import" in str(
                (await import_epoch(wrong, "--url", world.url, "--keys", keys)).exception
            )
            busy = await import_epoch(
                file, "--deployment", tmp_path / "deployment.json", "--keys", keys, "--database", database
            )
            assert "server.database.busy" in str(busy.exception)

        options = ("--deployment", tmp_path / "deployment.json", "--keys", keys, "--database", database)
        done = await import_epoch(file, *options)
        assert done.exception is None, done.exception
        assert json.loads(done.output) == {"epoch": epoch}

        async with world.server() as parts, world.host() as host:
            assert parts.agreement.differing == frozenset()
            again = await import_epoch(file, "--url", world.url, "--keys", keys)
            assert json.loads(again.output) == {"epoch": epoch}
            assert await (await world.http.get(f"{world.url}/v1/epochs/{epoch}/data")).read() == raw
            await host.hello(await world.now_ms())
            leaf = await host.ask("leaf", epoch=epoch, payee="0x" + receipt.payee.hex())
            assert int(leaf["amount"]) >= receipt.amount
            running = await world.now_ms() // 60_000
            spent = (await world.settlement.account(world.keys.address, world.station))[0]
            # Never a second receipt for an epoch that the lost database may have signed for, and none before the next
            # one begins.
            await play(world, host, song, "four", 10)
            assert await refused(pay(world)) == "server.epoch.closed"
            await world.to_epoch(running + 1)
            later, _ = await earn(world, host, song, "five")
            assert later == running + 1
            assert (await world.call("GET", f"/v1/epochs/{later}"))["state"] == "final"
            assert (await world.settlement.account(world.keys.address, world.station))[0] > spent
            assert [str(fault) for fault in (await audit(world.chain, world.deployment, (world.url,))).faults] == []


async def test_a_play_across_the_epochs_end_is_published_as_posted(tmp_path: Path) -> None:
    """The finding, on a chain: the song goes on between close and post and after a restart.

    The audit is content, the claim is provable.
    """
    async with make_world(tmp_path) as world:
        async with world.server() as parts, world.host() as host:
            song = await world.publish()
            await world.to_epoch(await world.now_ms() // 60_000 + 1)
            now_ms = await world.now_ms()
            epoch = now_ms // 60_000
            await host.hello(now_ms)
            session = world.session(address_of(host.device_key), now_ms // 1000)
            ticket = world.ticket(song, session, now_ms // 1000)
            await host.open(session, ticket)
            await host.report(host.invocation(ticket, "play", 0, now_ms))
            await host.report(host.invocation(ticket, "renew", 10_000, await world.travel(10)))
            await pay(world)
            receipt = Signed.from_json(Receipt, (await host.event("receipt"))["receipt"]).message
            await world.to_epoch(epoch + 1)
            await host.report(host.invocation(ticket, "renew", 20_000, await world.travel(1)))
            assert world.closing is not None
            await world.closing.round()
            await host.report(host.invocation(ticket, "seek", 3_000, await world.travel(2)))
            await pay(world)
            posted = (await world.settlement.epoch(parts.address, epoch)).commit
        async with world.server() as parts, world.host() as host:
            await host.hello(await world.now_ms())
            await host.report(host.invocation(ticket, "renew", 5_000, await world.travel(2)))

            assert (await services.publisher(parts).closed(epoch)).commitment == posted
            await close(world, epoch + 1)
            assert (await host.ask("leaf", epoch=epoch, payee="0x" + receipt.payee.hex()))["amount"] == str(
                receipt.amount
            )
            assert [str(fault) for fault in (await audit(world.chain, world.deployment, (world.url,))).faults] == []


async def test_a_post_that_a_reorganisation_took_is_posted_again(tmp_path: Path) -> None:
    """The finding: after "posted" the server never looked again.

    It posts the same bytes, and the state follows the chain.
    """
    async with make_world(tmp_path) as world, world.server() as parts, world.host() as host:
        song = await world.publish()
        await world.to_epoch(await world.now_ms() // 60_000 + 1)
        await host.hello(await world.now_ms())
        await play(world, host, song, "one", 10)
        await pay(world)
        epoch = await world.now_ms() // 60_000
        await world.to_epoch(epoch + 1)
        before = await world.chain.request("evm_snapshot")
        assert world.closing is not None
        await world.closing.round()
        posted = (await world.settlement.epoch(parts.address, epoch)).commit
        assert posted != bytes(32)
        await world.chain.request("evm_revert", before)
        assert (await world.settlement.epoch(parts.address, epoch)).commit == bytes(32)
        await world.travel(1)
        await world.closing.round()
        assert (await world.settlement.epoch(parts.address, epoch)).commit == posted
        await world.travel(SCHEDULE.grace + SCHEDULE.window)
        await world.closing.round()
        assert (await world.call("GET", f"/v1/epochs/{epoch}"))["state"] == "final"


async def test_the_relayer_is_an_account_of_its_own_with_a_budget(tmp_path: Path) -> None:
    """Claims cost the server's own account nothing; beyond the budget they are refused, and what is low is said."""
    from pywallet.encoding.hex import to_hex
    from tests.integration.server_world import private_key
    from tests.integration.test_server_money import sign_claim

    async with make_world(tmp_path) as world, world.server() as parts, world.host() as host:
        song = await world.publish()
        await world.to_epoch(await world.now_ms() // 60_000 + 1)
        epoch, _ = await earn(world, host, song, "listener")
        claims = [sign_claim(world, epoch, "listener payee", address_of(private_key("fan")))]

        async def coins(key: bytes) -> int:
            return int(await world.chain.request("eth_getBalance", to_hex(address_of(key)), "latest"), 16)

        from dataclasses import replace

        for limit in ({"relay_hour_wei": 1}, {"relay_day_wei": 1}):
            strict = replace(parts, config=replace(parts.config, **limit))
            assert await refused(services.relay(strict).claim(claims)) == "claim.busy"
        poor = replace(parts, config=replace(parts.config, relay_low_wei=10**24))
        assert (await services.relay(poor).check_account()).state == "low"
        own, relayers = await coins(world.keys.signing), await coins(world.keys.relayer)
        await world.call("POST", "/v1/claims", {"claims": claims})
        assert (await coins(world.keys.signing)) == own
        assert (await coins(world.keys.relayer)) < relayers
        hour, day = await services.relay(parts)._spent()
        assert 0 < hour == day < 300_000 * 10**10
        # Nobody is paid at an address of one night without its own word.
        unsigned = [
            sign_claim(world, epoch, "listener payee", address_of(private_key("listener payee")), private_key("thief"))
        ]
        assert await refused(world.call("POST", "/v1/claims", {"claims": unsigned})) == "claim.signature"
