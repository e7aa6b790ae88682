"""A real host process at a real server and chain: its first steps, and reads of both databases."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

from demo.waiting import TIMEOUT_S
from pywallet.crypto.key_wrap import unwrap
from pywallet.encoding.hex import from_b64, from_hex, to_hex
from pywallet.errors import GomaaError
from pywallet.protocol import (
    Session,
    Signed,
    Ticket,
)
from pywallet.sps.segments import segment_aad, segment_key
from tests.integration.host_process import HostProcess
from tests.integration.server_songs import EPOCH, Upload
from tests.integration.server_world import World


async def record_payee(host: HostProcess, world: World, wallet: str, payee: str, number: int = 0) -> None:
    """Record a payee of the wallet."""
    where = {
        "station": to_hex(world.station),
        "chain_id": world.deployment.chain_id,
        "settlement": to_hex(world.deployment.settlement),
    }
    await host.ask("payees", wallet=wallet, payees=[{"payee": payee, "number": number, "name": "Radio", **where}])


async def begin(world: World, host: HostProcess, song: Upload, stream: str = "s") -> Signed[Session]:
    """``hello``, ``open``, ``identify`` and ``prepare``."""
    await host.hello()
    await host.open(song.cose, stream)
    return await again(world, host, song, stream)


async def again(world: World, host: HostProcess, song: Upload, stream: str = "s") -> Signed[Session]:
    """``identify`` and ``prepare`` with a fresh ticket."""
    return (await ticketed(world, host, song, stream))[0]


async def ticketed(
    world: World, host: HostProcess, song: Upload, stream: str = "s"
) -> tuple[Signed[Session], Signed[Ticket]]:
    """As ``again``; the session and the ticket."""
    now_s = await world.now_ms() // 1000
    session = world.session(from_hex(host.device, 20), now_s - now_s % 3_600)
    await host.identify(session.to_json(), stream=stream)
    ticket = world.ticket(song, session, now_s)
    await host.prepare(ticket.to_json(), stream=stream)
    return session, ticket


async def joined(world: World, host: HostProcess, song: Upload, before: Signed[Ticket] | None) -> Signed[Ticket]:
    """``hello`` and ``open``; then the play from before the crash if it had begun, else a new one."""
    await host.hello()
    await host.open(song.cose)
    if before is not None:
        with suppress(GomaaError):
            await host.ask("rejoin", stream="s", ticket=before.to_json())
            return before
    return (await ticketed(world, host, song))[1]


def good(host: HostProcess, song: Upload, grant: dict[str, Any], indexes: range) -> bool:
    """Return whether a grant opens exactly these segments."""
    ephemeral, keys = from_b64(grant["ephemeral"]), {}
    for index, wrapped in grant["keys"]:
        keys[index] = unwrap(host.renderer[0], ephemeral, from_b64(wrapped), segment_aad(song.content, 1, EPOCH, index))
    return keys == {index: segment_key(song.key, 1, index) for index in indexes}


def ledger(home: Path, statement: str) -> list[tuple[Any, ...]]:
    """Read rows of the host's ledger."""
    with sqlite3.connect(home / "data" / "ledger.sqlite") as db:
        return db.execute(statement).fetchall()


async def settled(host: HostProcess, home: Path) -> None:
    """Wait until everything is reported."""
    while ledger(home, "SELECT 1 FROM invocations WHERE state = 'unreported' LIMIT 1"):
        await host.ask("summary")


async def renewed(host: HostProcess, position_ms: int, segment: int) -> Any:
    """A renewal, repeated until the host has the block that it needs."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            try:
                return await host.invoke("renew", position_ms, segment, 2)
            except GomaaError as e:
                if e.code != "invocation.state":
                    raise


def served(world: World) -> tuple[list[tuple[int, str]], list[int]]:
    """Counters of the server, in the same form."""
    with sqlite3.connect(world.folder / "server.sqlite3") as db:
        rows = db.execute("SELECT sequence, action FROM invocations WHERE code IS NULL ORDER BY sequence").fetchall()
        ((plays, seeks),) = db.execute("SELECT plays, seeks FROM usages").fetchall()
    return rows, [plays, seeks]
