"""``grants`` and ``reports``.

Grants, and reports of an interval each, per second and core of a security server, beside an aiohttp echo with one bare
verification a message.

Server and peer run in this process, whose processor time alone counts; the hosts that ask live in a child process,
and everything they say is signed before the clock starts.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import aiohttp

from benchmarks.asking_child import asked_s
from benchmarks.echo import PEER, Signature, recoverable, serving
from benchmarks.figure import Figure, median
from benchmarks.scale import scaled
from pywallet.crypto import address_of
from pywallet.protocol import (
    Domain,
    Invocation,
    Signed,
    Ticket,
    digest,
)
from tests.integration.server_client import HostClient
from tests.integration.server_songs import Upload, terms
from tests.integration.server_world import World, make_world, private_key

HOSTS: Final = scaled(8, 1)
EACH: Final = scaled(60, 3)
"""Requests of a host in a round: one play, then seeks or renewals through the song."""
ROUNDS: Final = scaled(3, 1)
KEYS: Final = 8
MOST_RESENT: Final = 20
"""Times that a request is sent again while the database is busy, as only one with several processes is."""
STEP_MS: Final = 2_000
"""Song between two requests: an interval and a segment."""


def run() -> list[dict[str, Any]]:
    """Rounds of ours and the peer's alternate."""
    return [_figure("grants", {"keys": KEYS}), _figure("reports", {"interval_s": STEP_MS // 1000})]


def _figure(name: str, more: dict[str, int]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        ours, bare = asyncio.run(_rounds(Path(folder), name))
    detail = {"rounds": ROUNDS, "hosts": HOSTS, name: HOSTS * EACH, **more}
    return Figure(name, median(ours), f"{name}/s/core", PEER, median(bare), "higher", detail).to_json()


async def _rounds(folder: Path, name: str) -> tuple[list[float], list[float]]:
    ours, bare = [], []
    async with make_world(folder) as world:
        if name == "grants":
            # Free and uncounted: what is measured is the grant itself, not a voucher that is due.
            policy = terms(price={"interval_s": 2, "owner": 0, "reward": 0}, counts={})
        else:
            # Every report counts an interval that is owed.
            policy = terms(counts={})
        # A buffer of the whole song: the seeks hear nothing, and each is to bring its keys.
        async with world.server(buffer_s=600, credit_plays=10 * HOSTS * ROUNDS):
            song = await world.publish(policy)
            for turn in range(ROUNDS):
                record = record_grants if name == "grants" else record_reports
                hosts = [await record(world, song, f"host {turn} {n}", EACH) for n in range(HOSTS)]
                # A report is about the past: its time was heard before, and after its ticket was opened.
                ready = partial(world.travel, EACH * STEP_MS // 1000) if name == "reports" else None
                ours.append(await _timed(f"{world.url}/v1/host", hosts, folder, ready))
                bare.append(await _echoed([frames[2:] for frames in hosts], world.deployment.domain, folder))
    return ours, bare


class _Deaf(HostClient):
    """A host that writes down what it would say."""

    said: list[str]

    async def frame(self, frame: Mapping[str, Any]) -> dict[str, Any]:
        self.said.append(json.dumps(frame))
        return {"ok": True, "result": {"sequence": 0}}


async def _opened(world: World, song: Upload, name: str, now_ms: int) -> tuple[_Deaf, Signed[Ticket]]:
    host = _Deaf(world.url, world.keys.address, world.deployment.domain, private_key(name))
    host.said = []
    session = world.session(address_of(host.device_key), now_ms // 1000, listener=name)
    ticket = world.ticket(song, session, now_ms // 1000)
    await host.hello(now_ms)
    await host.open(session, ticket)
    return host, ticket


async def record_grants(world: World, song: Upload, name: str, count: int) -> list[str]:
    """Signed requests of one host: hello, open, then ``count`` grants: a play and seeks."""
    now = await world.now_ms()
    host, ticket = await _opened(world, song, name, now)
    for n in range(count):
        position = n % 50 * STEP_MS
        await host.grant(host.invocation(ticket, "seek" if n else "play", position, now + n), position // STEP_MS, KEYS)
    return host.said


async def record_reports(world: World, song: Upload, name: str, count: int, lead_ms: int = 0) -> list[str]:
    """Signed requests of one host: hello, open, then ``count`` reports: a play, from ``lead_ms`` on, and renewals."""
    now = await world.now_ms()
    host, ticket = await _opened(world, song, name, now)
    for n in range(count):
        await host.report(host.invocation(ticket, "renew" if n else "play", n * STEP_MS, now + lead_ms + n * STEP_MS))
    return host.said


async def _timed(
    url: str, hosts: Sequence[Sequence[str]], folder: Path, ready: Callable[[], Awaitable[object]] | None = None
) -> float:
    """Requests per second of this process's processor time, asked by a child process."""
    return HOSTS * EACH / await asked_s("benchmarks.grants", url, hosts, HOSTS * EACH, folder, ready=ready)


async def _echoed(hosts: Sequence[Sequence[str]], domain: Domain, folder: Path) -> float:
    """The peer: parse, recover the signer from a ready digest, answer the same."""
    ready: dict[int, Signature] = {}
    for frames in hosts:
        for frame in frames:
            asked = json.loads(frame)
            invocation = asked["invocation"] if "invocation" in asked else asked["invocations"][0]
            signed = Signed.from_json(Invocation, invocation)
            ready[asked["id"]] = recoverable(signed.signature, digest(signed.message, domain))
    async with serving(lambda asked: ready.get(asked["id"])) as url:
        greeting = [json.dumps({"id": n, "op": "hello"}) for n in (1, 2)]
        return await _timed(url, [[*greeting, *frames] for frames in hosts], folder)


async def _child(urls: Sequence[str], script: Path) -> None:
    """Connect every host, each to the next address, and say hello and open for it.

    On a word from the parent ask everything else, each request after the last one's answer.
    """
    hosts = json.loads(script.read_text())
    counted: dict[str, int] = {}

    async def ask(socket: aiohttp.ClientWebSocketResponse, frame: str) -> dict[str, Any]:
        await socket.send_str(frame)
        answer: dict[str, Any] = json.loads((await socket.receive()).data)
        while "event" in answer:
            answer = json.loads((await socket.receive()).data)
        return answer

    async def listen(socket: aiohttp.ClientWebSocketResponse, frames: Sequence[str]) -> None:
        for frame in frames:
            answer = await ask(socket, frame)
            # As a host does: the same bytes count once.
            for _ in range(MOST_RESENT):
                if answer["ok"] or answer["error"]["code"] != "server.database.busy":
                    break
                answer = await ask(socket, frame)
            word = "ok" if answer["ok"] else answer["error"]["code"]
            for refused in answer["result"].get("refused", ()) if answer["ok"] else ():
                word = refused["code"]
            counted[word] = counted.get(word, 0) + 1

    async with aiohttp.ClientSession() as http:
        sockets = [await http.ws_connect(url) for _, url in zip(hosts, cycle(urls), strict=False)]
        for socket, frames in zip(sockets, hosts, strict=True):
            for frame in frames[:2]:
                answer = await ask(socket, frame)
                if not answer["ok"]:
                    raise RuntimeError(answer["error"])
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        await asyncio.gather(*(listen(socket, frames[2:]) for socket, frames in zip(sockets, hosts, strict=True)))
        print(json.dumps(counted), flush=True)


if __name__ == "__main__":
    asyncio.run(_child(sys.argv[1].split(), Path(sys.argv[2])))
