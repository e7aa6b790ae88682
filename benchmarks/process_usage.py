"""Processor time and memory of another process, from ``/proc``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


def cpu_s(pid: int) -> float:
    """Processor time of a process and its threads so far, seconds."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICKS


def reaped_s(pid: int) -> float:
    """Processor time of a process's children that have ended, seconds."""
    fields = _stat(pid)
    return (int(fields[13]) + int(fields[14])) / _TICKS


def rss_bytes(pid: int) -> int:
    """Resident size of a process, bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE


def _stat(pid: int) -> list[str]:
    # The name, in parentheses, may contain spaces.
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
