"""Conversion between a header and its CBOR map."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from pywallet.errors import InputError
from pywallet.sps import fields, likeness, renditions
from pywallet.sps.fields import malformed
from pywallet.sps.header import VERSION, Artwork, Header, LiveRef, ServerRef
from pywallet.sps.mark import MAX_EVERY

_REQUIRED: Final = (
    "v",
    "chain",
    "content",
    "owner",
    "title",
    "artist",
    "policy",
    "renditions",
    "server",
    "delivery",
    "renderer",
)
_PLAIN: Final = ("album", "isrc", "genre", "genre_confidence", "loudness", "loudness_range", "true_peak")
"""Optional fields, absent where the attribute of the same name is None."""
_OPTIONAL: Final = (*_PLAIN, "waveform", "features", "watermark", "artwork", "live", "crit")
KNOWN: Final = frozenset(_REQUIRED + _OPTIONAL)
_MAX_URLS: Final = 16
_MAX_LAYERS: Final = 8
_MAX_CRIT: Final = 64
_ISRC: Final = re.compile("[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")
_LAYER: Final = re.compile("[a-z][a-z0-9_-]{0,31}")
_VERSION: Final = re.compile(r"[0-9]+(?:\.[0-9]+){0,3}")


def to_map(header: Header) -> dict[str, Any]:
    """The CBOR map of a header."""
    out: dict[str, Any] = {
        "v": VERSION,
        "chain": header.chain,
        "content": header.content,
        "owner": header.owner,
        "title": header.title,
        "artist": header.artist,
        "policy": dict(header.policy),
        "renditions": [renditions.to_map(r) for r in header.renditions],
        "server": {"url": header.server.url, "address": header.server.address, "key": header.server.key},
        "delivery": list(header.delivery),
        "renderer": dict(header.renderer),
        "watermark": None if header.watermark is None else dict(header.watermark),
    }
    for name in _PLAIN:
        if getattr(header, name) is not None:
            out[name] = getattr(header, name)
    if header.waveform:
        out["waveform"] = header.waveform
    if header.features:
        out["features"] = header.features
    if art := header.artwork:
        out["artwork"] = {"sha256": art.sha256, "mime": art.mime, "size": art.size, "urls": list(art.urls)}
    if header.live:
        out["live"] = {"signer": header.live.signer, "urls": list(header.live.urls)}
    return {**out, **header.extra}


def from_map(value: Any) -> Header:
    """Parse a verified payload. Raises InputError ``sps.header.malformed`` naming the field, or ``sps.version``."""
    table = fields.mapping(value, "header")
    if type(table.get("v")) is not int:
        raise malformed("v")
    if table["v"] != VERSION:
        raise InputError("sps.version", version=table["v"])
    critical(table, KNOWN)
    for name in _REQUIRED:
        if name not in table:
            raise malformed(name)
    genre = _optional_text(table, "genre")
    confidence = _optional_integer(table, "genre_confidence", 0, 100)
    if confidence is not None and genre is None:
        raise malformed("genre_confidence")
    return Header(
        chain=fields.integer(table["chain"], "chain", 1, (1 << 63) - 1),
        content=fields.octets(table["content"], "content", 20),
        owner=fields.octets(table["owner"], "owner", 20),
        title=fields.text(table["title"], "title", 1),
        artist=fields.text(table["artist"], "artist"),
        policy=MappingProxyType(dict(fields.mapping(table["policy"], "policy"))),
        renditions=renditions.from_list(table["renditions"]),
        server=_server(table["server"]),
        delivery=urls(table["delivery"], "delivery"),
        album=_optional_text(table, "album"),
        isrc=_isrc(table),
        genre=genre,
        genre_confidence=confidence,
        loudness=_optional_integer(table, "loudness", -20_000, 2_000),
        loudness_range=_optional_integer(table, "loudness_range", 0, 20_000),
        true_peak=_optional_integer(table, "true_peak", -20_000, 2_000),
        waveform=_waveform(table),
        features=_features(table),
        watermark=_watermark(table.get("watermark")),
        artwork=_artwork(table["artwork"]) if "artwork" in table else None,
        live=_live(table["live"]) if "live" in table else None,
        renderer=_renderer(table["renderer"]),
        extra=MappingProxyType({k: v for k, v in table.items() if k == "crit" or k not in KNOWN}),
    )


def critical(table: Mapping[str, Any], known_fields: frozenset[str]) -> None:
    """Check ``crit``: distinct names of present and known fields.

    Raises:
        InputError: ``sps.header.malformed``, ``sps.header.critical``.
    """
    if "crit" not in table:
        return
    names = fields.listing(table["crit"], "crit", _MAX_CRIT, 1)
    if not all(isinstance(name, str) and name in table and name != "crit" for name in names):
        raise malformed("crit")
    fields.distinct(names, "crit")
    if unknown := [name for name in names if name not in known_fields]:
        raise InputError("sps.header.critical", field=unknown[0])


def _server(value: Any) -> ServerRef:
    table = fields.mapping(value, "server")
    return ServerRef(
        fields.url(table.get("url"), "server.url"),
        fields.octets(table.get("address"), "server.address", 20),
        fields.octets(table.get("key"), "server.key", 32),
    )


def urls(value: Any, name: str, least: int = 0) -> tuple[str, ...]:
    """A list of ``least`` to 16 distinct URLs."""
    return fields.distinct([fields.url(entry, name) for entry in fields.listing(value, name, _MAX_URLS, least)], name)


def _live(value: Any) -> LiveRef:
    table = fields.mapping(value, "live")
    return LiveRef(fields.octets(table.get("signer"), "live.signer", 20), urls(table.get("urls"), "live.urls", 1))


def _artwork(value: Any) -> Artwork:
    table = fields.mapping(value, "artwork")
    return Artwork(
        fields.octets(table.get("sha256"), "artwork.sha256", 32),
        fields.mime(table.get("mime"), "artwork.mime", "image"),
        fields.integer(table.get("size"), "artwork.size", 1, 1 << 24),
        urls(table.get("urls", []), "artwork.urls"),
    )


def _watermark(value: Any) -> Mapping[str, Any] | None:
    """Parse the watermark's map: layers, and types of their parameters, whose values the demodulator checks."""
    if value is None:
        return None
    table = fields.mapping(value, "watermark")
    layers = fields.listing(table.get("layers"), "watermark.layers", _MAX_LAYERS, 1)
    if not all(isinstance(layer, str) and _LAYER.fullmatch(layer) for layer in layers):
        raise malformed("watermark.layers")
    fields.distinct(layers, "watermark.layers")
    _optional_integer(table, "version", 1, 255, "watermark.")
    _optional_integer(table, "every", 1, MAX_EVERY, "watermark.")
    for layer in ("ultrasonic", "inband"):
        for name, number in fields.mapping(table.get(layer, {}), f"watermark.{layer}").items():
            fields.integer(number, f"watermark.{layer}.{name}", -(1 << 31), (1 << 31) - 1)
    return MappingProxyType(dict(table))


def _renderer(value: Any) -> Mapping[str, Any]:
    table = fields.mapping(value, "renderer")
    if not _VERSION.fullmatch(fields.text(table.get("version"), "renderer.version", 1, 32)):
        raise malformed("renderer.version")
    if "sha256" in table:
        fields.octets(table["sha256"], "renderer.sha256", 32)
    return MappingProxyType(dict(table))


def _isrc(table: Mapping[str, Any]) -> str | None:
    code = _optional_text(table, "isrc")
    if code is not None and not _ISRC.fullmatch(code):
        raise malformed("isrc")
    return code


def _features(table: Mapping[str, Any]) -> bytes:
    features = table.get("features")
    if "features" in table and (not isinstance(features, bytes) or not 1 <= len(features) <= likeness.MAX_LENGTH):
        raise malformed("features")
    return features or b""


def _waveform(table: Mapping[str, Any]) -> bytes:
    waveform = table.get("waveform", b"")
    if not isinstance(waveform, bytes) or len(waveform) > 1000:
        raise malformed("waveform")
    return waveform


def _optional_text(table: Mapping[str, Any], name: str) -> str | None:
    return fields.text(table[name], name, 1) if name in table else None


def _optional_integer(table: Mapping[str, Any], name: str, low: int, high: int, path: str = "") -> int | None:
    return fields.integer(table[name], f"{path}{name}", low, high) if name in table else None
