"""Samples of the wallet's responses (docs/protocol.md, section 6) that the previews show."""

from __future__ import annotations

from typing import Any

from samples import ADDRESS, CONTENT, FACTS, NOW_S, OTHERS, amount

HASH = "0x51c9" + "ab12" * 14 + "7e3a"


def item(ago_s: int, content: str, title: str, reward: str, money: str, **changes: Any) -> dict[str, Any]:
    """One line of activity, a claimed play on Harbour Radio unless changed."""
    return {
        "time_s": NOW_S - ago_s,
        "content": content,
        "title": title,
        "artist": "Saltwick Lanterns",
        "station": "Harbour Radio",
        "domain": "harbour.example",
        "amount_wei": amount(reward),
        "state": money,
        "code": None,
        "server": OTHERS[1],
        "epoch": 1205,
        "payee": OTHERS[2],
        "plays": 1,
        "seconds": 212,
        "due_s": None,
        "transaction": HASH if money == "claimed" else None,
        **changes,
    }


FRIEND = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8"
CHECKSUM = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
MOVED = {
    **dict.fromkeys(
        ("station", "domain", "server", "epoch", "payee", "plays", "seconds", "due_s", "block", "fee_wei", "reason"),
        None,
    ),
    "artist": "",
    "other": FRIEND,
    "name": "Ada",
    "most_wei": "94500000000000",
}
BUS = {"artist": "雾港信使", "station": "Night Bus FM", "domain": "nightbus.example"}
NOTHING = {"server": None, "epoch": None, "payee": None, "plays": None, "seconds": None}
ITEMS: list[dict[str, Any]] = [
    item(480, OTHERS[0], "Letters for the Lighthouse", "0.014", "pending", due_s=NOW_S + 660),
    item(3600, OTHERS[2], "午后 Low Water", "0.006", "claimable", epoch=1204, seconds=95, **BUS),
    item(6000, OTHERS[1], "末班渡轮 The Last Ferry", "0.016", "claimed", epoch=1203, seconds=252, **BUS),
    item(
        90_000,
        CONTENT,
        "Concerning the Weather and Other Letters Nobody Posted",
        "0",
        "refused",
        code="policy.count.exhausted",
        **NOTHING,
    ),
    item(91_000, CONTENT, "Slow Tide Home", "0.02", "claimed", epoch=1180, seconds=304),
]

SENT = [
    item(
        60,
        FRIEND,
        "",
        "2.5",
        "pending",
        kind="sent",
        **{**MOVED, "transaction": HASH, "how": "first", "replaceable": True},
    ),
    item(
        7200,
        FRIEND,
        "",
        "1",
        "refused",
        kind="sent",
        **{**MOVED, "code": "chain.reverted", "reason": "nonce too low", "transaction": HASH[::-1]},
    ),
    item(
        9000,
        OTHERS[0],
        "",
        "10",
        "claimed",
        kind="received",
        **{**MOVED, "other": OTHERS[0], "name": None, "block": 8123},
    ),
]
REPLACED = {
    "quote": "r",
    "cancels": False,
    "amount_wei": amount("2.5"),
    "before_wei": "94500000000000",
    "most_wei": "118125000000001",
    "chain_id": 31337,
}
QUOTE = {
    "quote": "q",
    "from": ADDRESS,
    "to": FRIEND,
    "checksum": CHECKSUM,
    "name": None,
    "first": True,
    "own": False,
    "amount_wei": amount("2.5"),
    "left_wei": amount("44.34"),
    "fee_wei": "63000000000000",
    "most_wei": "94500000000000",
    "chain_id": 31337,
    "addresses": 0,
    "shows": None,
}
PROOF = {
    "chain_id": 31337,
    "settlement": OTHERS[0],
    "receipt": {"signature": "0x" + "5e" * 65},
    "detail": {"session": HASH},
    "station": "nightbus.example",
    "station_address": OTHERS[2],
    "session": HASH,
    "transaction": HASH,
    "parts": [
        {
            "content": OTHERS[1],
            "title": "末班渡轮 The Last Ferry",
            "artist": "",
            "time_s": NOW_S - 6000,
            "seconds": 252,
            "amount_wei": amount("0.012"),
        },
        {
            "content": OTHERS[0],
            "title": "Letters for the Lighthouse",
            "artist": "",
            "time_s": NOW_S - 6300,
            "seconds": 64,
            "amount_wei": amount("0.004"),
        },
    ],
}
ACCOUNTS = {
    "accounts": [{"index": 0, "name": "", "address": ADDRESS}, {"index": 1, "name": "Tips", "address": FRIEND}],
    "current": ADDRESS,
}
CONTACTS = {"contacts": [{"address": FRIEND, "name": "Ada"}, {"address": OTHERS[0], "name": "Harbour Radio"}]}
SITE = {
    "state": "allowed",
    "day_wei": "0",
    "spent_wei": "0",
    "earned_wei": amount("0.472"),
    "first_s": NOW_S,
    "last_s": NOW_S,
}
SITES = {
    "day_wei": amount("1"),
    "spent_wei": amount("0.12"),
    "sites": [
        {
            "origin": "https://harbour.example",
            **SITE,
            "earned_wei": amount("1.936"),
            "day_wei": amount("0.5"),
            "spent_wei": amount("0.12"),
        },
        {"origin": "https://nightbus.example", **SITE, "state": "paused"},
        {
            "origin": "https://a-rather-long-name-of-a-radio-station.example",
            **SITE,
            "state": "revoked",
            "earned_wei": "0",
        },
    ],
}
LISTENING = {
    "server": "0x" + "42" * 20,
    "payer": FRIEND,
    "domain": "harbour.example",
    "left_wei": amount("0.0437"),
    "spent_wei": amount("0.0063"),
    "requested_wei": "0",
    "held_wei": "0",
    "ready_s": 0,
    "now_s": NOW_S,
    "delay_s": 4200,
    "under_way": None,
}
_OFFERS = [
    {"name": "shirt", "kind": "offer", "cost": 120, "days": 30, "text": "A tenth off a Saltwick Lanterns shirt"},
    {"name": "quiet", "kind": "ad-free", "cost": 40, "days": 7, "text": "A week of these pages without advertising"},
]
_PASS = {
    "serial": "7",
    "offer": "shirt",
    "kind": "offer",
    "text": _OFFERS[0]["text"],
    "ends_s": NOW_S + 2_000_000,
    "redeemed_s": None,
}
_QUIET = {
    "serial": "8",
    "offer": "quiet",
    "kind": "ad-free",
    "text": _OFFERS[1]["text"],
    "ends_s": NOW_S + 500_000,
    "redeemed_s": NOW_S,
}
POINTS = {
    "account": {
        "points": 64, "points_per_minute": 1, "minimum_s": 30, "cap_per_day": 120, "discovery_percent": 50,
        "offers": _OFFERS, "passes": [_QUIET, _PASS],
    }
}  # fmt: skip
PLAYING = {
    "content": CONTENT,
    "title": "Slow Tide Home",
    "artist": "Saltwick Lanterns",
    "station": "Harbour Radio",
    "position_ms": 138_000,
    "duration_ms": 304_000,
    "state": "playing",
    "earned_wei": amount("0.008"),
    "reward_wei": amount("0.002"),
    "interval_s": 30,
    "next_ms": 12_000,
}
DECISIONS = {
    "questions": [{"station": ADDRESS, "domain": "harbour.example", "name": "Harbour Radio", "collect": None}],
    "takeovers": [
        {"stream": "s1", "title": "Slow Tide Home", "artist": "Saltwick Lanterns", "origin": "https://harbour.example"}
    ],
    "costs": [
        {
            "title": "Two Lamps",
            "artist": "Saltwick Lanterns",
            "origin": "https://harbour.example",
            "interval_s": 30,
            "each_wei": amount("0.01"),
            "left_wei": "0",
            "on": False,
            "need": "budget",
            "spent_wei": "0",
            "facts": FACTS["en"],
        }
    ],
}
"""One decision of each kind."""
STATUS = {
    "exists": True,
    "locked": False,
    "address": ADDRESS,
    "collect": "always",
    "auto_lock_s": 900,
    "auto_lock_choices": [60, 300, 900, 3600, 14400],
}
HOST_ON = {
    "state": "connected",
    "version": "0.1.0",
    "command": "gomaa host install --browser chromium",
    "code": None,
    "networks": [31337, 10],
    "chain_id": 31337,
}
HOST_OFF = {
    "state": "missing",
    "version": None,
    "command": "gomaa host install --browser chromium",
    "code": "host.missing",
}
SUMMARY: dict[str, Any] = {
    "address": ADDRESS,
    "spendable_wei": amount("46.84"),
    "account_wei": amount("46.84"),
    "private_wei": "0",
    "today_wei": amount("0.124"),
    "pending_wei": amount("0.048"),
    "claimable_wei": amount("0.006"),
    "due_s": NOW_S + 660,
    "playing": PLAYING,
    "activity": ITEMS,
}
IN_PRIVATE = {
    **SUMMARY,
    "spendable_wei": amount("46.8432"),
    "private_wei": amount("0.0032"),
    "sweep_most_wei": "570000000000000",
    "claiming": {"count": 3, "until_s": NOW_S + 15_000, "code": None},
    "activity": [
        item(
            7200,
            FRIEND,
            "",
            "0.0032",
            "claimed",
            kind="received",
            at_payee=True,
            **{**MOVED, "transaction": None, "name": "Harbour"},
        ),
        *ITEMS,
    ],
}
EMPTY = {
    **SUMMARY,
    "spendable_wei": "0",
    "account_wei": "0",
    "today_wei": "0",
    "pending_wei": "0",
    "claimable_wei": "0",
    "due_s": None,
    "playing": None,
    "activity": [],
}
LONG = {**SUMMARY, "spendable_wei": amount("123456789.123456789"), "activity": ITEMS[3:4] * 6}
WORDS = "legal winner thank year wave sausage worth useful legal winner thank yellow"


def wallet(**changes: Any) -> dict[str, Any]:
    """Answers of the `wallet` port by request type."""
    return {
        "wallet.status": STATUS,
        "wallet.summary": SUMMARY,
        "wallet.playing": PLAYING,
        "host.status": HOST_ON,
        "wallet.propose": {"mnemonic": WORDS},
        "wallet.spelling": {"words": WORDS.split(), "slips": [], "size": True, "holds": True},
        "wallet.words": {"mnemonic": WORDS},
        "wallet.quote": QUOTE,
        "wallet.replace": REPLACED,
        "wallet.send": {"transaction": HASH},
        "wallet.origin": PROOF,
        "wallet.accounts": ACCOUNTS,
        "wallet.contacts": CONTACTS,
        "wallet.sites": SITES,
        "wallet.points": POINTS,
        "wallet.claim": {"transactions": ["0x51c9"], "amount_wei": amount("0.006")},
        **{key.replace("_", "."): value for key, value in changes.items()},
    }
