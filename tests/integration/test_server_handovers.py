"""Handover of a content's keys: which server gets them, and what a takeover requires."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from pywallet.crypto import address_of
from pywallet.encoding.hex import from_b64, to_hex
from pywallet.errors import GomaaError
from security_server.content.handover import (
    Sealed,
    unseal,
)
from security_server.db.tables import (
    content_keys,
    takeovers,
)
from studio import moving
from tests.integration.moves_world import code_of, list_server, pair, rows
from tests.integration.server_songs import make_song


async def test_keys_go_to_the_proposed_server_only(tmp_path: Path) -> None:
    """Signed by its key, in time, listed, and sealed to the key that the registry has for it."""
    async with pair(tmp_path) as both:
        old, new = both.old, both.new
        assert await code_of(both.handover()) == "server.handover"
        assert await code_of(both.take()) == "server.handover"
        await both.propose()
        stranger = old.anvil.keys[6]
        assert await code_of(both.handover(stranger)) == "server.handover"
        assert await code_of(both.handover(server=to_hex(address_of(stranger)))) == "server.handover"
        assert await code_of(both.handover(old.keys.signing)) == "server.handover"
        assert await code_of(both.handover(signature="0x" + "11" * 65)) == "server.handover"
        assert await code_of(both.handover(time_s=await old.now_ms() // 1000 - 31)) == "invocation.time"
        assert await code_of(both.handover(content="0x" + "12" * 20)) == "server.handover"
        answer = await both.handover()
        sealed = Sealed(from_b64(answer["ephemeral"]), from_b64(answer["sealed"]))
        servers = (both.song.content, old.keys.address, new.keys.address)
        parcel = unseal(new.keys.exchange, sealed, *servers)
        assert (parcel.header, list(parcel.keys.values())) == (both.song.cose, [both.song.key])
        # No counters before the new server has accepted.
        assert parcel.counters == []
        assert both.song.key not in sealed.ciphertext
        for key, row in (
            (old.keys.exchange, servers),
            (new.keys.exchange, (bytes(20), *servers[1:])),
            (new.keys.exchange, (servers[0], *servers[:0:-1])),
        ):
            with pytest.raises(GomaaError, match=r"message\.schema"):
                unseal(key, sealed, *row)
        await list_server(new, new.url, active=False)
        await both.travel(1)
        assert old.parts is not None
        old.parts.chain._cache.forget("entry")
        assert await code_of(both.handover()) == "server.handover"
        assert await code_of(both.take()) in ("server.handover", "chain.reverted")
        await list_server(new, new.url)
        old.parts.chain._cache.forget("entry")
        await both.content.propose_server(old.owner_key, None)
        assert await code_of(both.handover()) == "server.handover"


async def test_a_repeated_takeover_has_the_same_result(tmp_path: Path) -> None:
    """After a lost response a repeated request returns the same epoch and completes what a crash left undone."""
    async with pair(tmp_path) as both:
        new = both.new
        await both.propose()
        first = await both.take()
        assert await both.take() == first
        assert new.parts is not None
        assert [row.from_epoch for row in await rows(new.parts, select(takeovers))] == [first]
        await new.parts.store.run(
            lambda connection: connection.execute(takeovers.update().values(from_epoch=None)) and None
        )
        assert await both.take() == first
        assert [row.from_epoch for row in await rows(new.parts, select(takeovers))] == [first]


async def test_a_server_without_a_bond_takes_nothing(tmp_path: Path) -> None:
    """A server whose receipts nothing backs does not accept a content."""
    async with pair(tmp_path) as both:
        await both.new.settlement.retire(both.new.platform_key, both.new.keys.address)
        await both.propose()
        assert await code_of(both.take()) == "server.unbonded"
        assert await both.content.proposed_server() == both.new.keys.address


async def test_only_a_server_that_may_serve_gets_an_upload(tmp_path: Path) -> None:
    """Refused: a server that is not proposed, and a header with another first server."""
    async with pair(tmp_path) as both:
        old, new = both.old, both.new
        path = f"/v1/contents/{to_hex(both.song.content)}"
        assert (
            await code_of(new.call("PUT", path, both.song.body(old.owner_key, new.keys.exchange_public)))
            == "server.mismatch"
        )
        await both.propose()
        other = make_song(
            both.song.content,
            old.owner_key,
            new.keys.address,
            new.keys.exchange_public,
            old.deployment.chain_id,
            both.song.policy,
        )
        assert (
            await code_of(new.call("PUT", path, other.body(old.owner_key, new.keys.exchange_public)))
            == "server.mismatch"
        )
        await new.call("PUT", path, both.song.body(old.owner_key, new.keys.exchange_public))


async def test_a_withdrawn_content_is_not_taken(tmp_path: Path) -> None:
    """Revoked between proposal and handover: the new server gets no keys."""
    async with pair(tmp_path) as both:
        await both.propose()
        await both.content.revoke(both.old.owner_key)
        assert await code_of(both.take()) in ("content.revoked", "server.handover", "chain.reverted")
        assert both.new.parts is not None
        assert await rows(both.new.parts, select(content_keys)) == []


async def test_a_band_moves_its_song_with_the_studio(tmp_path: Path) -> None:
    """One call proposes and has the new server take over.

    A repeated call is harmless, and each mistake is refused before anything is sent.
    """
    async with pair(tmp_path) as both:
        old, new, content = both.old, both.new, both.song.content
        deployment, key = old.deployment, old.owner_key
        assert await code_of(moving.move(deployment, bytes(20), key, new.keys.address)) == "content.unknown"
        assert await code_of(moving.move(deployment, content, key, address_of(old.anvil.keys[6]))) == "server.mismatch"
        await list_server(new, old.url)
        assert await code_of(moving.move(deployment, content, key, new.keys.address)) == "server.mismatch"
        await list_server(new, new.url)
        assert await both.content.proposed_server() is None
        assert await code_of(moving.move(deployment, content, old.station_key, new.keys.address)) == "chain.reverted"
        moved = await moving.move(deployment, content, key, new.keys.address)
        assert (moved.from_epoch, moved.server.url) == (await both.epoch() + 1, new.url)
        again = await moving.move(deployment, content, key, new.keys.address)
        assert (again.from_epoch, again.transaction) == (moved.from_epoch, None)
        assert (await moving.serving(old.chain, deployment, content)).address == old.keys.address
        await both.to_epoch(moved.from_epoch)
        assert (await moving.serving(old.chain, deployment, content)).address == new.keys.address
        await both.content.propose_server(key, old.keys.address)
        await moving.retract(deployment, content, key)
        assert await both.content.proposed_server() is None


async def test_moves_may_require_the_admin_token(tmp_path: Path) -> None:
    """With ``accept_moves = false`` a takeover needs the admin token."""
    async with pair(tmp_path) as both:
        new = both.new
        await both.propose()
        async with new.server(accept_moves=False, database=str(tmp_path / "fresh.sqlite3")):
            assert await code_of(both.take()) == "message.denied"
            headers = {"Authorization": f"Bearer {new.keys.admin}"}
            answer = await new.call("POST", "/v1/moves", {"content": to_hex(both.song.content)}, headers=headers)
            assert answer["from_epoch"] == await both.epoch() + 1
