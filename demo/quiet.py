"""Output of libraries and child processes kept out of the demo's own.

It goes to a log file, shown only when something fails.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

TAIL_LINES = 40


@contextmanager
def captured(log: Path) -> Iterator[tuple[TextIO, TextIO]]:
    """Send standard output and error of this process and its children to a file.

    Browsers, their drivers and sound servers write where their parent does, past ``sys.stdout``: the file descriptors
    are changed.

    Args:
        log: The file, written anew.

    Yields:
        The real standard output and the real standard error.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace", buffering=1) as out,
        os.fdopen(os.dup(2), "w", encoding="utf-8", errors="replace", buffering=1) as err,
        log.open("wb") as file,
    ):
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            yield out, err
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            out.flush()
            err.flush()
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)


def tail(log: Path) -> str:
    """The end of a log file, with its name."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join([f"the end of {log}:", *lines[-TAIL_LINES:]]) if lines else ""
