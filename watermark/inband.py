"""In-band layer: the magnitude of each time-frequency cell from 850 Hz to 10 kHz is multiplied by e^+-``DEPTH``.

The payload is the address and its CRC-32 (192 bits, convolutionally coded to 396 as in the ultrasonic layer). All
blocks of 11 s are equal, so the reader adds cells that are a whole number of blocks apart.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import lru_cache
from hashlib import shake_128
from typing import Any, Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from pywallet.sps import mark
from watermark.parameters import DEPTH, END_BIN, FIRST_BIN, FRAMES_HZ, PERIOD

Floats = NDArray[np.floating[Any]]

BANDS: Final = END_BIN - FIRST_BIN
CELLS: Final = PERIOD * BANDS
CODED: Final = 2 * (mark.ADDRESS_BITS + mark.CRC_BITS + mark.TAIL_BITS)
PILOTS: Final = 5
"""Every fifth cell of the pseudorandom order is a pilot."""


def _pseudorandom(label: bytes, size: int) -> bytes:
    """Fixed pseudorandom bytes: SHAKE128 of a label."""
    return shake_128(b"gomaa mark 2 " + label).digest(size)


@lru_cache(1)
def layout() -> tuple[NDArray[np.int8], NDArray[np.intp]]:
    """Sign of each cell, and its coded bit or -1 for a pilot; both of shape (550, 183): frames, bins."""
    signs = 1 - 2 * np.unpackbits(np.frombuffer(_pseudorandom(b"signs", -(-CELLS // 8)), np.uint8))[:CELLS].astype(
        np.int8
    )
    order = np.argsort(np.frombuffer(_pseudorandom(b"order", 8 * CELLS), ">u8"), kind="stable")
    place = np.empty(CELLS, np.intp)
    number = np.arange(CELLS)
    place[order] = np.where(number % PILOTS == 0, -1, (number - number // PILOTS - 1) % CODED)
    return signs.reshape(PERIOD, BANDS), place.reshape(PERIOD, BANDS)


def bits(address: bytes) -> list[int]:
    """The payload, 192 bits: address and its CRC-32."""
    return np.unpackbits(np.frombuffer(address + zlib.crc32(address).to_bytes(4, "big"), np.uint8)).tolist()


def unpack(values: Sequence[int]) -> bytes | None:
    """The address of a payload, or None where its CRC does not hold."""
    data = np.packbits(np.asarray(values, np.uint8)).tobytes()
    return data[:20] if zlib.crc32(data[:20]).to_bytes(4, "big") == data[20:] else None


def cell_signs(address: bytes) -> NDArray[np.int8]:
    """+1 for each cell that is raised, -1 for each that is lowered, shape (550, 183)."""
    signs, place = layout()
    word = 1 - 2 * np.array(mark.encode(bits(address)), np.int8)
    return signs * np.where(place < 0, np.int8(1), word[place])


@lru_cache(8)
def window(size: int, dtype: str) -> Floats:
    """A periodic Hann window."""
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size), dtype)


class InbandEmbedder:
    """Embeds the in-band layer; arrays are (channels, samples).

    ``process`` returns whole frames of 20 ms, ``finish`` the rest unchanged.
    """

    def __init__(self, address: bytes, rate: int, channels: int, dtype: str) -> None:
        self._size = rate // FRAMES_HZ
        self._window = window(self._size, dtype)
        self._gain = np.expm1(DEPTH * cell_signs(address)).astype(dtype)
        self._held: Floats = np.zeros((channels, 0), dtype)
        self._frame = 0

    def process(self, block: Floats) -> Floats:
        """The complete frames, marked."""
        held = np.concatenate([self._held, block], axis=1)
        count = held.shape[1] // self._size
        self._held = held[:, count * self._size :].copy()
        if not count:
            return held[:, :0]
        frames = held[:, : count * self._size].reshape(len(held), count, self._size)
        cells = scipy.fft.rfft(frames * self._window)
        change = np.zeros_like(cells)
        gain = self._gain[(self._frame + np.arange(count)) % PERIOD]
        change[:, :, FIRST_BIN:END_BIN] = cells[:, :, FIRST_BIN:END_BIN] * gain
        self._frame += count
        return np.asarray(frames + scipy.fft.irfft(change, self._size)).reshape(len(held), -1)

    def finish(self) -> Floats:
        """The rest, shorter than a frame, unchanged."""
        return self._held
