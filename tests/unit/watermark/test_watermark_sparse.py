"""Sparse harmonic music, where there is little to mark between the partials: the in-band layer's weak side."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.watermark_attacks import ATTACKS
from benchmarks.watermark_clips import clip
from benchmarks.watermark_robustness import ADDRESS, OTHERS, mark, read
from watermark.inband_scan import block_candidates
from watermark.parameters import LAYERS, READ_S
from watermark.whitening import PHASES, cells


@pytest.mark.parametrize(("number", "name"), [(0, "orchestra"), (1, "acoustic")])
def test_sparse_music_is_read_after_the_hardest_codec(number: int, name: str) -> None:
    """44 seconds of sustained and of plucked notes give their address after AAC at 128 kbit/s, and no listed other
    one.
    """
    what, rate, bits, sound = clip(number, READ_S)
    assert what == name
    copy, _ = ATTACKS["AAC 128k"](mark(sound, rate, LAYERS[1:], bits), rate)
    found = read(copy, rate, LAYERS[1:], OTHERS[:50])
    assert [(f.address, f.method) for f in found] == [(ADDRESS, "crc")]
    assert found[0].position_s < 0.1


def test_what_is_foretold_is_taken_out() -> None:
    """Chords and their decay, many times stronger than the mark, leave cells that hardly depend on each other."""
    _, rate, _, sound = clip(0, 12)
    folded = cells(sound.mean(axis=1).astype(np.float32), rate)[3]
    folded = folded - folded.mean()
    power = float((folded**2).mean())
    assert abs(float((folded[1:] * folded[:-1]).mean())) < 0.25 * power
    assert abs(float((folded[:, 1:] * folded[:, :-1]).mean())) < 0.25 * power


def test_silence_has_no_cells_and_no_place() -> None:
    """Digital silence neither fails nor looks marked."""
    rate = 44_100
    folded = cells(np.zeros(551 * rate // 50, np.float32), rate)
    assert folded.shape[0] == PHASES
    assert float(np.abs(folded).max()) < 0.05
    assert block_candidates(folded) == []
