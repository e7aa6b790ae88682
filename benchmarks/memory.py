"""Memory over a long session: one song after the other at sixteen times its speed, the chain's clock faster still.

Real browser, packed extension, host started by the browser, real servers and
chain. Only the rate is not a fan's: the developer tools set it on the engine's
audio element, and the chain mines blocks that are three seconds apart, eight in a second.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import threading
import time
import wave
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.figure import Figure
from benchmarks.scale import scaled, setting
from demo.browsers.chromium import chromium
from demo.browsers.devtools import ARGUMENT, ENGINE, Devtools, devtools
from demo.browsers.view import View
from demo.fan import PLAY, Fan, install_host, state_until
from demo.paths import ROOT
from demo.settle import answers
from demo.stack import Stack, add_song, running
from demo.waiting import TIMEOUT_S, wait_until

SPEED: Final = scaled(16, 4)
STEP_S: Final = 3
HOURS: Final = setting("GOMAA_BENCH_HOURS", 1.0, 0.015)
SONG_S: Final = scaled(1_800, 240)
SETTLED_S: Final = scaled(600, 15)
"""Seconds of music before the first sample that counts."""
EVERY_S: Final = scaled(5, 1)
RATE: Final = 22_050
_AGAIN: Final = "[...document.querySelectorAll('button')].find((one) => /again/i.test(one.textContent))"
_STATE: Final = "document.getElementById('player').dataset.state"
_LOOK: Final = """(all) => {
  const audio = all.find((one) => one !== HTMLAudioElement.prototype && one !== HTMLVideoElement.prototype && one.duration > 0);
  if (audio.playbackRate !== SPEED) audio.playbackRate = SPEED;
  let buffered = 0;
  for (let i = 0; i < audio.buffered.length; i++) buffered += audio.buffered.end(i) - audio.buffered.start(i);
  return { position: audio.currentTime, ended: audio.ended, buffered };
}""".replace("SPEED", str(SPEED))  # noqa: E501


@dataclass(frozen=True)
class Sample:
    """One look: seconds of music so far; sizes in MB; living objects."""

    music_s: float
    extension_mb: float
    heap_mb: float
    host_mb: float
    ledger_mb: float
    server_mb: float
    buffered_s: float
    keys: int


def run() -> list[dict[str, Any]]:
    """Listen for GOMAA_BENCH_HOURS hours of music (1 by default).

    What extension and host take then, beside the same after ten minutes.
    """
    with (
        tempfile.TemporaryDirectory(prefix="gomaa-bench-", ignore_cleanup_errors=True) as name,
        session(Path(name), SONG_S) as listening,
    ):
        samples = listening.listen(HOURS * 3600, EVERY_S)
    settled = [sample for sample in samples if sample.music_s > SETTLED_S]
    grows = {name: round(slope(settled, name), 3) for name in asdict(samples[0]) if name != "music_s"}
    detail = {
        "hours": round(samples[-1].music_s / 3600, 2),
        "begun_again": listening.breaks,
        "an_hour_adds": grows,
        "after_ten_minutes": asdict(settled[0]),
        "at_the_end": asdict(settled[-1]),
    }
    name = "memory_after_an_hour" if HOURS <= 1 else "memory_12h"
    end, begin = (statistics.median(s.extension_mb + s.host_mb for s in part) for part in (settled[-9:], settled[:9]))
    return [Figure(name, round(end, 1), "MB", "ours after ten minutes", round(begin, 1), "lower", detail).to_json()]


def noise(path: Path, seconds: int) -> Path:
    """A recording that no codec makes small: noise, 16 bit, mono, RATE samples a second."""
    dice = np.random.default_rng(1)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        for _ in range(seconds):
            file.writeframes(dice.integers(-2_000, 2_000, RATE).astype("<i2").tobytes())
    return path


@dataclass
class Session:
    """A browser that plays one song again and again, fast."""

    home: Path
    stack: Stack
    page: View
    player: View
    tools: Devtools
    music_s: float = 0.0
    position_s: float = 0.0
    breaks: int = 0
    """Number of times that the play was started again by hand.

    Where this machine is busy its clocks may be apart for a moment.
    """

    def _well(self) -> bool:
        """The player can play, or plays.

        If not, its button is pressed where there is one: clocks may be apart once more.
        """
        if self.player.run(f"['ready', 'playing', 'paused', 'ended'].includes({_STATE})"):
            return True
        # While it loads the button is still there: pressed then, it would load for ever.
        if self.player.run(f"['refused', 'failed'].includes({_STATE})"):
            self.player.run(f"void ({_AGAIN})?.click()")
        return False

    def look(self) -> Sample:
        """Sample position and memory; restarts a song that has ended."""
        seen = self.tools.objects(ENGINE, "HTMLMediaElement", _LOOK)
        at = float(seen["position"])
        self.music_s += max(0.0, at - self.position_s)
        self.position_s = at
        if self.page.run("document.querySelector('sps-player').error?.code ?? null"):
            self.breaks += 1
            try:
                wait_until(self._well, "the song can be begun again")
            except TimeoutError as error:
                shown = self.player.run(_STATE), self.player.text("#player")[:400]
                raise TimeoutError(f"{error} after {self.music_s:.0f} s of music: {shown}") from None
            self.page.run("void document.querySelector('sps-player').play().catch(() => undefined)")
        if seen["ended"] and self.page.run("document.querySelector('sps-player').ended"):
            self.position_s = 0.0
            self.page.run("void document.querySelector('sps-player').play().catch(() => undefined)")
        ledger = self.home / "gomaa" / "data"
        assert self.stack.server.process is not None
        return Sample(
            round(self.music_s, 1),
            sum(anonymous_mb(pid) for pid in _processes(self.home, "--extension-process")),
            self.tools.heap_mb(ENGINE),
            sum(anonymous_mb(pid) for pid in hosts(self.home)),
            sum(file.stat().st_size for file in ledger.glob("ledger.sqlite*")) / 1e6,
            anonymous_mb(self.stack.server.process.pid),
            round(float(seen["buffered"]), 1),
            int(self.tools.objects(ENGINE, "CryptoKey", "(all) => all.length")),
        )

    def listen(self, music_s: float, every_s: float) -> list[Sample]:
        """Samples every so many seconds of this machine's clock, until so much music has sounded.

        TimeoutError if it stands still.
        """
        # The clock is ahead of the music from its first look on.
        time.sleep(1)
        samples, moved = [self.look()], time.monotonic()
        while samples[-1].music_s < music_s:
            time.sleep(every_s)
            samples.append(self.look())
            if samples[-1].music_s > samples[-2].music_s:
                moved = time.monotonic()
            elif time.monotonic() - moved > TIMEOUT_S:
                raise TimeoutError(f"silence at {samples[-1]}: {self.player.text('#player')[:400]}")
        return samples


@contextmanager
def session(folder: Path, song_s: int) -> Iterator[Session]:
    """Run everything with music playing, and time SPEED times as fast."""
    home = folder / "home"
    home.mkdir()
    sound = noise(folder / "long.wav", song_s)
    policy = ROOT / "examples" / "policies" / "free-radio.toml"
    with running(folder / "stack", [], policy, epoch_s=600) as stack:
        add_song(stack, sound, policy, artist="Tests", extra=("--no-watermark",))
        sound.unlink()
        wait_until(lambda: answers(f"{stack.station_url}/song/long"), "the station has the song")
        install_host(home, stack.folder / "deployment.json", "chromium")
        with chromium(home, arguments=[ARGUMENT]) as browser, devtools(home / "chromium") as tools:
            page, player = Fan(browser, stack).open_radio("/song/long")
            player.click(PLAY)
            state_until(player, "playing")
            with _haste(stack):
                yield Session(home, stack, page, player, tools)


@contextmanager
def _haste(stack: Stack) -> Iterator[None]:
    """The clock ahead of the music, in steps that host and server may be apart.

    STEP_S for each block, many blocks a second.
    """
    done = threading.Event()

    async def mine() -> None:
        async with stack.chain() as chain:
            await chain.request("anvil_setBlockTimestampInterval", STEP_S)
            while not done.is_set():
                await chain.request("evm_mine")
                await asyncio.sleep(STEP_S / (1.5 * SPEED))

    thread = threading.Thread(target=asyncio.run, args=(mine(),))
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def slope(samples: Sequence[Sample], name: str) -> float:
    """Growth of a size in an hour of music: the Theil-Sen estimator, the median of all pairs' slopes."""
    points = [(sample.music_s / 3600, float(getattr(sample, name))) for sample in samples]
    pairs = [(b[1] - a[1]) / (b[0] - a[0]) for i, a in enumerate(points) for b in points[i + 1 :] if b[0] > a[0]]
    return statistics.median(pairs)


def anonymous_mb(pid: int) -> float:
    """A process's own memory, in MB: what no file backs."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise ValueError(pid)


def hosts(home: Path) -> list[int]:
    """The native hosts of a profile."""
    return [pid for pid, command in _processes(home, "gomaa-host.py").items() if "--type=" not in command]


def browsers(home: Path) -> list[int]:
    """The first process of the Chromium with a profile in ``home``."""
    found = _processes(home, f"--user-data-dir={home / 'chromium'}")
    return [pid for pid, command in found.items() if "--type=" not in command]


def firefoxes(home: Path) -> list[int]:
    """The first process of the Firefox that was started with ``home``."""
    return [pid for pid, command in _processes(home, "marionette").items() if "-contentproc" not in command]


def _processes(home: Path, word: str) -> dict[int, str]:
    """The commands of a profile's processes that contain ``word``, read once: a process may end at any moment."""
    mark, found = f"GOMAA_HOME={home / 'gomaa'}\0".encode(), {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            command = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if word in command and (mark in (place / "environ").read_bytes() or str(home) in command):
                found[int(place.name)] = command
        except OSError:
            continue
    return found
