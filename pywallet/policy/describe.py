"""Description of a policy for the listener, as sentences in English and Chinese."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pywallet.encoding.amounts import show
from pywallet.policy.decision import Context, Usage, decide
from pywallet.policy.model import ANYWHERE, Policy
from pywallet.policy.parts import HEARD_UNITS
from pywallet.policy.sentences import (
    VERBS,
    clock,
    day,
    listed,
    say,
    span,
)


@dataclass(frozen=True)
class PartyNames:
    """Names used in the sentences; None where unknown."""

    station: str | None = None
    artist: str | None = None


@dataclass(frozen=True)
class Terms:
    """Four sentences (may, left, costs, earn) and one for each further limit."""

    may: str
    left: str
    costs: str
    earn: str
    limits: tuple[str, ...]


_SHOWN: Final = (
    "play",
    "pause",
    "seek",
    "forward",
    "rewind",
    "rate",
    "preview",
    "live_join",
    "download",
    "transfer",
    "copy",
)
_DENIED_SHOWN: Final = ("seek", "download", "copy")


def describe(
    policy: Policy, usage: Usage, context: Context, language: str = "en", names: PartyNames | None = None
) -> Terms:
    """Describe a policy to a listener before the first play.

    Args:
        policy: The song's policy.
        usage: The listener's use so far.
        context: Time, place and device of the request.
        language: BCP 47 tag; Chinese for ``zh...``, English otherwise.
        names: Of station and artist.
    """
    lang = "zh" if language.lower().startswith("zh") else "en"
    parties = names or PartyNames()
    return Terms(
        may=_may(policy, lang),
        left=_left(policy, usage, context, lang),
        costs=_costs(policy, parties, lang),
        earn=_earn(policy, lang),
        limits=_limits(policy, lang),
    )


def _may(policy: Policy, lang: str) -> str:
    verbs = VERBS[lang]
    allowed = [verbs[a] for a in _SHOWN if policy.permits(a)]
    denied = [verbs[a] for a in _DENIED_SHOWN if not policy.permits(a)]
    if lang == "zh":
        return "、".join(allowed) + "。" + (f"不可{'、'.join(denied)}。" if denied else "")
    yes = ", ".join(allowed).capitalize() if allowed else "Nothing"
    return f"{yes}." + (f" No {', no '.join(denied)}." if denied else "")


def _left(policy: Policy, usage: Usage, context: Context, lang: str) -> str:
    # "pause" is always allowed and counts nothing: the decision's `left` is what remains now.
    left = decide(policy, usage, context, "pause").left
    sentences = []
    for action in ("play", "seek"):
        if action not in policy.counts or policy.counts[action].unit in HEARD_UNITS:
            continue
        limit = policy.counts[action].limit
        if lang == "zh":
            sentences.append(f"{'播放' if action == 'play' else '跳转'} {limit} 次，还剩 {left[action]} 次")
        else:
            sentences.append(f"{left[action]} of {limit} {action}{'' if limit == 1 else 's'} left")
    if lang == "zh":
        return "；".join(sentences) + "。" if sentences else "不限次数。"
    return ", ".join(sentences) + "." if sentences else "As often as you like."


def _costs(policy: Policy, parties: PartyNames, lang: str) -> str:
    price = policy.price
    if price.payer == "listener" and price.owner:
        each = show(price.owner)
        return (
            f"每听 {price.interval_s} 秒 {each}。"
            if lang == "zh"
            else f"{each} for every {price.interval_s} seconds you hear."
        )
    if price.payer == "nobody" or not (price.owner or price.reward):
        return "你不用付费，没有人付费。" if lang == "zh" else "Nothing. Nobody pays."
    if lang == "zh":
        return f"你不用付费，费用由{' ' + parties.station + ' ' if parties.station else '电台'}支付。"
    return f"Nothing. {parties.station or 'The station'} pays."


def _earn(policy: Policy, lang: str) -> str:
    price = policy.price
    if not price.reward:
        return "这首歌没有奖励。" if lang == "zh" else "Nothing with this song."
    each = show(price.reward)
    return (
        f"每听满 {price.interval_s} 秒，你得 {each}。"
        if lang == "zh"
        else f"{each} for every {price.interval_s} seconds you hear."
    )


def _limits(policy: Policy, lang: str) -> tuple[str, ...]:
    return (
        *_time_limits(policy, lang),
        *_count_limits(policy, lang),
        *_place_limits(policy, lang),
        *_device_limits(policy, lang),
    )


def _time_limits(policy: Policy, lang: str) -> Iterator[str]:
    for name in ("not_before_s", "expires_s", "start_by_s"):
        if (moment := getattr(policy, name)) is not None:
            yield say(name, lang, day=day(moment))
    for name in ("ttl_s", "metered_s", "preview_s", "key_epoch_s"):
        if (length := getattr(policy, name)) is not None:
            yield say(name, lang, span=span(length, lang))
    part = policy.part
    if part is not None:
        rule = "part.open" if part.to_s is None else "part"
        yield say(rule, lang, start=clock(part.from_s), end=clock(part.to_s or 0))


def _count_limits(policy: Policy, lang: str) -> Iterator[str]:
    for action, count in policy.counts.items():
        verb = VERBS[lang][action] if lang == "zh" else VERBS[lang][action].capitalize()
        if count.unit in HEARD_UNITS:
            yield say(f"counts.{count.unit}", lang, verb=verb, limit=count.limit)
        if count.per_s is not None:
            yield say("counts.per_s", lang, verb=verb, limit=count.limit, span=span(count.per_s, lang))
        if count.after_s is not None:
            yield say("counts.timed", lang, verb=verb, span=span(count.after_s, lang))
        if count.within_s is not None:
            yield say("counts.within_s", lang, verb=verb, span=span(count.within_s, lang))


def _place_limits(policy: Policy, lang: str) -> Iterator[str]:
    if "*" not in policy.stations:
        yield say("stations", lang, list=listed(policy.stations, lang))
    for name in ("territories", "purposes"):
        if getattr(policy, name) != ANYWHERE:
            yield say(name, lang, list=listed(getattr(policy, name), lang))
    if policy.listener == "wallet":
        yield say("listener", lang)
    if policy.devices is not None:
        yield say("devices", lang, n=policy.devices)
    if policy.concurrent != 1:
        yield say("concurrent", lang, n=policy.concurrent)


def _device_limits(policy: Policy, lang: str) -> Iterator[str]:
    if policy.renewal is not None:
        yield say("renewal", lang, span=span(policy.renewal.every_s, lang))
    if policy.lease is not None:
        yield say("offline", lang, span=span(policy.lease.seconds, lang), n=policy.lease.invocations)
    if policy.tracking != "opt_in":
        yield say(f"tracking.{policy.tracking}", lang)
    if not policy.hold:
        yield say("hold", lang)
    for occasion in policy.self_destruct:
        yield say(f"destroy.{occasion}", lang)
    if policy.child is not None:
        yield say("child", lang, may=_may(policy.child, lang))
