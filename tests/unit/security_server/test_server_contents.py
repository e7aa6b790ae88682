"""Uploads and content keys at rest."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from messages.server_contents import Upload as UploadRequest
from pywallet.crypto.key_wrap import generate_keypair
from pywallet.encoding.hex import to_b64, to_hex
from pywallet.errors import GomaaError, Refusal
from security_server.api import requests
from security_server.content.contents import ContentStore, verify
from security_server.db.writer import Store
from tests.integration.server_songs import Upload, make_song, terms

OWNER, OTHER = b"\x31" * 32, b"\x32" * 32
CONTENT, SERVER = b"\x41" * 20, b"\x42" * 20
PRIVATE, PUBLIC = generate_keypair()


def song() -> Upload:
    """The song of these tests."""
    return make_song(CONTENT, OWNER, SERVER, PUBLIC, 31337, terms())


def read(body: dict[str, Any]) -> UploadRequest:
    """The body as the server parses it."""
    return requests.body(UploadRequest, json.dumps(body).encode())


def test_an_upload_gives_the_key_and_the_segments() -> None:
    """A whole upload is verified, its key unwrapped, its segment times read."""
    made = song()
    verified = verify(read(made.body(OWNER, PUBLIC)), CONTENT, PRIVATE)
    assert verified.keys == {1: made.key}
    assert verified.song.policy == made.policy
    assert verified.song.rendition(None).starts_ms[:3] == (0, 2_000, 4_000)
    assert verified.song.duration_ms == 120_000


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"signature": to_hex(b"\x01" * 65)}, "message.schema"),
        ({"header": to_b64(b"nonsense")}, "sps.header.malformed"),
        ({"keys": [[2, to_b64(bytes(60))]]}, "content.owner"),
        ({"keys": []}, "message.schema"),
        ({"ephemeral": to_b64(bytes(31))}, "message.schema"),
        ({"more": 1}, "message.schema"),
    ],
)
def test_altered_uploads_are_refused(change: dict[str, Any], code: str) -> None:
    """Every altered field gives its code."""
    with pytest.raises(GomaaError) as error:
        verify(read(song().body(OWNER, PUBLIC, **change)), CONTENT, PRIVATE)
    assert error.value.code == code


def test_only_the_owner_uploads() -> None:
    """A genuine header with keys signed by somebody else is refused."""
    with pytest.raises(Refusal) as error:
        verify(read(song().body(OTHER, PUBLIC)), CONTENT, PRIVATE)
    assert error.value.code == "content.owner"


def test_a_header_of_another_content_is_refused() -> None:
    """The address in the path is the header's."""
    with pytest.raises(GomaaError) as error:
        verify(read(song().body(OWNER, PUBLIC)), b"\x43" * 20, PRIVATE)
    assert error.value.code == "message.schema"


async def test_keys_are_encrypted_at_rest_and_deleted_for_good(tmp_path: Path) -> None:
    """No file holds the key in the clear; after shredding it is gone from memory, table and files."""
    store = Store(f"sqlite:///{tmp_path}/db")
    songs = ContentStore(store, hashlib.sha256(b"master").digest())
    made = song()
    verified = verify(read(made.body(OWNER, PUBLIC)), CONTENT, PRIVATE)
    await songs.save(verified.cose, verified.song, verified.keys, 1)
    assert await songs.content_key(CONTENT, 1) == made.key
    fresh = ContentStore(store, hashlib.sha256(b"master").digest())
    assert await fresh.content_key(CONTENT, 1) == made.key
    assert all(made.key not in path.read_bytes() for path in tmp_path.iterdir())
    assert await songs.delete_keys(CONTENT, "content.revoked", 2)
    assert not await songs.delete_keys(CONTENT, "content.revoked", 3)
    with pytest.raises(Refusal) as error:
        await songs.content_key(CONTENT, 1)
    assert error.value.code == "content.revoked"
    with pytest.raises(Refusal):
        await songs.save(verified.cose, verified.song, verified.keys, 4)
    store.close()


async def test_another_master_key_opens_nothing(tmp_path: Path) -> None:
    """A stolen database without the master key gives no content key."""
    store = Store(f"sqlite:///{tmp_path}/db")
    verified = verify(read(song().body(OWNER, PUBLIC)), CONTENT, PRIVATE)
    await ContentStore(store, bytes(32)).save(verified.cose, verified.song, verified.keys, 1)
    with pytest.raises(GomaaError) as error:
        await ContentStore(store, b"\x01" * 32).content_key(CONTENT, 1)
    assert error.value.code == "internal"
    store.close()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        '{"id": 1}',
        '{"id": -1, "op": "hello"}',
        '{"id": 1, "op": "nothing"}',
        '{"id": 1, "op": "report", "invocations": {}}',
        '{"id": 1, "op": "lease", "ticket": "0x00", "first": 0, "count": 1, "key": ""}',
        '{"id": 1, "op": "leaf", "epoch": 1e3, "payee": 5}',
        "[" * 100_000,
        '{"id": 1, "op": "leaf", "epoch": 99999999999999999999, "payee": "0x"}',
    ],
)
def test_frames_that_are_no_requests_have_one_code(text: str) -> None:
    """Whatever is wrong with a frame, it is message.schema and nothing else."""
    with pytest.raises(GomaaError) as error:
        requests.operation(text)
    assert error.value.code == "message.schema"


def test_the_number_of_a_bad_request_is_still_found() -> None:
    """A reply to a malformed request carries the request's id where there is one."""
    assert requests.request_id(msgspec.json.encode({"id": 7, "op": "nothing"})) == 7
    assert requests.request_id("garbage") == 0
