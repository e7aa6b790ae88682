"""Samples of the player's messages (docs/protocol.md, section 6) that the previews show."""

from __future__ import annotations

import base64
import math
from typing import Any

NOW_S = 1_795_446_600
CONTENT = "0x7c3e91ab40d26f18c5e0b3a72d9481fe06b9a25c"
OTHERS = (
    "0x1f0a2b3c4d5e6f708192a3b4c5d6e7f801234567",
    "0xd4e5f60718293a4b5c6d7e8f9011223344556677",
    "0x9b8a7c6d5e4f30211203f4e5d6c7b8a990807060",
)
ADDRESS = "0x4f6a0c8de2b15973ab10ffe2c3d49786b5a01e2d"
GOMAA = 10**18


def amount(text: str) -> str:
    """GoMAA with up to 18 decimals, as a decimal string of wei."""
    whole, _, part = text.partition(".")
    return str(int(whole) * GOMAA + int(part.ljust(18, "0")))


def waveform() -> str:
    """400 peaks of a song with quiet and loud passages, base64."""
    peaks = []
    for i in range(400):
        x = i / 400
        loud = 0.35 + 0.4 * (0.2 < x < 0.42) + 0.45 * (0.55 < x < 0.7) + 0.5 * (0.78 < x < 0.94)
        shake = 0.82 + 0.18 * math.sin(i * 12.9898) * math.cos(i * 4.1414)
        fade = min(1.0, (1 - x) * 16, 0.3 + x * 20)
        peaks.append(int(255 * min(1.0, loud * shake * fade)))
    return base64.b64encode(bytes(peaks)).decode()


FACTS = {
    "en": {
        "may": "Play, pause, seek. No download, no copy.",
        "left": "3 of 5 plays left, 10 of 10 seeks left.",
        "costs": "Nothing. Harbour Radio pays.",
        "earn": "0.0020 for every 30 seconds you hear.",
        "limits": ["Until 2026-12-31 00:00 UTC.", "Play: 5 in every 7 days.", "Only on harbour.example."],
    },
    "zh": {
        "may": "播放、暂停、跳转。不可下载、复制。",
        "left": "播放 5 次，还剩 3 次；跳转 10 次，还剩 10 次。",
        "costs": "你不用付费，费用由 Harbour Radio 支付。",
        "earn": "每听满 30 秒，你得 0.0020。",
        "limits": ["2026-12-31 00:00 UTC 截止。", "播放：每 7 天 5 次。", "仅限 harbour.example。"],
    },
}


def terms(language: str, **changes: Any) -> dict[str, Any]:
    """The `terms` message of a song of 5:04 at 0.0100 per 30 seconds."""
    return {
        "type": "terms",
        "title": "Slow Tide Home",
        "artist": "Saltwick Lanterns",
        "duration_ms": 304_000,
        "quality": "FLAC 24/48",
        "content": CONTENT,
        "owner": "0x2222b3c4d5e6f708192a3b4c5d6e7f8012345679",
        "server": "0x3333b3c4d5e6f708192a3b4c5d6e7f8012345679",
        "waveform": waveform(),
        "station": {"name": "Harbour Radio", "domain": "harbour.example"},
        "facts": FACTS[language],
        "permits": ["play", "pause", "seek"],
        "split": {
            "station_wei": amount("0.1"),
            "owner_wei": amount("0.075"),
            "listener_wei": amount("0.02"),
            "commission_wei": amount("0.005"),
        },
        "interval_s": 30,
        "reward_wei": amount("0.002"),
        "payer": "station",
        "wallet": "open",
        "rewards": True,
        **changes,
    }


def state(name: str, **changes: Any) -> dict[str, Any]:
    """The `state` message, 2:18 into the song."""
    return {
        "type": "state",
        "state": name,
        "position_ms": 138_000,
        "duration_ms": 304_000,
        "volume": 0.7,
        "muted": False,
        "left": {"plays": 2, "seeks": 9},
        "heard_ms": 138_000,
        "earned_wei": amount("0.008"),
        "next_ms": 12_000,
        **changes,
    }


def problem(code: str, **detail: Any) -> dict[str, Any]:
    """The `problem` message."""
    return {"type": "problem", "code": code, "message": code, "fix": "", "detail": detail}


READY = {"position_ms": 0, "heard_ms": 0, "earned_wei": "0", "next_ms": 30_000}
