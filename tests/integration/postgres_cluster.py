"""A PostgreSQL on loopback with a synchronous replica that takes its place."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from sqlalchemy import create_engine, text
from sqlalchemy.engine import Engine

from demo.waiting import wait_until

USER: Final = "gomaa"


def programs() -> Path | None:
    """Folder of PostgreSQL's programs; None: it is not installed, or has no driver."""
    if find_spec("psycopg") is None:
        return None
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@dataclass
class Node:
    """One PostgreSQL with a data folder and a port of its own."""

    folder: Path
    port: int = field(default_factory=lambda: free_port())

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.folder / f"data-{self.port}"

    def start(self, *settings: str) -> None:
        """Start it and wait until it takes connections."""
        options = ["listen_addresses=127.0.0.1", f"port={self.port}", f"unix_socket_directories={self.folder}"]
        line = " ".join(f"-c {setting}" for setting in (*options, *settings))
        _run("pg_ctl", "-D", self.data, "-o", line, "-l", self.folder / f"log-{self.port}", "-w", "start")

    def kill(self) -> None:
        """SIGKILL all its processes."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            processes = self.processes()
            for process in processes:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            wait_until(lambda: not any(_lives(process) for process in processes), "PostgreSQL has ended")

    def processes(self) -> list[int]:
        """Process ids: the postmaster's, then those of its children."""
        postmaster = int((self.data / "postmaster.pid").read_text().split()[0])
        return [postmaster, *_children(postmaster)]

    def engine(self) -> Engine:
        """A connection beside the servers'."""
        return create_engine(f"postgresql+psycopg://{USER}@127.0.0.1:{self.port}/{USER}", isolation_level="AUTOCOMMIT")


class Cluster:
    """A primary, and a replica without which the primary acknowledges nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.primary = Node(folder)
        self.replica: Node | None = None
        _run("initdb", "-D", self.primary.data, "-A", "trust", "-U", USER)
        self.primary.start("wal_level=replica", "max_connections=60")
        _run("createdb", "-h", folder, "-p", str(self.primary.port), "-U", USER, USER)

    def replicate(self) -> None:
        """Add the replica, and have the primary wait for it at each commit."""
        replica = Node(self._folder)
        source = f"host=127.0.0.1 port={self.primary.port} user={USER} application_name=replica"
        _run("pg_basebackup", "-d", source, "-D", replica.data, "-R", "-c", "fast")
        replica.start("max_connections=60")
        self.replica = replica
        engine = self.primary.engine()
        with engine.connect() as connection:
            connection.execute(text("alter system set synchronous_standby_names = 'replica'"))
            connection.execute(text("select pg_reload_conf()"))
            query = text("select count(*) from pg_stat_replication where sync_state = 'sync'")
            wait_until(lambda: connection.execute(query).scalar(), "the replica is synchronous")
        engine.dispose()

    def fail_over(self) -> Node:
        """Kill the primary, promote the replica; returns the new primary."""
        assert self.replica is not None
        self.primary.kill()
        _run("pg_ctl", "-D", self.replica.data, "-w", "promote")
        self.primary, self.replica = self.replica, None
        return self.primary

    def stop(self) -> None:
        """End every process."""
        for node in (self.primary, self.replica):
            if node is not None:
                node.kill()


@contextlib.contextmanager
def cluster() -> Iterator[Cluster]:
    """A cluster in a temporary folder; it ends with the block."""
    folder = Path(tempfile.mkdtemp(dir="/tmp", prefix="gomaa-postgres-"))
    made: Cluster | None = None
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        made = Cluster(folder)
        yield made
    finally:
        if made is not None:
            made.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _run(program: str, *arguments: Any) -> None:
    folder = programs()
    assert folder is not None
    # PostgreSQL refuses to run as root.
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    command = [*user, folder / program, *arguments]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _children(process: int) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        if (fields := _fields(int(folder.name))) and int(fields[1]) == process:
            found.append(int(folder.name))
    return found


def _lives(process: int) -> bool:
    fields = _fields(process)
    return bool(fields) and fields[0] != "Z"


def _fields(process: int) -> list[str]:
    """State, parent and so on of a process; empty: there is none."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
