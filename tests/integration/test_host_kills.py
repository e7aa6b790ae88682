"""A real host process, killed at any point: ledger, keys and server agree exactly."""

from __future__ import annotations

import os
import random
from pathlib import Path

from pywallet.protocol import (
    Signed,
    Ticket,
)
from tests.integration.host_process import host_process
from tests.integration.real_host import joined, ledger, served, settled
from tests.integration.server_songs import terms
from tests.integration.server_world import World

KILLS = int(os.environ.get("GOMAA_KILLS", "50"))


async def test_a_host_killed_beside_holds_loses_and_doubles_none(home: tuple[World, Path]) -> None:
    """SIGKILL at random moments of hold, play and release: host and server count exactly the plays."""
    world, files = home
    lease = {"window_s": 30, "seconds": 600, "invocations": 1_000}
    song = await world.publish(terms(counts={"play": {"limit": 9_999}}, lease=lease))
    moments, sounded = random.Random(11), 0
    for _ in range(KILLS):
        async with host_process(files) as host:
            await joined(world, host, song, None)
            for action in moments.choice((("hold", "play"), ("hold", "release", "hold", "play"), ("hold",))):
                host.send("invoke", stream="s", action=action, position_ms=0, segment=0, count=2)
            await host.replied(host.number - moments.randrange(0, 5))
            await host.kill()
            keys = [reply for reply in host.replies.values() if reply["ok"] and (reply["result"] or {}).get("grant")]
            sounded += len(keys)
    async with host_process(files) as host:
        await host.hello()
        await settled(host, files)

    rows = ledger(files, "SELECT sequence, action FROM invocations WHERE state = 'reported' ORDER BY sequence")
    plays = sum(action == "play" for _, action in rows)
    assert ledger(files, "SELECT count(*) FROM invocations WHERE state <> 'reported'") == [(0,)]
    assert ledger(files, "SELECT plays, seeks FROM usage") == [(plays, 0)]
    assert sounded <= sum(action != "release" for _, action in rows)
    assert served(world) == (rows, [plays, 0])


async def test_a_killed_host_loses_and_repeats_nothing(home: tuple[World, Path]) -> None:
    """SIGKILL at random moments of many seeks, then the same play or a new one.

    Every released key is in the ledger, and ledger and server agree exactly.
    """
    world, files = home
    lease = {"window_s": 30, "seconds": 600, "invocations": 1_000}
    song = await world.publish(terms(counts={"play": {"limit": 9_999}, "seek": {"limit": 9_999}}, lease=lease))
    moments, answered = random.Random(7), set()
    ticket: Signed[Ticket] | None = None
    for turn in range(KILLS):
        async with host_process(files) as host:
            before = ticket if turn % 2 else None
            ticket = await joined(world, host, song, before)
            if ticket != before:
                host.send("invoke", stream="s", action="play", position_ms=0, segment=0, count=2)
            for n in range(40):
                # Within the lease, and beyond it, where the server grants.
                position_ms = 100_000 if n % 8 == 7 else 1_000 * (n % 10)
                host.send(
                    "invoke", stream="s", action="seek", position_ms=position_ms, segment=position_ms // 2_000, count=1
                )
            # The others are under way when the reply to this one arrives.
            await host.replied(host.number - moments.randrange(0, 41))
            await host.kill()
            got = [
                reply["result"]
                for reply in host.replies.values()
                if reply["ok"] and "sequence" in (reply["result"] or {})
            ]
            answered |= {result["sequence"] for result in got if result["grant"]}
    async with host_process(files) as host:
        await host.hello()
        await settled(host, files)

    rows = ledger(files, "SELECT sequence, action, state FROM invocations ORDER BY sequence")
    counted = [(sequence, action) for sequence, action, state in rows if state == "reported"]
    totals = [sum(1 for _, name in counted if name == action) for action in ("play", "seek")]
    assert [sequence for sequence, _, _ in rows] == list(range(1, len(rows) + 1))
    assert answered <= {sequence for sequence, _ in counted}
    assert ledger(files, "SELECT plays, seeks FROM usage") == [tuple(totals)]
    assert served(world) == (counted, totals)
