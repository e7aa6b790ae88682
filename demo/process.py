"""Programs of the demo as child processes, ended by their own id and nothing else."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from demo.waiting import TIMEOUT_S

STOP_S = 60.0
"""Seconds that a service has to end; then it is killed."""


_reserved: list[socket.socket] = []


def free_port() -> int:
    """A loopback port that nobody listens on, and that the system gives to nobody until this process ends.

    A service binds its port seconds later. Meanwhile the port could become another process's, as a listener or as
    the near end of a connection; so on Linux it stays bound here, without listening: the system passes it over when
    it picks a port by itself, and a program that sets SO_REUSEADDR, as asyncio's servers do, can still listen on it.
    """
    probe = socket.socket()
    if sys.platform == "linux":
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _reserved.append(probe)
    probe.bind(("127.0.0.1", 0))
    port = int(probe.getsockname()[1])
    if probe not in _reserved:
        probe.close()
    return port


class Service:
    """A `gomaa` server process with a log file, ready once its URL answers."""

    def __init__(
        self, name: str, arguments: Sequence[str], ready_url: str, folder: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.command = [sys.executable, "-m", "gomaa", *arguments]
        self.ready_url = ready_url
        self.log = folder / f"{name}.log"
        self.env = {**os.environ, **(env or {})}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers; RuntimeError with the end of its log if it dies or stays silent."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, env=self.env, start_new_session=True)
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(self.ready_url, timeout=10):
                    return
            except urllib.error.HTTPError:
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise RuntimeError(f"{self.name} did not start:\n{self.tail()}")

    def stop(self) -> None:
        """Ask it to end; insist after a while."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL: what a power cut looks like."""
        if self.process is not None and self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def tail(self, lines: int = 40) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""
