"""Frames: never more memory than bytes received, never a wrong message."""

from __future__ import annotations

import io
import struct
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

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


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"1", b"{", b'{"a":1}}', b"\xff\xfe", b'{"a":"\xc3"}', b"[" * 100_000, b"null"]
)
def test_bodies_that_are_no_objects_are_malformed(body: bytes) -> None:
    """Anything but one JSON object in UTF-8 is refused with its code."""
    with pytest.raises(InputError) as caught:
        framing.decode(body)

    assert caught.value.code == "host.frame.malformed"


def joined(data: bytes) -> dict[str, Any]:
    """The message in one or several frames, as the browser reads it: no frame is longer than browsers take."""
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
def test_an_answer_of_any_length_is_taken_by_the_browser(rows: int, char: str, near: int) -> None:
    """Lists that grow with a song or a ledger, in any characters, also right at the limit."""
    for message in (
        {"id": 1, "ok": True, "result": {"rows": [char] * rows}},
        {"id": 2, "text": "x" * (framing.MAX_REPLY - 18 + near)},
    ):
        assert joined(framing.encode(message)) == message


@pytest.mark.long
def test_the_longest_song_the_format_has_opens() -> None:
    """Ten hours in segments of two seconds, and about as many segments as a header may list.

    Request and answer pass.
    """
    samples = 88_200
    for count in (18_000, 90_000):
        digest = bytes(range(32))
        song = header(count, tuple(Segment(50_000, samples, digest) for _ in range(count)), samples)
        answer = joined(framing.encode({"id": 1, "ok": True, "result": segment_table.build(song, 1 << 20).to_json()}))
        assert len(answer["result"]["segments"]) == count
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
    """A song of one rendition."""
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


def test_an_answer_above_every_cap_is_refused_before_it_leaves() -> None:
    """The host says host.frame.size instead."""
    with pytest.raises(InputError) as caught:
        framing.encode({"text": "x" * framing.MAX_WHOLE})

    assert caught.value.code == "host.frame.size"


def test_the_length_is_of_the_bytes_not_of_the_characters() -> None:
    """A text of several bytes per character has its length in bytes."""
    data = framing.encode({"title": "音樂"})

    assert struct.unpack("=I", data[:4])[0] == len(msgspec.json.encode({"title": "音樂"}))
