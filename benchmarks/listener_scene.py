"""Chain, security server, station and a song for the figures about many listeners."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.listener_load import CONNECTIONS, Scene
from benchmarks.scale import scaled
from chain.client import Chain
from chain.contracts.settlement import Settlement
from chain.contracts.token import Token
from demo.stack import Stack, add_song, running
from demo.waiting import wait_until
from pywallet.policy import Policy
from pywallet.sps import open_header
from pywallet.sps.container import Container

SONG_S: Final = scaled(240, 40)
EPOCH_S: Final = scaled(24, 12)
"""Two epochs or more end during a measurement."""
STATEMENT_S: Final = 10.0
"""Time between two settlements, the station's default."""
ESCROW: Final = 10**6 * 10**18
RATE: Final = 8_000
POLICY: Final = """permissions = ["play", "seek"]
stations = ["*"]
listener = "any"
[price]
interval_s = 10
owner = "0.0100"
reward = "0.0020"
payer = "station"
[lease]
window_s = 60
seconds = 600
invocations = 40
"""
SERVER_SETTINGS: Final = f"""connections = {CONNECTIONS}
connections_per_address = {CONNECTIONS}
requests_per_minute_address = 1000000000
credit_plays = 1000000
"""
"""Every listener has this machine's address, and the station's plays between two settlements are all of them."""
STATION_SETTINGS: Final = f"""connections = {CONNECTIONS}
connections_per_address = {CONNECTIONS}
requests_per_minute_address = 1000000000
tickets_per_minute_address = 1000000000
"""


@contextmanager
def sounding(folder: Path) -> Iterator[tuple[Stack, Scene]]:
    """Run everything, with one song that the station pays for, and no listener yet.

    Args:
        folder: Where databases and files are kept.
    """
    policy = folder / "policy.toml"
    policy.write_text(POLICY)
    with running(folder / "stack", [], policy, epoch_s=EPOCH_S, statement_s=STATEMENT_S) as stack:
        stack.ask(lambda chain: _deposit(stack, chain))
        content = add_song(stack, _silence(folder / "song.wav"), policy, artist="Tests", extra=("--no-watermark",))
        for service, name, settings in (
            (stack.server, "server.toml", SERVER_SETTINGS),
            (stack.station, "station.toml", STATION_SETTINGS),
        ):
            service.stop()
            path = stack.folder / name
            path.write_text(settings + path.read_text())
            service.start()
        yield stack, _scene(stack, content)


def server_pid(stack: Stack) -> int:
    """Process id of the security server."""
    assert stack.server.process is not None
    return stack.server.process.pid


def chain_now_s(stack: Stack) -> int:
    """Time of the chain's last block, Unix seconds."""

    async def now(chain: Chain) -> int:
        return (await chain.block()).timestamp

    return stack.ask(now)


def epochs_missed(stack: Stack, began_s: int) -> dict[str, int]:
    """Epochs that ended since a time, and those of them that were not posted while they could be.

    Waits until the last of them is posted, or can be no longer.

    Args:
        stack: The running programs.
        began_s: The chain's time, Unix seconds.
    """
    schedule = stack.deployment.schedule
    ended = range(schedule.epoch_of(began_s), schedule.epoch_of(chain_now_s(stack)))

    async def posted(chain: Chain) -> set[int]:
        return {log.fields["epoch"] for log in await Settlement(chain, stack.deployment).posts(stack.server_address)}

    def missing() -> set[int] | None:
        missing = set(ended) - stack.ask(posted)
        over = not ended or chain_now_s(stack) > schedule.post_until(ended[-1])
        return missing if over or not missing else None

    found: list[set[int]] = []

    def known() -> bool:
        found.extend([one] if (one := missing()) is not None else [])
        return bool(found)

    wait_until(known, "the epochs are posted")
    return {"epochs": len(ended), "epochs_missed": len(found[0])}


async def _deposit(stack: Stack, chain: Chain) -> None:
    platform = stack.anvil.keys[0]
    await Token(chain, stack.deployment).approve(platform, stack.deployment.settlement, ESCROW)
    await Settlement(chain, stack.deployment).deposit(platform, stack.server_address, stack.station_address, ESCROW)


def _silence(path: Path) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(bytes(2 * RATE * SONG_S))
    return path


def _scene(stack: Stack, content: bytes) -> Scene:
    file = next((stack.folder / "songs").glob("*.sps"))
    header = open_header(Container.read(file.read_bytes()).cose)
    policy = Policy.from_dict(header.policy)
    assert policy.lease is not None
    return Scene(
        server_url=f"{stack.server_url}/v1/host",
        station_url=stack.station_url,
        server=stack.server_address,
        station=stack.station_address,
        content=content,
        domain=stack.deployment.domain,
        starts_ms=header.renditions[0].index.starts_ms,
        interval_ms=policy.price.interval_s * 1000,
        window_ms=policy.lease.window_s * 1000,
        budget=policy.lease.invocations,
    )
