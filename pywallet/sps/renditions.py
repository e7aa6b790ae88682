"""Conversion between renditions and their CBOR maps."""

from __future__ import annotations

from typing import Any, Final

from pywallet.sps import fields
from pywallet.sps.fields import malformed
from pywallet.sps.header import Rendition, Segment

CODECS: Final = ("flac", "opus")
MAX_RENDITIONS: Final = 16
MAX_SEGMENTS: Final = 100_000
MAX_SAMPLES: Final = 1 << 48
MAX_SIZE: Final = 1 << 32
SEAL: Final = 28
"""Bytes that sealing adds to a segment: nonce and tag."""
_MAX_DIFFERENCE_S: Final = 1
"""Most difference in length between renditions, caused by encoders' delay and padding, seconds."""


def to_map(r: Rendition) -> dict[str, Any]:
    """The CBOR map of a rendition."""
    return {
        "id": r.id,
        "codec": r.codec,
        "mime": r.mime,
        "rate": r.rate,
        "channels": r.channels,
        "bits": r.bits,
        "samples": r.samples,
        "segment_samples": r.segment_samples,
        "init": [r.init_size, r.init_sha256],
        "root": r.root,
        "segments": [[s.size, s.samples, s.sha256] for s in r.segments],
        "key_epochs": [list(pair) for pair in r.key_epochs],
    }


def from_list(value: Any) -> tuple[Rendition, ...]:
    """Parse the list of renditions. Raises InputError ``sps.header.malformed`` naming the field."""
    out = tuple(
        _rendition(item, f"renditions.{i}")
        for i, item in enumerate(fields.listing(value, "renditions", MAX_RENDITIONS, 1))
    )
    fields.distinct([r.id for r in out], "renditions.id")
    # Difference of samples / rate, multiplied by both rates, so that it is exact in integers.
    if any(a.samples * b.rate - b.samples * a.rate > _MAX_DIFFERENCE_S * a.rate * b.rate for a in out for b in out):
        raise malformed("renditions.samples")
    return out


def _rendition(value: Any, name: str) -> Rendition:
    table = fields.mapping(value, name)
    per_segment = fields.integer(table.get("segment_samples"), f"{name}.segment_samples", 1, MAX_SAMPLES)
    segments = _segments(table.get("segments"), f"{name}.segments", per_segment)
    init = fields.row(table.get("init"), f"{name}.init", 2)
    rendition = Rendition(
        id=fields.integer(table.get("id"), f"{name}.id", 0, 0xFFFF),
        codec=fields.text(table.get("codec"), f"{name}.codec"),
        mime=fields.mime(table.get("mime"), f"{name}.mime", "audio"),
        rate=fields.integer(table.get("rate"), f"{name}.rate", 1000, 768_000),
        channels=fields.integer(table.get("channels"), f"{name}.channels", 1, 64),
        bits=fields.integer(table.get("bits"), f"{name}.bits", 0, 64),
        samples=fields.integer(table.get("samples"), f"{name}.samples", 1, MAX_SAMPLES),
        segment_samples=per_segment,
        init_size=fields.integer(init[0], f"{name}.init", 1, 1 << 20),
        init_sha256=fields.octets(init[1], f"{name}.init", 32),
        segments=segments,
        key_epochs=key_epochs(table.get("key_epochs"), f"{name}.key_epochs", len(segments)),
    )
    if rendition.codec not in CODECS:
        raise malformed(f"{name}.codec")
    if sum(s.samples for s in segments) != rendition.samples:
        raise malformed(f"{name}.samples")
    if table.get("root") != rendition.root:
        raise malformed(f"{name}.root")
    return rendition


def _segments(value: Any, name: str, per_segment: int) -> tuple[Segment, ...]:
    rows = fields.listing(value, name, MAX_SEGMENTS, 1)
    out = []
    for row in rows:
        if type(row) is not list or len(row) != 3:
            raise malformed(name)
        size, samples, digest = row
        # Optimised: there may be a hundred thousand rows.
        if (
            type(size) is not int
            or not SEAL < size <= MAX_SIZE
            or type(samples) is not int
            or not 0 < samples <= per_segment
        ):
            raise malformed(name)
        if type(digest) is not bytes or len(digest) != 32:
            raise malformed(name)
        out.append(Segment(size, samples, digest))
    # Only the last one may be shorter, so that a position determines the segment without the table.
    if any(s.samples != per_segment for s in out[:-1]):
        raise malformed(name)
    return tuple(out)


def key_epochs(value: Any, name: str, count: int) -> tuple[tuple[int, int], ...]:
    """Parse ``[epoch, first segment]`` rows: first segments increase from 0, epochs are distinct."""
    out: list[tuple[int, int]] = []
    seen: set[int] = set()
    for entry in fields.listing(value, name, count, 1):
        pair = fields.row(entry, name, 2)
        epoch, first = fields.integer(pair[0], name, 0, 0xFFFFFFFF), fields.integer(pair[1], name, 0, count - 1)
        if epoch in seen or (first <= out[-1][1] if out else first != 0):
            raise malformed(name)
        seen.add(epoch)
        out.append((epoch, first))
    return tuple(out)
