"""Which values each field takes and refuses: the table behind one vector each."""

from __future__ import annotations

from typing import Any, Final

from tests.vectors.sps.raw import Raw
from tests.vectors.sps.song import rendition

BIG: Final = 1 << 64
FLOAT: Final = Raw(bytes.fromhex("f93c00"))
LONG: Final = "x" * 501
NOT_TEXT: Final[list[Any]] = [None, 7, b"text", ["text"], LONG, "two\nlines", "\x7f", "turned\u202eround", "\ufffe"]
NOT_URL: Final[list[Any]] = [
    None,
    b"https://cdn.example",
    "",
    "cdn.example",
    "ftp://cdn.example/",
    "https://",
    "https://user@cdn.example/",
    "https://cdn.example/#part",
    "https://cdn.example?query",
    "https://cdn.example/a b",
    "https://cdn.example/ü",
    "javascript:alert(1)",
    "https://cdn.example/" + "x" * 481,
]
NOT_HASH: Final[list[Any]] = [None, 0, "x" * 32, bytes(31), bytes(33), []]
NOT_MAP: Final[list[Any]] = [None, 0, "map", [], b""]


def whole(low: int, high: int) -> tuple[list[Any], list[Any]]:
    """What an integer field takes and refuses."""
    return [low, high], [low - 1, high + 1, None, True, str(low), b"\x01", [low], FLOAT, BIG * BIG - 1]


URLS = [[f"https://cdn.example/{i}" for i in range(n)] for n in (16, 17)]
WHOLE: Final = {
    "chain": (1, (1 << 63) - 1),
    "loudness": (-20_000, 2_000),
    "loudness_range": (0, 20_000),
    "true_peak": (-20_000, 2_000),
    "genre_confidence": (0, 100),
    "artwork.size": (1, 1 << 24),
    "watermark.every": (1, 4095),
    "watermark.version": (1, 255),
    "watermark.ultrasonic.level_db": (-(1 << 31), (1 << 31) - 1),
    "renditions.0.id": (0, 65_535),
    "renditions.0.channels": (1, 64),
    "renditions.0.bits": (0, 64),
    "renditions.0.init.0": (1, 1 << 20),
}

# Field -> (values taken, values refused). In a header of three renditions that has every field.
HEADER: Final[dict[str, tuple[list[Any], list[Any]]]] = {
    **{path: whole(*bounds) for path, bounds in WHOLE.items()},
    "title": (["x", "x" * 500, "慢潮\u3000二〇二六 🎧"], [*NOT_TEXT, ""]),
    "artist": (["", "x" * 500], NOT_TEXT),
    "album": (["x"], [*NOT_TEXT, ""]),
    "genre": (["x"], [*NOT_TEXT, ""]),
    "isrc": (
        ["CNA002612345"],
        [None, "", "DE-XXX-26-00001", "dexxx2600001", "DEXXX260000", "DEXXX26000011", "D1XXX2600001", 7],
    ),
    "waveform": ([b"", bytes(1000)], [bytes(1001), "wave", None, [1, 2]]),
    "features": ([b"\x01", bytes(64)], [b"", bytes(65), "features", None]),
    "policy": ([{}], NOT_MAP),
    "server": ([], [*NOT_MAP, {}]),
    "server.url": (["http://127.0.0.1:8081", "https://[::1]/a/b?c=d"], NOT_URL),
    "server.address": ([], [bytes(19), bytes(21), "0x00", None]),
    "server.key": ([], NOT_HASH),
    "delivery": (
        [[], URLS[0]],
        [URLS[1], ["https://cdn.example/"] * 2, "https://cdn.example/", None, {}, [["https://cdn.example/"]]],
    ),
    "delivery.0": ([], NOT_URL),
    "live": ([], [*NOT_MAP, {}, {"signer": bytes(20)}, {"urls": []}]),
    "live.signer": ([], [bytes(19), None]),
    "live.urls": ([URLS[0]], [[], URLS[1], ["radio.example"], ["https://radio.example/"] * 2]),
    "renderer": ([{"version": "0"}, {"version": "1.2.3.4", "x": 1}], [*NOT_MAP, {}]),
    "renderer.version": ([], ["", "latest", "1.", "1.2.3.4.5", "1-2", 1, None]),
    "renderer.sha256": ([], NOT_HASH),
    "artwork": ([], [*NOT_MAP, {}]),
    "artwork.sha256": ([], NOT_HASH),
    "artwork.mime": (["image/svg+xml"], ["image/", "text/html", "image/png\n", "image", None, 1, "image/" + "x" * 122]),
    "artwork.urls": (
        [[], ["https://cdn.example/a"]],
        ["https://cdn.example/a", ["a"], ["https://cdn.example/a"] * 2, None],
    ),
    "watermark": ([None, {"layers": ["ultrasonic"], "more": {"a": [1]}}], [0, "ultrasonic", [], {}, {"layers": None}]),
    "watermark.layers": (
        [["a"] + [f"b{i}" for i in range(7)]],
        [[], ["a", "a"], ["Ultrasonic"], [""], ["9"], [7], "inband", [f"a{i}" for i in range(9)], ["a" * 33]],
    ),
    "watermark.ultrasonic": ([{}], NOT_MAP),
    "watermark.inband": ([{}, {"low_hz": 1_000}], [*NOT_MAP, {"low_hz": None}]),
    "crit": ([["policy"]], [[], None, "policy", ["policy", "policy"], ["absent"], ["crit"], [7]]),
    "renditions": (
        [[rendition(n) for n in range(16)]],
        [[], None, {}, [rendition(n) for n in range(17)], [rendition(), rendition()]],
    ),
    "renditions.0": ([], [None, [], 1, {}]),
    "renditions.0.codec": (["opus"], ["mp3", "FLAC", "", None, 1, b"flac"]),
    "renditions.0.mime": (
        ["audio/ogg;codecs=opus", 'audio/mp4; codecs="flac, opus"; x=1'],
        ["video/mp4", "audio/", "audio/mp4;", "audio/mp4; codecs=a b", "Audio/mp4", "audio/mp4 ", None, 1],
    ),
    "renditions.0.rate": ([], [999, 768_001, None, True, FLOAT]),
    "renditions.0.samples": ([], [0, sum((88_200, 88_200, 499)), 1 << 48, None, "176900"]),
    "renditions.0.segment_samples": ([], [0, 88_199, 88_201, (1 << 48) + 1, None]),
    "renditions.0.init": ([], [None, [], [4], [4, bytes(32), 0], {}]),
    "renditions.0.init.1": ([], NOT_HASH),
    "renditions.0.root": ([], [*NOT_HASH, bytes(32)]),
    "renditions.0.segments": ([], [[], None, {}, [[]], [None]]),
    "renditions.0.segments.0": ([], [None, [], [100, 88_200], [100, 88_200, bytes(32), 0], {}]),
    "renditions.0.segments.0.0": ([29, 1 << 32], [28, 0, -1, (1 << 32) + 1, None, True, FLOAT]),
    "renditions.0.segments.0.1": ([], [0, 88_199, 88_201, -1, None]),
    "renditions.0.segments.2.1": ([], [0, 501, 88_201, None]),
    "renditions.0.segments.0.2": ([], [*NOT_HASH, bytes(32)]),
    "renditions.0.key_epochs": (
        [[[0, 0]], [[0xFFFFFFFF, 0], [3, 1], [1, 2]]],
        [
            [],
            None,
            [[7, 1]],
            [[7, 0], [7, 1]],
            [[7, 0], [8, 0]],
            [[7, 0], [8, 2], [9, 1]],
            [[7, 0], [8, 3]],
            [[-1, 0]],
            [[1 << 32, 0]],
            [[7, 0, 0]],
            [7, 0],
        ],
    ),
}

LIVE_WHOLE: Final = {
    "number": (0, (1 << 32) - 1),
    "time_ms": (0, 1 << 48),
    "rendition": (0, 65_535),
    "rate": (1_000, 768_000),
    "channels": (1, 64),
    "bits": (0, 64),
    "init.0": (1, 1 << 20),
    "first": (0, (1 << 32) - 1 - 3),
    "sample": (0, 1 << 48),
    "segments.0.3": (0, (1 << 32) - 1),
}

LIVE: Final[dict[str, tuple[list[Any], list[Any]]]] = {
    **{path: whole(*bounds) for path, bounds in LIVE_WHOLE.items()},
    "codec": (["opus"], ["mp3", "", None, 1, ["flac"]]),
    "mime": (["audio/ogg"], ["video/mp4", None, "audio/"]),
    "segment_samples": ([1 << 48], [0, 88_199, (1 << 48) + 1, None]),
    "init": ([], [None, [], [4], {}]),
    "init.1": ([], NOT_HASH),
    "window": ([3, 10_000], [0, 2, 10_001, None, True]),
    "segments": ([[]], [None, {}, [[]], [None]]),
    "segments.0": ([], [None, [], [100, 88_200, bytes(32)], {}]),
    "segments.0.0": ([29, 1 << 32], [28, (1 << 32) + 1, None, FLOAT]),
    "segments.0.1": ([1, 88_200], [0, 88_201, None]),
    "segments.0.2": ([bytes(32)], NOT_HASH),
    "rundown": (
        [{"sha256": bytes(32)}, {"sha256": bytes(32), "urls": URLS[0]}],
        [
            *NOT_MAP,
            {},
            {"sha256": bytes(31)},
            {"sha256": bytes(32), "urls": URLS[1]},
            {"sha256": bytes(32), "urls": ["https://radio.example/"] * 2},
        ],
    ),
    "ended": ([True], [False, None, 1]),
    "crit": ([["first"]], [[], ["first", "first"], ["rundown"], ["crit"], None]),
}

POLICY_WHOLE: Final = {
    "counts.play.limit": (0, (1 << 32) - 1),
    "counts.play.per_s": (1, 1 << 40),
    "ttl_s": (1, 1 << 40),
    "not_before_s": (0, 1 << 40),
    "expires_s": (0, 1 << 40),
    "price.interval_s": (1, 86_400),
    "price.owner": (0, (1 << 96) - 1),
    "price.reward": (0, (1 << 96) - 1),
    "lease.window_s": (2, 86_400),
    "lease.seconds": (1, 31_536_000),
    "lease.invocations": (1, 1_000_000),
    "counts.play.after_s": (1, 86_400),
    "counts.play.within_s": (1, 86_400),
    "start_by_s": (1, 1 << 40),
    "metered_s": (1, 1 << 40),
    "preview_s": (1, 1 << 40),
    "key_epoch_s": (1, 1 << 40),
    "devices": (1, 1000),
    "concurrent": (1, 1000),
    "renewal.grace_s": (0, 1 << 40),
    "renewal.retry_s": (1, 3_600),
}

POLICY: Final[dict[str, tuple[list[Any], list[Any]]]] = {
    # A float is refused with the bytes, before they are terms.
    **{
        path: (whole(*bounds)[0], [v for v in whole(*bounds)[1] if v is not FLOAT])
        for path, bounds in POLICY_WHOLE.items()
    },
    "permissions": (
        [["preview", "transfer"], ["copy", "transfer", "download", "preview"]],
        [
            None,
            "play",
            {},
            ["fly", "preview", "transfer"],
            ["preview", "transfer", "preview"],
            [1],
            ["preview"],
            ["transfer"],
        ],
    ),
    "counts.play": (
        [{"limit": 1}, {"limit": 1, "unit": "segment"}],
        [None, {}, {"limit": 1, "unit": "hour"}, {"limit": 1, "unit": "timed"}],
    ),
    "counts.play.unit": ([], ["start", "second", "segment", None]),
    "counts.seek": ([], [{"limit": 1, "unit": "second"}, {"limit": 1, "after_s": 5}]),
    "counts.preview": (
        [],
        [{"limit": 1, "unit": "second", "per_s": 60}, {"limit": 1, "unit": "segment", "within_s": 60}],
    ),
    "part": (
        [{}, {"from_s": 7}, {"to_s": 1}],
        [*NOT_MAP, {"from_s": 5, "to_s": 5}, {"from_s": -1}, {"to_s": 0}, {"at": 1}],
    ),
    "territories": ([["*"], [], ["FR"]], [None, "DE", ["de"], ["DEU"], ["DE", "DE"], ["*", "DE"], ["D1"], [1]]),
    "purposes": ([["*"], []], [None, "private", ["a", "a"], [1], [""]]),
    "renewal": (
        [{"every_s": 5, "retry_s": 5}],
        [*NOT_MAP, {}, {"every_s": 60}, {"every_s": 4, "retry_s": 1}, {"every_s": 60, "retry_s": 61}],
    ),
    "tracking": (["opt_in", "opt_out"], ["always", "", None, True]),
    "self_destruct": ([[], ["expired"]], [None, "expired", ["never"], ["expired", "expired"], [1]]),
    "hold": ([True, False], [None, 0, "no", []]),
    "child": (
        [],
        [
            *NOT_MAP,
            {},
            {"permissions": ["play"]},
            {"permissions": ["fly"], "price": {"interval_s": 1, "owner": 0, "reward": 0}},
        ],
    ),
    "child.price.interval_s": ([1], [0, None]),
    "counts": ([{}, {"renew": {"limit": 1}}], [None, [], {"fly": {"limit": 1}}, {"play": {}}, {"play": 3}]),
    "stations": ([["*"], [], ["radio.example"]], [None, "*", ["a", "a"], [1], [""], ["x" * 254]]),
    "price": (
        [{"interval_s": 1, "owner": 0, "reward": 0, "payer": "nobody"}, {"interval_s": 1, "owner": 1, "reward": 0}],
        [*NOT_MAP, {}, {"interval_s": 1, "owner": 1}, {"interval_s": 1, "owner": 1, "reward": 0, "payer": "nobody"}],
    ),
    "price.payer": (["listener", "station"], ["owner", "", None, 1]),
    "listener": (["any"], ["nobody", "", None, 1]),
    "lease": ([], [*NOT_MAP, {}, {"window_s": 600, "seconds": 60}]),
    "crit": ([[], ["lease", "price"]], [None, "lease", ["lease", "lease"], [1], [""]]),
}
