"""The two servers of a simulation.

The product's own applications, started, killed and started again over the same files.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from aiohttp import web

import security_server.api.app as server_app
from chain.deployment import Deployment
from pywallet.errors import Unavailable
from security_server.api.app import PARTS, create_app
from security_server.api.host_socket import HostSocket
from security_server.config import Config, Keys
from security_server.db.connection import Connection
from security_server.db.transaction_thread import Job
from security_server.db.writer import Store
from security_server.host_connections import HostConnection
from security_server.parts import ServerParts
from station.chain_client import ChainClient
from station.config import StationConfig
from station.context import Station
from station.payments.server_client import Servers
from tests.simulation.network import Session
from tests.simulation.virtual import PROCESS, Process


class InlineStore(Store):
    """The product's store without its thread: each function is committed where it is called.

    A killed process stores nothing more.
    """

    async def run(self, function: Callable[[Connection], Any], *, for_listener: bool = False) -> Any:
        """See Store."""
        process = PROCESS.get()
        if process is not None and process.dead:
            raise asyncio.CancelledError
        loop = asyncio.get_running_loop()
        job = Job(function, loop, loop.create_future())
        self._writer.commit([job])
        return await job.future

    async def lead(self, function: Callable[[Connection], Any]) -> Any:
        """See Store."""
        return await self.run(function)


class SecurityServer:
    """A security server with its files in one folder.

    Args:
        folder: Deployment and database.
        keys: Its keys.
        name: For messages, and for who asks which node.
        config: Changes to the configuration.
    """

    def __init__(self, folder: Path, keys: Keys, name: str = "server", **config: Any) -> None:
        self.folder = folder
        self.name = name
        self.keys = keys
        self._config = config
        self.process: Process | None = None
        self.app: web.Application | None = None
        self.starts = 0

    @property
    def core(self) -> ServerParts:
        """The running server's parts."""
        assert self.app is not None
        return self.app[PARTS]

    @property
    def database(self) -> Path:
        """The database file."""
        return self.folder / "server.sqlite3"

    async def start(self) -> None:
        """Start over the present files. Raises GomaaError as the product does."""
        self.starts += 1
        process = self.process = Process(f"{self.name} {self.starts}")
        values = {
            "deployment": self.folder / "deployment.json",
            "keys": self.folder / "keys.json",
            "database": str(self.database),
            "port": 0,
            **self._config,
        }
        server_app.Store = InlineStore  # type: ignore[misc]

        async def begin() -> web.Application:
            app = await create_app(Config(**values), self.keys)
            app.freeze()
            await app.startup()
            return app

        self.app = await process.start(begin())
        store = self.app[PARTS].store
        process.on_kill.append(store.close)

    async def kill(self) -> None:
        """End the process at once."""
        if self.process is not None:
            await self.process.kill()
        self.process = self.app = None

    def found(self) -> tuple[web.Application, Callable[..., Any]] | None:
        """The present HTTP handler."""
        if self.app is None or self.process is None:
            return None
        return self.app, self._run

    async def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        process = self.process
        if process is None:
            work.close()
            raise Unavailable("server.unreachable", reason="nothing listens")
        try:
            return await asyncio.shield(process.start(work))
        except asyncio.CancelledError:
            if process.dead:
                raise Unavailable("server.unreachable", reason="the server was killed") from None
            raise

    def line(self) -> HostLine:
        """A host's connection. Raises Unavailable ``server.unreachable``."""
        if self.app is None:
            raise Unavailable("server.unreachable", reason="nothing listens")
        socket = next(route.handler.__self__ for route in self.app.router.routes() if _is_socket(route.handler))
        return HostLine(self, socket, self.app[PARTS])

    def copy(self, target: Path) -> None:
        """Back the database up, as SQLite's backup does."""
        import sqlite3

        with sqlite3.connect(self.database) as source, sqlite3.connect(target) as copy:
            source.backup(copy)

    def restore(self, source: Path) -> None:
        """Put a backup in the database's place; the server must not run."""
        for path in self.folder.glob("server.sqlite3*"):
            path.unlink()
        shutil.copy(source, self.database)


def _is_socket(handler: Any) -> bool:
    return isinstance(getattr(handler, "__self__", None), HostSocket)


class HostLine:
    """One WebSocket of a host, frame by frame."""

    def __init__(self, server: SecurityServer, socket: HostSocket, core: ServerParts) -> None:
        self._server = server
        self._socket = socket
        self._core = core
        self._process = server.process
        self.line = HostConnection()
        self.events: list[dict[str, Any]] = []
        core.hosts.add(self.line)

    def leave(self) -> None:
        """Hang up."""
        self._core.hosts.remove(self.line)

    async def ask(self, frame: dict[str, Any]) -> dict[str, Any]:
        """Hand one frame to the server; its reply. Raises Unavailable where the server was killed."""
        if self._process is not self._server.process:
            raise Unavailable("server.unreachable", reason="the line is gone")
        await self._server._run(self._handle(json.dumps(frame)))
        while not self.line.frames.empty():
            text = self.line.frames.get_nowait()
            if text is None:
                raise Unavailable("server.unreachable", reason="the line was closed")
            said = json.loads(text)
            if said.get("id") == frame["id"]:
                return dict(said)
            self.events.append(said)
        raise Unavailable("server.unreachable", reason="no reply")

    async def _handle(self, text: str) -> None:
        from security_server.api.host_socket import _parse

        identity, operation = _parse(text)
        await self._socket._answer(self.line, identity, operation)

    def drain(self) -> list[dict[str, Any]]:
        """Events that the server has pushed."""
        while not self.line.frames.empty():
            text = self.line.frames.get_nowait()
            if text is not None:
                self.events.append(json.loads(text))
        found, self.events = self.events, []
        return found


class RadioStation:
    """A station with its files in one folder.

    Args:
        config: The product's configuration.
        key: The station's key.
        deployment: The chain.
        session: Carries its requests to servers.
    """

    def __init__(
        self, config: StationConfig, key: bytes, address: bytes, deployment: Deployment, session: Session
    ) -> None:
        self.config, self.key, self.address, self.deployment, self.session = config, key, address, deployment, session
        self.process: Process | None = None
        self.station: Station | None = None
        self.starts = 0

    async def start(self) -> None:
        """Start over the present files."""
        self.starts += 1
        process = self.process = Process(f"station {self.starts}")

        async def begin() -> Station:
            chain = ChainClient(self.deployment)
            station = Station.of(self.config, self.key, self.address, chain, Servers(self.session))  # type: ignore[arg-type]
            station.start()
            return station

        self.station = await process.start(begin())
        process.on_kill.append(self.station.store.close)

    async def kill(self) -> None:
        """End the process at once."""
        if self.process is not None:
            await self.process.kill()
        self.process = self.station = None

    async def ask(self, work: Callable[[Station], Coroutine[Any, Any, Any]]) -> Any:
        """Let the station do something for a visitor. Raises Unavailable where it does not run."""
        process, station = self.process, self.station
        if process is None or station is None:
            raise Unavailable("station.unreachable", reason="nothing listens")
        try:
            return await asyncio.shield(process.start(work(station)))
        except asyncio.CancelledError:
            if process.dead:
                raise Unavailable("station.unreachable", reason="the station was killed") from None
            raise

    def copy(self, target: Path) -> None:
        """Back the database up."""
        import sqlite3

        with sqlite3.connect(self.config.database) as source, sqlite3.connect(target) as copy:
            source.backup(copy)

    def lose(self, backup: Path | None = None) -> None:
        """Lose the database, or put an older one in its place; the station must not run."""
        place = Path(self.config.database)
        for path in place.parent.glob(place.name + "*"):
            path.unlink()
        if backup is not None:
            shutil.copy(backup, place)
