"""A copy of the packed extension with marks, and a host whose frames are recorded."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path
from typing import Final

from benchmarks.tracing import host
from demo.paths import DIST

MARKS: Final = Path(__file__).with_name("marks.js")
MODULES: Final = ("background/main.js", "engine/engine.js", "player/player.js", "engine/worker.mjs")
"""First module of each context of the extension: it imports the marks before everything else."""
FIRST_CONTENT_SCRIPT: Final = "content/port.js"
"""First script of every content script in the extension's own world."""


def traced_extension(browser: str, folder: Path) -> Path:
    """Copy the packed extension, with marks.

    Args:
        browser: ``chromium`` or ``firefox``.
        folder: Parent of the copy.

    Returns:
        The copy's folder.
    """
    copy = folder / f"traced-{browser}"
    shutil.copytree(DIST / browser, copy)
    shutil.copyfile(MARKS, copy / MARKS.name)
    for name in MODULES:
        file = copy / name
        file.write_text(f'import "../{MARKS.name}";\n{file.read_text()}')
    place = copy / "manifest.json"
    manifest = json.loads(place.read_text())
    for script in manifest["content_scripts"]:
        if script["js"][0] == FIRST_CONTENT_SCRIPT:
            script["js"].insert(0, MARKS.name)
    place.write_text(json.dumps(manifest))
    return copy


def record_frames(home: Path, stamps: Path) -> None:
    """Make the host that is installed for ``home`` record its frames in ``stamps``.

    Raises:
        RuntimeError: The launcher does not start the starter as expected.
    """
    launcher = next(home.rglob("gomaa-host"))
    starter = launcher.with_name("gomaa-host.py")
    plain = launcher.read_text()
    quoted = shlex.quote(str(starter))
    wrapped = plain.replace(quoted, f"{shlex.quote(str(Path(host.__file__)))} {quoted} {shlex.quote(str(stamps))}")
    if wrapped == plain:
        raise RuntimeError(f"{launcher} does not name {starter}")
    launcher.write_text(wrapped)
