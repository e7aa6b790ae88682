"""The live index of a stream."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywallet import crypto
from pywallet.errors import InputError
from pywallet.sps.live import LiveIndex, LiveSegment, Rundown, open_live, sign_live

KEY = b"\x05" * 32
SIGNER = crypto.address_of(KEY)
CONTENT = bytes(range(20))
RUNDOWN = Rundown(sha256(b"rundown").digest(), ("https://radio.example/rundown.cbor",))


def segment(number: int, samples: int = 96_000, epoch: int = 1) -> LiveSegment:
    """The segment with this sequence number."""
    return LiveSegment(100 + number, samples, sha256(bytes([number % 256])).digest(), epoch)


def begun(window: int = 3) -> LiveIndex:
    """A stream without segments."""
    return LiveIndex(
        CONTENT,
        0,
        1_000,
        1,
        "flac",
        'audio/mp4; codecs="flac"',
        48_000,
        2,
        16,
        96_000,
        700,
        sha256(b"init").digest(),
        window,
    )


def code_of(data: bytes, before: LiveIndex | None = None) -> str:
    """The code with which an index is refused."""
    with pytest.raises(InputError) as caught:
        open_live(data, CONTENT, SIGNER, before)
    return caught.value.code


def test_opening_inverts_signing() -> None:
    """A field of an index would change."""
    index = begun().advance(2_000, segment(0), segment(1, 10, 2), rundown=RUNDOWN, ended=True)
    assert open_live(sign_live(index, KEY), CONTENT, SIGNER) == index


@given(pushes=st.lists(st.integers(0, 4), max_size=12), window=st.integers(1, 6))
def test_a_stream_can_be_followed(pushes: list[int], window: int) -> None:
    """An index would be refused after the one before, or the window have other segments."""
    index, count = begun(window), 0
    for step, push in enumerate(pushes):
        after = index.advance(2_000 + step, *(segment(count + i) for i in range(push)))
        count += push
        assert after.follow(index) is after
        assert after.next == count
        assert after.segments == tuple(segment(i) for i in range(after.first, count))[-window:]
        assert after.sample == after.first * 96_000
        index = after


def test_missed_indexes_are_skipped() -> None:
    """A listener could not continue after an outage."""
    first = begun().advance(2_000, segment(0), segment(1))
    later = first.advance(3_000, *(segment(i) for i in range(2, 9)))
    assert open_live(sign_live(later, KEY), CONTENT, SIGNER, first).first == 6


def test_an_older_index_is_refused() -> None:
    """A replayed index would set the stream back."""
    first = begun().advance(2_000, segment(0))
    second = first.advance(3_000, segment(1))
    assert code_of(sign_live(first, KEY), second) == "sps.live.order"


def test_two_indexes_of_one_number_are_refused() -> None:
    """Two different indexes of one number would be accepted."""
    one = begun().advance(2_000, segment(0))
    assert one.follow(one) is one
    assert code_of(sign_live(replace(one, segments=(segment(9),)), KEY), one) == "sps.live.order"


@pytest.mark.parametrize(
    "change",
    [
        {"segments": (segment(7), segment(1))},
        {"sample": 5},
        {"first": 1},
        {"rate": 44_100},
        {"init_sha256": bytes(32)},
        {"time_ms": 1_999},
    ],
)
def test_a_changed_segment_is_refused(change: dict[str, object]) -> None:
    """A listed segment could be replaced."""
    before = begun().advance(2_000, segment(0))
    after = replace(before.advance(3_000, segment(1)), **change)  # type: ignore[arg-type]
    assert code_of(sign_live(after, KEY), before) == "sps.live.order"


def test_nothing_follows_the_end() -> None:
    """A segment would follow the end."""
    end = begun().advance(2_000, segment(0), ended=True)
    assert code_of(sign_live(end.advance(3_000, segment(1)), KEY), end) == "sps.live.order"


def test_an_end_is_final() -> None:
    """An ended stream could continue in two steps."""
    end = begun().advance(2_000, segment(0), ended=True)
    assert code_of(sign_live(end.advance(3_000), KEY), end) == "sps.live.order"
    again = end.advance(3_000, ended=True)
    assert open_live(sign_live(again, KEY), CONTENT, SIGNER, end) == again


@given(samples=st.lists(st.integers(1, 96_000), min_size=1, max_size=8), shift=st.integers(-3, 3))
def test_the_time_of_missed_segments_is_bounded(samples: list[int], shift: int) -> None:
    """A window could begin at an impossible time."""
    before = begun(1).advance(2_000, segment(0))
    index = before
    for step, count in enumerate((*samples, 7)):
        index = index.advance(3_000 + step, segment(step + 1, count))
    missed = len(samples)
    assert index.follow(before) is index
    for sample in (96_000 + missed + shift, 96_000 * (1 + missed) + shift):
        moved = replace(index, sample=sample)
        if missed <= sample - 96_000 <= missed * 96_000:
            assert moved.follow(before) is moved
        else:
            assert code_of(sign_live(moved, KEY), before) == "sps.live.order"


def test_another_signer_or_content_is_refused() -> None:
    """An index of another signer or content would be accepted."""
    index = begun().advance(2_000, segment(0))
    assert code_of(sign_live(index, b"\x06" * 32)) == "sps.live.signature"
    assert code_of(sign_live(replace(index, content=bytes(20)), KEY)) == "sps.live.signature"


def test_a_header_is_no_index(samples: SimpleNamespace) -> None:
    """A header would be accepted as an index."""
    from pywallet.sps import sign_header

    owner = crypto.address_of(samples.OWNER_KEY)
    with pytest.raises(InputError, match=r"sps\.live\.malformed"):
        open_live(sign_header(samples.header(), samples.OWNER_KEY), samples.CONTENT, owner)


@pytest.mark.parametrize(
    "change",
    [
        {"number": -1},
        {"codec": "mp3"},
        {"mime": "video/mp4"},
        {"window": 0},
        {"window": 10_001},
        {"first": 0xFFFFFFFF},
        {"segments": (segment(0),) * 4},
        {"segments": (segment(0, 96_001),)},
        {"segments": (segment(0, epoch=-1),)},
        {"rundown": Rundown(bytes(31))},
        {"rundown": Rundown(bytes(32), ("ftp://radio.example",))},
    ],
)
def test_a_wrong_field_is_not_signed(change: dict[str, object]) -> None:
    """The writer would sign an index that readers refuse."""
    with pytest.raises(InputError, match=r"sps\.live\.malformed"):
        sign_live(replace(begun(), **change), KEY)  # type: ignore[arg-type]


@given(noise=st.binary(max_size=200), at=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_damage_has_a_code(noise: bytes, at: int, flip: int) -> None:
    """A damaged index would raise an exception without a code."""
    good = bytearray(sign_live(begun().advance(2_000, segment(0)), KEY))
    good[at % len(good)] ^= flip
    for data in (noise, bytes(good)):
        with pytest.raises(InputError, match=r"sps\."):
            open_live(data, CONTENT, SIGNER)
