"""Templates of the sentences about a policy, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

VERBS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "play": "Play", "pause": "pause", "seek": "seek", "forward": "fast-forward", "rewind": "rewind",
        "rate": "change speed",
        "preview": "preview", "live_join": "join live", "download": "download", "transfer": "pass on", "copy": "copy",
        "resume": "resume", "stop": "stop", "renew": "go on",
    },
    "zh": {
        "play": "播放", "pause": "暂停", "seek": "跳转", "forward": "快进", "rewind": "快退", "rate": "变速",
        "preview": "试听", "live_join": "收听直播", "download": "下载", "transfer": "转让", "copy": "复制",
        "resume": "继续", "stop": "停止", "renew": "续听",
    },
}  # fmt: skip

LIMITS: Final[Mapping[str, tuple[str, str]]] = {
    "not_before_s": ("From {day}.", "{day} 起可听。"),
    "expires_s": ("Until {day}.", "{day} 截止。"),
    "start_by_s": ("Begin before {day}.", "须在 {day} 之前开始收听。"),
    "ttl_s": ("For {span} from your first play.", "首次播放后 {span}内可听。"),
    "metered_s": ("For {span} of listening in all.", "累计可听 {span}。"),
    "preview_s": ("The first {span} may be previewed free of charge.", "前 {span}可免费试听。"),
    "part": ("Only the part from {start} to {end}.", "仅限 {start} 至 {end} 的片段。"),
    "part.open": ("Only from {start} on.", "仅限 {start} 之后的部分。"),
    "counts.per_s": ("{verb}: {limit} in every {span}.", "{verb}：每 {span} {limit} 次。"),
    "counts.timed": ("{verb} counts after {span}.", "{verb}满 {span}才计数。"),
    "counts.within_s": ("{verb}: again within {span} is free.", "{verb}：{span}内重复不计数。"),
    "counts.second": ("{verb}: {limit} seconds in all.", "{verb}：共 {limit} 秒。"),
    "counts.segment": ("{verb}: {limit} segments of two seconds in all.", "{verb}：共 {limit} 个两秒片段。"),
    "stations": ("Only on {list}.", "仅限 {list}。"),
    "territories": ("Only in {list}.", "仅限地区：{list}。"),
    "purposes": ("Only for: {list}.", "仅限用途：{list}。"),
    "listener": ("Needs a wallet.", "需要钱包。"),
    "devices": ("On up to {n} computers.", "最多 {n} 台电脑。"),
    "concurrent": ("On up to {n} players at once.", "最多同时 {n} 个播放器。"),
    "renewal": ("Asks the band’s server every {span}.", "每 {span}向乐队的服务器确认一次。"),
    "offline": ("Works offline for {span}, for up to {n} actions.", "可离线 {span}，最多 {n} 次操作。"),
    "tracking.never": ("Never counts who hears which part.", "从不统计谁听了哪一段。"),
    "tracking.opt_out": (
        "Counts you among those who hear each part, unless you decline.",
        "除非你拒绝，否则会把你计入各段的听众人数。",
    ),
    "child": ("Who you pass it on to gets narrower terms: {may}", "转让后的条款更窄：{may}"),
    "key_epoch_s": ("Its keys change every {span}.", "密钥每 {span}更换一次。"),
    "hold": ("Every play is counted before its first sound.", "每次播放都先计数，后出声。"),
    "destroy.exhausted": ("Destroys itself when it is used up.", "用完后自行销毁。"),
    "destroy.expired": ("Destroys itself when its time is over.", "到期后自行销毁。"),
    "destroy.rollback": ("Destroys itself when the clock is set back.", "时钟被回拨时自行销毁。"),
}
"""Rule to (English, Chinese)."""


def say(rule: str, lang: str, **values: object) -> str:
    """Format one sentence of ``LIMITS``."""
    return LIMITS[rule][lang == "zh"].format(**values)


def listed(items: tuple[str, ...], lang: str) -> str:
    """Join items for a sentence; "nowhere" for an empty list."""
    if not items:
        return "无" if lang == "zh" else "nowhere"
    return ("、" if lang == "zh" else ", ").join(items)


def day(time_s: int) -> str:
    """Format Unix seconds as date and time, UTC."""
    return datetime.fromtimestamp(min(time_s, 253_402_300_799), UTC).strftime("%Y-%m-%d %H:%M UTC")


def clock(seconds: int) -> str:
    """Format a position in a song as m:ss."""
    return f"{seconds // 60}:{seconds % 60:02d}"


def span(seconds: int, lang: str) -> str:
    """Format a duration in its largest whole unit."""
    for size, en, cn in ((86_400, "day", "天"), (3_600, "hour", "小时"), (60, "minute", "分钟")):
        if seconds % size == 0:
            n = seconds // size
            return f"{n} {cn}" if lang == "zh" else f"{n} {en}{'' if n == 1 else 's'}"
    return f"{seconds} 秒" if lang == "zh" else f"{seconds} second{'' if seconds == 1 else 's'}"
