"""Live indexes, by the second reader."""

from __future__ import annotations

from typing import Any, Final

from tests.vectors.sps.reader_encoding import MAGIC, envelope, plain, require, verify
from tests.vectors.sps.reader_fields import SCHEMA, media, urls, versioned

LIVE_FIELDS: Final = [
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
    "rundown",
    "ended",
    "crit",
]


def read_live(data: bytes, content: bytes, signer: bytes, before: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the map of a live index, checked against the one read before."""
    protected, kid, payload, signature = envelope(data, "application/sps-live")
    require(kid == signer, "signature")
    verify(protected, MAGIC + content, payload, signature, signer)
    value = plain(payload, items=55_000, entries=10_000, pairs=256)
    require(type(value) is dict)
    versioned(value, LIVE_FIELDS)
    require(SCHEMA.matches("live-index", value))
    require(media(value["mime"], "audio/"))
    require(value["content"] == content and len(value["segments"]) <= value["window"])
    require(value["first"] <= 0xFFFFFFFF - value["window"])
    require(all(row[1] <= value["segment_samples"] for row in value["segments"]))
    urls(value.get("rundown", {}).get("urls", []))
    if before is not None:
        require(follows(value, before), "sps.live.order")
    return value


def follows(new: dict[str, Any], old: dict[str, Any]) -> bool:
    """Return whether an index may follow another: docs/format/live.md, "Order"."""
    same = ("content", "rendition", "codec", "mime", "rate", "channels", "bits", "segment_samples", "init")
    if any(new[name] != old[name] for name in same) or any(
        new[name] < old[name] for name in ("number", "time_ms", "first")
    ):
        return False
    new_end, old_end = (one["first"] + len(one["segments"]) for one in (new, old))
    if new_end < old_end:
        return False
    if (new["number"] == old["number"] or "ended" in old) and any(
        new.get(name) != old.get(name) for name in ("first", "sample", "segments", "ended")
    ):
        return False
    # Rows by sequence number, each with the sample it begins at; the old end, where the next one begins.
    rows: dict[int, tuple[int, list[Any]]] = {}
    at = old["sample"]
    for number, row in enumerate(old["segments"], old["first"]):
        rows[number] = at, row
        at += row[1]
    if new["first"] >= old_end:
        missed = new["first"] - old_end
        return bool(at + missed <= new["sample"] <= at + missed * new["segment_samples"])
    place = new["sample"]
    for number, row in enumerate(new["segments"], new["first"]):
        if number < old_end and rows[number] != (place, row):
            return False
        place += row[1]
    return True
