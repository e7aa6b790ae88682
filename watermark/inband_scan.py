"""Reading layer 2 blind.

Four blocks of 11 s are laid over each other and read as one, at every place a block may begin.
"""

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


def places(folded: Floats) -> list[tuple[float, int, int]]:
    """Where blocks seem to begin: (standard deviations of chance, phase, frame), surest first."""
    pilots, spectrum = _pilots()
    heard = scipy.fft.rfft(folded, axis=1)
    scores = scipy.fft.irfft((heard * spectrum).sum(axis=2), PERIOD, axis=1)
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

    Bands count as far as their pilots hold.
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
    """Reads one recording block by block; ``rate`` in Hz, a multiple of 50."""

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
        self._leaning: list[tuple[bytes, int, float]] = []
        self._said: dict[bytes, float] = {}

    def window(self, start: int, samples: Floats) -> Iterator[Detection]:
        """What the last 44 s hold; ``samples`` begins at sample ``start`` and may end early."""
        padded = np.pad(samples, (0, max(0, self.size - len(samples))))
        fold = cells(padded, self._rate)
        self._folds.append(fold)
        self._all += fold
        self._count += 1
        origin = start / self._rate - (len(self._folds) - 1) * BLOCK_S
        yield from self._read(sum(self._folds, np.zeros_like(fold)), origin, len(self._folds) * BLOCK_S)

    def covers(self, start: int) -> bool:
        """Whether an address was read from sound that reaches beyond sample ``start``."""
        return any(start / self._rate < until for until in self._said.values())

    def forget(self) -> None:
        """Begin anew: a window was left out."""
        self._folds.clear()

    def finish(self) -> Iterator[Detection]:
        """What only the whole recording, laid over itself, gives away."""
        if not self._said and self._count > _FOLDS:
            yield from self._read(self._all, 0.0, self._count * BLOCK_S)

    def _read(self, folded: Floats, origin: float, seconds: float) -> Iterator[Detection]:
        tried = places(folded)
        if not tried:
            return
        softs = np.array([soft_bits(folded[phase], frame) for _, phase, frame in tried])
        for (_, phase, frame), soft, row in zip(tried, softs, viterbi(softs), strict=True):
            at = origin + (frame + phase / PHASES) / FRAMES_HZ
            address = unpack(row)
            how = "crc"
            if address is None:
                address, how = self._lean(soft, frame * PHASES + phase, origin), "list"
            if address is None or origin < self._said.get(address, -1e9):
                continue
            self._said[address] = origin + seconds
            word = 1 - 2 * np.array(mark.encode(bits(address)))
            confidence = float((soft * word).sum() / np.abs(soft).sum())
            yield Detection(address, "inband", at, None, confidence, 1.0, "crc" if how == "crc" else "list")

    def _lean(self, soft: Floats, place: int, origin: float) -> bytes | None:
        """The candidate that two windows, half of whose sound is not the same, lean to at one place."""
        if not self._addresses:
            return None
        scores = self._words @ soft / np.sqrt((soft**2).sum())
        best = int(scores.argmax())
        if scores[best] < _LIST_Z + 0.7 * max(0.0, float(np.log10(len(self._addresses) / 1000))):
            return None
        address, total = self._addresses[best], PERIOD * PHASES
        earlier = any(
            a == address and origin - t >= READ_S / 2 - 1 and min((place - p) % total, (p - place) % total) <= PHASES
            for a, p, t in self._leaning
        )
        self._leaning = [*self._leaning[-63:], (address, place, origin)]
        return address if earlier else None
