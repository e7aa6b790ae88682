"""Blind reader of the ultrasonic layer: all speeds and positions, with successive interference cancellation.

Decoded blocks are cancelled, and the rest is decoded again.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from watermark import joint
from watermark.band import (
    HOP_S,
    OVERSAMPLING,
    RATE,
    WINDOW_S,
    SpeedHypothesis,
    band_spectrum,
    peaks,
    pilot_correlation,
    speed_candidates,
)
from watermark.candidates import AddressCandidates, CandidateMatch
from watermark.coding import codeword, decode
from watermark.demodulate import cancel, chips, soft_bits
from watermark.detection import Detection
from watermark.ultrasonic import Complex

Floats = NDArray[np.floating[Any]]

ROUNDS: Final = 5
_THRESHOLD: Final = 0.112
"""Pilot correlation from which a position is tried; about five standard deviations above noise."""
_PEAKS: Final = 24
_SAME_S: Final = 0.002
_ECHO_S: Final = 0.05
"""The same block again within this time is an echo, or a residual of its cancellation."""


class UltrasonicScanner:
    """Reads one recording window by window.

    Args:
        rate: Sample rate, Hz.
        candidates: Listed addresses; None: CRC only.

    Attributes:
        size: Samples of a window.
        hop: Samples between two windows.
    """

    def __init__(self, rate: int, candidates: AddressCandidates | None = None) -> None:
        self.size, self.hop = round(WINDOW_S * rate), round(HOP_S * rate)
        self._rate = rate
        self._candidates = candidates
        self._recent: list[Detection] = []

    def window(self, start: int, samples: Floats, last: bool = False) -> Iterator[Detection]:
        """Detect the blocks that begin in one window and are not complete in the next one.

        Args:
            start: First sample of the window in the recording.
            samples: The window, mono.
            last: True for the last window.
        """
        if not samples.any():
            return
        origin = start / self._rate
        until = WINDOW_S if last else HOP_S
        self._recent = [f for f in self._recent if origin - f.position_s < 4 * WINDOW_S]
        kept: list[Detection] = []
        for found in self._rounds(band_spectrum(samples, self._rate), origin, len(samples) / self._rate):
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
            tried: list[tuple[SpeedHypothesis, Complex, Floats]] = []
            for ratio in speed_candidates(band):
                speed = SpeedHypothesis(ratio)
                envelope = speed.envelope(band)
                correlation = pilot_correlation(envelope)
                tried.append((speed, envelope, correlation))
                positions = [position for position, _ in peaks(correlation, _THRESHOLD, _PEAKS)]
                softs = [soft_bits(chips(envelope, position)) for position in positions]
                answers = decode(np.array(softs)) if softs else []
                for position, soft, answer in zip(positions, softs, answers, strict=True):
                    at = position / speed.ratio / RATE
                    if any(abs(at - t) < _SAME_S and abs(ratio - r) < 2e-4 for t, r, _, _ in done):
                        continue
                    if answer is None:
                        yield from self._match_listed(soft, origin + at, speed.ratio)
                        continue
                    address, block = answer
                    word = codeword(address, block)
                    done.append((at, speed.ratio, address, block))
                    read += 1
                    yield Detection(address, "ultrasonic", origin + at, block, _confidence(soft, word), speed.ratio)
                    band = cancel(band, speed, position, word)
            if not read:
                yield from self._read_jointly(tried, done, origin, seconds)
                return

    def _read_jointly(
        self,
        tried: list[tuple[SpeedHypothesis, Complex, Floats]],
        done: list[tuple[float, float, bytes, int]],
        origin: float,
        seconds: float,
    ) -> Iterator[Detection]:
        """Detect blocks jointly, after those that decode alone (``done``) were cancelled."""
        candidates = self._candidates
        listed = (
            (candidates.words, candidates.addresses, candidates.threshold)
            if candidates
            else (np.zeros((0, 320), np.float32), (), 0.0)
        )
        for speed, padded, correlation in tried:
            # The zero padding is excluded: rounding leaves a weak image of neighbouring blocks there.
            envelope = padded[: round(seconds * speed.ratio * RATE) + OVERSAMPLING]
            decoded = [(t, address, block) for t, ratio, address, block in done if abs(ratio - speed.ratio) < 2e-4]
            neighbours = [
                joint.read_neighbours(envelope, t * speed.ratio * RATE, address, number)
                for t, address, number in decoded
            ]
            for block in chain(*neighbours, joint.read_runs(envelope, correlation, *listed)):
                at = origin + block.position / speed.ratio / RATE
                if any(a == block.address and abs(t + origin - at) < _ECHO_S for t, a, _ in decoded):
                    continue
                yield Detection(
                    block.address, "ultrasonic", at, block.block, block.confidence, speed.ratio, block.method
                )

    def _match_listed(self, soft: Floats, position_s: float, ratio: float) -> Iterator[Detection]:
        match = self._candidates.match(soft, position_s, ratio) if self._candidates else None
        if match is not None and self._candidates:
            for confirmed in self._candidates.confirmed(match):
                yield _listed(confirmed, soft)


def _listed(match: CandidateMatch, soft: Floats) -> Detection:
    confidence = min(1.0, match.score / 320**0.5)
    return Detection(match.address, "ultrasonic", match.position_s, match.block, confidence, match.ratio, "list")


def _confidence(soft: Floats, word: NDArray[np.int8]) -> float:
    return float((soft * word).sum() / np.abs(soft).sum())
