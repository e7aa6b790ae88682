"""Detection of listed addresses by correlation, in blocks whose CRC does not hold."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pywallet.sps import mark
from watermark.coding import address_word
from watermark.parameters import BLOCK_S

Floats = NDArray[np.floating[Any]]

_KNOWN: Final = 2 * mark.ADDRESS_BITS
_COUNTERS: Final = 1 << mark.COUNTER_BITS
_TOLERANCE_S: Final = 0.01
_CONFIRMATION_S: Final = 60.0


def normalised_correlation(soft: Floats, words: Floats) -> Floats:
    """Correlation of the soft bits with each codeword, in standard deviations of noise."""
    size = float(np.sqrt((soft * soft).sum()))
    return np.asarray(words @ soft / size) if size > 0 else np.zeros(len(words), np.float32)


def codewords(address: bytes, counters: range) -> NDArray[np.int8]:
    """Coded bits (+1 for 0, -1 for 1) of one address with each counter, shape (counters, 420)."""
    head = np.unpackbits(np.frombuffer(address, np.uint8))
    numbers = np.array(counters, np.uint16)
    counter = (numbers[:, None] >> np.arange(mark.COUNTER_BITS - 1, -1, -1) & 1).astype(np.uint8)
    checks = np.unpackbits(
        np.frombuffer(b"".join(mark.crc(address, k) for k in counters), np.uint8).reshape(-1, 4), axis=1
    )
    rows = len(numbers)
    bits = np.concatenate(
        [np.tile(head, (rows, 1)), counter, checks, np.zeros((rows, mark.TAIL_BITS), np.uint8)], axis=1
    )
    padded = np.pad(bits, ((0, 0), (mark.TAIL_BITS, 0)))
    steps = bits.shape[1]
    out = np.zeros((rows, steps, 2), np.uint8)
    for column, generator in enumerate(mark.GENERATORS):
        for delay in range(7):
            if generator >> (6 - delay) & 1:
                out[:, :, column] ^= padded[:, mark.TAIL_BITS - delay : mark.TAIL_BITS - delay + steps]
    return 1 - 2 * out.reshape(rows, -1).astype(np.int8)


@dataclass(frozen=True)
class CandidateMatch:
    """A block that correlates with a listed address; ``score`` in standard deviations, ``ratio`` the playback speed."""

    address: bytes
    block: int
    position_s: float
    ratio: float
    score: float


class AddressCandidates:
    """The listed addresses, and unconfirmed matches: one match alone is no detection."""

    def __init__(self, addresses: Sequence[bytes]) -> None:
        self.addresses = tuple(dict.fromkeys(addresses))
        self.threshold = 5.5 + 0.7 * max(0.0, math.log10(max(1, len(self.addresses)) / 1000))
        self.words = (
            np.stack([address_word(a) for a in self.addresses]) if self.addresses else np.zeros((0, _KNOWN), np.float32)
        )
        self._counted: dict[bytes, NDArray[np.float32]] = {}
        self._unconfirmed: list[CandidateMatch] = []

    def match(self, soft: Floats, position_s: float, ratio: float) -> CandidateMatch | None:
        """The listed address and counter with the highest correlation, or None below the threshold."""
        if not self.addresses:
            return None
        scores = normalised_correlation(soft[:_KNOWN], self.words)
        best = int(scores.argmax())
        if scores[best] < self.threshold:
            return None
        address = self.addresses[best]
        if address not in self._counted:
            if len(self._counted) > 16:
                self._counted.clear()
            self._counted[address] = codewords(address, range(_COUNTERS))[:, _KNOWN:].astype(np.float32)
        block = int(normalised_correlation(soft[_KNOWN:], self._counted[address]).argmax())
        return CandidateMatch(address, block, position_s, ratio, float(scores[best]))

    def confirmed(self, found: CandidateMatch) -> Iterator[CandidateMatch]:
        """The match and the earlier ones that confirm it: counters and positions differ by the same time."""
        self._unconfirmed = [
            old for old in self._unconfirmed if abs(found.position_s - old.position_s) < _CONFIRMATION_S
        ]
        partners = [
            old
            for old in self._unconfirmed
            if old.address == found.address
            and old.block != found.block
            and abs((found.block - old.block) * BLOCK_S / found.ratio - (found.position_s - old.position_s))
            < _TOLERANCE_S
        ]
        self._unconfirmed.append(found)
        if partners:
            yield from partners
            yield found
