"""The watermark's payload, its code, and the check of a segment."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywallet.encoding.hex import from_hex
from pywallet.errors import InputError
from pywallet.sps import mark
from pywallet.sps.mark import MarkVerdict
from tests.budget import budget

ADDRESS = bytes(range(20))
VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[3] / "vectors/mark/segments.json").read_text())


def soft(address: bytes, block: int, noise: float = 0.0, seed: int = 1) -> list[float]:
    """Soft bits of a channel with noise."""
    draw = random.Random(seed)
    return [1 - 2 * bit + draw.gauss(0, noise) for bit in mark.encode(mark.block_payload(address, block))]


@budget(0.2)
@given(st.binary(min_size=20, max_size=20), st.integers(0, 10_000), st.integers(0, 1000))
def test_a_block_is_decoded_through_noise(address: bytes, block: int, seed: int) -> None:
    """A block would be lost with one wrong bit in twenty."""
    assert mark.decode(soft(address, block, 0.6, seed)) == (address, block % 4096)


def test_a_wrong_bit_of_the_payload_breaks_its_crc() -> None:
    """A wrong bit of the payload would pass."""
    bits = mark.block_payload(ADDRESS, 5)
    for at in range(mark.PAYLOAD_BITS):
        assert mark.unpack([bit ^ (n == at) for n, bit in enumerate(bits)]) is None
    assert mark.unpack(bits) == (ADDRESS, 5)


def test_the_code_has_the_specified_generators() -> None:
    """The code would differ from generators 171 and 133 octal."""
    out = mark.encode([1, *[0] * 9])
    assert [out[0:14:2], out[1:14:2]] == [[1, 1, 1, 1, 0, 0, 1], [1, 0, 1, 1, 0, 1, 1]]
    assert not any(out[14:])


def test_the_expected_block_matches_and_another_address_does_not() -> None:
    """A segment would have another verdict."""
    fits = mark.check(soft(ADDRESS, 3, 0.6), ADDRESS, 3)
    assert (fits.verdict, fits.found, fits.block) == (MarkVerdict.MATCH, ADDRESS, 3)
    other = mark.check(soft(b"\1" * 20, 3, 0.6), ADDRESS, 3)
    assert (other.verdict, other.found, other.block) == (MarkVerdict.MISMATCH, b"\1" * 20, 3)
    assert mark.check([0.0] * 420, ADDRESS, 3).verdict is MarkVerdict.NONE


def test_another_segment_of_the_same_song_is_no_mismatch() -> None:
    """A segment after a seek would count as another song's."""
    assert mark.check(soft(ADDRESS, 9), ADDRESS, 3).verdict is MarkVerdict.MATCH


def test_noise_is_no_mismatch() -> None:
    """An unmarked segment would be refused."""
    draw = random.Random(4)
    assert {mark.check([draw.gauss(0, 1) for _ in range(420)], ADDRESS, n).verdict for n in range(300)} == {
        MarkVerdict.NONE
    }


@pytest.mark.parametrize("bad", [[], [0.0] * 419, [0.0] * 419 + [float("nan")], [float("inf")] * 420])
def test_malformed_soft_bits_are_refused(bad: list[float]) -> None:
    """A wrong number of bits, or infinite ones, would be decoded."""
    with pytest.raises(InputError, match=r"message\.schema"):
        mark.check(bad, ADDRESS, 0)
    with pytest.raises(InputError, match=r"message\.schema"):
        mark.block_payload(ADDRESS[:19], 0)


def test_the_recorded_segments_have_their_verdicts() -> None:
    """A recorded segment would have another verdict."""
    expected = from_hex(VECTORS["expected"], 20)
    verdicts = [mark.check(case["soft"], expected, case["block"]) for case in VECTORS["segments"]]
    assert [check.verdict for check in verdicts] == [
        MarkVerdict.MATCH,
        MarkVerdict.MATCH,
        MarkVerdict.MISMATCH,
        MarkVerdict.NONE,
    ]
    assert verdicts[2].found == from_hex(VECTORS["segments"][2]["address"], 20)


def test_every_nth_segment_has_a_block() -> None:
    """A block would be expected where there is none, or the reverse."""
    marks = {"layers": ["ultrasonic"], "every": 3}
    assert [n for n in range(8) if mark.carries(marks, n)] == [0, 3, 6]
    assert not mark.carries(None, 0)
    assert not mark.carries({"layers": ["inband"]}, 0)
    assert not mark.carries({"layers": ["ultrasonic"], "every": True}, 0)
    assert not mark.carries({"layers": ["ultrasonic"], "every": 0}, 0)
