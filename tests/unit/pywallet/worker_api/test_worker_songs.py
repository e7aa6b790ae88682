"""Operations on open songs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pywallet.encoding.hex import to_b64, to_hex
from pywallet.errors import GomaaError
from pywallet.policy import Count
from pywallet.sps import MAGIC, Container, open_header
from pywallet.sps.rendition_choice import offset
from pywallet.worker_api import call, call_json, songs
from tests.unit.pywallet.playback.interpreter import Interpreter

RECORDED: Any = json.loads((Path(__file__).parents[3] / "vectors" / "sps" / "song.json").read_text())
FILE = bytes.fromhex(RECORDED["file"])
SIZE = int.from_bytes(FILE[8:12], "big")
COSE = FILE[12 : 12 + SIZE]


@pytest.fixture(autouse=True)
def _no_songs() -> Iterator[None]:
    songs._songs.clear()
    yield
    songs._songs.clear()


async def load(**more: Any) -> dict[str, Any]:
    """The recorded song, loaded as stream "one"."""
    return await call("header.load", {"stream": "one", **more}, COSE)


async def session(**more: Any) -> Interpreter:
    """A session of stream "one" by its table."""
    song = await load(**more)
    return Interpreter(song["begins"], song["extent"]["from_ms"], song["duration_ms"], song["transitions"])


async def failing(op: str, payload: dict[str, Any], blob: bytes | None = None) -> str:
    """The code with which an operation fails."""
    with pytest.raises(GomaaError) as caught:
        await call(op, payload, blob)
    return caught.value.code


async def test_facts_of_a_header() -> None:
    """A field would differ from the recorded file."""
    song = await load()
    assert song["content"] == "0x" + RECORDED["content"]
    assert song["owner"] == "0x" + RECORDED["owner"]
    assert to_hex(songs._songs["one"].header.policy_hash) == "0x" + RECORDED["policy_hash"]
    assert song["title"]
    assert song["quality"].startswith("FLAC ")


async def test_offsets_point_at_the_sealed_segments() -> None:
    """A range would have other bytes than its hash."""
    await load()
    assert FILE.startswith(MAGIC)
    header = songs._songs["one"].header
    rendition = header.renditions[0]
    init, segments = Container(COSE).extents(header)[0]
    hashes = [rendition.init_sha256, *(segment.sha256 for segment in rendition.segments)]
    for extent, sha256 in zip([init, *segments], hashes, strict=True):
        assert hashlib.sha256(FILE[extent.offset : extent.end]).digest() == sha256
    assert segments[-1].end == len(FILE)
    assert init.offset == offset(header, len(COSE), 0)
    assert len(segments) == len(RECORDED["segments"])


async def test_segments_follow_each_other_in_time() -> None:
    """The timeline would have gaps or another length."""
    song = await load()
    timeline = songs._songs["one"].header.renditions[0].index
    starts = [timeline.start_ms(index) for index in range(timeline.count + 1)]
    assert starts[0] == 0
    assert starts == sorted(set(starts))
    assert starts[-1] == song["duration_ms"]


FIELDS = {
    "content",
    "owner",
    "title",
    "artist",
    "album",
    "quality",
    "duration_ms",
    "rate",
    "watermark",
    "server",
    "delivery",
    "waveform",
    "payer",
    "price_wei",
    "begins",
    "transitions",
    "extent",
}
"""What extension/engine reads of an opened song."""


@pytest.mark.parametrize("seconds", [4 * 60, 10 * 60 * 60])
async def test_the_result_has_only_the_fields_that_are_read(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    """The result would grow with the length of a song."""
    header = open_header(COSE)
    rendition = header.renditions[0]
    count = seconds // 2
    segment = replace(rendition.segments[0], samples=2 * rendition.rate)
    long = replace(
        rendition, samples=segment.samples * count, segment_samples=segment.samples, segments=(segment,) * count
    )
    monkeypatch.setattr(songs, "open_header", lambda _: replace(header, renditions=(long,), waveform=bytes(1000)))
    song = await load()
    assert set(song) == FIELDS
    assert song["duration_ms"] == seconds * 1000
    # The transition table is the same for every song.
    table = song.pop("transitions")
    assert len(json.dumps(song)) < 4096
    assert len(json.dumps(table)) < 18_432


async def test_text_and_blob_are_the_same() -> None:
    """A header as base64 would give another result."""
    assert await call("header.load", {"stream": "two", "header": to_b64(COSE)}) == await load()


async def test_an_altered_header_is_refused() -> None:
    """A changed header would be opened."""
    for at in (20, SIZE // 2, SIZE - 1):
        altered = bytearray(COSE)
        altered[at] ^= 1
        assert (await failing("header.load", {"stream": "one"}, bytes(altered))).startswith("sps.")
    assert await failing("terms", {"stream": "one"}) == "host.stream.unknown"


async def test_the_split_adds_up() -> None:
    """The station's part would differ from the sum of the others."""
    song = await load()
    terms = await call("terms", {"stream": "one", "bps": 333})
    split = {name: int(amount) for name, amount in terms["split"].items()}
    assert split["station_wei"] == split["owner_wei"] + split["listener_wei"] + split["commission_wei"]
    intervals = song["duration_ms"] // (terms["interval_s"] * 1000)
    assert split["owner_wei"] == intervals * int(song["price_wei"])
    assert split["listener_wei"] == intervals * int(terms["reward_wei"])
    without = await call("terms", {"stream": "one", "bps": 333, "rewards": False})
    assert without["split"]["listener_wei"] == "0"
    assert without["split"]["owner_wei"] == terms["split"]["owner_wei"]


async def test_terms_follow_usage_and_language() -> None:
    """The sentences would not change with use and language."""
    await load()
    song = await call("terms", {"stream": "one"})
    used = await call(
        "terms", {"stream": "one", "usage": {"plays": 1, "seeks": 1, "first_play_s": 5}, "context": {"now_s": 6}}
    )
    chinese = await call("terms", {"stream": "one", "language": "zh-CN", "names": {"station": "Lamplight FM"}})
    assert used["facts"]["may"] == song["facts"]["may"]
    assert chinese["facts"]["may"] != song["facts"]["may"]
    assert chinese["reward_wei"] == song["reward_wei"]
    assert "play" in song["permits"]


async def test_the_rest_follows_the_counted_uses() -> None:
    """A recurring or timed count would show the rest of all plays."""
    await load()
    limit, song = 3, songs._songs["one"]
    song.policy = replace(song.policy, counts={"play": Count(limit, per_s=60)})
    said = {}
    for name, counts in (("all", {}), ("now", {"play": 0}), ("gone", {"play": limit})):
        usage = {"plays": limit, "seeks": 0, "seconds": 90, "first_play_s": 5, "counts": counts, "last_s": {"play": 5}}
        context = {
            "now_s": 6,
            "territory": "DE",
            "purpose": "private",
            "devices": 1,
            "device_known": True,
            "streams": 0,
            "renewed_s": 5,
        }
        said[name] = (await call("terms", {"stream": "one", "usage": usage, "context": context}))["facts"]["left"]
    assert said["now"].startswith(f"{limit} of {limit} play")
    assert said["gone"] == said["all"]
    assert said["gone"].startswith("0 of ")
    strange: list[dict[str, Any]] = [
        {"usage": {"counts": {"play": -1}}},
        {"usage": {"counts": []}},
        {"usage": {"last_s": {"play": "x"}}},
    ]
    for wrong in (*strange, {"context": {"devices": -1}}):
        assert await failing("terms", {"stream": "one", **wrong}) == "message.schema"


async def test_a_play_from_request_to_end() -> None:
    """A play, seek or stop would give no invocation, or two."""
    one = await session()
    begun = one.step("play")
    assert begun["state"] == "starting"
    assert [action for _, action, _ in begun["commands"]] == ["play"]
    assert one.step("granted")["commands"][0][0] == "sound"
    assert one.step("playing", 0)["state"] == "playing"
    assert one.step("seek", 1)["commands"] == [["invoke", "seek", 1]]
    one.step("granted")
    one.step("playing", 1)
    ended = one.step("ended")
    assert (ended["state"], [action for _, action, _ in ended["commands"]]) == ("ended", ["stop"])


async def test_a_refusal_is_kept_and_retried() -> None:
    """A refusal would be lost, or retry not possible."""
    one = await session()
    one.step("play")
    refused = one.step("problem", code="policy.count.exhausted")
    assert (refused["state"], refused["code"]) == ("refused", "policy.count.exhausted")
    assert one.step("retry")["state"] == "ready"


async def test_an_unpaid_play_of_a_song_that_its_listener_pays_is_a_preview() -> None:
    """An unpaid play would not be a preview."""
    song, kept = await load(), songs._songs["one"]
    assert (song["begins"], song["extent"]["from_ms"]) == ("play", 0)
    price = replace(kept.policy.price, payer="listener")
    kept.policy = replace(
        kept.policy, price=price, permissions=frozenset({*kept.policy.permissions, "preview"}), preview_s=1
    )
    unpaid, paid = [await call("player.pays", {"stream": "one", "on": on}) for on in (False, True)]
    assert unpaid == {"begins": "preview", "extent": {"from_ms": 0, "to_ms": 1_000}}
    assert paid == {"begins": "play", "extent": {"from_ms": 0, "to_ms": None}}


async def test_a_closed_stream_is_gone() -> None:
    """A closed stream would respond, or closing again fail."""
    await load()
    assert await call("stream.close", {"stream": "one"}) == {}
    assert await call("stream.close", {"stream": "one"}) == {}
    assert await failing("player.pays", {"stream": "one", "on": True}) == "host.stream.unknown"


@pytest.mark.parametrize(
    ("op", "payload"),
    [
        ("player.pays", {"stream": "one", "on": 1}),
        ("player.pays", {"stream": 1, "on": True}),
        ("player.begin", {"stream": "one", "action": "play"}),
        ("player.event", {"stream": "one", "event": "playing"}),
        ("terms", {"stream": "one", "bps": 10_001}),
        ("terms", {"stream": "one", "usage": []}),
        ("terms", {"stream": "one", "context": {"wallet": 1}}),
        ("header.load", {"stream": "one", "header": "%"}),
        ("header.load", {"stream": "one"}),
    ],
)
async def test_other_payloads_are_refused(op: str, payload: dict[str, Any]) -> None:
    """A malformed field would be accepted."""
    await load()
    assert await failing(op, payload) == "message.schema"


async def test_the_result_is_json() -> None:
    """A result could not be passed to JavaScript."""
    answer = json.loads(await call_json("header.load", '{"stream": "one"}', COSE))
    assert answer["ok"] is True
    assert answer["result"] == await load()
