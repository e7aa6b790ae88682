"""Robustness of the watermarks: blocks read of blocks embedded and false reads, for thirteen clips and every attack.

``watermark_robustness``.

Each clip with each attack is one piece of work; the clips are shared out over the processors, and what is done is kept
in build/watermark_robustness.jsonl, so that a run that was broken off goes on where it was. A change of the code or of
the clips begins anew. GOMAA_BENCH_CLIPS limits the clips, GOMAA_BENCH_SECONDS the time: what was not run is counted as
such.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.figure import Figure
from benchmarks.scale import SMALLEST, scaled, setting
from benchmarks.watermark_attacks import ATTACKS, INBAND, UNMARKED, Samples
from benchmarks.watermark_clips import COUNT, clip
from watermark.detection import Detection
from watermark.embed import Embedder
from watermark.parameters import LAYERS, READ_S
from watermark.read import WatermarkReader

ADDRESS: Final = bytes.fromhex("52908400098527886e0f7030069857d2e4169ee7")
SHORT_S: Final = 12
OTHERS: Final = tuple(hashlib.sha256(b"somebody else's %d" % n).digest()[:20] for n in range(1000))
"""Addresses that nothing carries: listed as candidates wherever false reads are counted."""
KEPT: Final = (
    Path(__file__).resolve().parent.parent
    / "build"
    / scaled("watermark_robustness.jsonl", "watermark_robustness_smallest.jsonl")
)
LOSSY: Final = ("MP3 128k", "AAC 128k", "Opus 128k")
TRIED: Final = scaled(tuple(ATTACKS), ("none", *LOSSY))
FOR_FALSE: Final = scaled(UNMARKED, UNMARKED[:1])
Row = dict[str, Any]


def mark(sound: Samples, rate: int, layers: tuple[str, ...] = LAYERS, bits: int = 16, clean: bool = True) -> Samples:
    """Marked samples, as many as came in, not quantised."""
    embedder = Embedder(ADDRESS, rate, sound.shape[1], layers, clean, depth=bits)
    return np.concatenate([embedder.process(sound), embedder.finish()])


def _quantise(sound: Samples, bits: int) -> Samples:
    scale = 2 ** (bits - 1)
    return np.asarray(np.clip(np.rint(sound * scale), -scale, scale - 1) / scale)


def read(
    sound: Samples, rate: int, layers: tuple[str, ...] = LAYERS, candidates: tuple[bytes, ...] = ()
) -> list[Detection]:
    """Every find in stereo samples."""
    reader = WatermarkReader(rate, layers, candidates)
    mono = sound.mean(axis=1).astype(np.float32)
    out = [found for start in range(0, len(mono), rate) for found in reader.process(mono[start : start + rate])]
    return [*out, *reader.finish()]


@lru_cache(1)
def _marked(number: int) -> tuple[str, int, Samples, dict[str, Samples], float]:
    """Name, rate, the clip, its marked forms, and how far the in-band mark stands below it, in dB."""
    name, rate, bits, sound = clip(number, READ_S)
    short = sound[: SHORT_S * rate]
    inband = mark(sound, rate, LAYERS[1:], bits)
    snr = float(10 * np.log10((sound**2).sum() / ((inband - sound) ** 2).sum()))
    forms = {
        "ultrasonic": _quantise(mark(short, rate, LAYERS[:1], bits), bits),
        "ultrasonic, not cleaned": _quantise(mark(short, rate, LAYERS[:1], bits, clean=False), bits),
        "inband": _quantise(mark(sound, rate, LAYERS, bits), bits),
    }
    return name, rate, sound, forms, round(snr, 1)


def _attacked(number: int, attack: str) -> Row:
    """One clip after one attack: per layer [read, embedded], and finds of any other address."""
    name, rate, _, forms, snr = _marked(number)
    cells: dict[str, list[int]] = {}
    false = 0
    for form, source in forms.items():
        if (form == "inband" and attack not in INBAND) or ("not cleaned" in form and attack != "none"):
            continue
        layer = form.partition(",")[0]
        attacked, at = ATTACKS[attack](source, rate)
        found = read(attacked, at, (layer,), OTHERS if attack in UNMARKED else ())
        # A speed-up shortens the clip and a crop begins late: blocks that are not whole any more do not count as
        # embedded.
        most = 1 if layer == "inband" else min(SHORT_S // 2, int(len(attacked) / at * _speed(attack) / 2 + 0.01))
        false += sum(f.address != ADDRESS for f in found)
        cells[form] = [min(len({f.block for f in found if f.address == ADDRESS}), most), most]
    return {"clip": number, "attack": attack, "name": name, "snr_db": snr, "false": false, "cells": cells}


def _speed(attack: str) -> float:
    return 1 + float(attack.split()[1]) / 100 if attack.startswith("speed") else 1.0


def _unmarked(number: int, attack: str) -> Row:
    """The clip as it was before any mark, after an attack: every find is a false one."""
    name, rate, sound, _, snr = _marked(number)
    attacked, at = ATTACKS[attack](sound, rate)
    false = len(read(attacked, at, LAYERS, OTHERS))
    return {"clip": number, "attack": f"unmarked: {attack}", "name": name, "snr_db": snr, "false": false, "cells": {}}


def _key() -> str:
    """Digest of code and clips; rows with another digest are ignored."""
    here = Path(__file__).resolve().parent
    files = [
        *sorted((here.parent / "watermark").glob("*.py")),
        here.parent / "pywallet/sps/mark.py",
        *sorted(here.glob("watermark_*.py")),
    ]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def _kept(key: str) -> list[Row]:
    if not KEPT.exists():
        return []
    rows = (json.loads(line) for line in KEPT.read_text().splitlines() if line.endswith("}"))
    return [row for row in rows if row["key"] == key]


def _clip(number: int, key: str, until: float) -> None:
    """Measure what is missing of one clip; each row is one line, written at once."""
    done = {row["attack"] for row in _kept(key) if row["clip"] == number}
    work = [(_attacked, attack, attack) for attack in TRIED] + [
        (_unmarked, attack, f"unmarked: {attack}") for attack in FOR_FALSE
    ]
    for run_one, attack, name in work:
        if name in done:
            continue
        if time.time() > until:
            return
        line = json.dumps({**run_one(number, attack), "key": key})
        with KEPT.open("a") as file:
            file.write(f"{line}\n")
        print(f"> {line}", file=sys.stderr, flush=True)


def _sum(rows: list[Row]) -> dict[str, dict[str, list[int]]]:
    total: dict[str, dict[str, list[int]]] = {name: {} for name in TRIED}
    for row in rows:
        for layer, (right, most) in row["cells"].items():
            cell = total[row["attack"]].setdefault(layer, [0, 0])
            cell[0], cell[1] = cell[0] + right, cell[1] + most
    return total


def run() -> list[dict[str, Any]]:
    """The figure: clips read by the in-band layer after the three usual copies; the whole table is its detail."""
    count = min(COUNT, setting("GOMAA_BENCH_CLIPS", COUNT, 1))
    until = time.time() + setting("GOMAA_BENCH_SECONDS", 86_400, 86_400)
    key = _key()
    KEPT.parent.mkdir(exist_ok=True)
    if SMALLEST:
        KEPT.unlink(missing_ok=True)
    # One thread of linear algebra in each process, which only a fresh process heeds.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with ProcessPoolExecutor(min(count, os.cpu_count() or 1), get_context("spawn")) as pool:
        list(pool.map(partial(_clip, key=key, until=until), range(count)))
    rows = [row for row in _kept(key) if row["clip"] < count]
    total = _sum(rows)
    lossy = [total[name].get("inband", [0, 0]) for name in LOSSY]
    read_of = sum(n for _, n in lossy)
    value = round(100 * sum(r for r, _ in lossy) / read_of, 1) if read_of else 0.0
    bare = [row for row in rows if row["attack"].startswith("unmarked")]
    detail = {
        "clips": count,
        "attacks": len(TRIED),
        "not_run": count * (len(TRIED) + len(FOR_FALSE)) - len(rows),
        "read_of_embedded": {a: {layer: f"{r}/{n}" for layer, (r, n) in layers.items()} for a, layers in total.items()},
        "missed": {
            f"{r['name']}: {r['attack']}": r["cells"] for r in rows if any(a < b for a, b in r["cells"].values())
        },
        "inband_snr_db": {row["name"]: row["snr_db"] for row in rows},
        "false_reads": sum(row["false"] for row in rows),
        "unmarked_looked_at": len(bare),
        "unmarked_seconds": len(bare) * READ_S,
        "candidates_listed": len(OTHERS),
    }
    peer = "audiowmark, published: all of these read, in 52 s blocks of 128 bits"
    what = "% of clips read within 44 s after MP3, AAC, Opus 128k"
    return [Figure("watermark_robustness", value, what, peer, 100.0, "higher", detail).to_json()]


if __name__ == "__main__":
    print(json.dumps(run()[0], indent=1))
