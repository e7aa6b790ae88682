"""``gomaa inspect``: a song's verified header as JSON and as a table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from pywallet.encoding.amounts import show
from pywallet.encoding.hex import checksum, to_b64, to_hex
from pywallet.policy import Policy
from pywallet.sps import Header, Rendition
from pywallet.sps.file_layout import rendition_size
from studio.reader import SongFile


def inspect(path: Path | str) -> dict[str, Any]:
    """The verified header as JSON values: hex for addresses and hashes, decimal strings of wei.

    Raises:
        InputError: ``sps.*``, ``policy.malformed``.
        Unavailable: ``server.unreachable`` for a URL.
    """
    with SongFile(path) as song:
        return describe(song.header, song.container.cose, song.expected)


def describe(header: Header, cose: bytes, size: int) -> dict[str, Any]:
    """The result of ``inspect`` for an open header.

    Args:
        header: The header.
        cose: Its signed bytes.
        size: Size of the single file, bytes.
    """
    policy = Policy.from_dict(header.policy)
    return {
        "version": 1,
        "title": header.title,
        "artist": header.artist,
        "album": header.album,
        "isrc": header.isrc,
        "genre": header.genre,
        "genre_confidence": header.genre_confidence,
        "loudness": header.loudness,
        "loudness_range": header.loudness_range,
        "true_peak": header.true_peak,
        "artwork": None
        if (art := header.artwork) is None
        else {**vars(art), "sha256": to_hex(art.sha256), "urls": list(art.urls)},
        "duration_ms": header.renditions[0].duration_ms,
        "chain_id": header.chain,
        "content": to_hex(header.content),
        "owner": to_hex(header.owner),
        "policy": _amounts(policy.to_dict()),
        "policy_hash": to_hex(header.policy_hash),
        "server": {
            "url": header.server.url,
            "address": to_hex(header.server.address),
            "key": to_b64(header.server.key),
        },
        "delivery": list(header.delivery),
        "renditions": [_rendition(track) for track in header.renditions],
        "watermark": _plain(header.watermark),
        "features": to_hex(header.features) if header.features else None,
        "waveform": to_b64(header.waveform),
        "extra": sorted(header.extra),
        "header_size": len(cose),
        "size": size,
    }


def _rendition(track: Rendition) -> dict[str, Any]:
    return {
        "id": track.id,
        "codec": track.codec,
        "mime": track.mime,
        "rate": track.rate,
        "channels": track.channels,
        "bits": track.bits,
        "samples": track.samples,
        "segment_samples": track.segment_samples,
        "segments": len(track.segments),
        "init_size": track.init_size,
        "size": rendition_size(track),
        "root": to_hex(track.root),
        "key_epochs": [list(pair) for pair in track.key_epochs],
    }


def _amounts(policy: dict[str, Any]) -> dict[str, Any]:
    price = {k: str(v) if k in ("owner", "reward") else v for k, v in policy["price"].items()}
    return {**policy, "price": price}


def table(facts: dict[str, Any]) -> Table:
    """The result of ``inspect`` as a table."""
    out = Table.grid(padding=(0, 2))
    out.add_column(style="bold", no_wrap=True)
    out.add_column(overflow="fold")
    track, price = facts["renditions"][0], facts["policy"]["price"]
    seconds = facts["duration_ms"] // 1000
    rows = [
        ("Title", facts["title"]),
        ("Artist", facts["artist"]),
        ("Album", facts["album"]),
        ("ISRC", facts["isrc"]),
        ("Genre", facts["genre"]),
        ("Length", f"{seconds // 60}:{seconds % 60:02}, {track['segments']} segments"),
        ("Sound", _sound(track)),
        ("Loudness", _loudness(facts)),
        ("Watermark", _marks(facts["watermark"])),
        ("Size", f"{facts['size']:,} bytes, header {facts['header_size']:,}"),
        ("Content", f"{checksum(bytes.fromhex(facts['content'][2:]))} on chain {facts['chain_id']}"),
        ("Owner", checksum(bytes.fromhex(facts["owner"][2:]))),
        ("Allowed", ", ".join(facts["policy"]["permissions"])),
        ("Limits", _limits(facts["policy"])),
        ("Stations", "any" if facts["policy"]["stations"] == ["*"] else ", ".join(facts["policy"]["stations"])),
        (
            "Every",
            f"{price['interval_s']} s heard: {show(int(price['owner']))} GoMAA to the owner, "
            f"{show(int(price['reward']))} to the listener,"
            f" paid by the {price['payer']}",
        ),
        ("Policy", facts["policy_hash"]),
        ("Server", facts["server"]["url"]),
        ("Delivery", ", ".join(facts["delivery"])),
        ("Signature", "valid, by the owner"),
    ]
    for name, value in rows:
        if value:
            out.add_row(name, str(value))
    return out


def _sound(track: dict[str, Any]) -> str:
    channels = {1: "mono", 2: "stereo"}.get(track["channels"], f"{track['channels']} channels")
    rate = 8 * track["size"] * track["rate"] // track["samples"]
    return (
        f"{track['codec'].upper()} {track['bits']} bit, {track['rate'] / 1000:g} kHz, {channels}, {rate // 1000} kbit/s"
    )


def _loudness(facts: dict[str, Any]) -> str | None:
    parts = (("loudness", "LUFS"), ("loudness_range", "LU range"), ("true_peak", "dBTP"))
    return ", ".join(f"{facts[name] / 100:.1f} {unit}" for name, unit in parts if facts[name] is not None) or None


def _marks(watermark: dict[str, Any] | None) -> str | None:
    if watermark is None:
        return None
    every = watermark.get("every", 1)
    return " and ".join(map(str, watermark.get("layers", []))) + (f", one block in {every}" if every != 1 else "")


def _plain(value: Any) -> Any:
    """CBOR values as JSON values."""
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return to_hex(value) if isinstance(value, bytes) else value


def _limits(policy: dict[str, Any]) -> str:
    parts = [
        f"{action} {count['limit']} times" + (f" per {count['per_s']} s" if "per_s" in count else "")
        for action, count in policy.get("counts", {}).items()
    ]
    if "ttl_s" in policy:
        parts.append(f"{policy['ttl_s']} s from the first play")
    if policy["listener"] == "wallet":
        parts.append("listeners with a wallet")
    return ", ".join(parts) or "none"
