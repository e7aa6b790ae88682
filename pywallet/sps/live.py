"""Live index: the segments of a stream that can be played now, signed with every new segment (docs/format/live.md).

Pure: a streamer advances a ``LiveIndex`` and publishes the result of ``sign_live``; a player opens each index with the
one before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

from pywallet.encoding import cbor
from pywallet.errors import InputError
from pywallet.sps import (
    cose,
    fields,
    payload,
    renditions,
)
from pywallet.sps.container import MAGIC

VERSION: Final = 1
CONTENT_TYPE: Final = "application/sps-live"
MAX_WINDOW: Final = 10_000
_REQUIRED: Final = (
    "v",
    "content",
    "number",
    "time_ms",
    "rendition",
    "codec",
    "mime",
    "rate",
    "channels",
    "bits",
    "segment_samples",
    "init",
    "window",
    "first",
    "sample",
    "segments",
)
_KNOWN: Final = frozenset((*_REQUIRED, "rundown", "ended", "crit"))
LIMITS: Final = cbor.DecodeLimits(items=5 * MAX_WINDOW + 5_000, string=1 << 16, entries=MAX_WINDOW, pairs=256)
_CODES: Final = {"sps.header.malformed": "sps.live.malformed", "sps.header.signature": "sps.live.signature"}


@dataclass(frozen=True)
class LiveSegment:
    """A sealed segment: size in bytes, samples per channel, SHA-256 of the sealed bytes, and its key epoch."""

    size: int
    samples: int
    sha256: bytes
    epoch: int


@dataclass(frozen=True)
class Rundown:
    """List of the stream's pieces and their times: its SHA-256 and URLs."""

    sha256: bytes
    urls: tuple[str, ...] = ()


@dataclass(frozen=True)
class LiveIndex:
    """One rendition of a live stream at one moment; the fields not listed are those of ``Rendition``.

    Attributes:
        content: Address of the stream's content, 20 bytes.
        number: Sequence number of the index.
        time_ms: Time of the index, Unix milliseconds.
        rendition: Id of the rendition.
        window: Most segments that are listed and can be fetched.
        first: Sequence number of ``segments[0]``.
        sample: Samples per channel before ``segments[0]``.
        segments: The newest segments in order.
        rundown: List of the stream's pieces, if there is one.
        ended: True if no segment follows.
        extra: Fields that this version does not know.
    """

    content: bytes
    number: int
    time_ms: int
    rendition: int
    codec: str
    mime: str
    rate: int
    channels: int
    bits: int
    segment_samples: int
    init_size: int
    init_sha256: bytes
    window: int
    first: int = 0
    sample: int = 0
    segments: tuple[LiveSegment, ...] = ()
    rundown: Rundown | None = None
    ended: bool = False
    extra: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def next(self) -> int:
        """Sequence number of the next segment."""
        return self.first + len(self.segments)

    def advance(
        self, time_ms: int, *new: LiveSegment, rundown: Rundown | None = None, ended: bool = False
    ) -> LiveIndex:
        """The index after ``new`` segments; the oldest beyond the window are dropped."""
        segments = self.segments + new
        dropped = max(0, len(segments) - self.window)
        return replace(
            self,
            number=self.number + 1,
            time_ms=time_ms,
            first=self.first + dropped,
            sample=self.sample + sum(s.samples for s in segments[:dropped]),
            segments=segments[dropped:],
            rundown=rundown or self.rundown,
            ended=ended,
        )

    def follow(self, before: LiveIndex) -> LiveIndex:
        """Return this index if it continues ``before`` (docs/format/live.md, "Order").

        Raises:
            InputError: ``sps.live.order`` for an older index, another stream, a segment or a time that differs from
                ``before``, and segments after the end.
        """
        same = (
            "content",
            "rendition",
            "codec",
            "mime",
            "rate",
            "channels",
            "bits",
            "segment_samples",
            "init_size",
            "init_sha256",
        )
        if any(getattr(self, name) != getattr(before, name) for name in same):
            raise InputError("sps.live.order", reason="another stream")
        if (
            self.number < before.number
            or self.first < before.first
            or self.next < before.next
            or self.time_ms < before.time_ms
        ):
            raise InputError("sps.live.order", reason="older", number=self.number)
        listed, listed_before = (
            (self.first, self.sample, self.segments, self.ended),
            (before.first, before.sample, before.segments, before.ended),
        )
        if (self.number == before.number or before.ended) and listed != listed_before:
            raise InputError(
                "sps.live.order", reason="the stream has ended" if before.ended else "two indexes of one number"
            )
        shared = max(0, before.next - self.first)
        kept = len(before.segments) - shared
        start = before.sample + sum(s.samples for s in before.segments[:kept])
        missed = max(0, self.first - before.next)
        # Each segment that neither index lists has at least one sample, and at most ``segment_samples``.
        if (
            before.segments[kept:] != self.segments[:shared]
            or not missed <= self.sample - start <= missed * self.segment_samples
        ):
            raise InputError("sps.live.order", reason="a segment changed", number=self.number)
        return self


def sign_live(index: LiveIndex, private_key: bytes) -> bytes:
    """Sign an index, as COSE_Sign1. Raises InputError ``sps.live.malformed`` for an index that readers refuse."""
    data = cbor.dumps(_to_map(index))
    try:
        from_map(cbor.loads(data, limits=LIMITS))
        return cose.sign(data, CONTENT_TYPE, MAGIC + index.content, private_key)
    except InputError as e:
        raise _live_error(e) from None


def open_live(signed: bytes, content: bytes, signer: bytes, before: LiveIndex | None = None) -> LiveIndex:
    """Verify and read an index.

    Args:
        signed: The index as COSE_Sign1.
        content: Address of the stream's content, 20 bytes.
        signer: Address of the signer by the header's ``live``, 20 bytes.
        before: The index before, which this one must follow.

    Raises:
        InputError: ``sps.live.malformed``, ``sps.live.signature``, ``sps.live.order``, ``sps.version``,
            ``sps.header.critical``.
    """
    try:
        parts = cose.read(signed, CONTENT_TYPE)
        if parts.signer != signer:
            raise InputError("sps.live.signature", reason="another signer")
        parts.verify(MAGIC + content)
        index = from_map(cbor.loads(parts.payload, limits=LIMITS))
    except InputError as e:
        raise _live_error(e) from None
    if index.content != content:
        raise InputError("sps.live.malformed", field="content")
    return index if before is None else index.follow(before)


def _live_error(error: InputError) -> InputError:
    return InputError(_CODES.get(error.code, error.code), **error.detail)


def _to_map(index: LiveIndex) -> dict[str, Any]:
    out: dict[str, Any] = {"v": VERSION, "init": [index.init_size, index.init_sha256]}
    out |= {name: getattr(index, name) for name in _REQUIRED if name not in ("v", "init", "segments")}
    out["segments"] = [[s.size, s.samples, s.sha256, s.epoch] for s in index.segments]
    if index.rundown:
        out["rundown"] = {"sha256": index.rundown.sha256, "urls": list(index.rundown.urls)}
    if index.ended:
        out["ended"] = True
    return {**out, **index.extra}


def from_map(value: Any) -> LiveIndex:
    """Parse a verified payload. Raises InputError with the codes of a header, naming the field."""
    table = fields.mapping(value, "live")
    if type(table.get("v")) is not int:
        raise fields.malformed("v")
    if table["v"] != VERSION:
        raise InputError("sps.version", version=table["v"])
    payload.critical(table, _KNOWN)
    for name in _REQUIRED:
        if name not in table:
            raise fields.malformed(name)
    if "ended" in table and table["ended"] is not True:
        raise fields.malformed("ended")
    window = fields.integer(table["window"], "window", 1, MAX_WINDOW)
    per_segment = fields.integer(table["segment_samples"], "segment_samples", 1, renditions.MAX_SAMPLES)
    segments = tuple(_segment(row, per_segment) for row in fields.listing(table["segments"], "segments", window))
    init = fields.row(table["init"], "init", 2)
    if table["codec"] not in renditions.CODECS:
        raise fields.malformed("codec")
    return LiveIndex(
        content=fields.octets(table["content"], "content", 20),
        number=fields.integer(table["number"], "number", 0, 0xFFFFFFFF),
        time_ms=fields.integer(table["time_ms"], "time_ms", 0, 1 << 48),
        rendition=fields.integer(table["rendition"], "rendition", 0, 0xFFFF),
        codec=table["codec"],
        mime=fields.mime(table["mime"], "mime", "audio"),
        rate=fields.integer(table["rate"], "rate", 1000, 768_000),
        channels=fields.integer(table["channels"], "channels", 1, 64),
        bits=fields.integer(table["bits"], "bits", 0, 64),
        segment_samples=per_segment,
        init_size=fields.integer(init[0], "init", 1, 1 << 20),
        init_sha256=fields.octets(init[1], "init", 32),
        window=window,
        # The sequence number is the segment's index in the additional authenticated data, which has 32 bits.
        first=fields.integer(table["first"], "first", 0, 0xFFFFFFFF - window),
        sample=fields.integer(table["sample"], "sample", 0, renditions.MAX_SAMPLES),
        segments=segments,
        rundown=_rundown(table["rundown"]) if "rundown" in table else None,
        ended="ended" in table,
        extra=MappingProxyType({k: v for k, v in table.items() if k == "crit" or k not in _KNOWN}),
    )


def _segment(value: Any, per_segment: int) -> LiveSegment:
    size, samples, digest, epoch = fields.row(value, "segments", 4)
    return LiveSegment(
        fields.integer(size, "segments", renditions.SEAL + 1, renditions.MAX_SIZE),
        # Any segment may be short: the end of a programme or a restart of the encoder cuts one.
        fields.integer(samples, "segments", 1, per_segment),
        fields.octets(digest, "segments", 32),
        fields.integer(epoch, "segments", 0, 0xFFFFFFFF),
    )


def _rundown(value: Any) -> Rundown:
    table = fields.mapping(value, "rundown")
    return Rundown(
        fields.octets(table.get("sha256"), "rundown.sha256", 32), payload.urls(table.get("urls", []), "rundown.urls")
    )
