"""Every screen of the extension, as messages of docs/protocol.md section 6 and the clicks that lead to it."""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass, field
from typing import Any

NOW_S = 1_795_446_600
CONTENT = "0x7c3e91ab40d26f18c5e0b3a72d9481fe06b9a25c"
OTHERS = ("0x1f0a2b3c4d5e6f708192a3b4c5d6e7f801234567", "0xd4e5f60718293a4b5c6d7e8f9011223344556677", "0x9b8a7c6d5e4f30211203f4e5d6c7b8a990807060")
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
        "type": "terms", "title": "Slow Tide Home", "artist": "Saltwick Lanterns", "duration_ms": 304_000, "quality": "FLAC 24/48", "content": CONTENT,
        "owner": "0x2222b3c4d5e6f708192a3b4c5d6e7f8012345679", "server": "0x3333b3c4d5e6f708192a3b4c5d6e7f8012345679",
        "waveform": waveform(), "station": {"name": "Harbour Radio", "domain": "harbour.example"}, "facts": FACTS[language], "permits": ["play", "pause", "seek"],
        "split": {"station_wei": amount("0.1"), "owner_wei": amount("0.075"), "listener_wei": amount("0.02"), "commission_wei": amount("0.005")},
        "interval_s": 30, "reward_wei": amount("0.002"), "payer": "station", "wallet": "open", "rewards": True, **changes,
    }  # fmt: skip


def state(name: str, **changes: Any) -> dict[str, Any]:
    """The `state` message, 2:18 into the song."""
    return {
        "type": "state", "state": name, "position_ms": 138_000, "duration_ms": 304_000, "buffered_ms": 150_000, "volume": 0.7, "muted": False,
        "left": {"plays": 2, "seeks": 9}, "heard_ms": 138_000, "earned_wei": amount("0.008"), "next_ms": 12_000, **changes,
    }  # fmt: skip


def problem(code: str, **detail: Any) -> dict[str, Any]:
    """The `problem` message."""
    return {"type": "problem", "code": code, "message": code, "fix": "", "detail": detail}


READY = {"position_ms": 0, "heard_ms": 0, "earned_wei": "0", "next_ms": 30_000}

ITEMS: list[dict[str, Any]] = [
    {"time_s": NOW_S - 480, "content": OTHERS[0], "title": "Letters for the Lighthouse", "artist": "Saltwick Lanterns", "station": "Harbour Radio", "domain": "harbour.example",
     "amount_wei": amount("0.014"), "state": "pending", "code": None, "server": OTHERS[1], "epoch": 1205, "payee": OTHERS[2], "plays": 1, "seconds": 212, "due_s": NOW_S + 660, "transaction": None},
    {"time_s": NOW_S - 3600, "content": OTHERS[2], "title": "午后 Low Water", "artist": "雾港信使", "station": "Night Bus FM", "domain": "nightbus.example",
     "amount_wei": amount("0.006"), "state": "claimable", "code": None, "server": OTHERS[1], "epoch": 1204, "payee": OTHERS[0], "plays": 1, "seconds": 95, "due_s": None, "transaction": None},
    {"time_s": NOW_S - 6000, "content": OTHERS[1], "title": "末班渡轮 The Last Ferry", "artist": "雾港信使", "station": "Night Bus FM", "domain": "nightbus.example", "amount_wei": amount("0.016"),
     "state": "claimed", "code": None, "server": OTHERS[1], "epoch": 1203, "payee": OTHERS[0], "plays": 1, "seconds": 252, "due_s": None, "transaction": "0x51c9" + "ab12" * 14 + "7e3a"},
    {"time_s": NOW_S - 90_000, "content": CONTENT, "title": "Concerning the Weather and Other Letters Nobody Posted", "artist": "The Amalgamated Lighthouse Keepers", "station": "Harbour Radio", "domain": "harbour.example",
     "amount_wei": "0", "state": "refused", "code": "policy.count.exhausted", "server": None, "epoch": None, "payee": None, "plays": None, "seconds": None, "due_s": None, "transaction": None},
    {"time_s": NOW_S - 91_000, "content": CONTENT, "title": "Slow Tide Home", "artist": "Saltwick Lanterns", "station": "Harbour Radio", "domain": "harbour.example",
     "amount_wei": amount("0.02"), "state": "claimed", "code": None, "server": OTHERS[1], "epoch": 1180, "payee": OTHERS[0], "plays": 1, "seconds": 304, "due_s": None, "transaction": "0x99c9" + "ab12" * 14 + "7e3a"},
]  # fmt: skip

PLAYING = {
    "content": CONTENT, "title": "Slow Tide Home", "artist": "Saltwick Lanterns", "station": "Harbour Radio", "position_ms": 138_000, "duration_ms": 304_000, "state": "playing",
    "earned_wei": amount("0.008"), "reward_wei": amount("0.002"), "interval_s": 30, "next_ms": 12_000,
}  # fmt: skip
STATUS = {"exists": True, "locked": False, "address": ADDRESS, "rewards": True, "auto_lock_s": 600}
HOST_ON = {"state": "connected", "version": "0.1.0", "command": "gomaa host install --browser chromium", "code": None, "chain": True}
HOST_OFF = {"state": "missing", "version": None, "command": "gomaa host install --browser chromium", "code": "host.missing"}
SUMMARY: dict[str, Any] = {
    "address": ADDRESS, "spendable_wei": amount("46.84"), "today_wei": amount("0.124"), "pending_wei": amount("0.048"), "claimable_wei": amount("0.006"), "due_s": NOW_S + 660,
    "playing": PLAYING, "activity": ITEMS,
}  # fmt: skip
EMPTY = {**SUMMARY, "spendable_wei": "0", "today_wei": "0", "pending_wei": "0", "claimable_wei": "0", "due_s": None, "playing": None, "activity": []}
LONG = {**SUMMARY, "spendable_wei": amount("123456789.123456789"), "activity": ITEMS[3:4] * 6}
WORDS = "legal winner thank year wave sausage worth useful legal winner thank yellow"


def wallet(**changes: Any) -> dict[str, Any]:
    """Answers of the `wallet` port by request type."""
    return {
        "wallet.status": STATUS, "wallet.summary": SUMMARY, "wallet.playing": PLAYING, "host.status": HOST_ON, "wallet.propose": {"mnemonic": WORDS},
        "wallet.claim": {"transactions": ["0x51c9"], "amount_wei": amount("0.006")}, **{key.replace("_", "."): value for key, value in changes.items()},
    }  # fmt: skip


@dataclass(frozen=True)
class Scenario:
    """One picture: the page, what the engine says, and what a person does. Steps: ("click", css) or ("fill", css, text)."""

    page: str
    player: list[dict[str, Any]] = field(default_factory=list)
    wallet: dict[str, Any] = field(default_factory=dict)
    hash: str = ""
    steps: tuple[tuple[str, ...], ...] = ()
    width: int = 720


NO_WALLET = {"exists": False, "locked": False, "address": None, "rewards": False}
CREATE = (("click", ".choice .card:first-child"),)
CHECK = (*CREATE, ("check", "#written"), ("click", ".btn.big"))


def scenarios(language: str) -> dict[str, Scenario]:
    """Every screen by name. ``language``: "en" or "zh", the language of the engine's own sentences."""
    base = terms(language)
    long_terms = terms(
        language, title="Concerning the Weather and Other Letters Nobody Posted, Second Version", artist="The Amalgamated Lighthouse Keepers’ Evening Wind Orchestra", waveform=None,
    )  # fmt: skip
    fresh = wallet(wallet_status=NO_WALLET, wallet_playing={}, host_status=HOST_OFF)
    player = {
        "loading": [],
        "before": [base, state("ready", **READY)],
        "before-terms": [base, state("ready", **READY)],
        "before-none": [terms(language, wallet="none", rewards=False), state("ready", **READY)],
        "before-locked": [terms(language, wallet="locked"), state("ready", **READY)],
        "before-declined": [terms(language, rewards=False), state("ready", **READY)],
        "before-long": [long_terms, state("ready", **READY)],
        "starting": [base, state("starting", **READY)],
        "playing": [base, state("playing")],
        "playing-plain": [terms(language, waveform=None, wallet="none", rewards=False), state("playing", earned_wei="0")],
        "playing-note": [base, state("playing", left={"plays": 2, "seeks": 0}), problem("policy.count.exhausted", rule="counts.seek")],
        "waiting": [base, state("waiting")],
        "ended": [base, state("ended", position_ms=304_000, heard_ms=304_000, earned_wei=amount("0.02"), next_ms=26_000)],
        "refused": [base, problem("policy.count.exhausted", rule="counts.play"), state("refused", **READY)],
        "failed": [base, problem("server.unreachable"), state("failed")],
        "session-expired": [base, problem("session.expired"), state("refused", **READY)],
        "host-missing": [terms(language, facts=None, split=None), problem("host.missing", command="gomaa host install --browser chromium"), state("failed", **READY)],
    }
    found = {
        f"player-{name}": Scenario("player/player.html", messages, hash="#s1", steps=(("click", ".foot .link"),) if name == "before-terms" else ()) for name, messages in player.items()
    }
    for name in ("before", "playing", "refused", "host-missing", "before-locked", "before-terms"):
        found[f"player-{name}-narrow"] = Scenario("player/player.html", player[name], hash="#s1", width=360, steps=found[f"player-{name}"].steps)
    found["player-playing-320"] = Scenario("player/player.html", player["playing"], hash="#s1", width=320)
    popup = "popup/popup.html"
    found |= {
        "popup-welcome": Scenario(popup, wallet=fresh),
        "popup-locked": Scenario(popup, wallet=wallet(wallet_status={**STATUS, "locked": True})),
        "popup-locked-wrong": Scenario(
            popup, wallet=wallet(wallet_status={**STATUS, "locked": True}, wallet_unlock={"error": {"code": "wallet.password", "message": ""}}),
            steps=(("fill", "#password", "harbourlight"), ("click", "button[type=submit]")),
        ),
        "popup-home": Scenario(popup, wallet=wallet()),
        "popup-home-empty": Scenario(popup, wallet=wallet(wallet_summary=EMPTY, wallet_playing={})),
        "popup-home-long": Scenario(popup, wallet=wallet(wallet_summary=LONG, host_status=HOST_OFF)),
        "popup-home-collected": Scenario(popup, wallet=wallet(), steps=(("click", "[data-key=claim]"),)),
        "popup-home-offline": Scenario(popup, wallet=wallet(wallet_summary={"error": {"code": "chain.unreachable", "message": ""}}, wallet_playing={})),
        "popup-activity": Scenario(popup, wallet=wallet(), steps=(("click", "[data-key=tab-activity]"),)),
        "popup-origin": Scenario(popup, wallet=wallet(), steps=(("click", "[data-key=item-2]"),)),
        "popup-origin-pending": Scenario(popup, wallet=wallet(), steps=(("click", "[data-key=item-0]"),)),
        "popup-origin-refused": Scenario(popup, wallet=wallet(), steps=(("click", "[data-key=item-3]"),)),
        "popup-receive": Scenario(popup, wallet=wallet(), steps=(("click", "[data-key=receive]"),)),
        "popup-settings": Scenario(popup, wallet=wallet(), steps=(("click", "[data-key=tab-settings]"),)),
        "popup-settings-host": Scenario(popup, wallet=wallet(host_status=HOST_OFF), steps=(("click", "[data-key=tab-settings]"),)),
    }  # fmt: skip
    for name in [name for name in found if name.startswith("popup-")]:
        found[name] = Scenario(popup, wallet=found[name].wallet, steps=found[name].steps, width=360)
    onboarding = "onboarding/onboarding.html"
    filled = tuple(("words", f"#word-{place}", WORDS.split()[place]) for place in range(12))
    password = (("fill", "#new-password", "saltwater at dawn 7"), ("fill", "#again", "saltwater at dawn 7"))
    steps: dict[str, tuple[dict[str, Any], str, tuple[tuple[str, ...], ...]]] = {
        "choose": (fresh, "", ()),
        "words": (fresh, "", CREATE),
        "check": (fresh, "", CHECK),
        "check-wrong": (fresh, "", (*CHECK, ("click", "button[type=submit]"))),
        "password": (fresh, "", (*CHECK, *filled, ("click", "button[type=submit]"), *password)),
        "restore": (fresh, "#restore", ()),
        "restore-wrong": (wallet(wallet_playing={}), "#restore", (("fill", "#words", "legal winner thank year wave"), ("click", "button[type=submit]"))),
        "computer": (wallet(wallet_playing={}, host_status=HOST_OFF), "", ()),
        "computer-on": (wallet(wallet_playing={}), "", ()),
        "song": (wallet(wallet_playing={}), "#from=https%3A%2F%2Fharbour.example%2Fevening", (("click", ".btn.big"),)),
        "song-unknown": (wallet(wallet_playing={**PLAYING, "earned_wei": "0"}), "", (("click", ".btn.big"),)),
        "reward": (wallet(), "", (("click", ".btn.big"),)),
    }
    for name, (answers, anchor, clicks) in steps.items():
        found[f"onboarding-{name}"] = Scenario(onboarding, wallet=answers, hash=anchor, steps=clicks, width=1080)
    for name in ("words", "computer", "choose"):
        answers, anchor, clicks = steps[name]
        found[f"onboarding-{name}-narrow"] = Scenario(onboarding, wallet=answers, hash=anchor, steps=clicks, width=390)
    return found
