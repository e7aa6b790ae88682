"""``python -m benchmarks [NAME ...] [--json FILE]``: print one JSON object per figure."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any, Final

# Figure name -> module whose ``run()`` yields it; one module may yield several from one interleaved run.
MODULES: Final = {
    "engine_cold": "engine",
    "first_audio": "starts",
    "prepared_play": "starts",
    "click_trace": "click_trace",
    "seek": "seeks",
    "first_audio_50ms": "starts_far",
    "prepared_play_50ms": "starts_far",
    "first_audio_firefox": "starts_firefox",
    "prepared_play_firefox": "starts_firefox",
    "first_audio_firefox_50ms": "starts_firefox_far",
    "prepared_play_firefox_50ms": "starts_firefox_far",
    "seek_50ms": "seeks_far",
    "seek_firefox": "seeks_firefox",
    "seek_firefox_50ms": "seeks_firefox_far",
    "cpu_per_minute": "cpu",
    "memory_after_an_hour": "memory",
    "host_kills": "kills",
    "takeover_s": "takeover",
    "postgres_processes": "postgres_processes",
    "invoke": "invoke",
    "convert": "convert",
    "convert_marked": "convert",
    "convert_memory": "convert",
    "overhead_sps": "overhead",
    "overhead_html": "overhead",
    "features": "features",
    "similar": "features",
    "gas": "gas",
    "gas_grid": "gas_grid",
    "gas_claims": "gas_claims",
    "fuzz": "fuzz",
    "header_parse": "header",
    "watermark_embed": "watermark",
    "watermark_detect": "watermark",
    "watermark_robustness": "watermark_robustness",
    "epoch_build": "epoch",
    "audit": "audit",
    "audit_memory": "audit_memory",
    "receipts": "receipts",
    "grants": "grants",
    "reports": "grants",
    "listeners_2k": "listeners",
    "reports_p99_2k": "listeners",
    "listeners_most": "listeners",
    "memory_per_listener": "listeners",
    "farm_gain": "farm",
    "linked_fans": "linked",
    "collect_cost": "linked",
    "history": "history",
    "dashboard_page": "dashboard",
    "start_10m": "start_full",
    "recovery_scan": "recovery",
    "extension_size": "size",
}

IN_A_SCENE: Final = frozenset({"starts", "starts_far", "seeks", "seeks_far", "cpu"})
"""Modules that measure in a browser with a station, a song and the peers.

The smallest form makes these once for all.
"""


def main() -> int:
    """Run the named figures, or all; a figure that cannot be measured makes the exit code 1."""
    parser = argparse.ArgumentParser(prog="build.py bench", description="Measure the figures, each beside its peer.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MODULES)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the objects to FILE, one a line")
    parser.add_argument(
        "--smallest", action="store_true", help="one round over tiny inputs: tests the benchmark, measures nothing"
    )
    options = parser.parse_args()
    # Being asked to end is no reason to leave chains, servers and browsers running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if options.smallest:
        # Read by benchmarks.scale when a benchmark is imported, here and in the processes that it starts.
        os.environ["GOMAA_BENCH_SMALLEST"] = "1"
    if strange := [name for name in options.names if name not in MODULES]:
        parser.error(f"no figure {', '.join(strange)}; there are {', '.join(MODULES)}")
    modules = list(dict.fromkeys(MODULES[name] for name in options.names or MODULES))
    lines: list[str] = []
    shared = [module for module in modules if module in IN_A_SCENE] if options.smallest else []
    failed = [module for module in modules if module not in shared and not _measure(module, lines)]
    if shared:
        from benchmarks.players import DELAY_S, scene

        with scene(DELAY_S) as here:
            failed += [module for module in shared if not _measure(module, lines, here)]
    if options.json:
        options.json.write_text("".join(f"{line}\n" for line in lines))
    return 1 if failed else 0


def _measure(module: str, lines: list[str], *shared: Any) -> bool:
    """Run a module, print its figures and add them to ``lines``; False if it could not be measured."""
    print(f"> measuring {module}", file=sys.stderr, flush=True)
    try:
        figures = importlib.import_module(f"benchmarks.{module}").run(*shared)
    except Exception as e:
        print(f"> {module} could not be measured: {type(e).__name__}: {e}", file=sys.stderr)
        return False
    for figure in figures:
        lines.append(json.dumps(figure))
        print(lines[-1], flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
