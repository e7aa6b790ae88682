"""Blocks too faint to be read alone, read together.

A recording's blocks follow each other every two seconds and name one address.

A place within two seconds where pilots pile up gives up to nine blocks of a window. Their first 320 coded bits are the
same, so they add up to an address; which counters the blocks have shows in the rest. With the counters known the rest
adds up as well (code and CRC are linear: two counters differ by the same signs under every address), and the sum goes
through the code once
more: its CRC-32 holds or nothing is told. With a list, the sum may lean to a listed address instead. And where one
block was read alone, its neighbours need only lean to what must stand there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from pywallet.sps import mark
from watermark.band import RATE
from watermark.candidates import codewords, leaning
from watermark.coding import decode, viterbi
from watermark.demodulate import chips, soft_bits
from watermark.parameters import BLOCK_S
from watermark.ultrasonic import Complex

Floats = NDArray[np.floating[Any]]

PERIOD: Final = BLOCK_S * RATE
COUNTERS: Final = 1 << mark.COUNTER_BITS
_KNOWN: Final = 2 * mark.ADDRESS_BITS
_PLACES: Final = 3
_PLACE_Z: Final = 6.0
"""Standard deviations by which a place of the folded likeness stands out."""
_TAIL_Z: Final = 4.0
"""What a counter must show before the code is asked; with a list, ``_LIST_TAIL_Z``: there it is the proof."""
_LIST_TAIL_Z: Final = 5.5
_OWN_Z: Final = 3.0
"""What a block must show itself to be told."""
_FOLLOW_Z: Final = 4.5
_FEWEST: Final = 3


@dataclass(frozen=True)
class Joined:
    """One block of a run: its place in envelope samples, and what it was read as."""

    place: float
    address: bytes
    block: int
    confidence: float
    how: Literal["crc", "list"]


@lru_cache(1)
def _turns() -> NDArray[np.int8]:
    """For each counter, the signs by which its codeword differs from that of counter 0; shape (4096, 420)."""
    words = codewords(bytes(20), range(COUNTERS))
    return np.asarray(words * words[0])


def _folded(likeness: Floats) -> list[int]:
    """Where in two seconds pilots pile up: the likeness laid over itself, its outstanding places."""
    rows = len(likeness) // PERIOD
    if rows < _FEWEST:
        return []
    total = likeness[: rows * PERIOD].reshape(rows, PERIOD).sum(axis=0)
    rest = likeness[rows * PERIOD :]
    total[: len(rest)] += rest * rows / (rows + 1)
    total = total - np.median(total)
    spread = 1.4826 * float(np.median(np.abs(total)))
    out: list[int] = []
    for at in np.argsort(-total)[:64]:
        if total[at] < _PLACE_Z * spread or len(out) == _PLACES:
            break
        if all(min(abs(at - o), PERIOD - abs(at - o)) > 8 for o in out):
            out.append(int(at))
    return out


def _exact(likeness: Floats, at: int) -> float:
    """The place to a fraction of a sample, by the whole run's peak."""
    rows = (len(likeness) - at - 2) // PERIOD
    near = np.array([sum(float(likeness[max(0, at + d) + k * PERIOD]) for k in range(rows + 1)) for d in (-1, 0, 1)])
    bend = near[0] - 2 * near[1] + near[2]
    return at + (float(np.clip(0.5 * (near[0] - near[2]) / bend, -0.5, 0.5)) if bend < 0 else 0.0)


def read(
    envelope: Complex, likeness: Floats, words: Floats, addresses: tuple[bytes, ...], least: float
) -> Iterator[Joined]:
    """The blocks of every run.

    ``words``: the first 320 coded bits of the listed ``addresses``; ``least``: the list's threshold.
    """
    for at in _folded(likeness):
        place = _exact(likeness, at)
        starts = [place + k * PERIOD for k in range(int((len(envelope) - place) // PERIOD + 0.01))]
        if len(starts) < _FEWEST:
            continue
        softs = np.stack([soft_bits(chips(envelope, start)) for start in starts])
        found = _by_code(softs) or _by_list(softs, words, addresses, least)
        if found is None:
            continue
        address, first, how = found
        numbers = [(first + k) % COUNTERS for k in range(len(starts))]
        for start, soft, number in zip(starts, softs, numbers, strict=True):
            word = codewords(address, range(number, number + 1))[0]
            if float(leaning(soft, word[None].astype(np.float32))[0]) >= _OWN_Z:
                yield Joined(start, address, number, float((soft * word).sum() / np.abs(soft).sum()), how)


def follow(envelope: Complex, place: float, address: bytes, block: int) -> Iterator[Joined]:
    """The blocks before and after one that was read: at their places, in their order, leaning to that address."""
    span = range(-int(place // PERIOD + 0.01), int((len(envelope) - place) // PERIOD + 0.01))
    for k in span:
        number = (block + k) % COUNTERS
        start = place + k * PERIOD
        if k == 0:
            continue
        soft = soft_bits(chips(envelope, start))
        word = codewords(address, range(number, number + 1))[0].astype(np.float32)
        if float(leaning(soft, word[None])[0]) >= _FOLLOW_Z:
            yield Joined(start, address, number, float((soft * word).sum() / np.abs(soft).sum()), "crc")


Found = tuple[bytes, int, Literal["crc", "list"]]


def _counters(softs: Floats, address: bytes) -> tuple[int, float]:
    """The first block's counter that the run leans to under an address, and by how many standard deviations."""
    tails = codewords(address, range(COUNTERS))[:, _KNOWN:].astype(np.float32)
    each = softs[:, _KNOWN:] @ tails.T
    total = sum((np.roll(row, -k) for k, row in enumerate(each)), np.zeros(COUNTERS, np.float32))
    best = int(total.argmax())
    return best, float(total[best] / max(1e-12, float(np.sqrt((softs[:, _KNOWN:] ** 2).sum()))))


def _by_code(softs: Floats) -> Found | None:
    total = softs.sum(axis=0)
    total[_KNOWN:] = 0
    bits = viterbi(total[None])[0]
    address = np.packbits(np.asarray(bits[: mark.ADDRESS_BITS], np.uint8)).tobytes()
    first, z = _counters(softs, address)
    if z < _TAIL_Z:
        return None
    turned = softs * _turns()[(first + np.arange(len(softs))) % COUNTERS]
    answer = decode(turned.sum(axis=0, dtype=np.float32)[None])[0]
    if answer is None or answer[1] != 0:
        return None
    return answer[0], first, "crc"


def _by_list(softs: Floats, words: Floats, addresses: tuple[bytes, ...], least: float) -> Found | None:
    if not addresses:
        return None
    scores = leaning(softs[:, :_KNOWN].sum(axis=0), words)
    best = int(scores.argmax())
    if scores[best] < least:
        return None
    first, z = _counters(softs, addresses[best])
    return (addresses[best], first, "list") if z >= _LIST_TAIL_Z else None
