"""Payload of the watermark, and the check of one segment (docs/watermark.md).

A block of the ultrasonic layer carries 204 bits: address (160), block counter (12), CRC-32 of both (32). A
convolutional code (K = 7, rate 1/2, generators 171 and 133 octal, six zero bits of tail) makes 420 coded bits of them.
A *soft bit* is positive for a coded 0 and negative for a 1; its magnitude is the confidence.
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
"""Largest ``every`` of a header: segments from one block to the next."""
MATCH: Final = 6.0
"""Agreement of a match, standard deviations: by chance once in 10^9 segments."""
_OUTPUT: Final = tuple(tuple((register & g).bit_count() & 1 for g in GENERATORS) for register in range(2 * STATES))


class MarkVerdict(StrEnum):
    """Result of comparing a segment's watermark with the content's address."""

    MATCH = "match"
    MISMATCH = "mismatch"
    NONE = "none"


@dataclass(frozen=True)
class MarkCheck:
    """Result of a watermark check.

    Attributes:
        verdict: The result.
        agreement: Agreement with the expected block, standard deviations.
        found: Address in the watermark, 20 bytes, or None.
        block: Block counter in the watermark, or None.
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
    """CRC-32 (as zlib) of the address and the counter as two bytes, big-endian."""
    return zlib.crc32(address + block.to_bytes(2, "big")).to_bytes(4, "big")


def block_payload(address: bytes, block: int) -> list[int]:
    """Payload of a block, 204 bits; the counter wraps at 4096. Raises InputError ``message.schema``."""
    if len(address) != 20:
        raise InputError("message.schema", field="address")
    counter = block % (1 << COUNTER_BITS)
    return (
        _bits(address)
        + [counter >> shift & 1 for shift in range(COUNTER_BITS - 1, -1, -1)]
        + _bits(crc(address, counter))
    )


def unpack(bits: Sequence[int]) -> tuple[bytes, int] | None:
    """Address and counter of a payload, or None for a wrong CRC."""
    address = _bytes(bits[:ADDRESS_BITS])
    counter = int("".join(map(str, bits[ADDRESS_BITS : ADDRESS_BITS + COUNTER_BITS])), 2)
    return (address, counter) if _bytes(bits[ADDRESS_BITS + COUNTER_BITS :]) == crc(address, counter) else None


def encode(bits: Sequence[int]) -> list[int]:
    """Encode a payload with the convolutional code: two coded bits for each bit and each of the six tail bits."""
    register = 0
    out: list[int] = []
    for bit in (*bits, *[0] * TAIL_BITS):
        register = bit << 6 | register >> 1
        out.extend(_OUTPUT[register])
    return out


def viterbi(soft: Sequence[float]) -> list[int]:
    """Decode soft bits to the most likely payload (Viterbi). In pure Python: tens of milliseconds."""
    metric = [0.0] + [-1e30] * (STATES - 1)
    history: list[list[int]] = []
    for at in range(0, len(soft), 2):
        a, b = soft[at], soft[at + 1]
        gain = {(0, 0): a + b, (0, 1): a - b, (1, 0): b - a, (1, 1): -a - b}
        after, chosen = [0.0] * STATES, [0] * STATES
        for state in range(STATES):
            # A state is the six newest bits, newest highest: its two predecessors differ in the oldest bit.
            even, odd = 2 * state % STATES, 2 * state % STATES + 1
            entered = state >> 5 << 6
            first = metric[even] + gain[_OUTPUT[entered | even]]  # type: ignore[index]
            second = metric[odd] + gain[_OUTPUT[entered | odd]]  # type: ignore[index]
            after[state], chosen[state] = (first, even) if first >= second else (second, odd)
        metric = after
        history.append(chosen)
    state, bits = 0, []
    for chosen in reversed(history):
        bits.append(state >> 5)
        state = chosen[state]
    return bits[::-1][:-TAIL_BITS]


def decode(soft: Sequence[float]) -> tuple[bytes, int] | None:
    """Decode soft bits to address and counter, or None for a wrong CRC."""
    return unpack(viterbi(soft))


def agreement(soft: Sequence[float], address: bytes, block: int) -> float:
    """Correlation of soft bits with a block, in standard deviations of chance."""
    power = sum(value * value for value in soft)
    correlation = sum(
        -value if bit else value for value, bit in zip(soft, encode(block_payload(address, block)), strict=True)
    )
    return float(correlation / power**0.5) if power > 0 else 0.0


def check(soft: Sequence[float], address: bytes, block: int) -> MarkCheck:
    """Check the watermark of one segment.

    A mismatch is another address with a right CRC; noise, silence and a weak watermark are ``none``.

    Args:
        soft: The segment's 420 soft bits.
        address: Address of the content, 20 bytes.
        block: Number of the segment.

    Raises:
        InputError: ``message.schema``.
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
    """True if a segment has an ultrasonic block by the header's ``watermark`` map."""
    if watermark is None or "ultrasonic" not in watermark.get("layers", ()):
        return False
    every = watermark.get("every", 1)
    return type(every) is int and every > 0 and segment % every == 0
