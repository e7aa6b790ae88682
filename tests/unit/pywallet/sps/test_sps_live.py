"""The live index: written by whoever streams, followed by whoever listens."""

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
    """A stream that has no segment yet."""
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


def test_an_index_comes_back_as_it_was() -> None:
    """Signing and opening give an equal index, with rundown and end."""
    index = begun().advance(2_000, segment(0), segment(1, 10, 2), rundown=RUNDOWN, ended=True)
    assert open_live(sign_live(index, KEY), CONTENT, SIGNER) == index


@given(pushes=st.lists(st.integers(0, 4), max_size=12), window=st.integers(1, 6))
def test_a_stream_can_be_followed(pushes: list[int], window: int) -> None:
    """Each index continues the one before, and the window holds the latest segments at their places in time."""
    index, count = begun(window), 0
    for step, push in enumerate(pushes):
        after = index.advance(2_000 + step, *(segment(count + i) for i in range(push)))
        count += push
        assert after.follow(index) is after
        assert after.next == count
        assert after.segments == tuple(segment(i) for i in range(after.first, count))[-window:]
        assert after.sample == after.first * 96_000
        index = after


def test_missed_indexes_do_not_matter() -> None:
    """A listener who was away follows from whatever comes next, with or without common segments."""
    first = begun().advance(2_000, segment(0), segment(1))
    later = first.advance(3_000, *(segment(i) for i in range(2, 9)))
    assert open_live(sign_live(later, KEY), CONTENT, SIGNER, first).first == 6


def test_an_older_index_is_refused() -> None:
    """A replayed index cannot turn the stream back."""
    first = begun().advance(2_000, segment(0))
    second = first.advance(3_000, segment(1))
    assert code_of(sign_live(first, KEY), second) == "sps.live.order"


def test_two_indexes_of_one_number_are_refused() -> None:
    """The same number with other segments is a contradiction; the same index again is not."""
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
def test_a_changed_past_is_refused(change: dict[str, object]) -> None:
    """A later index may not say something else about what was listed already."""
    before = begun().advance(2_000, segment(0))
    after = replace(before.advance(3_000, segment(1)), **change)  # type: ignore[arg-type]
    assert code_of(sign_live(after, KEY), before) == "sps.live.order"


def test_nothing_follows_the_end() -> None:
    """After an index that ended the stream no segment may come."""
    end = begun().advance(2_000, segment(0), ended=True)
    assert code_of(sign_live(end.advance(3_000, segment(1)), KEY), end) == "sps.live.order"


def test_an_end_cannot_be_taken_back_to_go_on() -> None:
    """The same segments without the end are refused, so the stream cannot go on in two steps."""
    end = begun().advance(2_000, segment(0), ended=True)
    assert code_of(sign_live(end.advance(3_000), KEY), end) == "sps.live.order"
    again = end.advance(3_000, ended=True)
    assert open_live(sign_live(again, KEY), CONTENT, SIGNER, end) == again


@given(samples=st.lists(st.integers(1, 96_000), min_size=1, max_size=8), shift=st.integers(-3, 3))
def test_what_was_missed_has_room_for_its_segments(samples: list[int], shift: int) -> None:
    """A window that shares no segment with the one before begins where the missed segments may end, and nowhere
    else.
    """
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


def test_only_the_named_signer_is_believed() -> None:
    """Another key, another content and a song's header are not this stream's index."""
    index = begun().advance(2_000, segment(0))
    assert code_of(sign_live(index, b"\x06" * 32)) == "sps.live.signature"
    assert code_of(sign_live(replace(index, content=bytes(20)), KEY)) == "sps.live.signature"


def test_a_header_is_no_index(samples: SimpleNamespace) -> None:
    """The content type under the signature keeps the two apart."""
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
    """The writer refuses what the reader would."""
    with pytest.raises(InputError, match=r"sps\.live\.malformed"):
        sign_live(replace(begun(), **change), KEY)  # type: ignore[arg-type]


@given(noise=st.binary(max_size=200), at=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_damage_has_a_code(noise: bytes, at: int, flip: int) -> None:
    """Noise and any flipped byte are refused with a code of the format."""
    good = bytearray(sign_live(begun().advance(2_000, segment(0)), KEY))
    good[at % len(good)] ^= flip
    for data in (noise, bytes(good)):
        with pytest.raises(InputError, match=r"sps\."):
            open_live(data, CONTENT, SIGNER)
