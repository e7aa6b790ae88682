"""Engine start beside a bare ``loadPyodide`` with the same snapshot, and the timeline of our start.

Interleaved, each in a browser process of its own.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

from benchmarks.figure import Figure, median
from benchmarks.scale import scaled
from demo.browsers.chromium import Chromium, chromium
from demo.paths import DIST

RUNS: Final = scaled(5, 1)
WARM: Final = scaled(1, 0)
"""Pairs of starts that are not counted: they fill the disk's cache."""
_START: Final = """(path) => new Promise((resolve, reject) => {
  // The pages of the extension take a worker's address from a Trusted Types policy of this one name.
  const address = trustedTypes.createPolicy('gomaa', { createScriptURL: () => path }).createScriptURL('');
  const began = performance.now();
  const worker = new Worker(address, { type: 'module' });
  worker.onerror = (event) => reject(new Error(event.message ?? 'the worker did not start'));
  worker.onmessage = ({ data }) => {
    if (data.error ?? data.reason) reject(new Error(data.error ?? data.reason));
    else resolve({ ms: performance.now() - began, timeline: data.timeline ?? {} });
  };
})"""
_ENGINE: Final = "/engine/worker.mjs"
_PYODIDE: Final = "/bare.mjs"
_BARE: Final = """
import { loadPyodide } from './pyodide/pyodide.mjs';
import createModule from './pyodide/pyodide.asm.mjs';
import { toggleDifference } from './engine/snapshot_difference.mjs';
const home = new URL('./pyodide/', import.meta.url).href;
const info = { abi_version: '2026_0', arch: 'wasm32', platform: 'emscripten_5_0_3', python: '3.14.2' };
try {
  const { body } = await fetch(home + 'snapshot.bin.gz');
  const bytes = await new Response(body.pipeThrough(new DecompressionStream('gzip'))).arrayBuffer();
  const snapshot = new Uint8Array(bytes);
  const createPyodideModule = (settings) => {
    settings.preRun.push(({ HEAPU8 }) => toggleDifference(snapshot, HEAPU8));
    return createModule(settings);
  };
  await loadPyodide({ indexURL: home, stdLibURL: home + 'python_stdlib.zip', packageBaseUrl: home,
    lockFileContents: JSON.stringify({ info, packages: {} }), _loadSnapshot: snapshot,
    createPyodideModule });
  postMessage({});
} catch (error) {
  postMessage({ error: String(error) });
}
"""


def run() -> list[dict[str, Any]]:
    """Measure; one figure."""
    ours: list[float] = []
    bare: list[float] = []
    timelines: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory(prefix="gomaa-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        shutil.copytree(DIST / "chromium", folder / "chromium")
        (folder / "chromium" / "bare.mjs").write_text(_BARE)
        for number in range(2 * (WARM + RUNS)):
            home = folder / f"home-{number}"
            home.mkdir()
            with chromium(home, extension=folder / "chromium") as browser:
                value, timeline = _once(browser, _ENGINE if number % 2 else _PYODIDE)
            if number >= 2 * WARM:
                (ours if number % 2 else bare).append(value)
                if timeline:
                    timelines.append(timeline)
    detail = {
        "what": "a Worker from its creation until the core answers",
        "ours": [round(v) for v in ours],
        "bare": [round(v) for v in bare],
        "timeline_ms": median_timeline(timelines),
    }
    return [
        Figure(
            "engine_cold", median(ours), "ms", "bare loadPyodide, same snapshot", median(bare), "lower", detail
        ).to_json()
    ]


def median_timeline(timelines: list[dict[str, float]]) -> dict[str, float]:
    """Return the median of each step, ms since the Worker's creation, in the order of the steps."""
    medians = {name: median([timeline[name] for timeline in timelines]) for name in timelines[0]}
    return dict(sorted(medians.items(), key=lambda step: step[1]))


def _once(browser: Chromium, worker: str) -> tuple[float, dict[str, float]]:
    page = browser.extension_tab("player/player.html").page
    started = page.evaluate(_START, worker)
    return float(started["ms"]), started["timeline"]
