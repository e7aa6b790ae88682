"""Work that the tests spread; workers import it."""

from __future__ import annotations

import os
import signal
import time
from multiprocessing.synchronize import Event
from pathlib import Path

from pywallet.errors import InputError


def squared(number: int) -> tuple[int, int]:
    """The square, and the process."""
    return number * number, os.getpid()


def odd_refused(number: int) -> int:
    """The number; odd ones are refused, seven is a mistake and nine names a missing file."""
    if number == 7:
        raise ZeroDivisionError("seven")
    if number == 9:
        return len(Path("/missing/nine").read_bytes())
    if number % 2:
        raise InputError("media.decode", reason="odd")
    return number


def deadly(item: tuple[str, Path]) -> str:
    """The name; ``bad`` ends its process each time, ``once`` the first time only."""
    name, folder = item
    mark = folder / name
    if name == "bad" or (name == "once" and not mark.exists()):
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return name


def fail() -> None:
    """End the process as it begins."""
    os._exit(1)


def wait_for(go: Event) -> None:
    """Wait as the process begins."""
    go.wait()


def forever(mark: Path) -> None:
    """Leave the process's id and work until it is ended."""
    part = mark.with_suffix(".part")
    part.write_text(str(os.getpid()))
    part.rename(mark)
    while True:
        time.sleep(3_600)
