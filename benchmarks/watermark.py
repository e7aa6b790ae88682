"""Speed of writing and reading marks, with memory independent of length: ``watermark_embed``, ``watermark_detect``.

Peers' figures that are published, not measured here, say so.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.features import song
from benchmarks.figure import Figure, median
from benchmarks.scale import scaled
from benchmarks.watermark_robustness import mark, read
from watermark.parameters import LAYERS

SECONDS: Final = scaled(120, 12)
RATE: Final = 44_100
ROUNDS: Final = scaled(3, 1)
_MEMORY: Final = """
import sys
from pathlib import Path
import numpy as np
from watermark.embed import Embedder
from watermark.read import WatermarkReader
second = np.random.default_rng(1).normal(0, 0.1, (44_100, 2)).astype(np.float32)
embedder, reader = Embedder(bytes(range(20)), 44_100, 2), WatermarkReader(44_100)
for _ in range(int(sys.argv[1])):
    for _ in reader.process(embedder.process(second).mean(axis=1)):
        pass
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(int(peak.split()[1]) // 1024)
"""


def _speeds() -> list[Figure]:
    """Processor seconds, so that other work on the machine does not count."""
    sound = song(SECONDS, RATE).astype(np.float32)
    embed: dict[str, list[float]] = {}
    detect: dict[str, list[float]] = {}
    peers: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        wav, flac = Path(folder, "song.f32"), Path(folder, "song.flac")
        wav.write_bytes(sound.astype("<f4").tobytes())
        raw = ["-f", "f32le", "-ac", "2", "-ar", str(RATE), "-i", str(wav)]
        for _ in range(ROUNDS):
            began = os.times()
            subprocess.run(
                ["ffmpeg", "-v", "error", "-y", "-threads", "1", *raw, "-c:a", "flac", str(flac)], check=True
            )
            ended = os.times()
            peers.append(
                SECONDS / (ended.children_user + ended.children_system - began.children_user - began.children_system)
            )
            for name, layers in (("both", LAYERS), ("ultrasonic", LAYERS[:1]), ("inband", LAYERS[1:])):
                start = time.process_time()
                marked = mark(sound, RATE, layers)
                middle = time.process_time()
                read(marked, RATE, layers)
                embed.setdefault(name, []).append(SECONDS / (middle - start))
                detect.setdefault(name, []).append(SECONDS / (time.process_time() - middle))
    memory = {
        f"peak_mb_{name}": int(
            subprocess.run([sys.executable, "-c", _MEMORY, str(s)], check=True, capture_output=True, text=True).stdout
        )
        for name, s in scaled((("1_min", 60), ("10_min", 600)), (("1_min", 6),))
    }
    peer = "ffmpeg -c:a flac, one thread"
    published = {"published_audiowmark_embed": "312-347", "published_audiowmark_detect": "2-7"}
    parts = [
        {f"{name}_only": median(rows) for name, rows in table.items() if name != "both"} for table in (embed, detect)
    ]
    return [
        Figure(
            "watermark_embed",
            median(embed["both"]),
            "x real time per core",
            peer,
            median(peers),
            "higher",
            {**parts[0], **published},
        ),
        Figure(
            "watermark_detect",
            median(detect["both"]),
            "x real time per core",
            peer,
            median(peers),
            "higher",
            {**parts[1], **memory},
        ),
    ]


def run() -> list[dict[str, Any]]:
    """Both figures."""
    return [figure.to_json() for figure in _speeds()]
