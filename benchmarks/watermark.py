"""How fast marks are written and read, and what they survive: ``watermark_embed``, ``watermark_detect``, ``watermark_robustness``.

GOMAA_BENCH_CLIPS limits the clips of the table. Peers' figures that are published, not measured here, say so.
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
from benchmarks.watermark_attacks import ATTACKS, INBAND, Samples
from benchmarks.watermark_clips import clips
from watermark.embed import Embedder
from watermark.parameters import LAYERS, READ_S
from watermark.read import Reader

ADDRESS: Final = bytes.fromhex("52908400098527886e0f7030069857d2e4169ee7")
SECONDS: Final = 120
RATE: Final = 44_100
ROUNDS: Final = 3
SHORT_S: Final = 12
_MEMORY: Final = """
import sys
from pathlib import Path
import numpy as np
from watermark.embed import Embedder
from watermark.read import Reader
second = np.random.default_rng(1).normal(0, 0.1, (44_100, 2)).astype(np.float32)
embedder, reader = Embedder(bytes(range(20)), 44_100, 2), Reader(44_100)
for _ in range(int(sys.argv[1])):
    for _ in reader.process(embedder.process(second).mean(axis=1)):
        pass
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(int(peak.split()[1]) // 1024)
"""


def _mark(sound: Samples, rate: int, layers: tuple[str, ...] = LAYERS, bits: int = 16, clean: bool = True) -> Samples:
    embedder = Embedder(ADDRESS, rate, sound.shape[1], layers, clean, depth=bits)
    parts = [embedder.process(sound[at : at + 2 * rate]) for at in range(0, len(sound), 2 * rate)]
    return np.concatenate([*parts, embedder.finish()])


def _quantise(sound: Samples, bits: int) -> Samples:
    top = 2 ** (bits - 1) - 1
    return np.rint(np.clip(sound, -1, 1) * top) / top


def _read(sound: Samples, rate: int, layers: tuple[str, ...] = LAYERS) -> list[Any]:
    reader = Reader(rate, layers)
    mono = sound.mean(axis=1).astype(np.float32)
    found = [f for at in range(0, len(mono), rate) for f in reader.process(mono[at : at + rate])]
    return [*found, *reader.finish()]


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
            subprocess.run(["ffmpeg", "-v", "error", "-y", "-threads", "1", *raw, "-c:a", "flac", str(flac)], check=True)
            ended = os.times()
            peers.append(SECONDS / (ended.children_user + ended.children_system - began.children_user - began.children_system))
            for name, layers in (("both", LAYERS), ("ultrasonic", LAYERS[:1]), ("inband", LAYERS[1:])):
                start = time.process_time()
                marked = _mark(sound, RATE, layers)
                middle = time.process_time()
                _read(marked, RATE, layers)
                embed.setdefault(name, []).append(SECONDS / (middle - start))
                detect.setdefault(name, []).append(SECONDS / (time.process_time() - middle))
    memory = {
        f"peak_mb_{name}": int(subprocess.run([sys.executable, "-c", _MEMORY, str(s)], check=True, capture_output=True, text=True).stdout)
        for name, s in (("1_min", 60), ("10_min", 600))
    }
    peer = "ffmpeg -c:a flac, one thread"
    published = {"published_audiowmark_embed": "312-347", "published_audiowmark_detect": "2-7"}
    parts = [{f"{name}_only": median(rows) for name, rows in table.items() if name != "both"} for table in (embed, detect)]
    return [
        Figure("watermark_embed", median(embed["both"]), "x real time per core", peer, median(peers), "higher", {**parts[0], **published}),
        Figure("watermark_detect", median(detect["both"]), "x real time per core", peer, median(peers), "higher", {**parts[1], **memory}),
    ]


def _robustness() -> Figure:
    """Blocks read of blocks embedded, per attack and layer; and every address that was read but not embedded."""
    table: dict[str, dict[str, list[int]]] = {name: {} for name in ATTACKS}
    false = looked = 0
    snr: dict[str, float] = {}
    limit = int(os.environ.get("GOMAA_BENCH_CLIPS", "99"))
    for number, (name, rate, bits, clip) in enumerate(clips(READ_S)):
        if number >= limit:
            break
        print(f"> {name}", file=sys.stderr, flush=True)
        short = clip[: SHORT_S * rate]
        blocks = SHORT_S // 2
        both = _quantise(_mark(clip, rate, LAYERS, bits), bits)
        high = _quantise(_mark(short, rate, LAYERS[:1], bits), bits)
        dirty = _quantise(_mark(short, rate, LAYERS[:1], bits, clean=False), bits)
        inband = _mark(clip, rate, LAYERS[1:], bits)
        snr[name] = round(float(10 * np.log10((clip**2).sum() / ((inband - clip) ** 2).sum())), 1)
        sources = [("ultrasonic", high, blocks), ("ultrasonic, not cleaned", dirty, blocks), ("inband", both, 1)]
        for attack, work in ATTACKS.items():
            for layer, sound, most in sources:
                if (layer == "inband" and attack not in INBAND) or ("not cleaned" in layer and attack != "none"):
                    continue
                attacked, at = work(sound, rate)
                found = _read(attacked, at, (layer.partition(",")[0],))
                false += sum(f.address != ADDRESS for f in found)
                right = len({f.block for f in found if f.address == ADDRESS})
                # A crop takes the first block's beginning away; what is left of it may still be read.
                row = table[attack].setdefault(layer, [0, 0])
                row[0], row[1] = row[0] + min(right, most), row[1] + most
        unmarked = _read(clip, rate)
        looked += 1
        false += len(unmarked)
    read = sum(row["inband"][0] for row in table.values() if "inband" in row)
    detail = {
        "clips": looked,
        "blocks_read_of_embedded": {a: {layer: f"{r}/{n}" for layer, (r, n) in row.items()} for a, row in table.items()},
        "inband_snr_db": snr,
        "false_reads": false,
        "unmarked_clips_looked_at": looked,
        "inband_reads": read,
    }
    lossy = [table[name]["inband"] for name in ("MP3 128k", "AAC 128k", "Opus 128k")]
    value = round(100 * sum(r for r, _ in lossy) / sum(n for _, n in lossy), 1)
    peer = "audiowmark, published: all of these read, in 52 s blocks of 128 bits"
    return Figure("watermark_robustness", value, "% of clips read within 44 s after MP3, AAC, Opus 128k", peer, 100.0, "higher", detail)


def run() -> list[dict[str, Any]]:
    """The three figures."""
    return [figure.to_json() for figure in (*_speeds(), _robustness())]
