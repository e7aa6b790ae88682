"""Uploaded contents: headers, and content keys encrypted at rest."""

from __future__ import annotations

import bisect
import os
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import delete, select, update

from messages.server_contents import Upload
from pywallet.crypto import recover
from pywallet.crypto.key_wrap import UPLOAD_INFO, Unwrapper
from pywallet.encoding.hex import from_b64, from_hex
from pywallet.errors import InputError, Refusal
from pywallet.policy import Policy
from pywallet.protocol import upload_digest
from pywallet.sps.header import Header
from pywallet.sps.signed_header import open_header
from security_server.db.connection import Connection
from security_server.db.queries import get, put
from security_server.db.tables import content_keys, contents
from security_server.db.writer import Store

_KEEP: Final = 512
"""Entries of each cache."""
MOVED: Final = "server.moved"
"""Code of a content that another server serves."""


@dataclass(frozen=True)
class Track:
    """Segment and key layout of one rendition.

    Attributes:
        id: The rendition's id in the header.
        starts_ms: Each segment's start, then the end, milliseconds.
        epochs: Numbers of the key epochs.
        firsts: First segment of each key epoch.
    """

    id: int
    starts_ms: tuple[int, ...]
    epochs: tuple[int, ...]
    firsts: tuple[int, ...]

    def key_epoch(self, index: int) -> int:
        """The key epoch of a segment."""
        return self.epochs[max(0, bisect.bisect_right(self.firsts, index) - 1)]


@dataclass(frozen=True)
class Song:
    """The part of a content's header that the server uses.

    Attributes:
        content: The content's address, 20 bytes.
        owner: The header's owner, 20 bytes.
        policy: The terms.
        policy_hash: Their hash, 32 bytes.
        tracks: Its renditions.
        deleted_code: Code with which the keys were deleted; None: they are stored.
    """

    content: bytes
    owner: bytes
    policy: Policy
    policy_hash: bytes
    tracks: tuple[Track, ...]
    deleted_code: str | None

    @property
    def duration_ms(self) -> int:
        """The first rendition's length."""
        return self.tracks[0].starts_ms[-1]

    def rendition(self, identity: int | None) -> Track:
        """The rendition with this id; None: the first. Raises InputError ``message.schema``."""
        for track in self.tracks:
            if identity is None or track.id == identity:
                return track
        raise InputError("message.schema", field="rendition")


def depends_on_old_plays(policy: Policy) -> bool:
    """True if decisions depend on single plays of any age: on devices, or on plays that were heard for a time."""
    return policy.devices is not None or any(count.after_s is not None for count in policy.counts.values())


def song_of(header: Header, deleted_code: str | None = None) -> Song:
    """Extract what the server uses from a verified header."""
    tracks = []
    for rendition in header.renditions:
        epochs = tuple(epoch for epoch, _ in rendition.key_epochs)
        firsts = tuple(first for _, first in rendition.key_epochs)
        tracks.append(Track(rendition.id, rendition.index.starts_ms, epochs, firsts))
    return Song(
        header.content, header.owner, Policy.from_dict(header.policy), header.policy_hash, tuple(tracks), deleted_code
    )


class ContentStore:
    """Contents and their keys, with caches of the most used ones.

    Args:
        store: The database.
        master: AES key of the content keys at rest, 32 bytes.
    """

    def __init__(self, store: Store, master: bytes) -> None:
        self._store = store
        self._cipher = AESGCM(master)
        self._songs: OrderedDict[bytes, Song] = OrderedDict()
        self._keys: OrderedDict[tuple[bytes, int], bytes] = OrderedDict()

    async def get(self, content: bytes) -> Song:
        """A stored content. Raises Refusal ``content.unknown``."""
        song = self._songs.get(content)
        if song is None:
            row = await self._store.run(lambda connection: get(connection, contents, content=content))
            if row is None:
                raise Refusal("content.unknown")
            song = song_of(open_header(row["header"]), row["keys_deleted_code"])
            self._songs[content] = song
            if len(self._songs) > _KEEP:
                self._songs.popitem(last=False)
        return song

    async def content_key(self, content: bytes, epoch: int) -> bytes:
        """The content key of a key epoch, 32 bytes.

        Raises:
            Refusal: ``content.unknown``, or the code with which the keys were deleted.
            InputError: ``internal``: the master key is another one.
        """
        key = self._keys.get((content, epoch))
        if key is None:
            row = await self._store.run(
                lambda connection: get(connection, content_keys, content=content, key_epoch=epoch)
            )
            if row is None:
                song = await self.get(content)
                raise Refusal(song.deleted_code or "content.unknown")
            try:
                key = self._cipher.decrypt(
                    row["sealed_key"][:12], row["sealed_key"][12:], content + epoch.to_bytes(4, "big")
                )
            except InvalidTag:
                raise InputError("internal", reason="a content key does not open with the master key") from None
            self._keys[(content, epoch)] = key
            if len(self._keys) > _KEEP:
                self._keys.popitem(last=False)
        return key

    async def all_keys(self, content: bytes) -> tuple[bytes, dict[int, bytes]]:
        """Header and content keys, for another server.

        Raises Refusal ``content.unknown``, or the code with which they were deleted.
        """

        def read(connection: Connection) -> tuple[bytes, list[int]]:
            row = get(connection, contents, content=content)
            if row is None or row["keys_deleted_code"] is not None:
                raise Refusal("content.unknown" if row is None else row["keys_deleted_code"])
            query = select(content_keys.c.key_epoch).where(content_keys.c.content == content)
            return bytes(row["header"]), list(connection.execute(query).scalars())

        header, epochs = await self._store.run(read)
        return header, {epoch: await self.content_key(content, epoch) for epoch in epochs}

    async def with_keys(self) -> list[bytes]:
        """Contents whose keys are stored."""
        query = select(contents.c.content).where(contents.c.keys_deleted_code.is_(None))
        return list(await self._store.run(lambda connection: connection.execute(query).scalars().all()))

    def cached(self) -> set[bytes]:
        """Contents with keys in memory: another process may have deleted them in the database."""
        return {content for content, _ in self._keys}

    async def delete_keys(self, content: bytes, code: str, now_ms: int) -> bool:
        """Delete a content's keys.

        Args:
            content: 20 bytes.
            code: Code of later requests for the content.
            now_ms: The chain's time.

        Returns:
            True if there were keys.
        """

        def work(connection: Connection) -> bool:
            row = get(connection, contents, content=content)
            if row is None or row["keys_deleted_code"] is not None:
                return False
            connection.execute(delete(content_keys).where(content_keys.c.content == content))
            connection.execute(
                update(contents)
                .where(contents.c.content == content)
                .values(keys_deleted_ms=now_ms, keys_deleted_code=code)
            )
            return True

        done = await self._store.run(work)
        self._songs.pop(content, None)
        for key in [key for key in self._keys if key[0] == content]:
            del self._keys[key]
        return done

    async def save(self, header: bytes, song: Song, keys: dict[int, bytes], now_ms: int) -> None:
        """Store a verified upload; a repeated one replaces header and keys."""
        sealed = {epoch: self._seal(song.content, epoch, key) for epoch, key in keys.items()}

        def work(connection: Connection) -> None:
            row = get(connection, contents, content=song.content)
            if row is not None and row["keys_deleted_code"] not in (None, MOVED):
                raise Refusal(row["keys_deleted_code"])
            facts: dict[str, Any] = {
                "header_owner": song.owner,
                "policy_hash": song.policy_hash,
                "header": header,
                "uploaded_ms": now_ms,
            }
            # A content that has moved away may come back.
            facts |= {"keys_deleted_code": None, "keys_deleted_ms": None}
            put(connection, contents, {"content": song.content}, **facts)
            for epoch, value in sealed.items():
                put(connection, content_keys, {"content": song.content, "key_epoch": epoch}, sealed_key=value)

        await self._store.run(work)
        self._songs.pop(song.content, None)
        for epoch in keys:
            self._keys.pop((song.content, epoch), None)

    def _seal(self, content: bytes, epoch: int, key: bytes) -> bytes:
        nonce = os.urandom(12)
        return nonce + self._cipher.encrypt(nonce, key, content + epoch.to_bytes(4, "big"))


@dataclass(frozen=True)
class Verified:
    """An upload whose signatures are valid; not compared with the chain yet."""

    header: Header
    cose: bytes
    song: Song
    keys: dict[int, bytes]


def signer(upload: Upload, content: bytes) -> bytes:
    """Recover the signer of an upload without decrypting any of it. Raises InputError ``message.schema``."""
    wrapped = [from_b64(key) for _, key in upload.keys]
    signed = upload_digest(content, from_b64(upload.header), from_b64(upload.ephemeral), wrapped)
    return recover(signed, from_hex(upload.signature, 65))


def verify(upload: Upload, content: bytes, exchange: bytes) -> Verified:
    """Verify an upload without the chain: header, owner's signature, every key.

    No more keys than the header has key epochs are unwrapped. It takes milliseconds: run it in a thread, after the
    signer is compared with the owner on the chain.

    Raises InputError: ``sps.*``, ``message.schema``; Refusal ``content.owner``.
    """
    cose, ephemeral = from_b64(upload.header), from_b64(upload.ephemeral)
    wrapped = [(epoch, from_b64(key)) for epoch, key in upload.keys]
    header = open_header(cose)
    if header.content != content:
        raise InputError("message.schema", field="content", reason="the header is of another content")
    signed = upload_digest(content, cose, ephemeral, [key for _, key in wrapped])
    if recover(signed, from_hex(upload.signature, 65)) != header.owner:
        raise Refusal("content.owner")
    song = song_of(header)
    epochs = {epoch for track in song.tracks for epoch in track.epochs}
    if len(wrapped) > len(epochs):
        raise InputError("message.schema", field="keys", reason="more keys than key epochs", most=len(epochs))
    keys = {}
    unwrapper = Unwrapper(exchange, ephemeral, UPLOAD_INFO)
    for epoch, key in wrapped:
        keys[epoch] = unwrapper.unwrap(key, content + epoch.to_bytes(4, "big"))
        if len(keys[epoch]) != 32:
            raise InputError("message.schema", field="keys")
    if epochs - keys.keys():
        raise InputError("message.schema", field="keys", reason="an epoch's key is missing")
    return Verified(header, cose, song, keys)
