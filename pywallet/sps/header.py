"""The signed header: COSE_Sign1 (RFC 9052) with ES256K (RFC 8812) by the owner's key."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final

import cbor2

from pywallet import platform
from pywallet.errors import InputError
from pywallet.platform import keccak256
from pywallet.sps import cbor
from pywallet.sps.container import MAGIC, MAX_HEADER
from pywallet.sps.segments import merkle_root

VERSION: Final = 1
ES256K: Final = -47
CONTENT_TYPE: Final = "application/sps-header"
_COSE_SIGN1: Final = 18


@dataclass(frozen=True)
class Segment:
    """A sealed segment: bytes in the file, samples it sounds, SHA-256 of the sealed bytes."""

    size: int
    samples: int
    sha256: bytes


@dataclass(frozen=True)
class Rendition:
    """One encoding of the recording. ``samples``, ``segment_samples`` per channel at ``rate`` Hz; ``key_epochs`` (epoch, first segment)."""

    id: int
    codec: str
    mime: str
    rate: int
    channels: int
    bits: int
    samples: int
    segment_samples: int
    init_size: int
    init_sha256: bytes
    segments: tuple[Segment, ...]
    key_epochs: tuple[tuple[int, int], ...] = ((0, 0),)

    def key_epoch(self, index: int) -> int:
        """Which content key seals segment ``index``."""
        return self.key_epochs[bisect_right([first for _, first in self.key_epochs], index) - 1][0]

    @property
    def root(self) -> bytes:
        """The Merkle root over the segments."""
        return merkle_root([s.sha256 for s in self.segments])

    @property
    def duration_ms(self) -> int:
        """Length of the recording."""
        return self.samples * 1000 // self.rate

    @cached_property
    def starts_ms(self) -> tuple[int, ...]:
        """When each segment begins."""
        at, out = 0, []
        for segment in self.segments:
            out.append(at * 1000 // self.rate)
            at += segment.samples
        return tuple(out)


@dataclass(frozen=True)
class ServerRef:
    """The security server the owner chose: URL, signing address, X25519 public key."""

    url: str
    address: bytes
    key: bytes


@dataclass(frozen=True)
class Header:
    """A song's header. ``policy`` is the map as signed; ``extra`` keeps fields this version doesn't know."""

    chain: int
    content: bytes
    owner: bytes
    title: str
    artist: str
    policy: Mapping[str, Any]
    renditions: tuple[Rendition, ...]
    server: ServerRef
    delivery: tuple[str, ...] = ()
    album: str | None = None
    isrc: str | None = None
    genre: str | None = None
    loudness: int | None = None
    """Integrated loudness, LUFS x 100 (EBU R 128)."""
    waveform: bytes = b""
    """One peak (0 to 255) per bucket, at most 1000."""
    watermark: Mapping[str, Any] | None = None
    renderer: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({"version": "1"}))
    extra: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def policy_hash(self) -> bytes:
        """keccak-256 of the policy's deterministic CBOR: what the content's contract holds."""
        return keccak256(cbor.dumps(dict(self.policy)))

    def to_map(self) -> dict[str, Any]:
        """The payload's map."""
        from pywallet.sps.payload import to_map

        return to_map(self)


def encode_header(header: Header) -> bytes:
    """The payload that is signed."""
    return cbor.dumps(header.to_map())


def sign_header(header: Header, private_key: bytes) -> bytes:
    """The COSE_Sign1 bytes that stand in the file. Raises InputError sps.header.malformed over 4 MiB."""
    if platform.address_of(private_key) != header.owner:
        raise InputError("sps.header.signature", reason="the key is not the owner's")
    payload = encode_header(header)
    protected = cbor.dumps({1: ES256K, 3: CONTENT_TYPE, 4: header.owner})
    signature = platform.sign(private_key, _digest(protected, header.content, payload))
    cose = cbor2.dumps(cbor2.CBORTag(_COSE_SIGN1, [protected, {}, payload, signature[:64]]), canonical=True)
    if len(cose) > MAX_HEADER:
        raise InputError("sps.header.malformed", reason="length", length=len(cose))
    return cose


def open_header(cose: bytes) -> Header:
    """Verify and read a header. Only bytes whose signature holds are given a meaning.

    Raises InputError sps.header.malformed, sps.header.signature, sps.version,
    sps.header.critical.
    """
    from pywallet.sps.payload import from_map

    if len(cose) > MAX_HEADER:
        raise InputError("sps.header.malformed", reason="length", length=len(cose))
    protected, owner, payload, signature = _parts(cose)
    value = cbor.loads(payload)
    content = value.get("content") if isinstance(value, dict) else None
    if not isinstance(content, bytes) or len(content) != 20:
        raise InputError("sps.header.malformed", field="content")
    _verify(_digest(protected, content, payload), signature, owner)
    header = from_map(value)
    if header.owner != owner:
        raise InputError("sps.header.signature", reason="signed by somebody else than the owner it names")
    return header


def _parts(cose: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    tag = cbor.loads(cose, frozenset({_COSE_SIGN1}))
    parts = tag.value if isinstance(tag, cbor2.CBORTag) and tag.tag == _COSE_SIGN1 else None
    if not isinstance(parts, (list, tuple)) or len(parts) != 4:
        raise InputError("sps.header.malformed", reason="not a COSE_Sign1")
    protected, unprotected, payload, signature = parts
    if unprotected != {} or not all(isinstance(p, bytes) for p in (protected, payload, signature)) or len(signature) != 64:
        raise InputError("sps.header.malformed", reason="not a COSE_Sign1 of this profile")
    names = cbor.loads(protected)
    if not isinstance(names, dict) or names.keys() != {1, 3, 4} or names[1] != ES256K or names[3] != CONTENT_TYPE:
        raise InputError("sps.header.malformed", reason="protected header")
    owner = names[4]
    if not isinstance(owner, bytes) or len(owner) != 20:
        raise InputError("sps.header.malformed", reason="key id")
    return protected, owner, payload, signature


def _digest(protected: bytes, content: bytes, payload: bytes) -> bytes:
    # Sig_structure of RFC 9052 section 4.4; the magic and the content's address are external data.
    return hashlib.sha256(cbor.dumps(["Signature1", protected, MAGIC + content, payload])).digest()


def _verify(digest: bytes, signature: bytes, owner: bytes) -> None:
    for v in (27, 28):
        try:
            if platform.recover(digest, signature + bytes([v])) == owner:
                return
        except InputError:
            continue
    raise InputError("sps.header.signature")
