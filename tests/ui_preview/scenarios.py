"""Every screen of the extension: its page, the messages it receives, and the clicks that lead to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from approvals import questions
from failures import FAILURES, STATION
from samples import NOW_S, READY, amount, problem, state, terms
from wallet_samples import (
    DECISIONS,
    EMPTY,
    FRIEND,
    HOST_OFF,
    IN_PRIVATE,
    ITEMS,
    LISTENING,
    LONG,
    PLAYING,
    QUOTE,
    REPLACED,
    SENT,
    STATUS,
    SUMMARY,
    WORDS,
    wallet,
)


@dataclass(frozen=True)
class Scenario:
    """One picture: a page, the engine's messages, and the steps of a person.

    Steps: ("click", css) or ("fill", css, text).
    """

    page: str
    player: list[dict[str, Any]] = field(default_factory=list)
    wallet: dict[str, Any] = field(default_factory=dict)
    hash: str = ""
    steps: tuple[tuple[str, ...], ...] = ()
    width: int = 720


NO_WALLET = {"exists": False, "locked": False, "address": None, "collect": "always"}
CREATE = (("click", ".choice .card:first-child"),)
CHECK = (*CREATE, ("check", "#written"), ("click", ".btn.big"))


SETTINGS = ("click", "[data-key=tab-settings]")
SITES_TAB = (("click", "[data-key=tab-sites]"),)
WRONG_PASSWORD = {"error": {"code": "wallet.password", "message": ""}}


def popup_safety() -> dict[str, Scenario]:
    """Password and words."""
    page, submit = "popup/popup.html", ("click", "[data-key=submit]")
    change, words = (SETTINGS, ("click", "[data-key=password]")), (SETTINGS, ("click", "[data-key=words]"))
    typed = tuple(("fill", f"#{name}", "saltwater at dawn 7") for name in ("password", "new-password", "again"))
    return {
        "popup-password": Scenario(page, wallet=wallet(), steps=change),
        "popup-password-wrong": Scenario(
            page, wallet=wallet(wallet_password=WRONG_PASSWORD), steps=(*change, *typed, submit)
        ),
        "popup-password-changed": Scenario(page, wallet=wallet(), steps=(*change, *typed, submit)),
        "popup-words": Scenario(page, wallet=wallet(), steps=words),
        "popup-words-shown": Scenario(page, wallet=wallet(), steps=(*words, typed[0], submit)),
    }


def popup_money() -> dict[str, Scenario]:
    """Sending, transfers, accounts, addresses."""
    page, submit = "popup/popup.html", ("click", "[data-key=submit]")
    begin = (("click", "[data-key=send]"), ("fill", "#to", FRIEND), ("fill", "#amount", "2.5"))
    moved = wallet(wallet_summary={**SUMMARY, "activity": [*SENT, *ITEMS], "playing": None}, wallet_playing={})
    refused = {"error": {"code": "wallet.funds", "message": ""}}
    schema = {"error": {"code": "message.schema", "message": ""}}
    unpaid = {"error": {"code": "wallet.fee", "message": ""}}
    asked = {**LISTENING, "left_wei": "0", "requested_wei": LISTENING["left_wei"], "ready_s": NOW_S + 4200}
    held = {**LISTENING, "left_wei": "0", "held_wei": LISTENING["left_wei"]}
    return {
        "popup-send": Scenario(page, wallet=wallet(), steps=begin[:1]),
        "popup-send-funds": Scenario(page, wallet=wallet(wallet_quote=refused), steps=(*begin, submit)),
        "popup-send-fee": Scenario(page, wallet=wallet(wallet_quote=unpaid), steps=(*begin, submit)),
        "popup-send-confirm": Scenario(page, wallet=wallet(), steps=(*begin, submit)),
        "popup-send-ties": Scenario(
            page, wallet=wallet(wallet_quote={**QUOTE, "addresses": 2, "shows": "again"}), steps=(*begin, submit)
        ),
        "popup-send-own": Scenario(
            page, wallet=wallet(wallet_quote={**QUOTE, "addresses": 1, "shows": "own"}), steps=(*begin, submit)
        ),
        "popup-send-sent": Scenario(page, wallet=moved, steps=(*begin, submit, ("click", "[data-key=confirm]"))),
        "popup-sent-pending": Scenario(page, wallet=moved, steps=(("click", "[data-key=item-0]"),)),
        "popup-faster": Scenario(
            page, wallet=moved, steps=(("click", "[data-key=item-0]"), ("click", "[data-key=faster]"))
        ),
        "popup-cancel": Scenario(
            page,
            wallet={**moved, "wallet.replace": {**REPLACED, "cancels": True}},
            steps=(("click", "[data-key=item-0]"), ("click", "[data-key=cancel]")),
        ),
        "popup-sent-failed": Scenario(page, wallet=moved, steps=(("click", "[data-key=item-1]"),)),
        "popup-received": Scenario(page, wallet=moved, steps=(("click", "[data-key=item-2]"),)),
        "popup-home-unknown": Scenario(page, wallet=wallet(wallet_summary={**SUMMARY, "spendable_wei": None})),
        "popup-sites": Scenario(page, wallet=wallet(), steps=SITES_TAB),
        "popup-listening": Scenario(page, wallet=wallet(wallet_listening={"places": [LISTENING]}), steps=SITES_TAB),
        "popup-listening-asked": Scenario(page, wallet=wallet(wallet_listening={"places": [asked]}), steps=SITES_TAB),
        "popup-listening-held": Scenario(page, wallet=wallet(wallet_listening={"places": [held]}), steps=SITES_TAB),
        "popup-sites-none": Scenario(
            page, wallet=wallet(wallet_sites={"sites": [], "day_wei": "0", "spent_wei": "0"}), steps=SITES_TAB
        ),
        "popup-sites-budget-wrong": Scenario(
            page, wallet=wallet(wallet_site=schema), steps=(*SITES_TAB, ("click", "[data-key=budget]"))
        ),
        "popup-site": Scenario(page, wallet=wallet(), steps=(*SITES_TAB, ("click", "[data-key=site]"))),
        "popup-site-paused": Scenario(
            page, wallet=wallet(), steps=(*SITES_TAB, ("click", "li:nth-child(2) [data-key=site]"))
        ),
        "popup-decide": Scenario(page, wallet=wallet(wallet_decisions=DECISIONS)),
        "popup-accounts": Scenario(page, wallet=wallet(), steps=(SETTINGS, ("click", "[data-key=accounts]"))),
        "popup-contacts": Scenario(page, wallet=wallet(), steps=(SETTINGS, ("click", "[data-key=contacts]"))),
    }


OFFER = {
    "offer": "o",
    "known": False,
    "chain_id": 31337,
    "node": "wss://node.harbour.example",
    "token": "0x" + "a1" * 20,
    "settlement": "0x" + "b2" * 20,
    "registry": "0x" + "c3" * 20,
}


def failures(language: str) -> dict[str, Scenario]:
    """The screen of each failure that a fan can meet."""
    found = {}
    for one in FAILURES:
        told = terms(language, wallet=one.wallet)
        if one.code.startswith("host."):
            told = terms(language, facts=None, split=None, station=None)
        messages = [told, problem(one.code, **one.detail), state("failed", **READY)]
        found[f"failure-{one.code}-{one.action}"] = Scenario("player/player.html", messages)
    page, there = "onboarding/onboarding.html", f"#network={STATION}"
    found["failure-network-offer"] = Scenario(page, wallet={**wallet(), "network.offer": OFFER}, hash=there, width=1080)
    none = {"error": {"code": "host.network.none"}}
    found["failure-network-none"] = Scenario(page, wallet={**wallet(), "network.offer": none}, hash=there, width=1080)
    added = {**wallet(), "network.offer": OFFER, "network.add": {}}
    found["failure-network-added"] = Scenario(
        page, wallet=added, hash=there, width=390, steps=(("click", "[data-key=add]"),)
    )
    damaged = {**HOST_OFF, "state": "gone", "code": "host.ledger.damaged"}
    found["failure-popup-damaged"] = Scenario(
        "popup/popup.html", wallet=wallet(host_status=damaged), steps=(("click", "[data-key=tab-settings]"),), width=360
    )
    found["failure-computer-damaged"] = Scenario(
        page, wallet=wallet(wallet_playing={}, host_status=damaged), width=1080
    )
    return found


def scenarios(language: str) -> dict[str, Scenario]:
    """Every screen by name. ``language``: "en" or "zh", the language of the engine's own sentences."""
    base = terms(language)
    long_terms = terms(
        language,
        title="Concerning the Weather and Other Letters Nobody Posted, Second Version",
        artist="The Amalgamated Lighthouse Keepers’ Evening Wind Orchestra",
        waveform=None,
    )
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
        "playing-plain": [
            terms(language, waveform=None, wallet="none", rewards=False),
            state("playing", earned_wei="0"),
        ],
        "playing-note": [
            base,
            state("playing", left={"plays": 2, "seeks": 0}),
            problem("policy.count.exhausted", rule="counts.seek"),
        ],
        "list": [
            terms(language, permits=["play", "pause", "seek", "rate"]),
            state("playing", rate=1.5, list={"index": 1, "count": 12}),
        ],
        "before-pressed": [base, state("ready", **READY), problem("player.press")],
        "before-asks": [terms(language, rewards=False, asks=True), state("ready", **READY)],
        "busy": [base, problem("session.busy"), state("refused", **READY)],
        "waiting": [base, state("waiting")],
        "ended": [
            base,
            state("ended", position_ms=304_000, heard_ms=304_000, earned_wei=amount("0.02"), next_ms=26_000),
        ],
        "refused": [base, problem("policy.count.exhausted", rule="counts.play"), state("refused", **READY)],
        "failed": [base, problem("server.unreachable"), state("failed")],
        "site-paused": [base, problem("site.paused"), state("refused", **READY)],
        "session-expired": [base, problem("session.expired"), state("refused", **READY)],
        "host-missing": [
            terms(language, facts=None, split=None),
            problem("host.missing", command="gomaa host install --browser chromium"),
            state("failed", **READY),
        ],
    }
    found = {
        f"player-{name}": Scenario(
            "player/player.html", messages, steps=(("click", ".foot .link"),) if name == "before-terms" else ()
        )
        for name, messages in player.items()
    }
    for name in ("before", "playing", "refused", "host-missing", "before-locked", "before-terms"):
        found[f"player-{name}-narrow"] = Scenario(
            "player/player.html", player[name], width=360, steps=found[f"player-{name}"].steps
        )
    found["player-list-320"] = Scenario("player/player.html", player["list"], width=320)
    found["player-playing-320"] = Scenario("player/player.html", player["playing"], width=320)
    popup = "popup/popup.html"
    found |= {
        "popup-welcome": Scenario(popup, wallet=fresh),
        "popup-locked": Scenario(popup, wallet=wallet(wallet_status={**STATUS, "locked": True})),
        "popup-locked-wrong": Scenario(
            popup,
            wallet=wallet(
                wallet_status={**STATUS, "locked": True},
                wallet_unlock={"error": {"code": "wallet.password", "message": ""}},
            ),
            steps=(("fill", "#password", "harbourlight"), ("click", "button[type=submit]")),
        ),
        "popup-home": Scenario(popup, wallet=wallet()),
        "popup-home-empty": Scenario(popup, wallet=wallet(wallet_summary=EMPTY, wallet_playing={})),
        "popup-home-long": Scenario(popup, wallet=wallet(wallet_summary=LONG, host_status=HOST_OFF)),
        "popup-home-collected": Scenario(
            popup, wallet=wallet(), steps=(("click", "[data-key=once]"), ("click", "[data-key=claim]"))
        ),
        "popup-home-private": Scenario(popup, wallet=wallet(wallet_summary=IN_PRIVATE)),
        "popup-home-once": Scenario(
            popup, wallet=wallet(wallet_summary=IN_PRIVATE), steps=(("click", "[data-key=once]"),)
        ),
        "popup-home-once-relayed": Scenario(
            popup,
            wallet=wallet(wallet_summary={**IN_PRIVATE, "sweep_most_wei": "0"}),
            steps=(("click", "[data-key=once]"),),
        ),
        "popup-origin-private": Scenario(
            popup, wallet=wallet(wallet_summary=IN_PRIVATE), steps=(("click", "[data-key=item-0]"),)
        ),
        "popup-home-offline": Scenario(
            popup,
            wallet=wallet(wallet_summary={"error": {"code": "chain.unreachable", "message": ""}}, wallet_playing={}),
        ),
        "popup-activity": Scenario(popup, wallet=wallet(), steps=(("click", "[data-key=tab-activity]"),)),
        "popup-origin": Scenario(popup, wallet=wallet(), steps=(("click", "[data-key=item-2]"),)),
        "popup-origin-pending": Scenario(popup, wallet=wallet(), steps=(("click", "[data-key=item-0]"),)),
        "popup-origin-refused": Scenario(popup, wallet=wallet(), steps=(("click", "[data-key=item-3]"),)),
        "popup-receive": Scenario(popup, wallet=wallet(), steps=(("click", "[data-key=receive]"),)),
        "popup-settings": Scenario(popup, wallet=wallet(), steps=(("click", "[data-key=tab-settings]"),)),
        "popup-settings-host": Scenario(
            popup, wallet=wallet(host_status=HOST_OFF), steps=(("click", "[data-key=tab-settings]"),)
        ),
    }
    found |= popup_safety() | popup_money()
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
        "restore-wrong": (
            wallet(
                wallet_playing={},
                wallet_spelling={"words": WORDS.split()[:5], "slips": [], "size": False, "holds": False},
            ),
            "#restore",
            (("fill", "#words", "legal winner thank year wave"), ("click", "button[type=submit]")),
        ),
        "restore-slip": (
            wallet(
                wallet_playing={},
                wallet_spelling={
                    "words": WORDS.replace("thank yellow", "thnak yellow").split(),
                    "slips": [{"position": 11, "near": ["thank", "than"]}],
                    "size": True,
                    "holds": False,
                },
            ),
            "#restore",
            (
                ("fill", "#words", WORDS.replace("legal winner thank yellow", "legal winner thnak yellow")),
                ("click", "button[type=submit]"),
            ),
        ),
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
    for name, answers in questions().items():
        found[f"approve-{name}"] = Scenario("approve/approve.html", wallet=answers, width=400)
    permit = {"origin": "https://harbour.example", "top": None, "account": FRIEND, "name": "", "time_s": NOW_S}
    permits = {
        **wallet(),
        "wallet.permits": {"permits": [permit, {**permit, "top": "https://surrounding.example", "name": "Tips"}]},
    }
    found["popup-permits"] = Scenario(popup, wallet=permits, steps=SITES_TAB, width=360)
    return found
