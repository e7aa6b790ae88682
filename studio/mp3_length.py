"""Declared length of an MP3 file, by the frame count of its Xing, Info or VBRI header."""

from __future__ import annotations

from typing import BinaryIO, Final

_SEARCHED: Final = 1 << 16
_SYNC: Final = 0xFFE0
_RATES: Final = ((11_025, 12_000, 8_000), None, (22_050, 24_000, 16_000), (44_100, 48_000, 32_000))
"""Hz, by the version bits (2.5, none, 2, 1) and the rate bits."""
_LAYER_3: Final = 1
_FIRST_FRAME: Final = 256


def declared_seconds(file: BinaryIO) -> float | None:
    """The declared length without encoder delay and padding, s; None without a frame count."""
    file.seek(0)
    at = 0
    while (head := file.read(10))[:3] == b"ID3" and len(head) == 10:
        size = (head[6] & 127) << 21 | (head[7] & 127) << 14 | (head[8] & 127) << 7 | head[9] & 127
        at += 10 + size + (10 if head[5] & 0x10 else 0)
        file.seek(at)
    file.seek(at)
    data = file.read(_SEARCHED)
    for place in range(len(data) - 4):
        if int.from_bytes(data[place : place + 2], "big") & _SYNC != _SYNC:
            continue
        version, layer, rate_index = data[place + 1] >> 3 & 3, data[place + 1] >> 1 & 3, data[place + 2] >> 2 & 3
        rates = _RATES[version]
        if layer == _LAYER_3 and rates is not None and rate_index < 3 and data[place + 2] >> 4 not in (0, 15):
            return _count(data[place : place + _FIRST_FRAME], rates[rate_index], 1152 if version == 3 else 576)
    return None


def _count(frame: bytes, rate: int, samples: int) -> float | None:
    for name in (b"Xing", b"Info"):
        at = frame.find(name, 4, 48)
        if at < 0:
            continue
        flags = int.from_bytes(frame[at + 4 : at + 8], "big")
        frames = int.from_bytes(frame[at + 8 : at + 12], "big") if flags & 1 else 0
        # The encoder's extension follows the fields that the flags announce: frames, bytes, table of contents, quality.
        extra = at + 8 + 4 * (flags & 1) + 4 * (flags >> 1 & 1) + 100 * (flags >> 2 & 1) + 4 * (flags >> 3 & 1)
        padding = (
            int.from_bytes(frame[extra + 21 : extra + 24], "big")
            if frame[extra : extra + 4] in (b"LAME", b"Lavf", b"Lavc")
            else 0
        )
        total = frames * samples - (padding >> 12) - (padding & 0xFFF)
        return total / rate if total > 0 else None
    if frame[36:40] == b"VBRI":
        return int.from_bytes(frame[50:54], "big") * samples / rate or None
    return None
