"""What the marks survive: thirteen clips, every attack, blocks read of blocks embedded, and false reads: ``watermark_robustness``.

GOMAA_BENCH_CLIPS limits the clips. They are shared out over the processors.
"""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from typing import Any, Final

import numpy as np

from benchmarks.figure import Figure
from benchmarks.watermark_attacks import ATTACKS, INBAND, Samples
from benchmarks.watermark_clips import COUNT, clip
from watermark.embed import Embedder
from watermark.found import Found
from watermark.parameters import LAYERS, READ_S
from watermark.read import Reader

ADDRESS: Final = bytes.fromhex("52908400098527886e0f7030069857d2e4169ee7")
SHORT_S: Final = 12
Table = dict[str, dict[str, list[int]]]


def mark(sound: Samples, rate: int, layers: tuple[str, ...] = LAYERS, bits: int = 16, clean: bool = True) -> Samples:
    """The sound with ADDRESS in it."""
    embedder = Embedder(ADDRESS, rate, sound.shape[1], layers, clean, depth=bits)
    parts = [embedder.process(sound[at : at + 2 * rate]) for at in range(0, len(sound), 2 * rate)]
    return np.concatenate([*parts, embedder.finish()])


def _quantise(sound: Samples, bits: int) -> Samples:
    top = 2 ** (bits - 1) - 1
    return np.rint(np.clip(sound, -1, 1) * top) / top


def read(sound: Samples, rate: int, layers: tuple[str, ...] = LAYERS) -> list[Found]:
    """What a blind reader finds."""
    reader = Reader(rate, layers)
    mono = sound.mean(axis=1).astype(np.float32)
    found = [f for at in range(0, len(mono), rate) for f in reader.process(mono[at : at + rate])]
    return [*found, *reader.finish()]


def _clip(number: int) -> dict[str, Any]:
    """One clip: its table, in-band SNR in dB and false reads, those of the unmarked clip among them."""
    name, rate, bits, sound = clip(number, READ_S)
    short = sound[: SHORT_S * rate]
    both = _quantise(mark(sound, rate, LAYERS, bits), bits)
    high = _quantise(mark(short, rate, LAYERS[:1], bits), bits)
    dirty = _quantise(mark(short, rate, LAYERS[:1], bits, clean=False), bits)
    inband = mark(sound, rate, LAYERS[1:], bits)
    table: Table = {}
    false = len(read(sound, rate))
    for attack, work in ATTACKS.items():
        for layer, source, most in (
            ("ultrasonic", high, SHORT_S // 2),
            ("ultrasonic, not cleaned", dirty, SHORT_S // 2),
            ("inband", both, 1),
        ):
            if (layer == "inband" and attack not in INBAND) or ("not cleaned" in layer and attack != "none"):
                continue
            attacked, at = work(source, rate)
            found = read(attacked, at, (layer.partition(",")[0],))
            false += sum(f.address != ADDRESS for f in found)
            right = len({f.block for f in found if f.address == ADDRESS})
            table.setdefault(attack, {})[layer] = [min(right, most), most]
    snr = round(float(10 * np.log10((sound**2).sum() / ((inband - sound) ** 2).sum())), 1)
    row = {"name": name, "rate": rate, "snr_db": snr, "false": false, "table": table}
    print(f"> {json.dumps(row)}", file=sys.stderr, flush=True)
    return row


def run() -> list[dict[str, Any]]:
    """The figure: clips read by the in-band layer after the three usual copies; the whole table is its detail."""
    count = min(COUNT, int(os.environ.get("GOMAA_BENCH_CLIPS", COUNT)))
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        rows = list(pool.map(_clip, range(count)))
    total: Table = {}
    for row in rows:
        for attack, layers in row["table"].items():
            for layer, (right, most) in layers.items():
                cell = total.setdefault(attack, {}).setdefault(layer, [0, 0])
                cell[0], cell[1] = cell[0] + right, cell[1] + most
    lossy = [total[name]["inband"] for name in ("MP3 128k", "AAC 128k", "Opus 128k")]
    value = round(100 * sum(r for r, _ in lossy) / sum(n for _, n in lossy), 1)
    detail = {
        "clips": count,
        "blocks_read_of_embedded": {a: {layer: f"{r}/{n}" for layer, (r, n) in layers.items()} for a, layers in total.items()},
        "inband_snr_db": {row["name"]: row["snr_db"] for row in rows},
        "false_reads": sum(row["false"] for row in rows),
        "unmarked_clips_looked_at": count,
    }
    peer = "audiowmark, published: all of these read, in 52 s blocks of 128 bits"
    what = "% of clips read within 44 s after MP3, AAC, Opus 128k"
    return [Figure("watermark_robustness", value, what, peer, 100.0, "higher", detail).to_json()]
