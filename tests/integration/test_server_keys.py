"""Keys follow what was heard and the state of the play, whichever message asks for them and however often."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from messages.host_server.playback import GrantResult
from pywallet.errors import GomaaError
from pywallet.protocol import Invocation, Signed
from pywallet.rules.key_window import BEHIND_MS
from pywallet.rules.limits import CLOCK_SLACK_MS
from security_server.playback.key_allowance import LONGEST_WAIT_MS
from tests.integration.farm_bots import Bot, _Play
from tests.integration.farm_strategies import Strategy
from tests.integration.farm_world import BUFFER_MS, SEGMENT_MS, SONG_MS, FarmWorld

ALL = SONG_MS // SEGMENT_MS
BUFFER = (BUFFER_MS + CLOCK_SLACK_MS) // SEGMENT_MS + 1
"""Segments of a play of which nothing was heard."""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[FarmWorld]:
    """Server and station with every kind of song."""
    made = await FarmWorld.make(tmp_path)
    yield made
    await made.close()


class Hand(Bot):
    """A host whose every move a test makes."""

    def __init__(self, world: FarmWorld, song: str = "plain", name: str = "hand") -> None:
        super().__init__(world, Strategy(name, song=song))

    async def ticket(self) -> _Play:
        """Another ticket, opened at the server."""
        play = await self._open(0)
        assert play is not None
        return play

    async def ask(
        self, play: _Play, action: str, position_ms: int, wait_s: int = 0, first: int = 0
    ) -> tuple[Signed[Invocation], set[int]]:
        """One action after a while, and keys from a segment on, as many as come; what was sent."""
        self.world.clock.ms += wait_s * 1000
        message = self._sign(play, action, position_ms, self.world.clock.ms)
        return message, await self.again(play, message, first)

    async def again(self, play: _Play, message: Signed[Invocation], first: int = 0) -> set[int]:
        """The same bytes once more, for every segment of the song."""
        before, refused, found = set(self.keys[play.ticket.message.content]), self.refused, set[int]()
        for start in range(first, ALL, 64):
            self.keys[play.ticket.message.content] = set()
            await self._grant(play.session, message, start)
            found |= self.keys[play.ticket.message.content]
        assert self.refused == refused
        self.keys[play.ticket.message.content] = before | found
        return found

    def received(self, play: _Play) -> int:
        """How many segments of its song this host has keys for."""
        return len(self.keys[play.ticket.message.content])


async def code_of(asked: Any) -> str:
    """The code of a refusal."""
    with pytest.raises(GomaaError) as error:
        await asked
    return error.value.code


@pytest.mark.parametrize("song", ["plain", "rated", "together", "leased"])
async def test_a_paused_play_gets_no_more_than_its_buffer(world: FarmWorld, song: str) -> None:
    """Play, pause, and renewals for ten minutes while paused, each for the whole song: one buffer, nothing owed."""
    host = Hand(world, song)
    play = await host.ticket()
    await host.ask(play, "play", 0)
    await host.ask(play, "pause", 0)
    for step in range(1, 61):
        await host.ask(play, "renew", step * 5_000, wait_s=10)
        await host._lease(play, 0) if song == "leased" else None
    assert host.received(play) == BUFFER
    assert await world.heard_ms(host.listener, world.songs[song]) == ([0], 0)
    await host.ask(play, "resume", 0)
    _, keys = await host.ask(play, "renew", 4_000, wait_s=4)
    assert max(keys) == BUFFER + 1


async def test_replays_after_a_stop_get_no_keys(world: FarmWorld) -> None:
    """The bytes of play and renewal, again after the stop, are acknowledged and bring no key; a lease is refused."""
    host = Hand(world, "leased")
    play = await host.ticket()
    begun, keys = await host.ask(play, "play", 0)
    assert len(keys) == BUFFER
    renewed, _ = await host.ask(play, "renew", 5_000, wait_s=5)
    await host.ask(play, "stop", 10_000, wait_s=5)
    world.clock.ms += 120_000
    for message in (begun, renewed):
        assert await host.again(play, message) == set()
    refused = host.refused
    await host._lease(play, 0)
    assert host.refused == refused + 1


async def test_a_replay_gets_the_keys_of_the_current_window(world: FarmWorld) -> None:
    """A lost answer is given again; later the same bytes bring what is open by then, which time alone does not move."""
    host = Hand(world)
    play = await host.ticket()
    begun, first = await host.ask(play, "play", 0)
    assert await host.again(play, begun) == first
    await host.ask(play, "renew", 10_000, wait_s=10)
    world.clock.ms += 300_000
    assert max(await host.again(play, begun)) == BUFFER + 4
    await host.ask(play, "seek", 200_000)
    assert min(await host.again(play, begun, ALL - 64)) == (200_000 - BEHIND_MS) // SEGMENT_MS


async def test_the_same_bytes_are_decided_again_before_keys_come(world: FarmWorld) -> None:
    """A content that was revoked meanwhile gives no key for an invocation that was counted before."""
    host = Hand(world)
    play = await host.ticket()
    begun, _ = await host.ask(play, "play", 0)
    world.revoked.add(play.ticket.message.content)
    request = host.request(begun, 0)
    assert await code_of(world.playing.grant(host._device(0), request)) == "content.revoked"


async def test_many_tickets_do_not_open_an_unheard_song(world: FarmWorld) -> None:
    """Eight plays of one song, each begun somewhere else and stopped at once: less than half of its keys."""
    host = Hand(world)
    for place in range(8):
        play = await host.ticket()
        await host.ask(play, "play", place * 30_000)
        await host.ask(play, "stop", place * 30_000)
    assert host.received(play) <= ALL // 2


async def test_an_honest_listener_may_pause_jump_and_go_on(world: FarmWorld) -> None:
    """Half a minute here and there, a pause of ten minutes: at every moment there are keys for what comes next."""
    host = Hand(world)
    play = await host.ticket()

    async def hear(action: str, position_ms: int, seconds: int) -> None:
        await host.ask(play, action, position_ms, first=position_ms // SEGMENT_MS)
        for step in range(5, seconds + 1, 5):
            at_ms = position_ms + step * 1000
            _, keys = await host.ask(play, "renew", at_ms, wait_s=5, first=at_ms // SEGMENT_MS)
            assert set(range(at_ms // SEGMENT_MS, min(ALL, at_ms // SEGMENT_MS + 3))) <= keys

    await hear("play", 0, 30)
    await hear("seek", 120_000, 30)
    await hear("seek", 200_000, 30)
    await hear("seek", 10_000, 20)
    await host.ask(play, "pause", 30_000)
    world.clock.ms += 600_000
    await hear("resume", 30_000, 30)
    await hear("seek", 90_000, 20)
    assert host.refused == 0


async def test_a_wait_for_keys_names_code_and_time(world: FarmWorld) -> None:
    """Jumps without listening until no key comes: the answer names code and time.

    Then the next segments come, and not sooner.
    """
    host = Hand(world)
    play = await host.ticket()
    await host.ask(play, "play", 0)
    place = 0
    while True:
        place += 6_000
        message = host._sign(play, "seek", place, world.clock.ms)
        answer = await world.playing.grant(host._device(0), host.request(message, place // SEGMENT_MS))
        if not answer.keys:
            break
    assert place < SONG_MS
    assert answer.wait
    assert answer.wait.code == "invocation.pace"
    retry_ms = answer.wait.retry_ms
    assert 0 < retry_ms <= LONGEST_WAIT_MS

    async def renew(later_ms: int) -> GrantResult:
        world.clock.ms += later_ms
        message = host._sign(play, "renew", place, world.clock.ms)
        return await world.playing.grant(host._device(0), host.request(message, place // SEGMENT_MS))

    early = await renew(1)
    assert early.wait
    assert (early.keys, early.wait.code) == ([], "invocation.pace")
    assert 0 < early.wait.retry_ms < retry_ms
    later = await renew(retry_ms - 1)
    assert [index for index, _ in later.keys] == [place // SEGMENT_MS]
    assert not later.wait
    # In a pause no music needs keys.
    await host.ask(play, "pause", place)
    paused = await renew(0)
    assert not paused.wait
