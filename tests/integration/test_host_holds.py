"""Holds of a real host process at a real server: keys, counts, and their release."""

from __future__ import annotations

from pathlib import Path

import pytest

from pywallet.errors import GomaaError
from tests.integration.host_process import host_process
from tests.integration.real_host import again, begin, good, ledger, served, settled
from tests.integration.server_songs import terms
from tests.integration.server_world import World

ONE_PLAY = terms(counts={"play": {"limit": 1}}, lease={"window_s": 60, "seconds": 600, "invocations": 100})


async def test_a_hold_gives_the_first_seconds_and_its_play_counts_once(home: tuple[World, Path]) -> None:
    """Keys of 4 s and no more before the play; a closed player gives the play back."""
    world, files = home
    song = await world.publish(ONE_PLAY)
    async with host_process(files) as host:
        await begin(world, host, song, "a")
        await host.open(song.cose, "b")
        await again(world, host, song, "b")
        held = await host.ask("invoke", stream="a", action="hold", position_ms=0, segment=0, count=10)
        with pytest.raises(GomaaError) as second:
            await host.ask("invoke", stream="b", action="hold", position_ms=0, segment=0, count=2)
        await host.ask("close", stream="a")
        again_held = await host.ask("invoke", stream="b", action="hold", position_ms=0, segment=0, count=2)
        played = await host.ask("invoke", stream="b", action="play", position_ms=0, segment=0, count=10)
        await settled(host, files)

    assert good(host, song, held["grant"], range(2))
    assert good(host, song, again_held["grant"], range(2))
    assert good(host, song, played["grant"], range(10))
    assert second.value.code == "policy.count.exhausted"
    assert (held["left"], played["left"], played["heard_ms"]) == ({"play": 1}, {"play": 0}, 0)
    actions = [(1, "hold"), (2, "release"), (3, "hold"), (4, "play")]
    assert ledger(files, "SELECT sequence, action FROM invocations WHERE state = 'reported'") == actions
    assert served(world) == (actions, [1, 0])


async def test_a_play_ends_the_hold_of_another_player_opened_before(home: tuple[World, Path]) -> None:
    """The only play is held by one player; another, prepared after that, plays, and the first one is refused."""
    world, files = home
    song = await world.publish(ONE_PLAY)
    async with host_process(files) as host:
        await begin(world, host, song, "a")
        await host.ask("invoke", stream="a", action="hold", position_ms=0, segment=0, count=2)
        await settled(host, files)
        opened = await host.open(song.cose, "b")
        await again(world, host, song, "b")
        await host.ask("invoke", stream="b", action="play", position_ms=0, segment=0, count=2)
        await host.ask("invoke", stream="b", action="stop", position_ms=0, segment=None, count=0)
        with pytest.raises(GomaaError) as first:
            await host.ask("invoke", stream="a", action="play", position_ms=0, segment=0, count=2)
        await settled(host, files)

    assert opened["left"] == {"play": 1}
    assert first.value.code == "policy.count.exhausted"
    actions = [(1, "hold"), (2, "release"), (3, "play"), (4, "stop")]
    assert served(world) == (actions, [1, 0])
