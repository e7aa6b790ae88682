"""Farming: a patched host earns no more with one listener key than one honest listener in the same time."""

from __future__ import annotations

from pathlib import Path

import pytest

from pywallet.rules.key_window import BEHIND_MS
from pywallet.rules.limits import CLOCK_SLACK_MS
from security_server.playback.key_allowance import HEARD_PER_ROOM, JUMPS_MS, PLACE_MS
from tests.integration.farm_bots import Bot, Gain
from tests.integration.farm_strategies import STEP_MS, STEPS, Strategy, honest, strategies
from tests.integration.farm_world import BUFFER_MS, INTERVAL_S, PRICE, SONG_MS, TERMS, FarmWorld


async def farmed(folder: Path, wanted: list[Strategy], per_day: int | None = None) -> list[Gain]:
    """Run strategies one after the other, each with its own listener key. Raises on a statement not payable."""
    world = await FarmWorld.make(folder, per_day)
    try:
        return [await Bot(world, strategy).run() for strategy in wanted]
    finally:
        await world.close()


def most_reward(gain: Gain) -> int:
    """An honest listener's reward for the same time in whole intervals, as fast as the song's terms allow, wei."""
    rate = 2 if "rate" in TERMS[gain.strategy.song]["permissions"] else 1
    return gain.elapsed_ms * rate // (INTERVAL_S * 1000) * PRICE["reward"]


def most_keys_ms(gain: Gain, content: bytes) -> int:
    """Heard time, one buffer, and the room for jumps (docs/decisions/0033), ms."""
    heard = gain.heard_ms[content]
    jumps = gain.seeks[content] if "seek" in TERMS[gain.strategy.song].get("counts", {}) else 0
    return heard + BEHIND_MS + BUFFER_MS + CLOCK_SLACK_MS + max(JUMPS_MS, jumps * PLACE_MS) + heard // HEARD_PER_ROOM


async def test_an_honest_listener_is_paid_for_every_interval_and_gets_every_key(tmp_path: Path) -> None:
    """Five minutes of each song: sixty intervals, twice as many where the terms permit a rate, and all keys."""
    for gain in await farmed(tmp_path, [honest(song) for song in TERMS]):
        assert gain.reward == most_reward(gain)
        assert list(gain.keys_ms.values()) == [SONG_MS]
        # The one refusal: after its end the last ticket has no keys left to lease.
        assert gain.refused == 1


async def test_no_strategy_earns_more_than_an_honest_listener_or_gets_more_keys(tmp_path: Path) -> None:
    """More than a hundred patched hosts: reward, keys, the length of each play, every statement payable."""
    wanted = strategies()
    assert len(wanted) >= 100
    assert len({strategy.name for strategy in wanted}) == len(wanted)
    gains = await farmed(tmp_path, wanted)
    assert [gain.strategy.name for gain in gains if gain.reward > most_reward(gain)] == []
    over = [
        gain.strategy.name
        for gain in gains
        for content, keys_ms in gain.keys_ms.items()
        if keys_ms > min(SONG_MS, most_keys_ms(gain, content))
    ]
    assert over == []
    # A play without a jump plays the song at most once, whatever duration it reports.
    straight = [gain for gain in gains if gain.strategy.jumps in ("none", "rate")]
    assert [gain.strategy.name for gain in straight if gain.longest_ms > SONG_MS] == []
    # The strategies are effective: many are accepted and earn, and most are refused something.
    assert sum(gain.reward > 0 for gain in gains) >= 60
    assert sum(gain.refused > 1 for gain in gains) >= 60
    assert all(gain.elapsed_ms == STEPS * STEP_MS for gain in gains)


@pytest.mark.parametrize(("tickets", "sessions"), [(15, 1), (15, 15), (1, 1)])
async def test_a_days_cap_holds_for_parallel_tickets(tmp_path: Path, tickets: int, sessions: int) -> None:
    """A cap of twelve intervals a day, fifteen tickets: paid are these and the rest of the play that reached them."""
    cap = 12 * PRICE["reward"]
    wanted = [
        Strategy("beside", tickets=tickets, sessions=sessions, payees=sessions, reopen=2),
        Strategy(
            "silent", seed=1, tickets=tickets, sessions=sessions, times="own", reports="end", ending="silent", reopen=3
        ),
    ]
    for gain in await farmed(tmp_path, wanted, cap):
        assert gain.reward <= max(cap, SONG_MS // (INTERVAL_S * 1000) * PRICE["reward"])
