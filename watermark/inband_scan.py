"""Blind reader of the in-band layer: four blocks of 11 s are added (folded) and decoded, at every possible start."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from pywallet.sps import mark
from watermark.coding import viterbi
from watermark.detection import Detection
from watermark.inband import BANDS, CODED, bits, layout, unpack
from watermark.parameters import FRAMES_HZ, PERIOD, READ_S
from watermark.whitening import GROUP, PHASES, cells

Floats = NDArray[np.floating[Any]]

BLOCK_S: Final = PERIOD / FRAMES_HZ
_FOLDS: Final = round(READ_S / BLOCK_S)
_TRIES: Final = 4
_PILOT_Z: Final = 4.5
_LIST_Z: Final = 5.5


@lru_cache(1)
def _pilots() -> tuple[NDArray[np.float32], NDArray[np.complexfloating[Any, Any]]]:
    signs, place = layout()
    pilots = np.where(place < 0, signs, 0).astype(np.float32)
    return pilots, np.conj(scipy.fft.rfft(pilots, axis=0))


def block_candidates(folded: Floats) -> list[tuple[float, int, int]]:
    """Likely starts of a block: (pilot correlation in standard deviations, phase, frame), highest first.

    Args:
        folded: Sum of folded cells, shape (8, 550, 183).
    """
    pilots, spectrum = _pilots()
    observed = scipy.fft.rfft(folded, axis=1)
    scores = scipy.fft.irfft((observed * spectrum).sum(axis=2), PERIOD, axis=1)
    spread = np.sqrt((folded**2).mean(axis=(1, 2)) * float((pilots**2).sum()))
    scores = scores / np.maximum(spread, 1e-12)[:, None]
    out: list[tuple[float, int, int]] = []
    for flat in np.argsort(-scores, axis=None)[: 8 * PHASES]:
        phase, frame = divmod(int(flat), PERIOD)
        score = float(scores[phase, frame])
        at = frame * PHASES + phase
        apart = (abs(at - (f * PHASES + p)) for _, p, f in out)
        if score < _PILOT_Z or len(out) == _TRIES:
            break
        if all(min(d, PERIOD * PHASES - d) > PHASES for d in apart):
            out.append((score, phase, frame))
    return out


def soft_bits(folded: Floats, frame: int) -> NDArray[np.float32]:
    """Soft coded bits of a block that begins at ``frame`` of (550, 183) cells.

    Bins are weighted by the strength of their pilots over the noise (maximum-ratio combining).
    """
    signs, place = layout()
    pilots, _ = _pilots()
    turned = np.roll(folded, -frame, axis=0)
    group = np.arange(BANDS) // GROUP
    count = np.bincount(group)
    strength = np.bincount(group, (turned * pilots).sum(axis=0) / np.abs(pilots).sum(axis=0)) / count
    noise = np.bincount(group, turned.var(axis=0)) / count
    weight = (np.maximum(strength, 1e-4) / np.maximum(noise, 1e-9))[group]
    data = place >= 0
    soft = np.bincount(place[data], (turned * weight * signs)[data], CODED)
    return np.asarray(soft / max(float(soft.std()), 1e-12), np.float32)


class InbandScanner:
    """Reads one recording, in windows of one block.

    Args:
        rate: Sample rate, Hz, a multiple of 50.
        addresses: Listed addresses.

    Attributes:
        size: Samples of a window.
        hop: Samples between two windows.
    """

    def __init__(self, rate: int, addresses: Sequence[bytes] = ()) -> None:
        self._rate = rate
        self.hop = PERIOD * (rate // FRAMES_HZ)
        self.size = self.hop + rate // FRAMES_HZ
        self._folds: deque[Floats] = deque(maxlen=_FOLDS)
        self._all = np.zeros((PHASES, PERIOD, BANDS), np.float32)
        self._count = 0
        self._addresses = tuple(dict.fromkeys(addresses))
        self._words = np.array([1 - 2 * np.array(mark.encode(bits(a))) for a in self._addresses], np.float32).reshape(
            -1, CODED
        )
        self._matches: list[tuple[bytes, int, float]] = []
        self._read_until: dict[bytes, float] = {}

    def window(self, start: int, samples: Floats) -> Iterator[Detection]:
        """Detections in the last 44 s.

        Args:
            start: First sample of the window in the recording.
            samples: The window, mono; the last one may be shorter.
        """
        padded = np.pad(samples, (0, max(0, self.size - len(samples))))
        fold = cells(padded, self._rate)
        self._folds.append(fold)
        self._all += fold
        self._count += 1
        origin = start / self._rate - (len(self._folds) - 1) * BLOCK_S
        yield from self._read(sum(self._folds, np.zeros_like(fold)), origin, len(self._folds) * BLOCK_S)

    def covers(self, start: int) -> bool:
        """True if an address was detected in sound that extends beyond sample ``start``."""
        return any(start / self._rate < until for until in self._read_until.values())

    def reset(self) -> None:
        """Start folding again, after a window was skipped."""
        self._folds.clear()

    def finish(self) -> Iterator[Detection]:
        """Detections in all blocks of the recording together, if there were none before."""
        if not self._read_until and self._count > _FOLDS:
            yield from self._read(self._all, 0.0, self._count * BLOCK_S)

    def _read(self, folded: Floats, origin: float, seconds: float) -> Iterator[Detection]:
        tried = block_candidates(folded)
        if not tried:
            return
        softs = np.array([soft_bits(folded[phase], frame) for _, phase, frame in tried])
        for (_, phase, frame), soft, row in zip(tried, softs, viterbi(softs), strict=True):
            at = origin + (frame + phase / PHASES) / FRAMES_HZ
            address = unpack(row)
            by_list = False
            if address is None:
                address, by_list = self._match_listed(soft, frame * PHASES + phase, origin), True
            if address is None or origin < self._read_until.get(address, -1e9):
                continue
            self._read_until[address] = origin + seconds
            word = 1 - 2 * np.array(mark.encode(bits(address)))
            confidence = float((soft * word).sum() / np.abs(soft).sum())
            yield Detection(address, "inband", at, None, confidence, 1.0, "list" if by_list else "crc")

    def _match_listed(self, soft: Floats, place: int, origin: float) -> bytes | None:
        """The listed address that two windows with at most half of their sound in common match at one position."""
        if not self._addresses:
            return None
        scores = self._words @ soft / np.sqrt((soft**2).sum())
        best = int(scores.argmax())
        if scores[best] < _LIST_Z + 0.7 * max(0.0, float(np.log10(len(self._addresses) / 1000))):
            return None
        address, total = self._addresses[best], PERIOD * PHASES
        earlier = any(
            a == address and origin - t >= READ_S / 2 - 1 and min((place - p) % total, (p - place) % total) <= PHASES
            for a, p, t in self._matches
        )
        self._matches = [*self._matches[-63:], (address, place, origin)]
        return address if earlier else None
