"""Strategies of patched hosts: each lies about time, position or state, or requests too many keys."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from tests.integration.farm_world import SONG_MS

STEP_MS: Final = 5_000
STEPS: Final = 60
"""Five minutes: a whole song and the beginning of the next."""

Times = Literal["true", "early", "ahead", "own", "past", "spread", "wild", "late"]
Positions = Literal["true", "on", "fast", "zigzag", "beyond", "still", "random"]
Asks = Literal["next", "all", "lease", "replay", "paused", "random"]
Reports = Literal["online", "burst", "end", "serial"]
Jumps = Literal["none", "seek", "storm", "back", "rate"]
Endings = Literal["stop", "silent", "pause"]


@dataclass(frozen=True)
class Strategy:
    """Behaviour of a patched host; every value other than the first of its type is a lie or an excess."""

    name: str
    seed: int = 0
    song: str = "plain"
    tickets: int = 1
    """Concurrent plays."""
    sessions: int = 1
    """Sessions of the listener key, each with its own device and, in turn, one of ``payees``."""
    payees: int = 1
    times: Times = "true"
    positions: Positions = "true"
    asks: Asks = "next"
    reports: Reports = "online"
    jumps: Jumps = "none"
    ending: Endings = "stop"
    reopen: int = 0
    """Steps after which every play ends and another ticket is requested; 0: never."""
    start: Literal["play", "preview"] = "play"
    hoard: int = 0
    """Tickets that are opened and leased but never played."""


_LIES: Final[tuple[dict[str, Any], ...]] = (
    {"tickets": 15},
    {"tickets": 15, "times": "own", "reports": "end"},
    {"tickets": 15, "times": "past", "reports": "serial"},
    {"tickets": 15, "times": "past", "reports": "serial", "sessions": 15, "payees": 15},
    {"tickets": 15, "times": "past", "reports": "serial", "song": "together"},
    {"tickets": 8, "times": "past", "reports": "serial", "song": "rated", "positions": "fast"},
    {"tickets": 5, "times": "past", "reports": "serial", "reopen": 7, "positions": "on"},
    {"tickets": 15, "sessions": 15, "payees": 15, "reports": "burst"},
    {"tickets": 4, "song": "together"},
    {"tickets": 6, "song": "together", "times": "own", "reports": "end"},
    {"tickets": 4, "song": "together", "sessions": 4, "payees": 4, "asks": "all"},
    {"times": "early"},
    {"times": "ahead"},
    {"times": "spread"},
    {"times": "wild", "tickets": 3},
    {"times": "late", "reports": "end"},
    {"positions": "fast"},
    {"positions": "fast", "song": "rated", "jumps": "rate"},
    {"positions": "zigzag"},
    {"positions": "on"},
    {"positions": "on", "asks": "all", "song": "leased"},
    {"positions": "beyond", "asks": "all"},
    {"positions": "still", "asks": "all"},
    {"positions": "random", "asks": "random"},
    {"asks": "all"},
    {"asks": "lease", "song": "leased"},
    {"asks": "replay"},
    {"asks": "replay", "ending": "silent", "reopen": 3},
    {"asks": "paused"},
    {"asks": "paused", "song": "leased", "tickets": 4},
    {"asks": "random", "jumps": "storm"},
    {"asks": "all", "jumps": "storm", "song": "counted"},
    {"asks": "lease", "jumps": "storm", "song": "leased"},
    {"asks": "all", "jumps": "back"},
    {"asks": "all", "jumps": "seek", "positions": "still"},
    {"reports": "burst"},
    {"reports": "end", "times": "spread"},
    {"ending": "silent"},
    {"ending": "silent", "reopen": 4, "tickets": 3},
    {"reopen": 2, "asks": "all", "positions": "random"},
    {"reopen": 1, "asks": "lease", "song": "leased"},
    {"hoard": 12, "asks": "lease", "song": "leased"},
    {"hoard": 12, "asks": "random", "sessions": 6, "payees": 6},
    {"start": "preview", "song": "preview", "asks": "all", "reopen": 3},
    {"start": "preview", "song": "preview", "tickets": 5, "positions": "beyond"},
    {"song": "rated", "jumps": "rate", "times": "ahead", "tickets": 2},
    {"song": "counted", "jumps": "seek", "reopen": 6},
)
MIXED: Final = 60


def strategies() -> list[Strategy]:
    """All single lies, then random mixtures with fixed seeds."""
    out = [
        Strategy(" ".join(f"{name}={value}" for name, value in lie.items()), seed, **lie)
        for seed, lie in enumerate(_LIES)
    ]
    for seed in range(len(_LIES), len(_LIES) + MIXED):
        draw = random.Random(seed)
        tickets = draw.choice((1, 1, 2, 3, 5))
        made = Strategy(
            name=f"mixed {seed}",
            seed=seed,
            song=draw.choice(("plain", "rated", "together", "leased", "counted")),
            tickets=tickets,
            sessions=draw.choice((1, tickets)),
            payees=draw.choice((1, tickets)),
            times=draw.choice(get_args(Times)),
            positions=draw.choice(get_args(Positions)),
            asks=draw.choice(get_args(Asks)),
            reports=draw.choice(get_args(Reports)),
            jumps=draw.choice(get_args(Jumps)),
            ending=draw.choice(get_args(Endings)),
            reopen=draw.choice((0, 0, 2, 7)),
            hoard=draw.choice((0, 0, 4)),
        )
        out.append(made)
    return out


def honest(song: str) -> Strategy:
    """Behaviour of an unpatched host: a song from beginning to end, repeatedly, as fast as its terms allow."""
    whole = SONG_MS // STEP_MS
    if song == "rated":
        return Strategy(f"honest {song}", song=song, jumps="rate", reopen=whole // 2)
    return Strategy(f"honest {song}", song=song, reopen=whole)
