"""Chain, contracts, band, security server and station on this machine: everything a fan's browser talks to."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import click

from chain.anvil import Anvil
from chain.client import Chain
from chain.contracts.registry import Registry
from chain.contracts.settlement import Settlement
from chain.contracts.token import Token
from chain.deploy import deploy
from chain.deployment import Deployment
from demo.dashboard import TOKEN_FILE, write_token
from demo.process import Service, free_port
from gomaa.cli import group
from pywallet.crypto import address_of
from pywallet.encoding.hex import from_b64, from_hex, to_hex
from pywallet.errors import GomaaError
from pywallet.settlement import Schedule
from studio.renditions import bundle

T = TypeVar("T")

ETHER = 10**18
STATION_NAME = "Harbour Radio"
STATION_TAGLINE = "Slow brass, kitchen recordings, and songs that pay the people who hear them."
# Generous, as a demonstration has minutes for what a station gives over weeks.
STATION_REWARDS = """
sponsor = "Supported by Hartley and Sons, boat builders at Saltwick harbour."

[rewards]
points_per_minute = 60
minimum_s = 4

[[rewards.offers]]
name = "shirt"
kind = "offer"
cost = 5
days = 30
text = "A tenth off a Saltwick Lanterns shirt"

[[rewards.offers]]
name = "quiet"
kind = "ad-free"
cost = 3
days = 7
text = "A week of these pages without advertising"
"""
ESCROW = 1_000 * ETHER
BOND = 100_000 * ETHER
RELAYER = 10**18
OPEN_S = 60
"""An epoch in the demo that a person watches."""


def schedule(length: int) -> Schedule:
    """A schedule for demonstrations: the windows take a quarter of the epoch each, at least four seconds."""
    part = max(4, length // 4)
    grace = max(3, length // 12)
    return Schedule(length=length, grace=grace, window=part, answer=part, late=3600, delay=length + grace + 10)


@dataclass
class Stack:
    """Running processes and their addresses. Keys are of this demo's own chain."""

    folder: Path
    anvil: Anvil
    deployment: Deployment
    server: Service
    station: Service
    server_url: str
    station_url: str
    server_address: bytes
    station_key: bytes
    owner_key: bytes
    songs: dict[str, bytes] = field(default_factory=dict)

    @property
    def station_address(self) -> bytes:
        """The station's account on the chain."""
        return address_of(self.station_key)

    @property
    def owner_address(self) -> bytes:
        """The band's account on the chain."""
        return address_of(self.owner_key)

    def chain(self) -> Chain:
        """A new connection to the chain, as an async context manager."""
        return self.deployment.connect()

    def ask(self, use: Callable[[Chain], Awaitable[T]]) -> T:
        """Run one coroutine function against the chain and wait for its value."""

        async def run() -> T:
            async with self.chain() as chain:
                return await use(chain)

        # A thread of its own: a browser's driver may have a running loop in this one.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, run()).result()


def gomaa(*arguments: str | Path) -> str:
    """Run the console command in this process, which starts no interpreter and imports once; its standard output.

    Raises:
        RuntimeError: The command failed; with its output.
    """
    out, errors = io.StringIO(), io.StringIO()

    def run() -> None:
        with redirect_stdout(out), redirect_stderr(errors):
            group.main([str(argument) for argument in arguments], prog_name="gomaa", standalone_mode=False)

    # A thread of its own: a browser's driver may have a running loop in this one.
    with ThreadPoolExecutor(1) as thread:
        try:
            thread.submit(run).result()
        except (GomaaError, click.ClickException, OSError, SystemExit) as e:
            raise RuntimeError(f"gomaa {arguments[0]} failed: {e}\n{out.getvalue()}{errors.getvalue()}") from e
    return out.getvalue()


async def _set_up(
    stack_rpc: str, keys: dict[str, bytes], server: dict[str, Any], urls: dict[str, str], length: int
) -> Deployment:
    """Deploy the contracts, register server and station, pay in bond and escrow."""
    deployment = await deploy(stack_rpc, keys["platform"], schedule(length))
    address = from_hex(server["server"], 20)
    async with deployment.connect() as chain:
        token, registry, settlement = (
            Token(chain, deployment),
            Registry(chain, deployment),
            Settlement(chain, deployment),
        )
        platform = keys["platform"]
        await chain.send(platform, from_hex(server["relayer"], 20), b"", RELAYER)
        domain = urls["station"].removeprefix("http://")
        await registry.add_server(platform, address, urls["server"], from_b64(server["key"]))
        await registry.add_station(platform, address_of(keys["station"]), domain, STATION_NAME)
        await token.transfer(platform, address_of(keys["station"]), ESCROW)
        await token.approve(platform, deployment.settlement, BOND)
        await settlement.bond(platform, address, BOND)
        await token.approve(keys["station"], deployment.settlement, ESCROW)
        await settlement.deposit(keys["station"], address, address_of(keys["station"]), ESCROW)
    return deployment


@contextmanager
def running(
    folder: Path,
    songs: Sequence[Path],
    policy: Path,
    *,
    epoch_s: int = OPEN_S,
    say: Callable[[str], None] = lambda _: None,
    station_port: int | None = None,
    domain: str | None = None,
    statement_s: float = 1.0,
    artist: str | None = None,
) -> Iterator[Stack]:
    """Run everything, with ``songs`` converted, published and in the station's catalogue; end it on exit."""
    folder.mkdir(parents=True, exist_ok=True)
    catalogue = folder / "songs"
    catalogue.mkdir(exist_ok=True)
    port = station_port or free_port()
    urls = {"server": f"http://127.0.0.1:{free_port()}", "station": f"http://{domain or f'127.0.0.1:{port}'}"}
    say("starting the chain")
    with Anvil(block_time=1) as anvil:
        keys = {"platform": anvil.keys[0], "station": anvil.keys[1], "owner": anvil.keys[2]}
        made = json.loads(
            gomaa("server", "init", "--keys", folder / "server-keys.json", "--signing-key", to_hex(anvil.keys[3]))
        )
        say("deploying the contracts")
        deployment = asyncio.run(_set_up(anvil.rpc, keys, made, urls, epoch_s))
        deployment.save(folder / "deployment.json")

        say("starting the security server")
        server = security_server(folder, urls["server"])
        server.start()
        stack: Stack | None = None
        try:
            owner = folder / "owner.key"
            owner.write_text(to_hex(keys["owner"]) + "\n")
            owner.chmod(0o600)
            stack = Stack(
                folder, anvil, deployment, server, _station(folder, port, urls, keys["station"], statement_s, anvil.rpc),  # noqa: E501
                urls["server"], urls["station"], from_hex(made["server"], 20), keys["station"], keys["owner"],
            )  # fmt: skip
            for song in songs:
                say(f"converting and publishing {song.name}")
                add_song(stack, song, policy, artist=artist)
            say("starting the station")
            stack.station.start()
            yield stack
        finally:
            if stack is not None:
                stack.station.stop()
            server.stop()


def add_song(
    stack: Stack,
    song: Path,
    policy: Path,
    *,
    artist: str | None = None,
    catalogue: bool = True,
    extra: Sequence[str] = (),
    renditions: Sequence[str] = (),
) -> bytes:
    """Convert (with ``extra`` options and further ``renditions``) and publish one recording; its content address."""
    name = "".join(c if c.isalnum() else "-" for c in song.stem.lower()).strip("-") or "song"
    made = stack.folder / "made" / f"{name}.sps"
    made.parent.mkdir(exist_ok=True)
    gomaa(
        *("convert", song, "-o", made, "--policy", policy, "--key", stack.folder / "owner.key"),
        *("--deployment", stack.folder / "deployment.json", "--server", stack.server_url),
        *(("--artist", artist) if artist else ()),
        *extra,
    )
    if renditions:
        bundle(made, made, stack.owner_key, None, renditions)
    gomaa("publish", made, "--key", stack.folder / "owner.key", "--deployment", stack.folder / "deployment.json")
    content = from_hex(json.loads(gomaa("inspect", made, "--json"))["content"], 20)
    if catalogue:
        shutil.copyfile(made, stack.folder / "songs" / made.name)
    stack.songs[made.name] = content
    return content


def security_server(folder: Path, url: str) -> Service:
    """A security server over the deployment and keys that lie in a folder; not started yet."""
    port = url.rsplit(":", 1)[1]
    config = folder / "server.toml"
    config.write_text(
        f'deployment = "deployment.json"\nkeys = "server-keys.json"\ndatabase = "server.sqlite3"\nport = '
        f"{port}\nclose_every_s = 0.5\n"
    )
    return Service("security-server", ["server", "run", "--config", str(config)], f"{url}/v1/info", folder)


def _station(folder: Path, port: int, urls: dict[str, str], key: bytes, statement_s: float, rpc: str) -> Service:
    (folder / "station.key").write_text(to_hex(key) + "\n")
    (folder / "station.key").chmod(0o600)
    write_token(folder)
    domain = urls["station"].removeprefix("http://")
    config = folder / "station.toml"
    lines = {
        "domain": domain,
        "name": STATION_NAME,
        "tagline": STATION_TAGLINE,
        "key_file": "station.key",
        "admin_token_file": TOKEN_FILE,
        "deployment_file": "deployment.json",
        "public_rpc": rpc,
        "catalogue": "songs",
        "database": "station.sqlite3",
        # Chain and server are on this machine: they are there, however busy it is.
        "timeout_s": 60.0,
    }
    config.write_text(
        "".join(f"{k} = {json.dumps(v)}\n" for k, v in lines.items())
        + f"statement_seconds = {statement_s}\n"
        + STATION_REWARDS
    )
    local = f"http://127.0.0.1:{port}"
    return Service(
        "station", ["station", "run", str(config), "--port", str(port)], f"{local}/.well-known/gomaa.json", folder
    )
