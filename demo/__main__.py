"""``build.py demo``: with a window for a person, or headless with one JSON object."""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import traceback
from functools import partial
from pathlib import Path
from typing import TextIO

from demo.paths import ROOT
from demo.quiet import captured, tail

SAMPLE = ROOT / "build" / "sample" / "slow-tide-home.wav"
LOG = ROOT / "build" / "demo.log"
POLICY = ROOT / "examples" / "policies" / "free-radio.toml"


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="build.py demo", description="A radio page, a band's song and a fan's wallet on this machine."
    )
    parser.add_argument("--headless", action="store_true", help="no screen: a scripted fan listens and collects")
    parser.add_argument("--seconds", type=float, default=15, help="how long the scripted fan listens (default 15)")
    parser.add_argument("--browser", choices=("chromium", "firefox"), default="chromium")
    parser.add_argument("--song", type=Path, metavar="FILE", help="any recording instead of the sample")
    parser.add_argument("--policy", type=Path, default=POLICY, metavar="FILE", help="the terms, TOML")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--shots", type=Path, metavar="FOLDER", help="keep pictures of what the fan sees")
    return parser.parse_args()


def sample() -> Path:
    """The sample recording, made by its script when it isn't there yet."""
    if not SAMPLE.exists():
        say("making the sample recording")
        SAMPLE.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, ROOT / "examples" / "make_sample.py", SAMPLE], check=True, stdout=sys.stderr)
    return SAMPLE


def say(text: str, to: TextIO | None = None) -> None:
    """Progress, beside the result."""
    print(f"> {text}", file=to or sys.stderr, flush=True)


def main() -> int:
    """Run; 0 only when everything that was promised happened."""
    options = arguments()
    # Being asked to end is no reason to leave the chain and the servers running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    song = options.song or sample()
    if not song.is_file():
        print(f"no such recording: {song}", file=sys.stderr)
        return 2
    with captured(LOG) as (_, err):
        try:
            if not options.headless:
                from demo.window import show

                return show(options.browser, song, options.policy, partial(say, to=err))
            from demo.headless import play_once

            report = play_once(
                options.browser, song, options.policy, options.seconds, partial(say, to=err), options.shots, None
            ).to_json()
        except Exception as e:
            traceback.print_exc(file=err)
            report = {"ok": False, "browser": options.browser, "error": f"{type(e).__name__}: {e}"}
    if not report["ok"]:
        print(tail(LOG), file=sys.stderr)
    if options.json:
        print(json.dumps(report))
    else:
        for name, value in report.items():
            print(f"{name:>22}  {value}")
    return 0 if report["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
