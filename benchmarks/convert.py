"""Speed and memory of the conversion to SPS on one core, beside ``ffmpeg -c:a flac`` on the same file.

Speed is seconds of music for a second of the processor's time, so that other work on the machine changes little. Memory
is the highest resident size of a process of its own that reads the recording through a pipe; GOMAA_BENCH_LONG_S sets
the long one's length (default 1800, three hours are 10800).
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.figure import Figure, median
from benchmarks.scale import scaled, setting
from chain.deployment import Deployment
from pywallet.crypto.key_wrap import generate_keypair
from pywallet.encoding.hex import to_b64, to_hex
from pywallet.policy import Policy
from pywallet.settlement import Schedule
from studio import marking
from studio.convert import ConvertOptions, convert
from studio.server import ServerInfo

SECONDS: Final = scaled(120, 6)
SHORT_S: Final = scaled(180, 2)
LONG_S: Final = setting("GOMAA_BENCH_LONG_S", 1800, 4)
PART_S: Final = scaled(60, 2)
"""Length of the music that is fed again and again. Lengths are cut to whole parts."""
RATE: Final = 44_100
ROUNDS: Final = setting("GOMAA_BENCH_ROUNDS", 5, 1)
POLICY: Final = Path(__file__).resolve().parents[1] / "examples" / "policies" / "free-radio.toml"
KEY: Final = bytes(31) + b"\x01"

_LAUNCH: Final = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdin=0, stdout=2)
_, status, usage = os.wait4(process.pid, 0)
print(usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""A small process between us and what is measured: a child begins with its parent's highest size, and ours is large."""


def music(seconds: int) -> np.ndarray[Any, Any]:
    """Stereo with the spectrum of music, int16 of shape (samples, 2): tones over falling noise."""
    noise = np.random.default_rng(3)
    t = np.arange(seconds * RATE) / RATE
    hiss = np.cumsum(noise.standard_normal((len(t), 2)), axis=0)
    hiss -= np.linspace(hiss[0], hiss[-1], len(t))
    tones = np.sum(
        [np.sin(2 * np.pi * f * t + f) * (0.6 + 0.4 * np.sin(t / f)) for f in (110, 220, 331, 495, 880, 1320, 3520)],
        axis=0,
    )
    mix = tones[:, None] * 2500 + hiss * (4000 / np.abs(hiss).max()) + noise.normal(0, 60, (len(t), 2))
    return np.asarray(np.clip(mix, -32768, 32767), "<i2")


def write(path: Path, samples: np.ndarray[Any, Any]) -> None:
    """A WAV file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())


def network() -> tuple[Deployment, ServerInfo]:
    """A chain and a server on paper."""
    schedule = Schedule(length=60, grace=10, window=30, answer=20, late=60, delay=60)
    a = [bytes([n]) * 20 for n in range(1, 6)]
    return Deployment(31337, "ws://127.0.0.1:1", a[0], a[1], a[2], a[3], a[4], 0, schedule, 0), ServerInfo(
        "http://127.0.0.1:9", bytes(20), generate_keypair()[1]
    )


def _own(work: Callable[[], Any]) -> float:
    began = time.process_time()
    work()
    return SECONDS / (time.process_time() - began)


def _childs(command: list[Any]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return SECONDS / (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def _speed(folder: Path) -> Iterator[dict[str, Any]]:
    """Medians of interleaved rounds, in multiples of real time on one core."""
    deployment, server = network()
    policy = Policy.from_toml(POLICY.read_text(encoding="utf-8"))
    source, output, flac = folder / "song.wav", folder / "song.sps", folder / "song.flac"
    write(source, music(SECONDS))
    kinds = {"convert": (), **({"convert_marked": marking.LAYERS} if marking.available() else {})}
    ours: dict[str, list[float]] = {name: [] for name in kinds}
    peers: list[float] = []
    for _ in range(ROUNDS):
        for name, layers in kinds.items():
            options = ConvertOptions(replace=True, layers=layers)
            work = partial(convert, source, output, policy, KEY, deployment, server, options)
            ours[name].append(_own(work))
        peers.append(_childs(["ffmpeg", "-v", "error", "-y", "-i", source, "-threads", "1", "-c:a", "flac", flac]))
    detail = {"seconds": SECONDS, "rounds": ROUNDS, "size": output.stat().st_size, "peer_size": flac.stat().st_size}
    for name, layers in kinds.items():
        more = {**detail, "layers": list(layers)}
        yield Figure(
            name, median(ours[name]), "x real time per core", "ffmpeg -c:a flac", median(peers), "higher", more
        ).to_json()


def _peak_mib(command: list[str], seconds: int, part: bytes) -> float:
    """The highest resident size of a process that is fed so many seconds of music, in parts, through a pipe."""
    with tempfile.TemporaryFile() as words:
        process = subprocess.Popen(
            [sys.executable, "-c", _LAUNCH, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=words
        )
        assert process.stdin is not None
        assert process.stdout is not None
        form = (
            (1).to_bytes(2, "little")
            + (2).to_bytes(2, "little")
            + RATE.to_bytes(4, "little")
            + (RATE * 4).to_bytes(4, "little")
        )
        head = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0" + form + (4).to_bytes(2, "little") + (16).to_bytes(2, "little")
        process.stdin.write(head + b"data\xff\xff\xff\xff")
        for _ in range(seconds // PART_S):
            process.stdin.write(part)
        process.stdin.close()
        said = process.stdout.read()
        if process.wait():
            words.seek(0)
            raise RuntimeError(words.read().decode(errors="replace"))
    return int(said) / 1024


def _memory(folder: Path) -> dict[str, Any]:
    """The long recording's peak beside the short one's."""
    deployment, server = network()
    deployment.save(folder / "network.json")
    (folder / "owner.key").write_text(to_hex(KEY))
    (folder / "owner.key").chmod(0o600)
    command = [
        sys.executable,
        "-m",
        "gomaa",
        "convert",
        "-",
        "--force",
        "-o",
        str(folder / "long.sps"),
        "--policy",
        str(POLICY),
    ]
    command += [
        "--key",
        str(folder / "owner.key"),
        "--deployment",
        str(folder / "network.json"),
        "--server",
        server.url,
    ]
    command += ["--server-address", to_hex(server.address), "--server-key", to_b64(server.key)]
    command += scaled([], ["--no-features"])
    layers = marking.LAYERS if marking.available() else ()
    command += [part for layer in layers for part in ("--layer", layer)] if layers else ["--no-watermark"]
    part = music(PART_S).tobytes()
    short, long = (_peak_mib(command, seconds, part) for seconds in (SHORT_S, LONG_S))
    detail = {"short_s": SHORT_S, "long_s": LONG_S, "layers": list(layers), "growth": round(long / short - 1, 4)}
    return Figure(
        "convert_memory", round(long, 1), "MiB peak", f"the same, {SHORT_S} s", round(short, 1), "lower", detail
    ).to_json()


def run() -> list[dict[str, Any]]:
    """The figures."""
    with tempfile.TemporaryDirectory() as folder:
        return [*_speed(Path(folder)), _memory(Path(folder))]
