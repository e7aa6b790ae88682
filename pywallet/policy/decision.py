"""Decision on an action by the terms, the same in browser, host and security server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from pywallet.errors import Refusal
from pywallet.policy.model import ANYWHERE, Policy
from pywallet.policy.parts import HEARD_UNITS, SEGMENT_S, Count
from pywallet.protocol.actions import BEGINS, FREE, SOUNDS, STARTS

_CONTINUES: Final = frozenset({"resume", "renew"})
MOST_UNUSED_HOLDS: Final = 8
"""Holds of one listener and content within a day that no play followed; the next play starts without one."""
_FINAL: Final = {"policy.expired": "expired", "policy.ttl.expired": "expired", "policy.metered.exhausted": "exhausted"}


@dataclass(frozen=True)
class Usage:
    """One listener's use of one content.

    Attributes:
        plays: Plays so far.
        seeks: Seeks so far.
        seconds: Heard time so far.
        first_play_s: Time of the first play, Unix seconds.
        counts: By action, the number that its limit is compared with where it is not the sum: for a count with
            ``per_s`` the uses since ``recurrence_start``, for the unit ``timed`` the plays heard long enough.
        last_s: By action, the time at which a use last counted, Unix seconds.
        held: Plays that other tickets reserve at present; they count against the limits of ``play``.
        unused_holds: Holds within the last day that no play followed; read for a hold only.
    """

    plays: int = 0
    seeks: int = 0
    seconds: int = 0
    first_play_s: int | None = None
    counts: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    last_s: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    held: int = 0
    unused_holds: int = 0

    def used(self, action: str, unit: str = "start") -> int:
        """Uses of ``action`` that count against its limit now, in the limit's unit."""
        if unit == "second":
            return self.seconds
        if unit == "segment":
            return -(-self.seconds // SEGMENT_S)
        held = self.held if action == "play" else 0
        if action in self.counts:
            return self.counts[action] + held
        return {"play": self.plays, "seek": self.seeks}.get(action, 0) + held


@dataclass(frozen=True)
class Context:
    """Time, place and manner of an action. Each field has one source that the caller must trust (docs/policy.md).

    Attributes:
        now_s: Trusted time, Unix seconds.
        domain: Of the station.
        wallet: True if a wallet collects the rewards.
        revoked: Flag of the content's contract.
        destroyed: Flag of the content's contract.
        territory: Of the station, ISO 3166-1 code.
        purpose: Of the station.
        devices: Other devices of this listener that have used this content.
        device_known: True if this device has used it before.
        streams: Other players of this listener that are playing.
        renewed_s: Time at which the server was last reached, Unix seconds; None: now.
        rolled_back: True if the device's clock was set back against trusted time.
        position_s: Position in the song at which the sound begins; None: the action has none.
    """

    now_s: int
    domain: str | None = None
    wallet: bool = False
    revoked: bool = False
    destroyed: bool = False
    territory: str | None = None
    purpose: str | None = None
    devices: int = 0
    device_known: bool = False
    streams: int = 0
    renewed_s: int | None = None
    rolled_back: bool = False
    position_s: int | None = None


@dataclass(frozen=True)
class Decision:
    """Result of ``decide``.

    Attributes:
        allowed: True if the terms allow the action.
        code: Code of the refusal, or None.
        rule: Field of the policy that refuses, or None.
        left: By counted action, the uses that remain after this decision. Holds use none: a play may end others'.
        counts: True if this use counts, and is not part of the one before it.
        destroy: True if the terms require that keys and copies are destroyed now.
    """

    allowed: bool
    code: str | None
    rule: str | None
    left: Mapping[str, int]
    counts: bool = False
    destroy: bool = False

    def require(self) -> None:
        """Raise Refusal with the code unless the action is allowed."""
        if self.code is not None:
            raise Refusal(self.code, rule=self.rule)


def recurrence_start(first_use_s: int | None, per_s: int, now_s: int) -> int:
    """Unix time at which the current window of a recurring count began."""
    if first_use_s is None or now_s < first_use_s:
        return now_s
    return now_s - (now_s - first_use_s) % per_s


def decide(policy: Policy, usage: Usage, context: Context, action: str) -> Decision:
    """Decide on an action. Pure and total: it never raises, and more uses never turn a refusal into a permission.

    Args:
        policy: The terms.
        usage: The listener's use before the action.
        context: Time, place and manner of the action.
        action: Name of the action.
    """
    if action == "hold":
        return _decide_hold(policy, usage, context)
    refusal = None if action in FREE else _refusal(policy, usage, context, action)
    done = replace(usage, held=0)
    left = {name: max(0, count.limit - done.used(name, count.unit)) for name, count in policy.counts.items()}
    destroy = _destroys(policy, usage, context, refusal)
    if refusal is not None:
        return Decision(False, *refusal, MappingProxyType(left), destroy=destroy)
    if action == "release":
        return Decision(True, None, None, MappingProxyType(left))
    count = policy.counts.get(action)
    counts = count is None or not is_free(count, usage, context, action)
    if counts and count is not None and count.unit not in HEARD_UNITS:
        left[action] = max(0, left[action] - 1)
    return Decision(True, None, None, MappingProxyType(left), counts, destroy)


def _decide_hold(policy: Policy, usage: Usage, context: Context) -> Decision:
    """Decide on a hold: like the play it reserves, but it counts nothing and destroys nothing.

    No hold where a play costs the listener, and few that no play follows: they sound for free.
    """
    play = decide(policy, usage, context, "play")
    left = decide(policy, usage, context, "release").left
    code, rule = play.code, play.rule
    if not policy.hold:
        code, rule = "policy.hold.denied", "hold"
    elif policy.price.payer == "listener":
        code, rule = "policy.hold.denied", "price"
    elif code is None and usage.unused_holds >= MOST_UNUSED_HOLDS:
        code, rule = "policy.hold.limit", "hold"
    return Decision(code is None, code, rule, left, destroy=context.destroyed)


def is_free(count: Count, usage: Usage, context: Context, action: str) -> bool:
    """True if this use is part of the one before it: within the count's ``within_s`` after a use that was allowed."""
    last = usage.last_s.get(action)
    if count.within_s is None or last is None or usage.used(action, count.unit) > count.limit:
        return False
    return last <= context.now_s < last + count.within_s


def _refusal(policy: Policy, usage: Usage, context: Context, action: str) -> tuple[str, str] | None:
    return (
        _refused_by_state(policy, context, action)
        or _refused_by_time(policy, usage, context, action)
        or _refused_by_place(policy, context, action)
        or _refused_by_listener(policy, context, action)
        or _refused_by_amount(policy, usage, context, action)
    )


def _refused_by_state(policy: Policy, context: Context, action: str) -> tuple[str, str] | None:
    if context.destroyed:
        return "content.destroyed", "destroyed"
    if context.revoked:
        return "content.revoked", "revoked"
    if not policy.permits(action):
        return "policy.action.denied", "permissions"
    if context.rolled_back and "rollback" in policy.self_destruct:
        return "policy.clock.rollback", "self_destruct"
    return None


def _refused_by_time(policy: Policy, usage: Usage, context: Context, action: str) -> tuple[str, str] | None:
    now = context.now_s
    if policy.not_before_s is not None and now < policy.not_before_s:
        return "policy.not_yet", "not_before_s"
    if policy.expires_s is not None and now >= policy.expires_s:
        return "policy.expired", "expires_s"
    if policy.ttl_s is not None and usage.first_play_s is not None and now >= usage.first_play_s + policy.ttl_s:
        return "policy.ttl.expired", "ttl_s"
    if policy.start_by_s is not None and usage.first_play_s is None and action in STARTS and now >= policy.start_by_s:
        return "policy.start.late", "start_by_s"
    renewal = policy.renewal
    if (
        renewal is not None
        and context.renewed_s is not None
        and now >= context.renewed_s + renewal.every_s + renewal.grace_s
    ):
        return "policy.renewal.due", "renewal"
    return None


def _refused_by_place(policy: Policy, context: Context, action: str) -> tuple[str, str] | None:
    if "*" not in policy.stations and context.domain not in policy.stations:
        return "policy.station.denied", "stations"
    if policy.territories != ANYWHERE and context.territory not in policy.territories:
        return "policy.territory.denied", "territories"
    if policy.purposes != ANYWHERE and context.purpose not in policy.purposes:
        return "policy.purpose.denied", "purposes"
    position, part = context.position_s, policy.part
    if position is None or action not in SOUNDS:
        return None
    if part is not None and (position < part.from_s or (part.to_s is not None and position >= part.to_s)):
        return "policy.part.denied", "part"
    if action == "preview" and policy.preview_s is not None and position >= policy.preview_s:
        return "policy.preview.over", "preview_s"
    return None


def _refused_by_listener(policy: Policy, context: Context, action: str) -> tuple[str, str] | None:
    if policy.listener == "wallet" and not context.wallet and action != "preview":
        return "policy.wallet.required", "listener"
    if policy.devices is not None and context.devices + (not context.device_known) > policy.devices:
        return "policy.device.limit", "devices"
    if action in BEGINS and context.streams >= policy.concurrent:
        return "policy.concurrent.limit", "concurrent"
    return None


def _refused_by_amount(policy: Policy, usage: Usage, context: Context, action: str) -> tuple[str, str] | None:
    sounds = action in SOUNDS
    if policy.metered_s is not None and sounds and usage.seconds >= policy.metered_s:
        return "policy.metered.exhausted", "metered_s"
    for name, count in policy.counts.items():
        # Heard time limits every action with sound; a play that was counted continues.
        limited = sounds if count.unit in HEARD_UNITS else action == name and action not in _CONTINUES
        if limited and usage.used(name, count.unit) >= count.limit and not is_free(count, usage, context, name):
            return "policy.count.exhausted", f"counts.{name}"
    return None


def _destroys(policy: Policy, usage: Usage, context: Context, refusal: tuple[str, str] | None) -> bool:
    """True if the terms require the destruction of the copy."""
    if context.destroyed:
        return True
    if refusal is None or not policy.self_destruct:
        return False
    code, rule = refusal
    if code == "policy.clock.rollback":
        return True
    reason = _FINAL.get(code)
    if code == "policy.count.exhausted" and rule.removeprefix("counts.") in STARTS:
        # A recurring count is not exhausted for good.
        reason = "exhausted" if policy.counts[rule.removeprefix("counts.")].per_s is None else None
    return reason in policy.self_destruct
