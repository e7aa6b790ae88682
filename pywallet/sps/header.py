"""Data of an SPS header: metadata, terms, renditions with their segments, security server."""

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
    """A sealed segment: size in bytes, samples per channel, SHA-256 of the sealed bytes."""

    size: int
    samples: int
    sha256: bytes


@dataclass(frozen=True)
class Rendition:
    """One encoding of the recording.

    Attributes:
        id: Number of the rendition, distinct within a header.
        codec: ``flac`` or ``opus``.
        mime: Media type with codecs, as MediaSource takes it.
        rate: Sampling rate, Hz.
        channels: Number of channels.
        bits: Bits per sample; 0 for a lossy codec.
        samples: Samples per channel.
        segment_samples: Samples per channel of each segment but the last.
        init_size: Size of the init segment, bytes.
        init_sha256: SHA-256 of the init segment.
        segments: The segments in order.
        key_epochs: (key epoch, first segment) pairs in order.
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
        """Key epoch of segment ``index``."""
        return self.key_epochs[bisect_right([first for _, first in self.key_epochs], index) - 1][0]

    @cached_property
    def root(self) -> bytes:
        """Merkle root over the segments."""
        return merkle_root([s.sha256 for s in self.segments])

    @cached_property
    def index(self) -> SegmentIndex:
        """Times of the segments."""
        return SegmentIndex.of((segment.samples for segment in self.segments), self.rate)

    @property
    def duration_ms(self) -> int:
        """Length of the recording, milliseconds."""
        return self.index.duration_ms


@dataclass(frozen=True)
class Artwork:
    """Cover picture: SHA-256, media type, size in bytes, and URLs."""

    sha256: bytes
    mime: str
    size: int
    urls: tuple[str, ...] = ()


@dataclass(frozen=True)
class LiveRef:
    """Live stream of a header: address of the index's signer, and URLs of the index (pywallet.sps.live)."""

    signer: bytes
    urls: tuple[str, ...]


@dataclass(frozen=True)
class ServerRef:
    """Security server that the owner chose: URL, address, X25519 public key."""

    url: str
    address: bytes
    key: bytes


@dataclass(frozen=True)
class Header:
    """A song's header. ``policy`` is the map as signed; ``extra`` has the fields that this version does not know."""

    chain: int
    content: bytes
    owner: bytes
    title: str
    artist: str
    policy: Mapping[str, Any]
    renditions: tuple[Rendition, ...]
    server: ServerRef
    delivery: tuple[str, ...] = ()
    """URLs of the song in order of preference: one that ends in ``/`` is a folder with the song exploded into parts,
    another one is this file."""
    album: str | None = None
    isrc: str | None = None
    """ISO 3901 without hyphens: 12 characters."""
    genre: str | None = None
    loudness: int | None = None
    """Integrated loudness, LUFS x 100 (EBU R 128)."""
    waveform: bytes = b""
    """One peak (0 to 255) per bucket, at most 1000."""
    watermark: Mapping[str, Any] | None = None
    """``layers`` (texts) and their parameters (docs/watermark.md)."""
    renderer: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({"version": "1"}))
    """``version`` of the player that the song requires, and optionally the ``sha256`` of one build."""
    extra: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    artwork: Artwork | None = None
    genre_confidence: int | None = None
    """Confidence of ``genre``, 0 to 100 per cent; absent where a person chose it."""
    loudness_range: int | None = None
    """Loudness range, LU x 100 (EBU Tech 3342)."""
    true_peak: int | None = None
    """Highest true peak, dBTP x 100 (ITU-R BS.1770)."""
    live: LiveRef | None = None
    """For a live stream; the header's renditions are played while nothing is live."""
    features: bytes = b""
    """Packed measures of the sound, for comparing songs (``pywallet.sps.likeness``); at most 64 bytes."""

    @property
    def policy_hash(self) -> bytes:
        """keccak-256 of the policy's deterministic CBOR, as in the content's contract."""
        return keccak256(cbor.dumps(dict(self.policy)))
