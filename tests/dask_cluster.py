"""A Dask scheduler and workers on loopback, each a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from demo.waiting import wait_until

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Cluster:
    """The scheduler's address, and the processes of the workers."""

    address: str
    workers: list[subprocess.Popen[bytes]]


@contextmanager
def cluster(folder: Path, workers: int = 2) -> Iterator[Cluster]:
    """Start a scheduler and workers, wait until the scheduler listens, and end them."""
    place = folder / "scheduler.json"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    with ExitStack() as stack:

        def start(program: str, *arguments: str) -> subprocess.Popen[bytes]:
            log = stack.enter_context((folder / f"{program}.log").open("ab"))
            command = [sys.executable, "-m", f"distributed.cli.{program}", *arguments, "--host", "127.0.0.1"]
            process = subprocess.Popen(
                [*command, "--no-dashboard"], cwd=folder, env=environment, stdout=log, stderr=log
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        scheduler = start("dask_scheduler", "--port", "0", "--scheduler-file", str(place))
        wait_until(lambda: place.exists() or scheduler.poll() is not None, "the scheduler listens")
        address = str(json.loads(place.read_text())["address"])
        own = [
            start(
                "dask_worker", address, "--nthreads", "1", "--no-nanny", "--local-directory", str(folder / str(number))
            )
            for number in range(workers)
        ]
        yield Cluster(address, own)
