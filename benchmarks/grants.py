"""``grants``.

Grants per second and core of a security server, beside an aiohttp echo with one bare verification a message.

Server and peer run in this process, whose processor time alone counts; the hosts that ask live in a child process,
and everything they say is signed before the clock starts.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import aiohttp
from aiohttp import WSMsgType, web
from btclib_secp256k1 import recovery

from benchmarks.figure import Figure, median
from benchmarks.scale import scaled
from pywallet.crypto import address_of
from pywallet.protocol import (
    Domain,
    Invocation,
    Signed,
    digest,
)
from tests.integration.server_client import HostClient
from tests.integration.server_songs import Upload, terms
from tests.integration.server_world import World, make_world, private_key

HOSTS: Final = scaled(8, 1)
EACH: Final = scaled(60, 3)
"""Grants a host asks in a round: one play, then seeks through the song."""
ROUNDS: Final = scaled(3, 1)
KEYS: Final = 8


def run() -> list[dict[str, Any]]:
    """Rounds of ours and the peer's alternate."""
    with tempfile.TemporaryDirectory() as folder:
        ours, bare = asyncio.run(_rounds(Path(folder)))
    detail = {"rounds": ROUNDS, "hosts": HOSTS, "grants": HOSTS * EACH, "keys": KEYS}
    return [
        Figure(
            "grants",
            median(ours),
            "grants/s/core",
            "aiohttp echo with a bare verification",
            median(bare),
            "higher",
            detail,
        ).to_json()
    ]


async def _rounds(folder: Path) -> tuple[list[float], list[float]]:
    ours, bare = [], []
    async with make_world(folder) as world:
        # Free and uncounted: what is measured is the grant itself, not a voucher that is due.
        policy = terms(price={"interval_s": 2, "owner": 0, "reward": 0}, counts={})
        # A buffer of the whole song: the seeks hear nothing, and each shall bring its keys.
        async with world.server(buffer_s=600):
            song = await world.publish(policy)
            for turn in range(ROUNDS):
                hosts = [await _asked(world, song, f"host {turn} {n}") for n in range(HOSTS)]
                ours.append(await _timed(f"{world.url}/v1/host", hosts, folder))
                bare.append(await _echo([frames[2:] for frames in hosts], world.deployment.domain, folder))
    return ours, bare


class _Deaf(HostClient):
    """A host that writes down what it would say."""

    said: list[str]

    async def frame(self, frame: Mapping[str, Any]) -> dict[str, Any]:
        self.said.append(json.dumps(frame))
        return {"ok": True, "result": {"sequence": 0}}


async def _asked(world: World, song: Upload, name: str) -> list[str]:
    """Signed requests of one host: hello, open, play and seeks."""
    host = _Deaf(world.url, world.keys.address, world.deployment.domain, private_key(name))
    host.said = []
    now = await world.now_ms()
    session = world.session(address_of(host.device_key), now // 1000, listener=name)
    ticket = world.ticket(song, session, now // 1000)
    await host.hello(now)
    await host.open(session, ticket)
    for n in range(EACH):
        position = n % 50 * 2000
        await host.grant(host.invocation(ticket, "seek" if n else "play", position, now + n), position // 2000, KEYS)
    return host.said


async def _timed(url: str, hosts: Sequence[Sequence[str]], folder: Path) -> float:
    """Grants per second of this process's processor time, asked by a child process."""
    script = folder / "said.json"
    script.write_text(json.dumps(hosts))
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.grants",
        url,
        str(script),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    assert await child.stdout.readline() == b"ready\n"
    child.stdin.write(b"go\n")
    start = time.process_time()
    counted = json.loads(await child.stdout.readline())
    spent = time.process_time() - start
    assert await child.wait() == 0
    if counted != {"ok": HOSTS * EACH}:
        raise RuntimeError(f"not every grant was given: {counted}")
    return HOSTS * EACH / spent


async def _echo(hosts: Sequence[Sequence[str]], domain: Domain, folder: Path) -> float:
    """The peer: parse, recover the signer from a ready digest, answer the same."""
    ready: dict[int, tuple[bytes, bytes]] = {}
    for frames in hosts:
        for n, frame in enumerate(frames):
            signed = Signed.from_json(Invocation, json.loads(frame)["invocation"])
            ready[n] = (signed.signature[:64] + bytes([signed.signature[64] - 27]), digest(signed.message, domain))

    async def handle(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            asked = json.loads(message.data)
            if asked["op"] == "grant":
                signature, hashed = ready[asked["id"] - 3]
                recovery.recover(hashed, signature[:64], signature[64])
            await socket.send_str(json.dumps({"id": asked["id"], "ok": True, "result": asked}))
        return socket

    app = web.Application()
    app.router.add_get("/", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        greeting = [json.dumps({"id": n, "op": "hello"}) for n in (1, 2)]
        return await _timed(
            f"http://127.0.0.1:{runner.addresses[0][1]}/", [[*greeting, *frames] for frames in hosts], folder
        )
    finally:
        await runner.cleanup()


async def _child(url: str, script: Path) -> None:
    """Say hello and open for every host.

    On a word from the parent ask all the grants, each after the last one's answer.
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
            word = "ok" if answer["ok"] else answer["error"]["code"]
            counted[word] = counted.get(word, 0) + 1

    async with aiohttp.ClientSession() as http:
        sockets = [await http.ws_connect(url) for _ in hosts]
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
    asyncio.run(_child(sys.argv[1], Path(sys.argv[2])))
