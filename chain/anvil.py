"""The local development chain: anvil from npm as a child process."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from queue import Empty, Queue
from typing import Final

MNEMONIC: Final = "test test test test test test test test test test test junk"
"""The public test mnemonic; its keys are public."""

START_S: Final = 120.0
"""Limit for the start, seconds."""
_LISTENING: Final = re.compile(r"Listening on [^:]+:(\d+)")
_KEY: Final = re.compile(r"\(\d+\) 0x([0-9a-f]{64})")


def program() -> str:
    """Path of the anvil binary: from the npm package of this checkout, or the PATH.

    Raises:
        FileNotFoundError: It is not installed.
    """
    here = Path(__file__).resolve().parent.parent / "node_modules"
    found = next(iter(sorted(here.glob("@foundry-rs/anvil-*/bin/anvil*"))), None)
    name = str(found) if found else shutil.which("anvil")
    if name is None:
        raise FileNotFoundError("anvil is missing: npm ci")
    return name


class Anvil:
    """A new chain on a port of its own, for ``with``. ``keys`` are the private keys of its funded accounts."""

    def __init__(
        self, *, block_time: int | None = None, port: int = 0, state: Path | None = None, extra: Sequence[str] = ()
    ) -> None:
        self._arguments = ["--port", str(port), "--mnemonic", MNEMONIC, "--chain-id", "31337", *extra]
        if block_time is not None:
            self._arguments += ["--block-time", str(block_time), "--mixed-mining"]
        if state is not None:
            self._arguments += ["--state", str(state), "--state-interval", "1"]
        self.keys: list[bytes] = []
        self.port = 0
        self.process: subprocess.Popen[str] | None = None

    @property
    def rpc(self) -> str:
        """The WebSocket URL."""
        return f"ws://127.0.0.1:{self.port}"

    def __enter__(self) -> Anvil:
        self.process = subprocess.Popen(
            [program(), *self._arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            env={**os.environ, "NO_COLOR": "1"},
        )
        lines: Queue[str | None] = Queue()
        # The pipe is read until the process ends: a full pipe would block it.
        threading.Thread(target=self._read, args=(lines,), daemon=True).start()
        output = []
        try:
            while (line := lines.get(timeout=START_S)) is not None:
                output.append(line)
                if key := _KEY.search(line):
                    self.keys.append(bytes.fromhex(key[1]))
                if listening := _LISTENING.search(line):
                    self.port = int(listening[1])
                    return self
        except Empty:
            pass
        except BaseException:
            self.stop()
            raise
        self.stop()
        raise RuntimeError("anvil did not start:\n" + "".join(output[-20:]))

    def _read(self, lines: Queue[str | None]) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        listening = False
        for line in self.process.stdout:
            if not listening:
                lines.put(line)
                listening = bool(_LISTENING.search(line))
        lines.put(None)

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Terminate the process."""
        if self.process is not None and self.process.poll() is None:
            # On SIGINT anvil writes its state before it exits; Windows has no such signal.
            self.process.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
