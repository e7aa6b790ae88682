"""Convolutional code of the payload (vectorised Viterbi decoder), and the spreading sequences."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pywallet.sps import mark
from watermark.parameters import CHIPS, STRIDE

Floats = NDArray[np.floating[Any]]
Bits = NDArray[np.uint8]

# Primitive polynomials of a preferred pair (x^11 + x^2 + 1, x^11 + x^8 + x^5 + x^2 + 1): low cross-correlation.
_PILOT_TAPS: Final = (0, 2)
_DATA_TAPS: Final = (0, 2, 5, 8)
_STATE: Final = np.arange(mark.STATES)
_PREDECESSORS: Final = np.stack([2 * _STATE % 64, 2 * _STATE % 64 + 1])
"""Both predecessors of every state of the encoder (``pywallet.sps.mark``)."""
_SIGNS: Final = np.array(
    [
        [[1 - 2 * ((int((s >> 5 << 6) | p) & g).bit_count() & 1) for g in mark.GENERATORS] for s, p in enumerate(row)]
        for row in _PREDECESSORS
    ],
    np.float32,
)


def sequence(taps: Sequence[int], length: int) -> NDArray[np.int8]:
    """m-sequence: s[n+11] = XOR of s[n+t] for t in ``taps``, from eleven ones; bit 0 is +1, bit 1 is -1."""
    bits = [1] * 11
    while len(bits) < length:
        at = len(bits) - 11
        bits.append(sum(bits[at + tap] for tap in taps) & 1)
    return (1 - 2 * np.array(bits[:length])).astype(np.int8)


PILOT: Final = sequence(_PILOT_TAPS, CHIPS)
SPREAD: Final = sequence(_DATA_TAPS, CHIPS)
CODED_BIT: Final = np.arange(CHIPS) * STRIDE % mark.CODED_BITS
"""Coded bit of each chip."""


def codeword(address: bytes, block: int) -> NDArray[np.int8]:
    """The 420 coded bits of a block as +1 (for 0) and -1."""
    return 1 - 2 * np.array(mark.encode(mark.block_payload(address, block)), np.int8)


@lru_cache(64)
def address_word(address: bytes) -> NDArray[np.float32]:
    """The first 320 coded bits, which do not depend on the counter, as +1 and -1."""
    return codeword(address, 0)[: 2 * mark.ADDRESS_BITS].astype(np.float32)


def viterbi(soft: Floats) -> Bits:
    """Maximum-likelihood bits, shape (n, bits), of soft bits, shape (n, coded bits)."""
    rows, steps = len(soft), soft.shape[1] // 2
    metric = np.full((rows, mark.STATES), -1e30, np.float32)
    metric[:, 0] = 0
    pairs = np.ascontiguousarray(soft, np.float32).reshape(rows, steps, 2)
    chosen = np.empty((steps, rows, mark.STATES), bool)
    for step in range(steps):
        pair = pairs[:, step]
        one = metric[:, _PREDECESSORS[0]] + pair @ _SIGNS[0].T
        two = metric[:, _PREDECESSORS[1]] + pair @ _SIGNS[1].T
        chosen[step] = two > one
        metric = np.maximum(one, two)
    state = np.zeros(rows, np.int64)
    bits, row = np.empty((rows, steps), np.uint8), np.arange(rows)
    for step in range(steps - 1, -1, -1):
        bits[:, step] = state >> 5
        state = 2 * state % 64 + chosen[step, row, state]
    return bits[:, : -mark.TAIL_BITS]


def decode(soft: Floats) -> list[tuple[bytes, int] | None]:
    """Address and counter of every row, or None where its CRC does not hold."""
    return [mark.unpack(bits.tolist()) if np.any(row) else None for bits, row in zip(viterbi(soft), soft, strict=True)]
