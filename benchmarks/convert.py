"""How many times faster than it plays a recording becomes an SPS file, beside ``ffmpeg -c:a flac`` on the same file."""

from __future__ import annotations

import subprocess
import tempfile
import time
import wave
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.figure import Figure, median
from chain.deployment import Deployment
from pywallet.policy import Policy
from pywallet.settlement import Schedule
from pywallet.sps.wrapping import generate_keypair
from studio.convert import Options, convert
from studio.server import ServerInfo

SECONDS: Final = 120
RATE: Final = 44_100
ROUNDS: Final = 5
_POLICY: Final = Path(__file__).resolve().parents[1] / "examples" / "policies" / "free-radio.toml"


def _recording(path: Path) -> None:
    """Two minutes of stereo with the spectrum of music: tones over falling noise."""
    noise = np.random.default_rng(3)
    t = np.arange(SECONDS * RATE) / RATE
    hiss = np.cumsum(noise.standard_normal((len(t), 2)), axis=0)
    hiss -= np.linspace(hiss[0], hiss[-1], len(t))
    tones = np.sum([np.sin(2 * np.pi * f * t + f) * (0.6 + 0.4 * np.sin(t / f)) for f in (110, 220, 331, 495, 880, 1320, 3520)], axis=0)
    mix = tones[:, None] * 2500 + hiss * (4000 / np.abs(hiss).max()) + noise.normal(0, 60, (len(t), 2))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.clip(mix, -32768, 32767).astype("<i2").tobytes())


def run() -> list[dict[str, Any]]:
    """The figure: medians of interleaved rounds, in multiples of real time."""
    ours, peers = [], []
    schedule = Schedule(length=60, grace=10, window=30, answer=20, late=60, delay=60)
    a = [bytes([n]) * 20 for n in range(1, 6)]
    deployment = Deployment(31337, "ws://127.0.0.1:1", a[0], a[1], a[2], a[3], a[4], 0, schedule, 0)
    server = ServerInfo("http://127.0.0.1:9", bytes(20), generate_keypair()[1])
    policy = Policy.from_toml(_POLICY.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        source, output, flac = Path(folder, "song.wav"), Path(folder, "song.sps"), Path(folder, "song.flac")
        _recording(source)
        for _ in range(ROUNDS):
            began = time.perf_counter()
            convert(source, output, policy, bytes(31) + b"\x01", deployment, server, Options(replace=True))
            ours.append(SECONDS / (time.perf_counter() - began))
            began = time.perf_counter()
            subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", source, "-c:a", "flac", flac], check=True, capture_output=True)
            peers.append(SECONDS / (time.perf_counter() - began))
        detail = {"seconds": SECONDS, "rounds": ROUNDS, "size": output.stat().st_size, "peer_size": flac.stat().st_size}
    return [Figure("convert", median(ours), "x real time", "ffmpeg -c:a flac", median(peers), "higher", detail).to_json()]
