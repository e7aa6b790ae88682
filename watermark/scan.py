"""Reading layer 1 blind: every speed, every place, the strongest first.

What is read is taken away and the rest read again.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from watermark import band as views
from watermark import joint
from watermark.band import OVER, RATE, Speed
from watermark.candidates import AddressCandidates, Lean
from watermark.coding import codeword, decode
from watermark.demodulate import chips, soft_bits, without
from watermark.detection import Detection
from watermark.parameters import BLOCK_S
from watermark.ultrasonic import Complex

Floats = NDArray[np.floating[Any]]

ROUNDS: Final = 5
_THRESHOLD: Final = 0.112
"""Of ``likeness``; about five standard deviations above chance."""
_PEAKS: Final = 24
_SAME_S: Final = 0.002
_ECHO_S: Final = 0.05
"""The same block so soon after itself is its echo, or what taking it away left over."""


class Scanner:
    """Reads one recording window by window; ``rate`` in Hz."""

    def __init__(self, rate: int, candidates: AddressCandidates | None = None) -> None:
        self.size, self.hop = round(views.WINDOW_S * rate), round(views.HOP_S * rate)
        self._rate = rate
        self._candidates = candidates
        self._recent: list[Detection] = []

    def window(self, start: int, samples: Floats, last: bool = False) -> Iterator[Detection]:
        """The blocks that begin in one window (first sample ``start``), unless the next one holds them whole."""
        if not samples.any():
            return
        origin = start / self._rate
        until = views.WINDOW_S if last else views.HOP_S
        self._recent = [f for f in self._recent if origin - f.position_s < 4 * views.WINDOW_S]
        kept: list[Detection] = []
        for found in self._rounds(views.bins(samples, self._rate), origin, len(samples) / self._rate):
            if -0.5 <= found.position_s - origin < until + _SAME_S and not self._seen(found):
                self._recent.append(found)
                kept.append(found)
        yield from sorted(kept, key=lambda found: found.position_s)

    def _seen(self, new: Detection) -> bool:
        return any(
            f.address == new.address and f.block == new.block and abs(f.position_s - new.position_s) < _ECHO_S
            for f in self._recent
        )

    def _rounds(self, band: Complex, origin: float, seconds: float) -> Iterator[Detection]:
        done: list[tuple[float, float, bytes, int]] = []
        for _ in range(ROUNDS):
            read = 0
            looked: list[tuple[Speed, Complex, Floats]] = []
            for ratio in views.speeds(band):
                speed = Speed(ratio)
                envelope = speed.envelope(band)
                likeness = views.likeness(envelope)
                looked.append((speed, envelope, likeness))
                places = [place for place, _ in views.peaks(likeness, _THRESHOLD, _PEAKS)]
                softs = [soft_bits(chips(envelope, place)) for place in places]
                answers = decode(np.array(softs)) if softs else []
                for place, soft, answer in zip(places, softs, answers, strict=True):
                    at = place / speed.ratio / RATE
                    if any(abs(at - t) < _SAME_S and abs(ratio - r) < 2e-4 for t, r, _, _ in done):
                        continue
                    if answer is None:
                        yield from self._lean(soft, origin + at, speed.ratio)
                        continue
                    address, block = answer
                    word = codeword(address, block)
                    done.append((at, speed.ratio, address, block))
                    read += 1
                    yield Detection(address, "ultrasonic", origin + at, block, _confidence(soft, word), speed.ratio)
                    band = without(band, speed, place, word)
            if not read:
                yield from self._together(looked, done, origin, seconds)
                return

    def _together(
        self,
        looked: list[tuple[Speed, Complex, Floats]],
        done: list[tuple[float, float, bytes, int]],
        origin: float,
        seconds: float,
    ) -> Iterator[Detection]:
        """What no block gives away alone, but all of a window's together.

        ``done`` are those that were read and taken away.
        """
        listed = self._candidates
        known = (
            (listed.words, listed.addresses, listed.threshold) if listed else (np.zeros((0, 320), np.float32), (), 0.0)
        )
        for speed, padded, likeness in looked:
            # What a window is filled up with is no place for a block: rounding leaves a shadow of its neighbours there.
            envelope = padded[: round(seconds * speed.ratio * RATE) + OVER]
            ours = [(t, address, block) for t, ratio, address, block in done if abs(ratio - speed.ratio) < 2e-4]
            beside = [joint.follow(envelope, t * speed.ratio * RATE, address, block) for t, address, block in ours]
            for one in chain(*beside, joint.read(envelope, likeness, *known)):
                at = origin + one.place / speed.ratio / RATE
                if any(a == one.address and abs(t + origin - at) < _ECHO_S for t, a, _ in ours):
                    continue
                yield Detection(one.address, "ultrasonic", at, one.block, one.confidence, speed.ratio, one.how)

    def _lean(self, soft: Floats, position_s: float, ratio: float) -> Iterator[Detection]:
        lean = self._candidates.lean(soft, position_s, ratio) if self._candidates else None
        if lean is not None and self._candidates:
            for one in self._candidates.agree(lean):
                yield _listed(one, soft)


def _listed(lean: Lean, soft: Floats) -> Detection:
    confidence = min(1.0, lean.score / 320**0.5)
    return Detection(lean.address, "ultrasonic", lean.position_s, lean.block, confidence, lean.ratio, "list")


def _confidence(soft: Floats, word: NDArray[np.int8]) -> float:
    return float((soft * word).sum() / np.abs(soft).sum())


def title_position_s(found: Detection) -> float | None:
    """Where in the recording that the mark names the block stands; None in the in-band layer."""
    return None if found.block is None else float(found.block * BLOCK_S)
