"""The policy in plain words, before anything plays, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from pywallet.policy.decision import Context, Usage, decide
from pywallet.policy.model import Policy
from pywallet.wallet.amounts import show


@dataclass(frozen=True)
class Names:
    """Who is meant in the sentences; the station may be unknown."""

    station: str | None = None
    artist: str | None = None


@dataclass(frozen=True)
class Terms:
    """Four sentences and what else limits: may, left, costs, earn; ``limits`` may be empty."""

    may: str
    left: str
    costs: str
    earn: str
    limits: tuple[str, ...]


_VERBS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "play": "Play", "pause": "pause", "seek": "seek", "forward": "fast-forward", "rewind": "rewind", "rate": "change speed",
        "preview": "preview", "live_join": "join live", "download": "download", "transfer": "pass on", "copy": "copy",
    },
    "zh": {
        "play": "播放", "pause": "暂停", "seek": "跳转", "forward": "快进", "rewind": "快退", "rate": "变速",
        "preview": "试听", "live_join": "收听直播", "download": "下载", "transfer": "转让", "copy": "复制",
    },
}  # fmt: skip
_SHOWN: Final = ("play", "pause", "seek", "forward", "rewind", "rate", "preview", "live_join", "download", "transfer", "copy")
_DENIED_SHOWN: Final = ("seek", "download", "copy")


def describe(policy: Policy, usage: Usage, context: Context, language: str = "en", names: Names | None = None) -> Terms:
    """What a person should know before pressing play. ``language`` is "en" or "zh" (anything else: English)."""
    lang = "zh" if language.lower().startswith("zh") else "en"
    who = names or Names()
    return Terms(
        may=_may(policy, lang),
        left=_left(policy, usage, context, lang),
        costs=_costs(policy, who, lang),
        earn=_earn(policy, lang),
        limits=_limits(policy, usage, lang),
    )


def _may(policy: Policy, lang: str) -> str:
    verbs = _VERBS[lang]
    allowed = [verbs[a] for a in _SHOWN if policy.permits(a)]
    denied = [verbs[a] for a in _DENIED_SHOWN if not policy.permits(a)]
    if lang == "zh":
        return "、".join(allowed) + "。" + (f"不可{'、'.join(denied)}。" if denied else "")
    yes = ", ".join(allowed).capitalize() if allowed else "Nothing"
    return f"{yes}." + (f" No {', no '.join(denied)}." if denied else "")


def _left(policy: Policy, usage: Usage, context: Context, lang: str) -> str:
    # "pause" is always allowed and counts nothing: the decision's `left` is what remains now.
    left = decide(policy, usage, context, "pause").left
    words = []
    for action in ("play", "seek"):
        if action not in policy.counts:
            continue
        limit = policy.counts[action].limit
        if lang == "zh":
            words.append(f"{'播放' if action == 'play' else '跳转'} {limit} 次，还剩 {left[action]} 次")
        else:
            words.append(f"{left[action]} of {limit} {action}{'' if limit == 1 else 's'} left")
    if lang == "zh":
        return "；".join(words) + "。" if words else "不限次数。"
    return ", ".join(words) + "." if words else "As often as you like."


def _costs(policy: Policy, who: Names, lang: str) -> str:
    price = policy.price
    if price.payer == "listener" and price.owner:
        each = show(price.owner)
        return f"每听 {price.interval_s} 秒 {each}。" if lang == "zh" else f"{each} for every {price.interval_s} seconds you hear."
    if price.payer == "nobody" or not (price.owner or price.reward):
        return "你不用付费，没有人付费。" if lang == "zh" else "Nothing. Nobody pays."
    if lang == "zh":
        return f"你不用付费，费用由{' ' + who.station + ' ' if who.station else '电台'}支付。"
    return f"Nothing. {who.station or 'The station'} pays."


def _earn(policy: Policy, lang: str) -> str:
    price = policy.price
    if not price.reward:
        return "这首歌没有奖励。" if lang == "zh" else "Nothing with this song."
    each = show(price.reward)
    return f"每听满 {price.interval_s} 秒，你得 {each}。" if lang == "zh" else f"{each} for every {price.interval_s} seconds you hear."


def _limits(policy: Policy, usage: Usage, lang: str) -> tuple[str, ...]:
    zh = lang == "zh"
    out = []
    if policy.not_before_s is not None:
        out.append(f"{_day(policy.not_before_s)} 起可听。" if zh else f"From {_day(policy.not_before_s)}.")
    if policy.expires_s is not None:
        out.append(f"{_day(policy.expires_s)} 截止。" if zh else f"Until {_day(policy.expires_s)}.")
    if policy.ttl_s is not None:
        span = _span(policy.ttl_s, zh)
        out.append(f"首次播放后 {span}内可听。" if zh else f"For {span} from your first play.")
    for action, count in policy.counts.items():
        if count.per_s is not None:
            verb, span = _VERBS[lang].get(action, action), _span(count.per_s, zh)
            out.append(f"{verb}：每 {span} {count.limit} 次。" if zh else f"{verb.capitalize()}: {count.limit} in every {span}.")
    if "*" not in policy.stations:
        sites = ", ".join(policy.stations)
        out.append(f"仅限 {sites}。" if zh else f"Only on {sites}.")
    if policy.listener == "wallet":
        out.append("需要钱包。" if zh else "Needs a wallet.")
    return tuple(out)


def _day(time_s: int) -> str:
    return datetime.fromtimestamp(min(time_s, 253_402_300_799), UTC).strftime("%Y-%m-%d %H:%M UTC")


def _span(seconds: int, zh: bool) -> str:
    for size, en, cn in ((86_400, "day", "天"), (3_600, "hour", "小时"), (60, "minute", "分钟")):
        if seconds % size == 0:
            n = seconds // size
            return f"{n} {cn}" if zh else f"{n} {en}{'' if n == 1 else 's'}"
    return f"{seconds} 秒" if zh else f"{seconds} seconds"
