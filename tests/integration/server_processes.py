"""Several real server processes on one PostgreSQL, each behind a proxy of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final

import aiohttp
from sqlalchemy import text

from demo.waiting import TIMEOUT_S
from tests.integration.postgres_cluster import USER, Cluster, free_port
from tests.integration.postgres_proxy import PostgresProxy
from tests.integration.server_client import GONE
from tests.integration.server_world import World

_LEADER: Final = text(
    "select application_name from pg_stat_activity where pid in "
    "(select pid from pg_locks where locktype = 'advisory' and granted and mode = 'ExclusiveLock')"
)


class ServerProcess:
    """``gomaa server run`` in a process of its own.

    Args:
        world: Chain, keys and folder.
        database: As SQLAlchemy takes it.
        number: From 0; its files are named by it.
        settings: Beside those of the tests.
    """

    def __init__(self, world: World, database: str, number: int, settings: Mapping[str, Any] | None = None) -> None:
        self.number = number
        self.port = free_port()
        self.settings = dict(settings or {})
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = world.folder / f"server-{number}.log"
        self._config = world.folder / f"server-{number}.toml"
        values: dict[str, Any] = {
            "deployment": "deployment.json",
            "keys": "keys.json",
            "database": database,
            "port": self.port,
            "credit_plays": 100_000,
            "content_age_s": 1.0,
            "escrow_age_s": 1.0,
            **self.settings,
        }
        self._config.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items()))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Process id."""
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [sys.executable, "-m", "gomaa", "server", "run", "--config", str(self._config)]
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            # It ends where it cannot reach its database; as a service manager would, this starts it again.
            if await self._answers():
                return
        raise RuntimeError(self.log.read_text(encoding="utf-8")[-2_000:])

    async def _answers(self) -> bool:
        assert self._process is not None
        async with aiohttp.ClientSession() as http:
            while self._process.poll() is None:
                with contextlib.suppress(*GONE):
                    async with http.get(f"{self.url}/v1/info") as answer:
                        if answer.status == 200:
                            return True
                await asyncio.sleep(0.05)
        return False

    def kill(self) -> None:
        """End it with SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """SIGSTOP: it keeps its connections, and does nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


class Servers:
    """The processes, each one's way to the database, and the database beside them."""

    def __init__(self, cluster: Cluster, processes: list[ServerProcess], proxies: list[PostgresProxy]) -> None:
        self.cluster, self.processes, self.proxies = cluster, processes, proxies

    @property
    def urls(self) -> list[str]:
        """Addresses of all processes."""
        return [process.url for process in self.processes]

    def leader(self) -> int | None:
        """Number of the process that leads; None: none."""
        engine = self.cluster.primary.engine()
        try:
            with engine.connect() as connection:
                names = [row[0] for row in connection.execute(_LEADER)]
        finally:
            engine.dispose()
        return int(names[0].removeprefix("server-")) if names else None

    async def until_led(self, but: int | None = None) -> int:
        """Wait until a process leads, another one than ``but``; returns its number."""
        async with asyncio.timeout(TIMEOUT_S):
            while (leader := await asyncio.to_thread(self.leader)) is None or leader == but:
                await asyncio.sleep(0.05)
        return leader


@contextlib.asynccontextmanager
async def server_processes(world: World, cluster: Cluster, count: int, seed: int = 0) -> AsyncIterator[Servers]:
    """Start processes on an empty database; ``world.url`` is the first one's."""
    with contextlib.ExitStack() as stack:
        proxies = [stack.enter_context(PostgresProxy(cluster.primary.port, seed + number)) for number in range(count)]
        processes = [
            ServerProcess(world, database_url(proxy.port, number), number) for number, proxy in enumerate(proxies)
        ]
        try:
            await asyncio.gather(*(process.start() for process in processes))
            world.url = processes[0].url
            yield Servers(cluster, processes, proxies)
        finally:
            for process in processes:
                process.kill()


def database_url(port: int, number: int) -> str:
    """URL of the cluster's database for a server, whose name there is ``server-NUMBER``.

    Args:
        port: Of the PostgreSQL on loopback, or of a proxy before it.
        number: Of the server.
    """
    return f"postgresql+psycopg://{USER}@127.0.0.1:{port}/{USER}?application_name=server-{number}"


def log_of(folder: Path) -> str:
    """The last lines of every process's log."""
    return "\n".join(file.read_text(encoding="utf-8")[-1_500:] for file in sorted(folder.glob("server-*.log")))
