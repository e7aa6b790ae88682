"""The host answers each message of any bytes with a result or a coded error, and never crashes."""

from __future__ import annotations

import asyncio
import io
import struct
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from demo.waiting import TIMEOUT_S
from native_host.context import Services, open_services
from native_host.extension_events import Emit
from native_host.messaging import framing, requests
from native_host.messaging.dispatcher import Dispatcher
from native_host.paths import Paths
from pywallet.errors import SENTENCES, GomaaError
from tests.budget import budget

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=30),
    st.sampled_from(["s", "0x" + "ab" * 20, "AAAA"]),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
FIELDS = sorted({name for kind in requests.OPERATIONS.values() for name in kind.__struct_fields__})
REQUESTS = st.builds(
    lambda op, number, fields: {"id": number, "op": op, **fields},
    st.sampled_from([*requests.OPERATIONS, "nothing"]),
    st.one_of(st.integers(0, 100), VALUES),
    st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6),
)
SIGNED = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["Session", "Ticket", "Claim", ""]),
        "message": st.dictionaries(
            st.sampled_from(["server", "station", "epoch", "payee", "to", "tip", "notAfter", "session"]), VALUES
        ),
        "signature": st.sampled_from(["0x" + "00" * 65, "0x", "0x" + "ff" * 65]),
    }
)
QUICK = budget(3, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(data=st.binary(max_size=400), chunk=st.integers(1, 50))
@QUICK
def test_any_bytes_end_in_frames_or_a_coded_error(data: bytes, chunk: int) -> None:
    """A random stream gives bodies and coded errors, then ends or fails with a host.frame code."""
    stream = io.BytesIO(data)
    try:
        for item in framing.frames(lambda n: stream.read(min(n, chunk))):
            assert isinstance(item, bytes) or item.code == "host.frame.size"
    except framing.FrameError as e:
        assert e.error.code in ("host.frame.size", "host.frame.malformed")


@given(
    body=st.one_of(
        st.binary(max_size=300),
        VALUES.map(lambda v: repr(v).encode()),
        REQUESTS.map(lambda v: msgspec.json.encode(v)[:-1]),
    )
)
@QUICK
def test_any_body_decodes_or_is_malformed(body: bytes) -> None:
    """Decoding gives an object or host.frame.malformed, nothing else."""
    try:
        assert isinstance(framing.decode(body), dict)
    except GomaaError as e:
        assert e.code == "host.frame.malformed"


@given(messages=st.lists(st.one_of(REQUESTS, VALUES), min_size=1, max_size=6), signed=SIGNED)
@QUICK
def test_any_request_gets_one_coded_reply(tmp_path: Path, messages: list[Any], signed: dict[str, Any]) -> None:
    """After hello, any message is answered once with a registered code, and the next hello still works."""
    replies = asyncio.run(_talk(tmp_path, [*messages, *_with(signed)]))

    assert len(replies) == len(messages) + 5
    for reply in replies:
        assert reply["ok"] or reply["error"]["code"] in SENTENCES
        assert reply["ok"] or reply["error"]["code"] != "internal"
    assert replies[-1]["ok"]


def _with(signed: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a message with a signed message of any shape in each place where one is read."""
    return [
        {"id": 1, "op": "prepare", "stream": "s", "session": signed},
        {"id": 2, "op": "prepare", "stream": "s", "ticket": signed},
        {"id": 3, "op": "claim", "claims": [signed]},
    ]


async def _talk(home: Path, messages: list[Any]) -> list[Any]:
    replies: list[Any] = []

    def make(emit: Emit) -> Services:
        return open_services(Paths(home / "data", home / "config"), emit, {})

    service = Dispatcher(lambda frame: replies.append(msgspec.json.decode(frame[4:])), make)
    hello = {"id": 1, "op": "hello", "protocol": 1}
    for message in [hello, *messages, hello]:
        await asyncio.wait_for(service.handle(msgspec.json.encode(message)), TIMEOUT_S)
    await service.close()
    return replies


def test_a_size_error_leaves_other_frames_intact() -> None:
    """A size error between many frames does not shift their boundaries."""
    good = struct.pack("=I", 2) + b"{}"
    big = struct.pack("=I", framing.MAX_FRAME + 7) + bytes(framing.MAX_FRAME + 7)

    found = list(framing.frames(io.BytesIO(good + big + good + big + good).read))

    assert [item if isinstance(item, bytes) else item.code for item in found] == [b"{}", "host.frame.size"] * 2 + [
        b"{}"
    ]
