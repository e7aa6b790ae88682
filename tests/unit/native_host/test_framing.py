"""Frames: never more memory than bytes received, never a wrong message."""

from __future__ import annotations

import io
import struct
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from native_host import framing
from pywallet.errors import GomaaError, InputError

JSON = st.dictionaries(st.text(max_size=20), st.one_of(st.integers(-(1 << 60), 1 << 60), st.text(max_size=50), st.none()), max_size=8)


def frame(body: bytes) -> bytes:
    """A body with its length."""
    return struct.pack("=I", len(body)) + body


def test_a_frame_split_anywhere_arrives_whole() -> None:
    """Bytes that trickle in one at a time give the same frames as one read."""
    stream = io.BytesIO(frame(b'{"id":1}') + frame(b'{"id":2}'))

    found = list(framing.frames(lambda n: stream.read(1)))

    assert found == [b'{"id":1}', b'{"id":2}']


@given(message=JSON)
def test_encode_and_decode_are_inverse(message: dict[str, Any]) -> None:
    """What one side encodes is what the other decodes."""
    (body,) = framing.frames(io.BytesIO(framing.encode(message)).read)

    assert isinstance(body, bytes)
    assert framing.decode(body) == message


def test_an_oversized_frame_is_named_and_passed_over() -> None:
    """A frame above the cap gives host.frame.size, and the next frame is read."""
    stream = io.BytesIO(struct.pack("=I", framing.MAX_FRAME + 1) + bytes(framing.MAX_FRAME + 1) + frame(b"{}"))

    error, following = framing.frames(stream.read)

    assert isinstance(error, GomaaError)
    assert error.code == "host.frame.size"
    assert following == b"{}"


def test_a_declared_length_is_never_allocated() -> None:
    """A length of 4 GiB asks for no read larger than a chunk and ends the stream with host.frame.size."""
    stream, asked = io.BytesIO(struct.pack("=I", 0xFFFFFFFF)), []

    def read(n: int) -> bytes:
        asked.append(n)
        return stream.read(n)

    with pytest.raises(framing.Broken) as caught:
        list(framing.frames(read))

    assert caught.value.error.code == "host.frame.size"
    assert max(asked) <= 1 << 16


@pytest.mark.parametrize("stream", [b"\x05\x00", frame(b"{}")[:-1], struct.pack("=I", 10)])
def test_a_stream_that_ends_early_is_malformed(stream: bytes) -> None:
    """An end inside a length or a message is host.frame.malformed, not a clean end."""
    with pytest.raises(framing.Broken) as caught:
        list(framing.frames(io.BytesIO(stream).read))

    assert caught.value.error.code == "host.frame.malformed"


@pytest.mark.parametrize("body", [b"", b"[]", b"1", b"{", b'{"a":1}}', b"\xff\xfe", b'{"a":"\xc3"}', b"[" * 100_000, b"null"])
def test_bodies_that_are_no_objects_are_malformed(body: bytes) -> None:
    """Anything but one JSON object in UTF-8 is refused with its code."""
    with pytest.raises(InputError) as caught:
        framing.decode(body)

    assert caught.value.code == "host.frame.malformed"


def test_an_answer_above_the_cap_is_refused_before_it_leaves() -> None:
    """The browser would hang up on it: the host says host.frame.size instead."""
    with pytest.raises(InputError) as caught:
        framing.encode({"text": "x" * framing.MAX_FRAME})

    assert caught.value.code == "host.frame.size"


def test_the_length_is_of_the_bytes_not_of_the_characters() -> None:
    """A text of several bytes per character has its length in bytes."""
    data = framing.encode({"title": "音樂"})

    assert struct.unpack("=I", data[:4])[0] == len(msgspec.json.encode({"title": "音樂"}))
