"""Terms form of the studio's page: conversion to a policy, to sentences, and to the amounts of a whole play."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final

from pywallet.encoding.amounts import parse, show
from pywallet.errors import InputError
from pywallet.policy import Context, PartyNames, Policy, Usage, describe
from pywallet.protocol.commission import commission

DAY: Final = 86_400
PER: Final = {"ever": None, "day": DAY, "week": 7 * DAY, "month": 30 * DAY}
_SHORT_LEASE: Final = {"window_s": 60, "seconds": 600, "invocations": 40}
"""Default lease: keys of the next minute, so that a seek needs no network."""

_RANGES: Final = {
    "interval_s": (1, DAY),
    "share": (0, 100),
    "plays": (0, 10**6),
    "offline_h": (0, 720),
    "preview_s": (0, 600),
    "days": (0, 36_500),
}


@dataclass(frozen=True)
class TermsForm:
    """Values of the form.

    Attributes:
        price: GoMAA for each interval, decimal.
        interval_s: Length of an interval, s.
        share: Listener's share of the price, per cent.
        payer: station, listener or nobody.
        plays: Plays for each listener in ``per``; 0: unlimited.
        per: A name in ``PER``.
        seek: Seeking is allowed.
        download: Downloading is allowed.
        wallet: Only listeners with a wallet may play.
        offline_h: Time that keys are leased for, h; 0: ten minutes.
        preview_s: Length of the free preview, s; 0: none.
        self_destruct: Hosts delete the song when its counts or its time are used up.
        days: Days from the first play; 0: unlimited.
        stations: Domains of the stations that may play; empty: all.
    """

    price: str = "0.0100"
    interval_s: int = 5
    share: int = 20
    payer: str = "station"
    plays: int = 0
    per: str = "ever"
    seek: bool = True
    download: bool = False
    wallet: bool = False
    offline_h: int = 0
    preview_s: int = 0
    self_destruct: bool = False
    days: int = 0
    stations: tuple[str, ...] = ()

    @classmethod
    def read(cls, value: Any) -> TermsForm:
        """Parse the page's JSON.

        Raises:
            InputError: ``message.schema``, with the field.
        """
        if not isinstance(value, dict):
            raise InputError("message.schema", field="terms", reason="an object")
        fields: dict[str, Any] = {}
        for name, default in vars(cls()).items():
            entry = value.get(name, default)
            if name == "stations":
                if not isinstance(entry, (list, tuple)) or not all(isinstance(domain, str) for domain in entry):
                    raise InputError("message.schema", field=name, reason="a list of domains")
                entry = tuple(domain.strip().lower() for domain in entry if domain.strip())
            elif type(entry) is not type(default):
                raise InputError("message.schema", field=name, reason=type(default).__name__)
            fields[name] = entry
        form = cls(**fields)
        for name, (low, high) in _RANGES.items():
            if not low <= getattr(form, name) <= high:
                raise InputError("message.schema", field=name, reason=f"{low} to {high}")
        if form.per not in PER:
            raise InputError("message.schema", field="per", reason=", ".join(PER))
        return form

    def policy(self) -> Policy:
        """Convert to a policy.

        Raises:
            InputError: ``message.schema``, ``policy.malformed``.
        """
        wei = 0 if self.payer == "nobody" else parse(self.price)
        reward = wei * self.share // 100 if self.payer == "station" else 0
        more = {"seek": self.seek, "preview": self.preview_s > 0, "download": self.download}
        permissions = ["play", *(action for action, allowed in more.items() if allowed)]
        out: dict[str, Any] = {
            "permissions": permissions,
            "stations": list(self.stations) or ["*"],
            # Counts and payments by the listener need a wallet.
            "listener": "wallet" if self.wallet or self.plays or self.payer == "listener" else "any",
            "price": {"interval_s": self.interval_s, "owner": wei - reward, "reward": reward, "payer": self.payer},
            "lease": {"window_s": DAY, "seconds": self.offline_h * 3600, "invocations": 100}
            if self.offline_h
            else _SHORT_LEASE,
        }
        if self.plays:
            per_s = PER[self.per]
            out["counts"] = {"play": {"limit": self.plays, **({"per_s": per_s} if per_s else {})}}
        if self.days:
            out["ttl_s"] = self.days * DAY
        if self.preview_s:
            out["preview_s"] = self.preview_s
        if self.self_destruct:
            out["self_destruct"] = ["exhausted", "expired"]
        return Policy.from_dict(out)


def explain(policy: Policy, seconds: float, bps: int, artist: str | None) -> dict[str, Any]:
    """The terms as sentences in English and Chinese, and the amounts of one whole play, as JSON.

    Args:
        policy: The terms.
        seconds: Length of the song, s.
        bps: Commission, basis points.
        artist: The artist's name for the sentences, or None.
    """
    context = Context(now_s=int(time.time()), wallet=True)
    sentences = {}
    for language in ("en", "zh"):
        terms = describe(policy, Usage(), context, language, PartyNames(artist=artist or None))
        sentences[language] = {
            **{name: getattr(terms, name) for name in ("may", "left", "costs", "earn")},
            "limits": list(terms.limits),
        }
    intervals = int(seconds) // policy.price.interval_s
    band, listener = intervals * policy.price.owner, intervals * policy.price.reward
    platform = commission(band + listener, bps)
    money = {"band": band, "listener": listener, "platform": platform, "total": band + listener + platform}
    return {
        "words": sentences,
        "intervals": intervals,
        "interval_s": policy.price.interval_s,
        "payer": policy.price.payer,
        "money": {name: {"wei": str(wei), "shown": show(wei)} for name, wei in money.items()},
        "policy_hash": "0x" + policy.hash.hex(),
    }
