"""Small recordings and a network on paper for the studio's tests."""

from __future__ import annotations

import subprocess
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chain.deployment import Deployment
from pywallet.crypto.key_wrap import generate_keypair
from pywallet.policy import Policy
from pywallet.settlement import Schedule
from studio.convert import ConvertOptions, ConvertResult, convert
from studio.server import ServerInfo

OWNER_KEY = bytes(range(1, 33))
EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


@pytest.fixture
def wav(tmp_path: Path) -> Callable[..., Path]:
    """Write samples as a WAV file: ``wav(samples, rate, name)``."""

    def make(samples: np.ndarray[Any, Any], rate: int = 44_100, name: str = "song.wav") -> Path:
        path = tmp_path / name
        with wave.open(str(path), "wb") as file:
            file.setnchannels(samples.shape[1])
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(samples.tobytes())
        return path

    return make


@pytest.fixture
def ffmpeg(tmp_path: Path) -> Callable[..., Path]:
    """Make a file with FFmpeg: ``ffmpeg(name, *arguments)``."""

    def make(name: str, *arguments: str) -> Path:
        path = tmp_path / name
        subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments, str(path)], check=True, capture_output=True)
        return path

    return make


@pytest.fixture
def deployment() -> Deployment:
    """A network that nobody runs."""
    schedule = Schedule(length=60, grace=10, window=30, answer=20, late=60, delay=60)
    a = [bytes([n]) * 20 for n in range(1, 6)]
    return Deployment(31337, "ws://127.0.0.1:1", a[0], a[1], a[2], a[3], a[4], 0, schedule, 0)


@pytest.fixture
def policy() -> Policy:
    """The demo's terms."""
    return Policy.from_toml((EXAMPLES / "policies" / "free-radio.toml").read_text())


@pytest.fixture
def server() -> ServerInfo:
    """A security server on paper."""
    return ServerInfo("http://127.0.0.1:9", bytes(range(20)), generate_keypair()[1])


@pytest.fixture
def make(tmp_path: Path, deployment: Deployment, policy: Policy, server: ServerInfo) -> Callable[..., ConvertResult]:
    """Convert a recording: ``make(source, **options)``."""

    def run(source: Path, **options: Any) -> ConvertResult:
        return convert(source, tmp_path / "out.sps", policy, OWNER_KEY, deployment, server, ConvertOptions(**options))

    return run
