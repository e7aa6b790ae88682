"""Blocks that no window gives away one by one: read together, and never as anybody else's."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.watermark_attacks import ATTACKS
from benchmarks.watermark_clips import clip
from benchmarks.watermark_robustness import mark, read
from tests.unit.watermark.conftest import Samples, marked, music
from watermark import joint
from watermark.candidates import codewords
from watermark.coding import codeword
from watermark.parameters import LAYERS
from watermark.read import Detection, WatermarkReader
from watermark.scan import UltrasonicScanner

ADDRESS = bytes(range(20))
RATE = 48_000


def heard(sound: Samples, candidates: tuple[bytes, ...] = ()) -> list[Detection]:
    """What a reader makes of mono samples."""
    reader = WatermarkReader(RATE, ("ultrasonic",), candidates)
    return [*reader.process(sound.astype(np.float32)), *reader.finish()]


def buried(level_db: float, seconds: float = 18) -> Samples:
    """Marked music under white noise of an rms in dBFS."""
    sound = marked(music(seconds, RATE, 1), ADDRESS, RATE, layers=("ultrasonic",))[:, 0]
    return np.asarray(sound + np.random.default_rng(3).normal(0, 10 ** (level_db / 20), len(sound)))


def test_together_blocks_are_read_that_are_not_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """In noise that leaves few blocks or none, the run gives nearly all of them, each at its place and in its order."""
    sound = buried(-39.5)
    together = heard(sound)
    monkeypatch.setattr(UltrasonicScanner, "_read_jointly", lambda *_: iter(()))
    alone = heard(sound)
    assert len(together) >= len(alone) + 3
    assert len({f.block for f in together}) == len(together)
    assert all(
        f.address == ADDRESS and f.block is not None and abs(f.position_s - 2 * f.block) < 2e-3 for f in together
    )


def test_noise_read_together_names_nobody() -> None:
    """Neither noise, nor noise with another's blocks of ever another counter, gives an address, listed ones
    included.
    """
    draw = np.random.default_rng(11)
    listed = tuple(draw.bytes(20) for _ in range(200))
    assert heard(draw.normal(0, 0.1, 40 * RATE), listed) == []
    words = np.stack([codeword(a, 0)[:320] for a in listed]).astype(np.float32)
    for _ in range(20):
        softs = draw.normal(0, 1, (9, 420)).astype(np.float32)
        assert joint._by_code(softs) is None
        assert joint._by_list(softs, words, listed, 5.5) is None


def test_counters_that_do_not_follow_each_other_are_no_run() -> None:
    """The address of faint blocks alone is not enough: their counters must count on."""
    draw = np.random.default_rng(12)
    order, shuffled = [7, 8, 9, 10, 11, 12], [7, 300, 41, 1000, 2, 77]
    noise = draw.normal(0, 1.1, (6, 420)).astype(np.float32)
    assert joint._by_code(codewords(ADDRESS, range(7, 13)) + noise) == (ADDRESS, 7, "crc")
    assert len(order) == len(shuffled)
    rows = np.stack([codewords(ADDRESS, range(k, k + 1))[0] for k in shuffled]) + noise
    assert joint._by_code(rows.astype(np.float32)) is None


def test_counters_turn_round() -> None:
    """After 4095 comes 0."""
    words = np.stack([codewords(ADDRESS, range(k, k + 1))[0] for k in (4094, 4095, 0, 1)]).astype(np.float32)
    assert joint._by_code(words) == (ADDRESS, 4094, "crc")


def test_no_block_is_told_where_the_sound_has_ended() -> None:
    """Twelve seconds have six blocks, though the window they are read in is longer and holds their shadow."""
    _, rate, bits, sound = clip(7, 12)
    copy, at = ATTACKS["Vorbis q6"](mark(sound, rate, LAYERS[:1], bits), rate)
    assert [f.block for f in read(copy, at, LAYERS[:1])] == list(range(6))
