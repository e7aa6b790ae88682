"""Segments, their keys and tree, and the container's prefix."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import pytest

from pywallet.errors import InputError
from pywallet.sps import Container, merkle_root, open_header, open_segment, seal_segment, segment_aad, segment_key

VECTORS = next(p for p in Path(__file__).resolve().parents if (p / "vectors").is_dir()) / "vectors" / "sps"


async def test_a_segment_is_bound_to_its_position(samples: SimpleNamespace) -> None:
    """A segment could be moved to another index, rendition, epoch or content."""
    key = segment_key(bytes(32), 1, 0)
    sealed = await seal_segment(key, b"music", segment_aad(samples.CONTENT, 1, 0, 0))
    assert await open_segment(key, sealed, segment_aad(samples.CONTENT, 1, 0, 0)) == b"music"
    for aad in (
        segment_aad(samples.CONTENT, 1, 0, 1),
        segment_aad(samples.CONTENT, 2, 0, 0),
        segment_aad(samples.CONTENT, 1, 1, 0),
        segment_aad(bytes(20), 1, 0, 0),
    ):
        with pytest.raises(InputError, match=r"sps\.segment\.tag"):
            await open_segment(key, sealed, aad)


async def test_any_changed_byte_fails_the_tag(samples: SimpleNamespace) -> None:
    """A changed or too short segment would be decrypted."""
    aad, key = segment_aad(samples.CONTENT, 1, 0, 0), segment_key(bytes(32), 1, 0)
    sealed = await seal_segment(key, b"music", aad)
    for at in range(len(sealed)):
        with pytest.raises(InputError, match=r"sps\.segment\.tag"):
            await open_segment(key, sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :], aad)
    with pytest.raises(InputError, match=r"sps\.segment\.tag"):
        await open_segment(key, sealed[:27], aad)


def test_every_segment_has_its_own_key() -> None:
    """Two segments would share a key."""
    keys = {segment_key(bytes([c]) * 32, r, i) for c in range(2) for r in range(3) for i in range(50)}
    assert len(keys) == 300


def test_the_tree_is_that_of_rfc_6962() -> None:
    """A root would differ from the recursive definition."""

    def reference(leaves: list[bytes]) -> bytes:
        if len(leaves) == 1:
            return sha256(b"\0" + leaves[0]).digest()
        k = 1
        while k * 2 < len(leaves):
            k *= 2
        return sha256(b"\1" + reference(leaves[:k]) + reference(leaves[k:])).digest()

    for n in range(1, 21):
        leaves = [bytes([i]) * 32 for i in range(n)]
        assert merkle_root(leaves) == reference(leaves)


def test_the_prefix_and_the_offsets(samples: SimpleNamespace) -> None:
    """A part would be read at another offset."""
    data = samples.file()
    container = Container.read(data)
    header = open_header(container.cose)
    [(init, parts)] = container.extents(header)
    assert data[init.offset : init.end] == samples.INIT
    assert [data[p.offset : p.end] for p in parts] == samples.parts()
    assert container.size(header) == len(data)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "sps.truncated"),
        (b"\x89SP", "sps.truncated"),
        (b"\x89SPS\n\x1a\n\x00\x00\x00\x01\x00", "sps.magic"),
        (b"RIFF", "sps.magic"),
        (b"\x89SPS\r\n\x1a\n\x00\x00\x00\x00", "sps.header.malformed"),
        (b"\x89SPS\r\n\x1a\n\xff\xff\xff\xff", "sps.header.malformed"),
        (b"\x89SPS\r\n\x1a\n\x00\x00\x00\x05abcd", "sps.truncated"),
    ],
)
def test_a_wrong_beginning_has_its_code(data: bytes, code: str) -> None:
    """A short file, another format and an impossible length would be confused."""
    with pytest.raises(InputError) as caught:
        Container.read(data)
    assert caught.value.code == code


async def test_the_committed_vectors_hold() -> None:
    """A file of another platform would not open."""
    vector = json.loads((VECTORS / "song.json").read_text())
    data = bytes.fromhex(vector["file"])
    container = Container.read(data)
    header = open_header(container.cose)
    assert header.content.hex() == vector["content"]
    assert header.owner.hex() == vector["owner"]
    assert header.policy_hash.hex() == vector["policy_hash"]
    [(_, parts)] = container.extents(header)
    track = header.renditions[0]
    for index, (part, expected) in enumerate(zip(parts, vector["segments"], strict=True)):
        key = segment_key(bytes.fromhex(vector["content_keys"][str(track.key_epoch(index))]), track.id, index)
        assert key.hex() == expected["key"]
        aad = segment_aad(header.content, track.id, track.key_epoch(index), index)
        assert aad.hex() == expected["aad"]
        assert (await open_segment(key, data[part.offset : part.end], aad)).hex() == expected["clear"]
