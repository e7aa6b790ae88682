"""The data of an SPS header: the song, its renditions and their segments, its security server."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final

from pywallet.crypto import keccak256
from pywallet.encoding import cbor
from pywallet.sps.segment_index import SegmentIndex
from pywallet.sps.segments import merkle_root

VERSION: Final = 1


@dataclass(frozen=True)
class Segment:
    """A sealed segment: bytes in the file, samples it sounds, SHA-256 of the sealed bytes."""

    size: int
    samples: int
    sha256: bytes


@dataclass(frozen=True)
class Rendition:
    """One encoding of the recording.

    ``samples``, ``segment_samples`` per channel at ``rate`` Hz; ``key_epochs`` (epoch, first segment).
    """

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

    @cached_property
    def root(self) -> bytes:
        """The Merkle root over the segments."""
        return merkle_root([s.sha256 for s in self.segments])

    @cached_property
    def index(self) -> SegmentIndex:
        """When each segment sounds."""
        return SegmentIndex.of((segment.samples for segment in self.segments), self.rate)

    @property
    def duration_ms(self) -> int:
        """Length of the recording."""
        return self.index.duration_ms


@dataclass(frozen=True)
class Artwork:
    """The cover: SHA-256, ``image/...`` type and size in bytes of the picture, and URLs where it may be had."""

    sha256: bytes
    mime: str
    size: int
    urls: tuple[str, ...] = ()


@dataclass(frozen=True)
class LiveRef:
    """Where a live stream's index is and whose key signs it (pywallet.sps.live)."""

    signer: bytes
    urls: tuple[str, ...]


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
    """Where the song may be had, in order of preference: a URL ending in ``/`` is a folder of the exploded packaging,
    any other one this file."""
    album: str | None = None
    isrc: str | None = None
    """ISO 3901 without hyphens: 12 characters."""
    genre: str | None = None
    loudness: int | None = None
    """Integrated loudness, LUFS x 100 (EBU R 128)."""
    waveform: bytes = b""
    """One peak (0 to 255) per bucket, at most 1000."""
    watermark: Mapping[str, Any] | None = None
    """``layers`` (texts) and their parameters, as the watermark's writer gives them."""
    renderer: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({"version": "1"}))
    """``version`` of the renderer the song needs and, if it must be one build, its ``sha256``."""
    extra: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    artwork: Artwork | None = None
    genre_confidence: int | None = None
    """How sure ``genre`` is, 0 to 100 per cent; absent when a person said so."""
    loudness_range: int | None = None
    """Loudness range, LU x 100 (EBU Tech 3342)."""
    true_peak: int | None = None
    """Highest true peak, dBTP x 100 (ITU-R BS.1770)."""
    live: LiveRef | None = None
    """For a live stream, whose renditions here are what sounds while nothing is live."""
    features: bytes = b""
    """How it sounds, for "more like this": ``pywallet.sps.likeness``; at most 64 bytes."""

    @property
    def policy_hash(self) -> bytes:
        """keccak-256 of the policy's deterministic CBOR: what the content's contract holds."""
        return keccak256(cbor.dumps(dict(self.policy)))
