"""The one decision function: the same in browser, host and security server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from pywallet.errors import Refusal
from pywallet.policy.model import Policy

# A listener can always end a play, whatever the terms have become meanwhile.
ALWAYS: Final = frozenset({"pause", "stop"})


@dataclass(frozen=True)
class Usage:
    """What one listener has used of one content.

    ``plays``, ``seeks``, ``seconds`` are cumulative; ``first_play_s`` is a Unix
    time or None. ``counts`` overrides the number an action is compared with:
    for a count with ``per_s`` it holds the uses since ``recurrence_start``.
    """

    plays: int = 0
    seeks: int = 0
    seconds: int = 0
    first_play_s: int | None = None
    counts: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    def used(self, action: str) -> int:
        """Uses of ``action`` that count against its limit now."""
        if action in self.counts:
            return self.counts[action]
        return {"play": self.plays, "seek": self.seeks}.get(action, 0)


@dataclass(frozen=True)
class Context:
    """Where and when: trusted time, the station's domain, whether a wallet collects, the contract's flags."""

    now_s: int
    domain: str | None = None
    wallet: bool = False
    revoked: bool = False
    destroyed: bool = False


@dataclass(frozen=True)
class Decision:
    """Allowed or not; if not, the stable ``code`` and the ``rule`` (field of the policy) that spoke.

    ``left`` gives, for each counted action, the uses that remain after this
    decision has taken effect.
    """

    allowed: bool
    code: str | None
    rule: str | None
    left: Mapping[str, int]

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
    refusal = None if action in ALWAYS else _refusal(policy, usage, context, action)
    left = {name: max(0, count.limit - usage.used(name)) for name, count in policy.counts.items()}
    if refusal is not None:
        return Decision(False, *refusal, MappingProxyType(left))
    if action in left:
        left[action] = max(0, left[action] - 1)
    return Decision(True, None, None, MappingProxyType(left))


def _refusal(policy: Policy, usage: Usage, context: Context, action: str) -> tuple[str, str] | None:
    if context.destroyed:
        return "content.destroyed", "destroyed"
    if context.revoked:
        return "content.revoked", "revoked"
    if not policy.permits(action):
        return "policy.action.denied", "permissions"
    if policy.not_before_s is not None and context.now_s < policy.not_before_s:
        return "policy.not_yet", "not_before_s"
    if policy.expires_s is not None and context.now_s >= policy.expires_s:
        return "policy.expired", "expires_s"
    if policy.ttl_s is not None and usage.first_play_s is not None and context.now_s >= usage.first_play_s + policy.ttl_s:
        return "policy.ttl.expired", "ttl_s"
    if "*" not in policy.stations and context.domain not in policy.stations:
        return "policy.station.denied", "stations"
    if policy.listener == "wallet" and not context.wallet:
        return "policy.wallet.required", "listener"
    count = policy.counts.get(action)
    if count is not None and usage.used(action) >= count.limit:
        return "policy.count.exhausted", f"counts.{action}"
    return None
