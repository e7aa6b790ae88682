"""``python -m benchmarks [NAME ...] [--json FILE]``: print one JSON object per figure."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from pathlib import Path
from typing import Final

# Figure name -> module whose ``run()`` yields it; one module may yield several from one interleaved run.
MODULES: Final = {
    "engine_cold": "engine",
    "first_audio": "players",
    "prepared_play": "players",
    "seek": "players",
    "first_audio_50ms": "players_far",
    "prepared_play_50ms": "players_far",
    "seek_50ms": "players_far",
    "cpu_per_minute": "cpu",
    "memory_after_an_hour": "memory",
    "host_kills": "kills",
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
    "fuzz": "fuzz",
    "header_parse": "header",
    "watermark_embed": "watermark",
    "watermark_detect": "watermark",
    "watermark_robustness": "watermark_robustness",
    "epoch_build": "epoch",
    "audit": "audit",
    "receipts": "receipts",
    "grants": "grants",
    "extension_size": "size",
}


def main() -> int:
    """Run the named figures, or all; a figure that cannot be measured makes the exit code 1."""
    parser = argparse.ArgumentParser(prog="build.py bench", description="Measure the figures, each beside its peer.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MODULES)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the objects to FILE, one a line")
    parser.add_argument("--smallest", action="store_true", help="one round over tiny inputs: tests the benchmark, measures nothing")
    options = parser.parse_args()
    if options.smallest:
        # Read by benchmarks.scale when a benchmark is imported, here and in the processes that it starts.
        os.environ["GOMAA_BENCH_SMALLEST"] = "1"
    if strange := [name for name in options.names if name not in MODULES]:
        parser.error(f"no figure {', '.join(strange)}; there are {', '.join(MODULES)}")
    names = options.names or list(MODULES)
    lines, failed = [], False
    for module in dict.fromkeys(MODULES[name] for name in names):
        print(f"> measuring {module}", file=sys.stderr, flush=True)
        try:
            figures = importlib.import_module(f"benchmarks.{module}").run()
        except Exception as e:
            failed = True
            print(f"> {module} could not be measured: {type(e).__name__}: {e}", file=sys.stderr)
            continue
        for figure in figures:
            lines.append(json.dumps(figure))
            print(lines[-1], flush=True)
    if options.json:
        options.json.write_text("".join(f"{line}\n" for line in lines))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
