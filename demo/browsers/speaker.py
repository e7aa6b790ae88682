"""A sound server that plays into nothing, for browsers that insist on an audio device where there is none."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo.paths import program
from demo.waiting import TIMEOUT_S


@contextmanager
def null_speaker(folder: Path) -> Iterator[dict[str, str]]:
    """Run PulseAudio with a null sink of its own; the environment that points a program at it."""
    folder.mkdir(mode=0o700, exist_ok=True)
    socket = folder / "native"
    command = [
        *(
            program("pulseaudio"),
            "-n",
            "--daemonize=no",
            "--exit-idle-time=-1",
            "--disable-shm=yes",
            "--use-pid-file=no",
            "--log-level=error",
        ),
        *("-L", "module-null-sink sink_name=gomaa"),
        *("-L", f"module-native-protocol-unix socket={socket} auth-anonymous=1"),
    ]
    env = {**os.environ, "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder), "PULSE_RUNTIME_PATH": str(folder)}
    with (folder / "pulseaudio.log").open("wb") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.monotonic() + TIMEOUT_S
        while not socket.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(
                    f"pulseaudio did not start:\n{(folder / 'pulseaudio.log').read_text(errors='replace')}"
                )
            time.sleep(0.02)
        yield {"PULSE_SERVER": f"unix:{socket}"}
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
