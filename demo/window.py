"""The demo for a person: everything runs until the browser is closed."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from demo.browsers import launch
from demo.dashboard import token
from demo.fan import install_host
from demo.stack import running


def show(browser: str, song: Path, policy: Path, say: Callable[[str], None]) -> int:
    """Open the radio page in a browser with a new profile (the extension opens its welcome); runs until interrupted."""
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or os.name == "nt"):
        say("there is no screen here; try: python3 build.py demo --headless --json")
        return 1
    with tempfile.TemporaryDirectory(prefix="gomaa-demo-", ignore_cleanup_errors=True) as folder:
        home = Path(folder) / "home"
        home.mkdir()
        with running(Path(folder) / "stack", [song], policy, say=say) as stack:
            install_host(home, stack.folder / "deployment.json", browser)
            with launch(browser, home, headless=False) as driven:
                driven.tab(stack.station_url)
                say(f"the station's dashboard: {stack.station_url}/studio/ (admin token {token(stack.folder)})")
                say(f"the radio page: {stack.station_url} (Ctrl-C ends everything)")
                try:
                    while driven.alive():
                        time.sleep(1)
                except KeyboardInterrupt:
                    pass
    return 0
