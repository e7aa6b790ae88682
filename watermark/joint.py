"""Joint decoding of blocks that are too weak to be decoded alone.

A recording's blocks follow each other every 2 s and carry one address. Folding the pilot correlation over 2 s gives the
positions of up to nine blocks of a window (a run). Their first 320 coded bits are equal, so their sum is decoded to an
address; the counters are found by correlating the remaining bits. Code and CRC are linear: two counters differ by the
same signs under every address. So with known counters the remaining bits are added as well, and the sum is decoded
again; only a valid CRC-32 is a detection. With a list, correlation of the sum with a listed address is enough. Next to
a block that was decoded alone, its neighbours only need to correlate with their known codewords.
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
from watermark.candidates import codewords, normalised_correlation
from watermark.coding import decode, viterbi
from watermark.demodulate import chips, soft_bits
from watermark.parameters import BLOCK_S
from watermark.ultrasonic import Complex

Floats = NDArray[np.floating[Any]]

PERIOD: Final = BLOCK_S * RATE
COUNTERS: Final = 1 << mark.COUNTER_BITS
_KNOWN: Final = 2 * mark.ADDRESS_BITS
_MAX_RUNS: Final = 3
_RUN_Z: Final = 6.0
"""Standard deviations by which a position of the folded pilot correlation stands out."""
_TAIL_Z: Final = 4.0
"""Correlation with a counter that is required before decoding; with a list ``_LIST_TAIL_Z``, without a CRC."""
_LIST_TAIL_Z: Final = 5.5
_OWN_Z: Final = 3.0
"""Correlation with its own codeword that a block of a run needs to be reported."""
_NEIGHBOUR_Z: Final = 4.5
_MIN_BLOCKS: Final = 3


@dataclass(frozen=True)
class JointBlock:
    """One block of a run; ``position`` in envelope samples, ``confidence`` 0 to 1."""

    position: float
    address: bytes
    block: int
    confidence: float
    method: Literal["crc", "list"]


@lru_cache(1)
def _counter_signs() -> NDArray[np.int8]:
    """For each counter, the signs by which its codeword differs from that of counter 0; shape (4096, 420)."""
    words = codewords(bytes(20), range(COUNTERS))
    return np.asarray(words * words[0])


def _run_starts(correlation: Floats) -> list[int]:
    """Start positions of runs within 2 s: outstanding peaks of the folded pilot correlation."""
    rows = len(correlation) // PERIOD
    if rows < _MIN_BLOCKS:
        return []
    total = correlation[: rows * PERIOD].reshape(rows, PERIOD).sum(axis=0)
    rest = correlation[rows * PERIOD :]
    total[: len(rest)] += rest * rows / (rows + 1)
    total = total - np.median(total)
    spread = 1.4826 * float(np.median(np.abs(total)))
    out: list[int] = []
    for at in np.argsort(-total)[:64]:
        if total[at] < _RUN_Z * spread or len(out) == _MAX_RUNS:
            break
        if all(min(abs(at - o), PERIOD - abs(at - o)) > 8 for o in out):
            out.append(int(at))
    return out


def _refined_start(correlation: Floats, at: int) -> float:
    """The start interpolated to a fraction of a sample, by the peak of the whole run."""
    rows = (len(correlation) - at - 2) // PERIOD
    near = np.array([sum(float(correlation[max(0, at + d) + k * PERIOD]) for k in range(rows + 1)) for d in (-1, 0, 1)])
    bend = near[0] - 2 * near[1] + near[2]
    return at + (float(np.clip(0.5 * (near[0] - near[2]) / bend, -0.5, 0.5)) if bend < 0 else 0.0)


def read_runs(
    envelope: Complex, correlation: Floats, words: Floats, addresses: tuple[bytes, ...], threshold: float
) -> Iterator[JointBlock]:
    """Detect the blocks of every run.

    Args:
        envelope: Complex envelope of the window (``SpeedHypothesis.envelope``).
        correlation: Its ``pilot_correlation``.
        words: First 320 coded bits of the listed addresses, shape (addresses, 320).
        addresses: The listed addresses.
        threshold: Correlation that a listed address needs, standard deviations.
    """
    for at in _run_starts(correlation):
        first_start = _refined_start(correlation, at)
        starts = [first_start + k * PERIOD for k in range(int((len(envelope) - first_start) // PERIOD + 0.01))]
        if len(starts) < _MIN_BLOCKS:
            continue
        softs = np.stack([soft_bits(chips(envelope, start)) for start in starts])
        found = _by_code(softs) or _by_list(softs, words, addresses, threshold)
        if found is None:
            continue
        address, first, method = found
        numbers = [(first + k) % COUNTERS for k in range(len(starts))]
        for start, soft, number in zip(starts, softs, numbers, strict=True):
            word = codewords(address, range(number, number + 1))[0]
            if float(normalised_correlation(soft, word[None].astype(np.float32))[0]) >= _OWN_Z:
                yield JointBlock(start, address, number, float((soft * word).sum() / np.abs(soft).sum()), method)


def read_neighbours(envelope: Complex, position: float, address: bytes, block: int) -> Iterator[JointBlock]:
    """Detect the blocks before and after a decoded one, at their known positions, by their known codewords."""
    span = range(-int(position // PERIOD + 0.01), int((len(envelope) - position) // PERIOD + 0.01))
    for k in span:
        number = (block + k) % COUNTERS
        start = position + k * PERIOD
        if k == 0:
            continue
        soft = soft_bits(chips(envelope, start))
        word = codewords(address, range(number, number + 1))[0].astype(np.float32)
        if float(normalised_correlation(soft, word[None])[0]) >= _NEIGHBOUR_Z:
            yield JointBlock(start, address, number, float((soft * word).sum() / np.abs(soft).sum()), "crc")


RunPayload = tuple[bytes, int, Literal["crc", "list"]]


def _counters(softs: Floats, address: bytes) -> tuple[int, float]:
    """Most likely counter of the run's first block under an address, and its correlation in standard deviations."""
    tails = codewords(address, range(COUNTERS))[:, _KNOWN:].astype(np.float32)
    each = softs[:, _KNOWN:] @ tails.T
    total = sum((np.roll(row, -k) for k, row in enumerate(each)), np.zeros(COUNTERS, np.float32))
    best = int(total.argmax())
    return best, float(total[best] / max(1e-12, float(np.sqrt((softs[:, _KNOWN:] ** 2).sum()))))


def _by_code(softs: Floats) -> RunPayload | None:
    """Address, first counter and method of a run by its CRC."""
    total = softs.sum(axis=0)
    total[_KNOWN:] = 0
    bits = viterbi(total[None])[0]
    address = np.packbits(np.asarray(bits[: mark.ADDRESS_BITS], np.uint8)).tobytes()
    first, z = _counters(softs, address)
    if z < _TAIL_Z:
        return None
    turned = softs * _counter_signs()[(first + np.arange(len(softs))) % COUNTERS]
    answer = decode(turned.sum(axis=0, dtype=np.float32)[None])[0]
    if answer is None or answer[1] != 0:
        return None
    return answer[0], first, "crc"


def _by_list(softs: Floats, words: Floats, addresses: tuple[bytes, ...], threshold: float) -> RunPayload | None:
    """Address, first counter and method of a run by correlation with the listed addresses."""
    if not addresses:
        return None
    scores = normalised_correlation(softs[:, :_KNOWN].sum(axis=0), words)
    best = int(scores.argmax())
    if scores[best] < threshold:
        return None
    first, z = _counters(softs, addresses[best])
    return (addresses[best], first, "list") if z >= _LIST_TAIL_Z else None
