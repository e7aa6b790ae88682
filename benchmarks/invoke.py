"""``invoke``: decide, sign, commit durably and wrap the keys of one seek at the host, beside one bare fdatasync."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from benchmarks.disk import disk_folder
from benchmarks.figure import Figure
from benchmarks.scale import scaled
from messages.browser_host.playback import Invoke
from native_host.context import Services, open_services
from native_host.ledger import SessionRow, TicketRow
from native_host.paths import Paths
from native_host.playback import segment_table
from native_host.playback.content_check import Facts, Station
from native_host.playback.key_source import from_lease
from native_host.playback.lease import Lease
from native_host.playback.stream import Stream
from pywallet.crypto import address_of, keccak256
from pywallet.crypto.key_wrap import WrapKey, generate_keypair
from pywallet.encoding.hex import to_b64
from pywallet.policy import Count, Policy, Price
from pywallet.policy import OfflineLease as LeaseTerms
from pywallet.protocol import Domain, Session, sign
from pywallet.sps.header import Header, Rendition, Segment, ServerRef

ROUNDS: Final = scaled(400, 10)
WARM: Final = scaled(20, 1)
KEYS: Final = 3
_SEGMENTS: Final = 90
_SESSION, _TICKET, _CONTENT = (keccak256(name) for name in (b"session", b"ticket", b"content"))


def run() -> list[dict[str, Any]]:
    """p50 and p99 of one seek with three keys from a lease; the peer is a 4 KiB write and fdatasync on the same disk.

    Interleaved, one after the other, in one directory. In this process: the
    pipe to the browser is another figure's.
    """
    with disk_folder() as directory:
        ours, bare = asyncio.run(_measure(directory))
    return [
        Figure("invoke_p50", *_pair(ours, bare, 0.50), better="lower", detail=_detail(ours, bare)).to_json(),
        Figure("invoke_p99", *_pair(ours, bare, 0.99), better="lower").to_json(),
    ]


def _pair(ours: list[float], bare: list[float], share: float) -> tuple[float, str, str, float]:
    return round(_at(ours, share), 3), "ms", "fdatasync", round(_at(bare, share), 3)


def _at(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def _detail(ours: list[float], bare: list[float]) -> dict[str, Any]:
    beyond = statistics.median(ours) - statistics.median(bare)
    return {"rounds": ROUNDS, "keys": KEYS, "beyond_one_fdatasync_ms": round(beyond, 3)}


async def _measure(directory: Path) -> tuple[list[float], list[float]]:
    host = open_services(Paths(directory / "data", directory / "config"), lambda event: None, {})
    stream = _stream(host)
    host.invocations.record(stream, Invoke("s", "play", 0), leased=True)
    ours, bare = [], []
    descriptor = os.open(directory / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        # No await in here: nothing else of this process runs in between.
        for n in range(ROUNDS + WARM):
            mine, peer = _seek(host, stream, n), _bare(descriptor)
            if n >= WARM:
                ours.append(mine)
                bare.append(peer)
    finally:
        os.close(descriptor)
        await host.close()
    return ours, bare


def _seek(host: Services, stream: Stream, n: int) -> float:
    segment = (n * 7) % (_SEGMENTS - KEYS)
    request = Invoke("s", "seek", segment * 2_000, segment, KEYS)
    began = time.perf_counter_ns()
    wanted = host.key_source.plan(stream, request)
    assert wanted is not None
    assert wanted.leased
    host.invocations.record(stream, request, leased=True)
    grant = from_lease(stream, wanted)
    took = time.perf_counter_ns() - began
    assert len(grant.keys) == KEYS
    return took / 1e6


def _bare(descriptor: int) -> float:
    page = os.urandom(4096)
    began = time.perf_counter_ns()
    os.write(descriptor, page)
    os.fdatasync(descriptor)
    return (time.perf_counter_ns() - began) / 1e6


def _stream(host: Services) -> Stream:
    """A song with its session, ticket and lease, as ``open`` and ``prepare`` leave them."""
    content, address = _CONTENT[:20], address_of(keccak256(b"station"))
    policy = Policy(
        ("play", "seek"), Price(30, 20, 10), {"seek": Count(1 << 20)}, lease=LeaseTerms(600, 3_600, 1 << 19)
    )
    parts = tuple(Segment(100, 96_000, bytes(32)) for _ in range(_SEGMENTS))
    rendition = Rendition(1, "flac", "audio/mp4", 48_000, 2, 16, 96_000 * _SEGMENTS, 96_000, 100, bytes(32), parts)
    server = ServerRef("http://127.0.0.1:9", address, bytes(32))
    header = Header(31337, content, address, "Song", "Band", policy.to_dict(), (rendition,), server)
    network: Any = SimpleNamespace(
        domain=Domain(31337, bytes(20)),
        deployment=SimpleNamespace(chain_id=31337),
        now_ms=lambda: time.time_ns() // 1_000_000,
        chain_ms=lambda: None,
        unwatch=lambda content: None,
    )
    facts = Facts(Station(address, "Radio", "radio.example"), True, False, False, server.address, server.url)
    _, renderer = generate_keypair()
    parts_of = (
        "s",
        header,
        policy,
        segment_table.build(header, 1_000),
        network,
        facts,
        to_b64(renderer),
        WrapKey.to(renderer),
    )
    stream = Stream(*parts_of, server.address, server.url)
    now_s = time.time_ns() // 1_000_000_000
    session = Session(address, address, host.device.address(server.address, address), address, now_s, now_s + 86_400)
    signed = json.dumps(sign(session, network.domain, keccak256(b"listener")).to_json())
    stream.session = SessionRow(_SESSION, 31337, bytes(20), address, address, address, session.not_after, signed)
    stream.ticket = _TICKET
    stream.lease = Lease(0, _SEGMENTS, now_s + 3_600, 1 << 19, {index: os.urandom(32) for index in range(_SEGMENTS)})
    with host.ledger.write():
        host.ledger.add_session(stream.session)
        host.ledger.add_ticket(
            TicketRow(
                _TICKET, _SESSION, content, address, address, server.url, "radio.example", 10, 30, now_s, now_s + 3_600
            )
        )
    return stream
