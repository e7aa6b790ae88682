"""The header's map and the Header it stands for, field by field."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from pywallet.errors import InputError
from pywallet.sps.header import VERSION, Header, Rendition, Segment, ServerRef

_REQUIRED: Final = ("v", "chain", "content", "owner", "title", "artist", "policy", "renditions", "server", "delivery", "renderer")
_OPTIONAL: Final = ("album", "isrc", "genre", "loudness", "waveform", "watermark", "crit")
KNOWN: Final = frozenset(_REQUIRED + _OPTIONAL)
CODECS: Final = ("flac", "opus")
_TEXT: Final = 500
_MAX_SEGMENTS: Final = 100_000
_MAX_SAMPLES: Final = 1 << 48
_MAX_SIZE: Final = 1 << 32


def to_map(header: Header) -> dict[str, Any]:
    """The payload's map, ready for deterministic CBOR."""
    out: dict[str, Any] = {
        "v": VERSION,
        "chain": header.chain,
        "content": header.content,
        "owner": header.owner,
        "title": header.title,
        "artist": header.artist,
        "policy": dict(header.policy),
        "renditions": [_rendition_map(r) for r in header.renditions],
        "server": {"url": header.server.url, "address": header.server.address, "key": header.server.key},
        "delivery": list(header.delivery),
        "renderer": dict(header.renderer),
        "watermark": None if header.watermark is None else dict(header.watermark),
    }
    for name in ("album", "isrc", "genre", "loudness"):
        if getattr(header, name) is not None:
            out[name] = getattr(header, name)
    if header.waveform:
        out["waveform"] = header.waveform
    return {**out, **header.extra}


def _rendition_map(r: Rendition) -> dict[str, Any]:
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


def from_map(value: Any) -> Header:
    """Read a verified payload. Raises InputError naming the field."""
    table = _map(value, "header")
    if table.get("v") != VERSION or type(table.get("v")) is not int:
        if type(table.get("v")) is int:
            raise InputError("sps.version", version=table["v"])
        raise _bad("v")
    crit = table.get("crit", [])
    if not isinstance(crit, (list, tuple)) or not all(isinstance(name, str) for name in crit):
        raise _bad("crit")
    if unknown := [name for name in crit if name not in KNOWN]:
        raise InputError("sps.header.critical", field=unknown[0])
    for name in _REQUIRED:
        if name not in table:
            raise _bad(name)
    server = _map(table["server"], "server")
    waveform = table.get("waveform", b"")
    if not isinstance(waveform, bytes) or len(waveform) > 1000:
        raise _bad("waveform")
    loudness = table.get("loudness")
    if loudness is not None and (type(loudness) is not int or not -20_000 <= loudness <= 2_000):
        raise _bad("loudness")
    watermark = table.get("watermark")
    return Header(
        chain=_int(table["chain"], "chain", 1, (1 << 63) - 1),
        content=_bytes(table["content"], "content", 20),
        owner=_bytes(table["owner"], "owner", 20),
        title=_text(table["title"], "title"),
        artist=_text(table["artist"], "artist"),
        policy=MappingProxyType(dict(_map(table["policy"], "policy"))),
        renditions=_renditions(table["renditions"]),
        server=ServerRef(
            _text(server.get("url"), "server.url"),
            _bytes(server.get("address"), "server.address", 20),
            _bytes(server.get("key"), "server.key", 32),
        ),
        delivery=tuple(_text(url, "delivery") for url in _list(table["delivery"], "delivery", 16)),
        album=_optional_text(table, "album"),
        isrc=_optional_text(table, "isrc"),
        genre=_optional_text(table, "genre"),
        loudness=loudness,
        waveform=waveform,
        watermark=None if watermark is None else MappingProxyType(dict(_map(watermark, "watermark"))),
        renderer=MappingProxyType(dict(_map(table["renderer"], "renderer"))),
        extra=MappingProxyType({k: v for k, v in table.items() if k == "crit" or k not in KNOWN}),
    )


def _renditions(value: Any) -> tuple[Rendition, ...]:
    listed = _list(value, "renditions", 16)
    if not listed:
        raise _bad("renditions")
    out = tuple(_rendition(item, f"renditions.{i}") for i, item in enumerate(listed))
    if len({r.id for r in out}) != len(out):
        raise _bad("renditions.id")
    return out


def _rendition(value: Any, name: str) -> Rendition:
    table = _map(value, name)
    segments = []
    for row in _list(table.get("segments"), f"{name}.segments", _MAX_SEGMENTS):
        if not isinstance(row, (list, tuple)) or len(row) != 3:
            raise _bad(f"{name}.segments")
        size, samples, digest = row
        if type(size) is not int or not 28 < size <= _MAX_SIZE or type(samples) is not int or not 0 < samples <= _MAX_SAMPLES:
            raise _bad(f"{name}.segments")
        segments.append(Segment(size, samples, _bytes(digest, f"{name}.segments", 32)))
    init = _list(table.get("init"), f"{name}.init", 2)
    if len(init) != 2 or not segments:
        raise _bad(f"{name}.init")
    rendition = Rendition(
        id=_int(table.get("id"), f"{name}.id", 0, 0xFFFF),
        codec=_text(table.get("codec"), f"{name}.codec"),
        mime=_text(table.get("mime"), f"{name}.mime"),
        rate=_int(table.get("rate"), f"{name}.rate", 1000, 768_000),
        channels=_int(table.get("channels"), f"{name}.channels", 1, 64),
        bits=_int(table.get("bits"), f"{name}.bits", 0, 64),
        samples=_int(table.get("samples"), f"{name}.samples", 1, _MAX_SAMPLES),
        segment_samples=_int(table.get("segment_samples"), f"{name}.segment_samples", 1, _MAX_SAMPLES),
        init_size=_int(init[0], f"{name}.init", 1, 1 << 20),
        init_sha256=_bytes(init[1], f"{name}.init", 32),
        segments=tuple(segments),
        key_epochs=_key_epochs(table.get("key_epochs"), name, len(segments)),
    )
    if rendition.codec not in CODECS:
        raise _bad(f"{name}.codec")
    if sum(s.samples for s in segments) != rendition.samples:
        raise _bad(f"{name}.samples")
    if table.get("root") != rendition.root:
        raise _bad(f"{name}.root")
    return rendition


def _key_epochs(value: Any, name: str, count: int) -> tuple[tuple[int, int], ...]:
    out: list[tuple[int, int]] = []
    for row in _list(value, f"{name}.key_epochs", count):
        if not isinstance(row, (list, tuple)) or len(row) != 2:
            raise _bad(f"{name}.key_epochs")
        pair = (_int(row[0], f"{name}.key_epochs", 0, 0xFFFFFFFF), _int(row[1], f"{name}.key_epochs", 0, count - 1))
        if out and (pair[1] <= out[-1][1] or pair[0] in (epoch for epoch, _ in out)):
            raise _bad(f"{name}.key_epochs")
        out.append(pair)
    if not out or out[0][1] != 0:
        raise _bad(f"{name}.key_epochs")
    return tuple(out)


def _bad(name: str) -> InputError:
    return InputError("sps.header.malformed", field=name)


def _map(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise _bad(name)
    return value


def _list(value: Any, name: str, limit: int) -> list[Any]:
    if not isinstance(value, (list, tuple)) or len(value) > limit:
        raise _bad(name)
    return list(value)


def _int(value: Any, name: str, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise _bad(name)
    return value


def _bytes(value: Any, name: str, length: int) -> bytes:
    if not isinstance(value, bytes) or len(value) != length:
        raise _bad(name)
    return value


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or len(value) > _TEXT or not value.isprintable():
        raise _bad(name)
    return value


def _optional_text(table: Mapping[str, Any], name: str) -> str | None:
    return _text(table[name], name) if name in table else None
