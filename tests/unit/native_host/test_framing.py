"""Frames: memory bounded by the bytes received, and no message altered."""

from __future__ import annotations

import io
import struct
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.browser_host.connection import Reply
from native_host.messaging import framing, requests
from native_host.playback import segment_table
from pywallet.crypto import address_of
from pywallet.encoding.hex import from_b64, to_b64
from pywallet.errors import GomaaError, InputError
from pywallet.sps import Header, Rendition, Segment, ServerRef, sign_header
from tests.budget import budget

JSON = st.dictionaries(
    st.text(max_size=20), st.one_of(st.integers(-(1 << 60), 1 << 60), st.text(max_size=50), st.none()), max_size=8
)


def frame(body: bytes) -> bytes:
    """A body with its length prefix."""
    return struct.pack("=I", len(body)) + body


def test_frames_are_independent_of_read_sizes() -> None:
    """Bytes that arrive one at a time give the same frames as one read."""
    stream = io.BytesIO(frame(b'{"id":1}') + frame(b'{"id":2}'))

    found = list(framing.frames(lambda n: stream.read(1)))

    assert found == [b'{"id":1}', b'{"id":2}']


@given(result=JSON)
def test_encode_and_decode_are_inverse(result: dict[str, Any]) -> None:
    """``decode`` of an encoded reply is that reply."""
    (body,) = framing.frames(io.BytesIO(framing.encode(Reply(1, result))).read)

    assert isinstance(body, bytes)
    assert framing.decode(body) == {"id": 1, "ok": True, "result": result}


def test_an_oversized_frame_is_skipped() -> None:
    """A frame above the limit is ``host.frame.size``, and the next frame is read."""
    stream = io.BytesIO(struct.pack("=I", framing.MAX_FRAME + 1) + bytes(framing.MAX_FRAME + 1) + frame(b"{}"))

    error, following = framing.frames(stream.read)

    assert isinstance(error, GomaaError)
    assert error.code == "host.frame.size"
    assert following == b"{}"


def test_a_declared_length_is_never_allocated() -> None:
    """A length of 4 GiB causes no read larger than a chunk, and ends the stream with ``host.frame.size``."""
    stream, asked = io.BytesIO(struct.pack("=I", 0xFFFFFFFF)), []

    def read(n: int) -> bytes:
        asked.append(n)
        return stream.read(n)

    with pytest.raises(framing.FrameError) as caught:
        list(framing.frames(read))

    assert caught.value.error.code == "host.frame.size"
    assert max(asked) <= 1 << 16


@pytest.mark.parametrize("stream", [b"\x05\x00", frame(b"{}")[:-1], struct.pack("=I", 10)])
def test_a_stream_that_ends_early_is_malformed(stream: bytes) -> None:
    """An end inside a length or a message is ``host.frame.malformed``."""
    with pytest.raises(framing.FrameError) as caught:
        list(framing.frames(io.BytesIO(stream).read))

    assert caught.value.error.code == "host.frame.malformed"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"1", b"{", b'{"a":1}}', b"\xff\xfe", b'{"a":"\xc3"}', b"[" * 100_000, b"null"]
)
def test_bodies_that_are_no_objects_are_malformed(body: bytes) -> None:
    """A body that is not one JSON object in UTF-8 is ``host.frame.malformed``."""
    with pytest.raises(InputError) as caught:
        framing.decode(body)

    assert caught.value.code == "host.frame.malformed"


def joined(data: bytes) -> dict[str, Any]:
    """The message in one or several frames; no frame is above the limit of browsers."""
    bodies, at = [], 0
    while at < len(data):
        (length,) = struct.unpack_from("=I", data, at)
        assert length <= framing.MAX_REPLY
        bodies.append(msgspec.json.decode(data[at + 4 : at + 4 + length]))
        at += 4 + length
    if len(bodies) == 1 and "parts" not in bodies[0]:
        return dict(bodies[0])
    assert [(body["part"], body["parts"]) for body in bodies] == [(n, len(bodies)) for n in range(1, len(bodies) + 1)]
    return dict(msgspec.json.decode(b"".join(from_b64(body["data"]) for body in bodies)))


CHARS = st.sampled_from(["x", '"', "\\", "\x00", "\u00e9", "\u7528", "\U0001f3b5"])


@budget(0.2)
@given(rows=st.integers(0, 400_000), char=CHARS, near=st.integers(-3, 3))
def test_a_message_of_any_length_fits_the_frames_of_browsers(rows: int, char: str, near: int) -> None:
    """Long lists and texts in any characters, also at the limit of one frame."""
    for message in (
        Reply(1, {"rows": [char] * rows}),
        Reply(2, "x" * (framing.MAX_REPLY - 31 + near)),
    ):
        assert joined(framing.encode(message)) == msgspec.to_builtins(message)


@pytest.mark.long
def test_the_longest_header_fits_request_and_result() -> None:
    """Ten hours in segments of two seconds, and nearly the most segments of a header."""
    samples = 88_200
    for count in (18_000, 90_000):
        digest = bytes(range(32))
        song = header(count, tuple(Segment(50_000, samples, digest) for _ in range(count)), samples)
        answer = joined(framing.encode(Reply(1, segment_table.build(song, 1 << 20).entries())))
        assert len(answer["result"]) == count
        signed = to_b64(sign_header(song, bytes(range(1, 33))))
        request = {
            "id": 1,
            "op": "open",
            "stream": "s",
            "header": signed,
            "key": "A" * 43 + "=",
            "origin": "https://radio.example",
        }
        (body,) = framing.frames(io.BytesIO(frame(msgspec.json.encode(request))).read)
        assert isinstance(body, bytes)
        assert requests.parse(framing.decode(body)).header == signed


def header(count: int, segments: tuple[Segment, ...], samples: int) -> Header:
    """A header with one rendition."""
    rendition = Rendition(
        id=1,
        codec="flac",
        mime='audio/mp4; codecs="flac"',
        rate=44_100,
        channels=2,
        bits=16,
        samples=samples * count,
        segment_samples=samples,
        init_size=9,
        init_sha256=bytes(32),
        segments=segments,
    )
    policy = {
        "permissions": ["play"],
        "price": {"interval_s": 5, "owner": 10**16, "reward": 2 * 10**15, "payer": "station"},
        "stations": ["*"],
        "listener": "any",
    }
    return Header(
        chain=31337,
        content=bytes(20),
        owner=address_of(bytes(range(1, 33))),
        title="Ten hours",
        artist="Tests",
        policy=policy,
        renditions=(rendition,),
        server=ServerRef("http://127.0.0.1:8081", bytes(range(20)), bytes(range(32))),
        delivery=("https://cdn.example/long.sps",),
    )


def test_a_message_above_the_limit_is_refused() -> None:
    """``encode`` raises ``host.frame.size``."""
    with pytest.raises(InputError) as caught:
        framing.encode(Reply(1, "x" * framing.MAX_WHOLE))

    assert caught.value.code == "host.frame.size"


def test_the_length_prefix_counts_bytes() -> None:
    """Of a text with several bytes per character."""
    data = framing.encode(Reply(1, "音樂"))

    assert struct.unpack("=I", data[:4])[0] == len(msgspec.json.encode(Reply(1, "音樂")))
