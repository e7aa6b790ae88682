"""The one decision function: the same in browser, host and security server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from pywallet.errors import Refusal
from pywallet.policy.model import ANYWHERE, Policy
from pywallet.policy.parts import HEARD_UNITS, SEGMENT_S, Count
from pywallet.protocol.actions import BEGINS, ENDS, SOUNDS, STARTS

_GOES_ON: Final = frozenset({"resume", "renew"})
_FINAL: Final = {"policy.expired": "expired", "policy.ttl.expired": "expired", "policy.metered.exhausted": "exhausted"}


@dataclass(frozen=True)
class Usage:
    """What one listener has used of one content.

    ``plays``, ``seeks``, ``seconds`` are cumulative; ``first_play_s`` is a Unix
    time or None. ``counts`` overrides the number an action is compared with:
    for a count with ``per_s`` it holds the uses since ``recurrence_start``, for
    one with the unit ``timed`` the plays heard long enough. ``last_s`` is when
    an action last counted.
    """

    plays: int = 0
    seeks: int = 0
    seconds: int = 0
    first_play_s: int | None = None
    counts: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    last_s: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    def used(self, action: str, unit: str = "start") -> int:
        """Uses of ``action`` that count against its limit now, in the limit's unit."""
        if unit == "second":
            return self.seconds
        if unit == "segment":
            return -(-self.seconds // SEGMENT_S)
        if action in self.counts:
            return self.counts[action]
        return {"play": self.plays, "seek": self.seeks}.get(action, 0)


@dataclass(frozen=True)
class Context:
    """Where, when and how. Each field has one source that its user must trust (docs/policy.md).

    ``now_s``: trusted time. ``domain``, ``territory``, ``purpose``: the station's.
    ``wallet``: whether a wallet collects. ``revoked``, ``destroyed``: the contract's flags.
    ``devices``: other devices of this listener that have used this content, ``device_known``: this one is among those
    counted. ``streams``: other players of this listener that sound now. ``renewed_s``: when the server was last
    reached, None: now. ``rolled_back``: the device's clock was set back against trusted time. ``position_s``: where the
    sound begins.
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
    """Allowed or not; if not, the stable ``code`` and the ``rule`` (field of the policy) that spoke.

    ``left`` gives, for each counted action, the uses that remain after this
    decision has taken effect. ``counts``: this use counts, and is not part of the one before it.
    ``destroy``: the terms ask that keys and copies be destroyed now.
    """

    allowed: bool
    code: str | None
    rule: str | None
    left: Mapping[str, int]
    counts: bool = False
    destroy: bool = False

    def require(self) -> None:
        """Raise Refusal with the code unless allowed."""
        if self.code is not None:
            raise Refusal(self.code, rule=self.rule)


def recurrence_start(first_use_s: int | None, per_s: int, now_s: int) -> int:
    """Unix time at which the current window of a recurring count began."""
    if first_use_s is None or now_s < first_use_s:
        return now_s
    return now_s - (now_s - first_use_s) % per_s


def decide(policy: Policy, usage: Usage, context: Context, action: str) -> Decision:
    """Whether ``action`` may happen now. Pure and total: it never raises.

    More uses never turn a refusal into a permission.
    """
    refusal = None if action in ENDS else _refusal(policy, usage, context, action)
    left = {name: max(0, count.limit - usage.used(name, count.unit)) for name, count in policy.counts.items()}
    destroy = _destroys(policy, usage, context, refusal)
    if refusal is not None:
        return Decision(False, *refusal, MappingProxyType(left), destroy=destroy)
    count = policy.counts.get(action)
    counts = count is None or not is_free(count, usage, context, action)
    if counts and count is not None and count.unit not in HEARD_UNITS:
        left[action] = max(0, left[action] - 1)
    return Decision(True, None, None, MappingProxyType(left), counts, destroy)


def is_free(count: Count, usage: Usage, context: Context, action: str) -> bool:
    """Whether this use belongs to the one before it.

    Within the count's ``within_s`` after a use that was itself allowed.
    """
    last = usage.last_s.get(action)
    if count.within_s is None or last is None or usage.used(action, count.unit) > count.limit:
        return False
    return last <= context.now_s < last + count.within_s


def _refusal(policy: Policy, usage: Usage, context: Context, action: str) -> tuple[str, str] | None:
    return (
        _standing(policy, context, action)
        or _time(policy, usage, context, action)
        or _place(policy, context, action)
        or _people(policy, context, action)
        or _amount(policy, usage, context, action)
    )


def _standing(policy: Policy, context: Context, action: str) -> tuple[str, str] | None:
    if context.destroyed:
        return "content.destroyed", "destroyed"
    if context.revoked:
        return "content.revoked", "revoked"
    if not policy.permits(action):
        return "policy.action.denied", "permissions"
    if context.rolled_back and "rollback" in policy.self_destruct:
        return "policy.clock.rollback", "self_destruct"
    return None


def _time(policy: Policy, usage: Usage, context: Context, action: str) -> tuple[str, str] | None:
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


def _place(policy: Policy, context: Context, action: str) -> tuple[str, str] | None:
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


def _people(policy: Policy, context: Context, action: str) -> tuple[str, str] | None:
    if policy.listener == "wallet" and not context.wallet and action != "preview":
        return "policy.wallet.required", "listener"
    if policy.devices is not None and context.devices + (not context.device_known) > policy.devices:
        return "policy.device.limit", "devices"
    if action in BEGINS and context.streams >= policy.concurrent:
        return "policy.concurrent.limit", "concurrent"
    return None


def _amount(policy: Policy, usage: Usage, context: Context, action: str) -> tuple[str, str] | None:
    sounds = action in SOUNDS
    if policy.metered_s is not None and sounds and usage.seconds >= policy.metered_s:
        return "policy.metered.exhausted", "metered_s"
    for name, count in policy.counts.items():
        # Heard time ends what sounds, whichever action asks; a start that was counted goes on.
        asked = sounds if count.unit in HEARD_UNITS else action == name and action not in _GOES_ON
        if asked and usage.used(name, count.unit) >= count.limit and not is_free(count, usage, context, name):
            return "policy.count.exhausted", f"counts.{name}"
    return None


def _destroys(policy: Policy, usage: Usage, context: Context, refusal: tuple[str, str] | None) -> bool:
    """Whether the copy has come to an end that its terms call destruction."""
    if context.destroyed:
        return True
    if refusal is None or not policy.self_destruct:
        return False
    code, rule = refusal
    if code == "policy.clock.rollback":
        return True
    why = _FINAL.get(code)
    if code == "policy.count.exhausted" and rule.removeprefix("counts.") in STARTS:
        # A count that comes back is not an end.
        why = "exhausted" if policy.counts[rule.removeprefix("counts.")].per_s is None else None
    return why in policy.self_destruct
