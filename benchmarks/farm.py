"""``farm_gain``: the most that a patched host earns with one listener key, as a multiple of an honest one's reward."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any, Final

from benchmarks.figure import Figure
from benchmarks.scale import setting
from tests.integration.farm_bots import Bot, Gain
from tests.integration.farm_strategies import honest, strategies
from tests.integration.farm_world import TERMS, FarmWorld

STRATEGIES: Final = setting("GOMAA_BENCH_STRATEGIES", len(strategies()), 4)


def run() -> list[dict[str, Any]]:
    """Every strategy against the real server and station, after an honest listener of each kind of terms."""
    with tempfile.TemporaryDirectory() as folder:
        peers, gains = asyncio.run(_gains(Path(folder)))
    ratio = {gain.strategy.name: gain.reward / peers[gain.strategy.song].reward for gain in gains}
    best = max(ratio, key=lambda name: ratio[name])
    unheard = max(keys_ms - gain.heard_ms[content] for gain in gains for content, keys_ms in gain.keys_ms.items())
    detail = {
        "strategies": len(gains),
        "best": best,
        "as_much_as_honest": sum(value >= 1 for value in ratio.values()),
        "most_unheard_keys_s": max(0, unheard) // 1000,
    }
    peer = "one honest listener, same terms and time"
    return [Figure("farm_gain", round(ratio[best], 4), "x", peer, 1, "lower", detail).to_json()]


async def _gains(folder: Path) -> tuple[dict[str, Gain], list[Gain]]:
    world = await FarmWorld.make(folder)
    try:
        peers = {song: await Bot(world, honest(song)).run() for song in TERMS}
        return peers, [await Bot(world, strategy).run() for strategy in strategies()[:STRATEGIES]]
    finally:
        await world.close()
