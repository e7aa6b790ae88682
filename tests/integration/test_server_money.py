"""From the first key to the last wei, with a real chain and a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from pywallet.crypto import address_of, keccak256
from pywallet.encoding.hex import from_b64, to_hex
from pywallet.errors import GomaaError
from pywallet.protocol import (
    Claim,
    Receipt,
    Signed,
    Ticket,
    digest,
    receipt_detail,
    require_signer,
    sign,
)
from pywallet.settlement import (
    EpochData,
    EpochHeader,
    commitment,
    content_leaf,
    gross,
    rest,
    usage_leaf,
    usage_tag,
    verify_count,
    verify_leaf,
)
from security_server.db.tables import claims as relayed
from security_server.db.tables import epochs
from tests.integration.server_client import HostClient
from tests.integration.server_world import BPS, SCHEDULE, TOKENS, World, make_world, private_key
from tests.unit.security_server import services


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A deployed chain without a server."""
    async with make_world(tmp_path) as made:
        yield made


async def listen(
    world: World, host: HostClient, ticket: Signed[Ticket], seconds: int, from_ms: int = 0
) -> dict[str, object]:
    """Play on with a renewal every five seconds; the last answer."""
    result: dict[str, object] = {}
    for second in range(5, seconds + 1, 5):
        now_ms = await world.travel(5)
        result = await host.report(host.invocation(ticket, "renew", from_ms + second * 1000, now_ms))
        assert result["refused"] == []
    return result


def bytes_of(text: object) -> bytes:
    """0x-hex as bytes."""
    return bytes.fromhex(str(text)[2:])


async def test_one_play_is_paid_to_the_wei(world: World) -> None:
    """Open, lease, play, seek, statement, voucher, receipts, post, proofs, final, claims.

    Every amount agrees with the chain.
    """
    async with world.server() as core, world.host() as host:
        song = await world.publish()
        await world.to_epoch(await world.now_ms() // 60_000 + 1)
        now_ms = await world.now_ms()
        epoch = now_ms // 60_000
        await host.hello(now_ms)
        session = world.session(address_of(host.device_key), now_ms // 1000)
        ticket = world.ticket(song, session, now_ms // 1000)
        opened = await host.open(session, ticket)
        assert opened["usage"] == {"plays": 0, "seeks": 0, "seconds": 0, "first_play_s": None}
        lease = await host.ask(
            "lease", ticket=to_hex(digest(ticket.message, world.deployment.domain)), first=0, count=64, key=_key(host)
        )
        # The window is the longer of the policy's half minute and the server's buffer, plus five seconds for clocks.
        assert host.check_keys(lease, song) == list(range(33))
        assert lease["budget"] == 20
        granted = await host.grant(host.invocation(ticket, "play", 0, await world.travel(1)))
        assert host.check_keys(granted, song) == list(range(8))
        await listen(world, host, ticket, 15)
        await host.grant(host.invocation(ticket, "seek", 80_000, await world.travel(1)), 40, 4)
        result = await listen(world, host, ticket, 10, 80_000)
        assert result["usage"] == {"plays": 1, "seeks": 1, "seconds": 26, "first_play_s": now_ms // 1000 + 1}
        assert result["intervals"] == 13
        await host.report(host.invocation(ticket, "stop", 90_000, await world.now_ms()))

        statement, lines = await world.statement()
        owner_due, payee_due = 13 * 2_000_003, 13 * 1_000_001
        assert statement.spent == gross(owner_due + payee_due, BPS)
        assert [(line["number"], line["intervals"]) for line in lines] == [(1, 13)]
        account = await world.account()
        assert int(account["usable_wei"]) == 100 * TOKENS - statement.spent
        assert int(account["unvouchered_wei"]) == statement.spent
        assert await world.vouch(statement.spent, epoch) == 2
        assert await world.vouch(statement.spent, epoch) == 0

        owner, payee = address_of(world.owner_key), session.message.payee
        event = await host.event("receipt")
        receipt = Signed.from_json(Receipt, event["receipt"])
        require_signer(receipt, world.deployment.domain, world.keys.address, "server.mismatch")
        assert (receipt.message.payee, receipt.message.amount, receipt.message.epoch) == (payee, payee_due, epoch)
        detail = event["detail"]
        ids = (bytes_of(detail["content"]), bytes_of(detail["session"]))
        counts = (
            detail["plays"],
            detail["seeks"],
            detail["seconds"],
            detail["sequence"],
            bytes_of(detail["invocation"]),
        )
        assert receipt.message.detail == receipt_detail(*ids, *counts)
        assert counts[:3] == (1, 1, 26)
        found = await world.call("POST", "/v1/receipts", {**await world.proof(world.owner_key), "epoch": epoch})
        assert Signed.from_json(Receipt, found["receipts"][0]["receipt"]).message.amount == owner_due
        assert [set(one) for one in found["receipts"]] == [{"receipt"}]
        assert (await host.ask("receipts", payees=[to_hex(payee)], since_epoch=0))["receipts"] == [
            {k: event[k] for k in ("receipt", "detail")}
        ]

        await world.to_epoch(epoch + 1)
        closed = await world.call("POST", "/v1/epochs/close", headers={"Authorization": f"Bearer {world.keys.admin}"})
        assert (closed["epoch"], closed["state"], closed["total"], closed["leaves"]) == (
            epoch,
            "posted",
            str(owner_due + payee_due),
            2,
        )
        assert (await host.event("epoch"))["state"] == "posted"
        spent, escrow = await world.settlement.account(world.keys.address, world.station)
        assert (spent, escrow) == (statement.spent, 100 * TOKENS - statement.spent)

        raw = await (await world.http.get(f"{world.url}/v1/epochs/{epoch}/data")).read()
        assert to_hex(keccak256(raw)) == closed["data_hash"]
        data = EpochData.decode(raw)
        assert [(row.payer, row.net) for row in data.debits] == [(world.station, owner_due + payee_due)]
        assert [(row.heard_s, row.seeks, row.ticket) for row in data.plays] == [(26, 1, 1)]
        await check_leaf(world, host, epoch, payee, payee_due)
        await check_counts(world, host, epoch, session, song.content, from_b64(opened["secret"]))

        claims = [sign_claim(world, epoch, "listener payee", address_of(private_key("fan")))]
        with pytest.raises(GomaaError) as error:
            await host.ask("claim", claims=claims)
        assert error.value.code == "claim.pending"
        await world.travel(SCHEDULE.grace + SCHEDULE.window + 1)
        assert world.closing is not None
        await world.closing.round()
        assert (await host.event("epoch"))["state"] == "final"
        for limit, code in (({"relay_least_wei": payee_due + 1}, "claim.small"), ({"relay_per_hour": 0}, "claim.busy")):
            strict = replace(core, config=replace(core.config, **limit))
            with pytest.raises(GomaaError) as error:
                await services.relay(strict).claim(claims)
            assert error.value.code == code
        # One that is to be mixed is held; the payee may decide otherwise before it is sent, and is told the transaction
        # then.
        assert (await host.ask("claim", claims=claims, mixed=True))["transaction"] is None
        sent = (await host.ask("claim", claims=claims))["transaction"]
        assert sent.startswith("0x")
        assert await host.ask("claim", claims=claims, mixed=True) == {"transaction": sent}
        assert await world.token.balance_of(address_of(private_key("fan"))) == payee_due
        with pytest.raises(GomaaError) as error:
            await host.ask("claim", claims=claims)
        assert error.value.code == "claim.done"
        # The chain itself says so too, should the server have forgotten.
        await core.store.run(lambda connection: connection.execute(relayed.delete()) and None)
        with pytest.raises(GomaaError) as error:
            await host.ask("claim", claims=claims)
        assert error.value.code == "claim.done"
        # An owner is paid by push: nobody's signature is needed for a payment to the payee itself.
        push = Claim(server=world.keys.address, epoch=epoch, payee=owner, to=owner, tip=0)
        before = await world.token.balance_of(owner)
        await world.call("POST", "/v1/claims", {"claims": [Signed(push, bytes(64) + b"\x1b").to_json()]})
        assert await world.token.balance_of(owner) - before == owner_due
        await world.settlement.collect(world.platform_key, world.keys.address, epoch)
        commission = statement.spent - owner_due - payee_due
        assert await world.token.balance_of(world.deployment.treasury) == commission
        assert await world.token.balance_of(world.deployment.settlement) == 200 * TOKENS - statement.spent


def _key(host: HostClient) -> str:
    from pywallet.encoding.hex import to_b64

    return to_b64(host.exchange[1])


def sign_claim(world: World, epoch: int, payee: str, to: bytes, key: bytes | None = None) -> dict[str, object]:
    """A claim of a named payee, signed by it."""
    secret = private_key(payee)
    claim = Claim(server=world.keys.address, epoch=epoch, payee=address_of(secret), to=to, tip=0)
    return sign(claim, world.deployment.domain, key or secret).to_json()


async def check_leaf(world: World, host: HostClient, epoch: int, payee: bytes, amount: int) -> None:
    """The leaf's proof holds against the chain's commitment."""
    leaf = await host.ask("leaf", epoch=epoch, payee=to_hex(payee))
    header = EpochHeader(
        bytes_of(leaf["header"]["root"]), int(leaf["header"]["total"]), bytes_of(leaf["header"]["rest"])
    )
    assert commitment(header) == (await world.settlement.epoch(world.keys.address, epoch)).commit
    proof = [(bytes_of(node), int(total)) for node, total in leaf["proof"]]
    assert int(leaf["amount"]) == amount
    assert verify_leaf(header, payee, amount, leaf["index"], proof)


async def check_counts(
    world: World, host: HostClient, epoch: int, session: Signed, content: bytes, secret: bytes
) -> None:
    """Usage and content counts are proven against the same commitment, and the tag is ours alone."""
    identity = to_hex(digest(session.message, world.deployment.domain))
    usage = await host.ask("usage", epoch=epoch, session=identity, content=to_hex(content))
    roots = (bytes_of(usage["digest"]), bytes_of(usage["counts_root"]), bytes_of(usage["data_hash"]))
    assert to_hex(rest(*roots)) == usage["header"]["rest"]
    leaf = usage["leaf"]
    assert bytes_of(leaf["tag"]) == usage_tag(secret, epoch)
    assert (leaf["plays"], leaf["seeks"], leaf["seconds"]) == (1, 1, 26)
    made = usage_leaf(usage_tag(secret, epoch), content, 1, 1, 26)
    assert verify_count(roots[1], made, usage["index"], [bytes_of(node) for node in usage["proof"]])
    counted = content_leaf(content, 1, 0, 1, 26)
    assert verify_count(roots[1], counted, usage["content_index"], [bytes_of(node) for node in usage["content_proof"]])
    async with world.host("another device") as other:
        await other.hello(await world.now_ms())
        with pytest.raises(GomaaError) as error:
            await other.ask("usage", epoch=epoch, session=identity, content=to_hex(content))
        assert error.value.code == "session.device"


async def test_a_post_is_sent_once_whatever_is_forgotten(world: World) -> None:
    """A crash between the post and its record, and a second close, leave one post and one debit on the chain."""
    async with world.server() as core, world.host() as host:
        song = await world.publish()
        now_ms = await world.now_ms()
        await host.hello(now_ms)
        session = world.session(address_of(host.device_key), now_ms // 1000)
        ticket = world.ticket(song, session, now_ms // 1000)
        await host.open(session, ticket)
        await host.report(host.invocation(ticket, "play", 0, now_ms))
        await listen(world, host, ticket, 10)
        statement, _ = await world.statement()
        epoch = await core.chain.now_ms() // 60_000
        await world.vouch(statement.spent, epoch)
        await world.to_epoch(epoch + 1)
        assert world.closing is not None
        await world.closing.round()
        # What a server remembers that was killed before it wrote down that the chain had its post.
        await core.store.run(
            lambda connection: (
                connection.execute(epochs.update().values(settlement_state="closed", transaction=None)) and None
            )
        )
        await world.closing.round()
        await world.closing.round()
        assert len(await world.settlement.posts(world.keys.address)) == 1
        assert (await world.settlement.account(world.keys.address, world.station))[0] == statement.spent
        assert (await world.call("GET", f"/v1/epochs/{epoch}"))["state"] == "posted"


async def test_the_timer_closes_posts_and_finishes_by_itself(world: World) -> None:
    """Nobody asks: the epoch is posted after its end and final after its window, and the hosts are told."""
    async with world.server(auto_close=True, close_every_s=0.05), world.host() as host:
        song = await world.publish()
        now_ms = await world.now_ms()
        await host.hello(now_ms)
        session = world.session(address_of(host.device_key), now_ms // 1000)
        ticket = world.ticket(song, session, now_ms // 1000)
        await host.open(session, ticket)
        await host.report(host.invocation(ticket, "play", 0, now_ms))
        await world.to_epoch(now_ms // 60_000 + 1)
        posted = await host.event("epoch")
        assert posted == {"event": "epoch", "epoch": now_ms // 60_000, "state": "posted"}
        await world.travel(SCHEDULE.grace + SCHEDULE.window + 1)
        assert await host.event("epoch") == {**posted, "state": "final"}


async def test_what_is_heard_in_one_epoch_and_vouched_in_the_next_is_the_nexts(world: World) -> None:
    """Counts stay in the epoch they were made in, money goes to the epoch of its voucher, and both are posted."""
    async with world.server(), world.host() as host:
        song = await world.publish()
        await world.to_epoch(await world.now_ms() // 60_000 + 1)
        now_ms = await world.now_ms()
        epoch = now_ms // 60_000
        await host.hello(now_ms)
        session = world.session(address_of(host.device_key), now_ms // 1000)
        ticket = world.ticket(song, session, now_ms // 1000)
        await host.open(session, ticket)
        await host.report(host.invocation(ticket, "play", 0, now_ms))
        await listen(world, host, ticket, 10)
        statement, _ = await world.statement()
        await world.to_epoch(epoch + 1)
        assert world.closing is not None
        await world.closing.round()
        await world.vouch(statement.spent, epoch)
        await world.to_epoch(epoch + 2)
        await world.closing.round()
        await world.closing.round()
        first, second = [await world.call("GET", f"/v1/epochs/{e}") for e in (epoch, epoch + 1)]
        assert (first["state"], first["total"]) == ("final", "0")
        assert (second["state"], int(second["total"])) == ("posted", 5 * 3_000_004)
        assert (await world.settlement.account(world.keys.address, world.station))[0] == statement.spent


async def test_a_claim_signed_by_somebody_else_is_not_relayed(world: World) -> None:
    """A forged claim and a claim for an epoch that never was are refused before any gas is spent."""
    async with world.server():
        nonce = await world.chain.request("eth_getTransactionCount", to_hex(world.keys.address), "latest")
        for claim, code in (
            (sign_claim(world, 1, "listener payee", bytes(19) + b"\x01", private_key("thief")), "claim.signature"),
            (sign_claim(world, 1, "listener payee", bytes(19) + b"\x01"), "claim.unknown"),
        ):
            with pytest.raises(GomaaError) as error:
                await world.call("POST", "/v1/claims", {"claims": [claim]})
            assert error.value.code == code
        assert await world.chain.request("eth_getTransactionCount", to_hex(world.keys.address), "latest") == nonce
