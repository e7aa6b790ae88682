"""Reading with a list: which of some known addresses a block leans to, where its CRC no longer holds."""

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
_PATIENCE_S: Final = 60.0


def leaning(soft: Floats, words: Floats) -> Floats:
    """Of each word, how many standard deviations of chance the soft bits lean to it."""
    size = float(np.sqrt((soft * soft).sum()))
    return np.asarray(words @ soft / size) if size > 0 else np.zeros(len(words), np.float32)


def codewords(address: bytes, counters: range) -> NDArray[np.int8]:
    """Coded bits (+1 for 0) of one address with each counter."""
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
class Lean:
    """A block that leans to a candidate: ``score`` in standard deviations."""

    address: bytes
    block: int
    position_s: float
    ratio: float
    score: float


class AddressCandidates:
    """The list, and the blocks that wait for a second one to agree with them."""

    def __init__(self, addresses: Sequence[bytes]) -> None:
        self.addresses = tuple(dict.fromkeys(addresses))
        self.threshold = 5.5 + 0.7 * max(0.0, math.log10(max(1, len(self.addresses)) / 1000))
        self.words = (
            np.stack([address_word(a) for a in self.addresses]) if self.addresses else np.zeros((0, _KNOWN), np.float32)
        )
        self._counted: dict[bytes, NDArray[np.float32]] = {}
        self._waiting: list[Lean] = []

    def lean(self, soft: Floats, position_s: float, ratio: float) -> Lean | None:
        """The candidate and counter that the soft bits lean to, or None below the threshold."""
        if not self.addresses:
            return None
        scores = leaning(soft[:_KNOWN], self.words)
        best = int(scores.argmax())
        if scores[best] < self.threshold:
            return None
        address = self.addresses[best]
        if address not in self._counted:
            if len(self._counted) > 16:
                self._counted.clear()
            self._counted[address] = codewords(address, range(_COUNTERS))[:, _KNOWN:].astype(np.float32)
        block = int(leaning(soft[_KNOWN:], self._counted[address]).argmax())
        return Lean(address, block, position_s, ratio, float(scores[best]))

    def agree(self, lean: Lean) -> Iterator[Lean]:
        """The block and those before that agree with it: as many counters apart as seconds."""
        self._waiting = [old for old in self._waiting if abs(lean.position_s - old.position_s) < _PATIENCE_S]
        partners = [
            old
            for old in self._waiting
            if old.address == lean.address
            and old.block != lean.block
            and abs((lean.block - old.block) * BLOCK_S / lean.ratio - (lean.position_s - old.position_s)) < _TOLERANCE_S
        ]
        self._waiting.append(lean)
        if partners:
            yield from partners
            yield lean
