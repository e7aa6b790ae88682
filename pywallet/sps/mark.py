"""The watermark's payload and the verdict over one segment; docs/watermark.md specifies both.

A block of the ultrasonic layer carries 204 bits: address (160), block counter (12), CRC-32 of both (32). A
convolutional code (K = 7, rate 1/2, generators 171 and 133 octal, six zero bits of tail) makes 420 coded bits of them.
A *soft bit* is positive for a coded 0, negative for a 1, and the larger the surer.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from pywallet.errors import InputError

ADDRESS_BITS: Final = 160
COUNTER_BITS: Final = 12
CRC_BITS: Final = 32
PAYLOAD_BITS: Final = ADDRESS_BITS + COUNTER_BITS + CRC_BITS
TAIL_BITS: Final = 6
CODED_BITS: Final = 2 * (PAYLOAD_BITS + TAIL_BITS)
GENERATORS: Final = (0o171, 0o133)
STATES: Final = 64
MAX_EVERY: Final = (1 << COUNTER_BITS) - 1
"""Most segments from one block to the next, in the header's ``every``."""
MATCH: Final = 6.0
"""Standard deviations of agreement that make a match: by chance once in 10^9 segments."""
_OUTPUT: Final = tuple(tuple((register & g).bit_count() & 1 for g in GENERATORS) for register in range(2 * STATES))


class MarkVerdict(StrEnum):
    """What a segment's sound says of its address."""

    MATCH = "match"
    MISMATCH = "mismatch"
    NONE = "none"


@dataclass(frozen=True)
class MarkCheck:
    """Result of a watermark check.

    ``found`` is the address that another mark names, ``agreement`` the standard deviations by which the expected block
    stands out.
    """

    verdict: MarkVerdict
    agreement: float
    found: bytes | None = None
    block: int | None = None


def _bits(data: bytes) -> list[int]:
    return [byte >> shift & 1 for byte in data for shift in range(7, -1, -1)]


def _bytes(bits: Sequence[int]) -> bytes:
    return int("".join(map(str, bits)), 2).to_bytes(len(bits) // 8, "big")


def crc(address: bytes, block: int) -> bytes:
    """CRC-32 (of zlib) over the address and the counter as two bytes, big-endian."""
    return zlib.crc32(address + block.to_bytes(2, "big")).to_bytes(4, "big")


def payload(address: bytes, block: int) -> list[int]:
    """The 204 bits of a block; the counter wraps at 4096. Raises InputError ``message.schema``."""
    if len(address) != 20:
        raise InputError("message.schema", field="address")
    counter = block % (1 << COUNTER_BITS)
    return (
        _bits(address)
        + [counter >> shift & 1 for shift in range(COUNTER_BITS - 1, -1, -1)]
        + _bits(crc(address, counter))
    )


def unpack(bits: Sequence[int]) -> tuple[bytes, int] | None:
    """Address and counter of 204 bits, or None where the CRC does not hold."""
    address = _bytes(bits[:ADDRESS_BITS])
    counter = int("".join(map(str, bits[ADDRESS_BITS : ADDRESS_BITS + COUNTER_BITS])), 2)
    return (address, counter) if _bytes(bits[ADDRESS_BITS + COUNTER_BITS :]) == crc(address, counter) else None


def encode(bits: Sequence[int]) -> list[int]:
    """The convolutional code: two coded bits for each bit and for each of the six zeros after them."""
    register = 0
    out: list[int] = []
    for bit in (*bits, *[0] * TAIL_BITS):
        register = bit << 6 | register >> 1
        out.extend(_OUTPUT[register])
    return out


def viterbi(soft: Sequence[float]) -> list[int]:
    """The likeliest payload bits of soft bits. In pure Python: tens of milliseconds."""
    metric = [0.0] + [-1e30] * (STATES - 1)
    history: list[list[int]] = []
    for at in range(0, len(soft), 2):
        a, b = soft[at], soft[at + 1]
        gain = {(0, 0): a + b, (0, 1): a - b, (1, 0): b - a, (1, 1): -a - b}
        after, chosen = [0.0] * STATES, [0] * STATES
        for state in range(STATES):
            # A state is the six newest bits, newest highest: both its predecessors differ in the bit that fell out.
            one, two = 2 * state % STATES, 2 * state % STATES + 1
            entered = state >> 5 << 6
            first, second = metric[one] + gain[_OUTPUT[entered | one]], metric[two] + gain[_OUTPUT[entered | two]]  # type: ignore[index]
            after[state], chosen[state] = (first, one) if first >= second else (second, two)
        metric = after
        history.append(chosen)
    state, bits = 0, []
    for chosen in reversed(history):
        bits.append(state >> 5)
        state = chosen[state]
    return bits[::-1][:-TAIL_BITS]


def decode(soft: Sequence[float]) -> tuple[bytes, int] | None:
    """Address and counter, or None where nothing holds."""
    return unpack(viterbi(soft))


def agreement(soft: Sequence[float], address: bytes, block: int) -> float:
    """How far the soft bits lean to this block, in standard deviations of chance."""
    power = sum(value * value for value in soft)
    leaning = sum(-value if bit else value for value, bit in zip(soft, encode(payload(address, block)), strict=True))
    return float(leaning / power**0.5) if power > 0 else 0.0


def check(soft: Sequence[float], address: bytes, block: int) -> MarkCheck:
    """Judge the 420 soft bits of segment ``block`` of the content ``address``. Raises InputError ``message.schema``.

    A mismatch needs a whole other address with its CRC: noise, silence or a mark too weak to read is "none", never a
    refusal.
    """
    if len(soft) != CODED_BITS or not all(abs(value) < 1e30 for value in soft):
        raise InputError("message.schema", field="soft")
    score = agreement(soft, address, block)
    if score >= MATCH:
        return MarkCheck(MarkVerdict.MATCH, score, address, block)
    found = decode(soft) if any(soft) else None
    if found is None:
        return MarkCheck(MarkVerdict.NONE, score)
    return MarkCheck(MarkVerdict.MATCH if found[0] == address else MarkVerdict.MISMATCH, score, *found)


def carries(watermark: Mapping[str, Any] | None, segment: int) -> bool:
    """Whether the header's ``watermark`` map promises an ultrasonic block in this segment of two seconds."""
    if watermark is None or "ultrasonic" not in watermark.get("layers", ()):
        return False
    every = watermark.get("every", 1)
    return type(every) is int and every > 0 and segment % every == 0
