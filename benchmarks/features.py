"""Speed of song analysis in multiples of real time, and of a station's search for similar songs."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.figure import Figure, median
from benchmarks.scale import scaled
from pywallet.sps.likeness import COLUMNS, pack

SECONDS: Final = scaled(180, 10)
RATE: Final = 44_100
ROUNDS: Final = scaled(5, 1)
SONGS: Final = scaled(1000, 20)
_MEMORY: Final = """
import sys
from pathlib import Path
import numpy as np
import features
from features.values import PCM
second = np.random.default_rng(1).normal(0, 0.1, (44_100, 2)).astype(np.float32)
features.extract(PCM(44_100, (second for _ in range(int(sys.argv[1])))))
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(int(peak.split()[1]) // 1024)
"""


def song(seconds: int, rate: int) -> NDArray[np.float64]:
    """A drum twice and a snare once a second, a bass and a chord over soft noise, in stereo."""
    noise = np.random.default_rng(5)
    t = np.arange(seconds * rate) / rate
    beat = np.exp(-((t % 0.5) / 0.05)) * np.sin(2 * np.pi * 60 * t)
    snare = np.exp(-(((t + 0.5) % 1) / 0.04)) * noise.standard_normal(len(t)) * 0.3
    chord = sum(np.sin(2 * np.pi * f * t + f) for f in (220, 277.2, 329.6, 440)) * 0.05
    left = 0.5 * beat + snare + chord
    return np.column_stack([left, left]) * 0.6 + noise.normal(0, 1e-3, (len(t), 2))


def _write(path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(song(SECONDS, RATE), -1, 1) * 32767).astype("<i2").tobytes())


def _features() -> Figure:
    """Our columns, timbre and loudness beside the tempo alone of the whole file by librosa."""
    import librosa

    import features

    ours, peers = [], []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "song.wav")
        _write(path)
        found = features.extract(path)  # warm: the first run of an installation compiles
        librosa.beat.beat_track(y=np.random.default_rng(1).standard_normal(22_050), sr=22_050)
        for _ in range(ROUNDS):
            began = time.perf_counter()
            features.extract(path)
            ours.append(SECONDS / (time.perf_counter() - began))
            began = time.perf_counter()
            samples, rate = librosa.load(path, sr=22_050)
            tempo, _ = librosa.beat.beat_track(y=samples, sr=rate)
            peers.append(SECONDS / (time.perf_counter() - began))
    memory = {
        f"peak_mb_{name}": int(
            subprocess.run([sys.executable, "-c", _MEMORY, str(s)], check=True, capture_output=True, text=True).stdout
        )
        for name, s in scaled((("3_min", 180), ("3_h", 10_800)), (("3_min", 10),))
    }
    detail = {
        "seconds": SECONDS,
        "rounds": ROUNDS,
        "heard_s": found.heard_s,
        "tempo_bpm": round(found.tempo_bpm, 2),
        "peer_tempo_bpm": round(float(np.atleast_1d(tempo)[0]), 2),
        **memory,
    }
    return Figure(
        "features",
        median(ours),
        "x real time",
        "librosa: load and beat_track of the whole file",
        median(peers),
        "higher",
        detail,
    )


def _similar() -> Figure:
    """The nearest of a catalogue of a thousand songs, beside scikit-learn's brute force."""
    from sklearn.neighbors import NearestNeighbors
    from threadpoolctl import threadpool_limits

    from station.catalogue.similar import Neighbours

    class Track:
        artist, genre = "", None

        def __init__(self, name: str, features: bytes) -> None:
            self.name, self.features = name, features

    draw = np.random.default_rng(2)
    shares = draw.random((SONGS, len(COLUMNS)))
    fields = [
        pack({c.name: c.low + share * (c.high - c.low) for c, share in zip(COLUMNS, row, strict=True)})
        for row in shares
    ]
    began = time.perf_counter()
    neighbours = Neighbours(Track(f"{n:04}", field) for n, field in enumerate(fields))
    made_ms = round(1000 * (time.perf_counter() - began), 1)
    points = np.array([list(field[1:]) for field in fields], float)
    points = (points - points.mean(axis=0)) / points.std(axis=0) * np.sqrt([c.weight for c in COLUMNS])
    peer = NearestNeighbors(n_neighbors=5, algorithm="brute").fit(points)
    ours, peers, agree = [], [], 0
    for n in draw.integers(0, SONGS, scaled(200, 5)).tolist():
        began = time.perf_counter()
        mine = neighbours.like(f"{n:04}", 4)
        ours.append(1000 * (time.perf_counter() - began))
        with threadpool_limits(1):  # threads only get in each other's way for one row
            began = time.perf_counter()
            theirs = peer.kneighbors(points[n : n + 1], return_distance=False)[0]
            peers.append(1000 * (time.perf_counter() - began))
        agree += [match.name for match in mine] == [f"{i:04}" for i in theirs if i != n]
    detail = {"songs": SONGS, "rounds": len(ours), "made_ms": made_ms, "same_answer": agree}
    return Figure("similar", median(ours), "ms", "scikit-learn NearestNeighbors, brute", median(peers), "lower", detail)


def run() -> list[dict[str, Any]]:
    """Both figures."""
    return [_features().to_json(), _similar().to_json()]
