"""``gomaa server``: make keys, run, close or import an epoch, prune or migrate the database."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final

import aiohttp
import click
from aiohttp import web

from common.garbage_collection import spare_pauses
from common.http_limits import GATE, Runner
from pywallet.crypto import address_of
from pywallet.encoding.hex import from_hex, to_b64, to_hex
from pywallet.errors import GomaaError, Unavailable
from pywallet.protocol.foreign_errors import error_from
from pywallet.redacted_logs import JsonFormatter, ServerFormatter, log_to
from security_server.config import Config, Keys, database_url

END_S: Final = 2.0
"""Seconds that requests have after the drain before they are cancelled."""


@click.group("server")
def server() -> None:
    """Run a security server: it keeps content keys and closes epochs."""


@server.command("init")
@click.option("--keys", type=click.Path(path_type=Path), required=True, help="The file to make; it must not exist.")
@click.option("--signing-key", help="Use this private key (hex) instead of a new one.")
def init(keys: Path, signing_key: str | None) -> None:
    """Make the server's keys in a file only you can read; print what the registry needs."""
    made = Keys.make(from_hex(signing_key, 32) if signing_key else None)
    try:
        made.save(keys)
    except FileExistsError:
        raise click.ClickException(f"{keys} exists; keys are never overwritten") from None
    relayer = to_hex(address_of(made.relayer))
    click.echo(
        json.dumps(
            {"server": to_hex(made.address), "relayer": relayer, "key": to_b64(made.exchange_public), "keys": str(keys)}
        )
    )


def _options(function: Any) -> Any:
    for option in (
        click.option("--config", type=click.Path(path_type=Path, exists=True), help="A TOML file."),
        click.option("--deployment", type=click.Path(path_type=Path), help="The chain's addresses (JSON)."),
        click.option("--keys", type=click.Path(path_type=Path), help="The file that `init` made."),
        click.option("--database", help="A file, or an SQLAlchemy URL."),
        click.option("--host", help="Address to listen on."),
        click.option("--port", type=int, help="Port to listen on; 0 takes a free one."),
        click.option("--rpc", help="The chain's WebSocket, if not the deployment's."),
    ):
        function = option(function)
    return function


def _config(config: Path | None, **options: Any) -> Config:
    given = {name: value for name, value in options.items() if value is not None}
    return Config.from_toml(config, **given) if config else Config.from_dict(given)


async def serve(config: Config, stopping: Stopping | None = None) -> None:
    """Run until cancelled, or until it is stopped and drained.

    Prints one JSON line with the address once it listens; with the operator's listener also its address.

    Args:
        config: The configuration.
        stopping: Requests to end; None: none come.
    """
    # Otherwise the first transaction loads it, for most of a second in which nothing is answered.
    import eth_account  # noqa: F401

    from security_server.api.app import DRAIN, OPERATOR, create_app

    stopping = stopping or Stopping()
    app = await create_app(config)
    spare_pauses()
    async with contextlib.AsyncExitStack() as running:
        runner = Runner(app, app[GATE], access_log=None, shutdown_timeout=END_S)
        await runner.setup()
        running.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, config.host, config.port)
        await site.start()
        listening = {"listening": f"http://{config.host}:{runner.addresses[0][1]}"}
        if config.operator_port is not None:
            operator = web.AppRunner(app[OPERATOR], access_log=None, shutdown_timeout=END_S)
            await operator.setup()
            running.push_async_callback(operator.cleanup)
            await web.TCPSite(operator, config.operator_host, config.operator_port).start()
            listening["operator"] = f"http://{config.operator_host}:{operator.addresses[0][1]}"
        click.echo(json.dumps(listening))
        stopping.listening = True
        await stopping.first.wait()
        await _first_of(app[DRAIN].run(config.drain_s), stopping.second.wait())


async def _first_of(*works: Coroutine[Any, Any, object]) -> None:
    """Run works until the first ends; the others are cancelled."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Stopping:
    """Requests to end: the first drains, the second ends at once."""

    def __init__(self) -> None:
        self.listening = False
        self.first = asyncio.Event()
        self.second = asyncio.Event()

    def request(self) -> bool:
        """Request the end; False if there is nothing to drain yet, or it was requested twice already."""
        if not self.listening or self.second.is_set():
            return False
        (self.second if self.first.is_set() else self.first).set()
        return True


@server.command("run")
@_options
def run(**options: Any) -> None:
    """Run the server until it is stopped; the first signal drains it, a second one ends it at once."""
    config = _config(**options)
    formatter = JsonFormatter if config.log_format == "json" else ServerFormatter
    log_to([logging.StreamHandler()], logging.INFO, "%(asctime)s %(name)s %(levelname)s %(message)s", formatter)
    asyncio.run(_until_stopped(config))


async def _until_stopped(config: Config) -> None:
    stopping = Stopping()
    task = asyncio.ensure_future(serve(config, stopping))

    def stop() -> None:
        if not stopping.request():
            task.cancel()

    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop)
    with contextlib.suppress(asyncio.CancelledError):
        await task
    click.echo("stopped", err=True)


@server.command("close-epoch")
@click.option("--url", required=True, help="Where the server answers.")
@click.option(
    "--keys",
    type=click.Path(path_type=Path, exists=True),
    required=True,
    help="The server's keys, for the admin token.",
)
def close_epoch(url: str, keys: Path) -> None:
    """Close and post the last ended epoch now."""
    click.echo(json.dumps(asyncio.run(_close(url.rstrip("/"), Keys.load(keys).admin))))


async def _close(url: str, token: str) -> Any:
    return await _ask_server(url, "/v1/epochs/close", token, b"")


@server.command("import-epoch")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--url", help="Where a running server answers; without it the database is written directly.")
@_options
def import_epoch(file: Path, url: str | None, **options: Any) -> None:
    """Take an epoch that the chain has and the database lacks from FILE, its published bytes."""
    if url is None:
        epoch = asyncio.run(_import(file, _config(**options)))
    elif options["keys"] is None:
        raise click.UsageError("--url needs --keys, for the admin token")
    else:
        token = Keys.load(options["keys"]).admin
        epoch = asyncio.run(_ask_server(url.rstrip("/"), "/v1/epochs/import", token, file.read_bytes()))["epoch"]
    click.echo(json.dumps({"epoch": epoch}))


async def _import(file: Path, config: Config) -> int:
    """Import into the database itself, while no server uses it; PostgreSQL allows it beside one."""
    from chain.clock import ChainClock
    from chain.deployment import Deployment
    from security_server.chain.view import ChainView
    from security_server.db.writer import Store
    from security_server.epochs.chain_agreement import ChainAgreement
    from security_server.epochs.importing import EpochImporter

    raw = await asyncio.to_thread(file.read_bytes)
    address, deployment = Keys.load(config.keys).address, Deployment.load(config.deployment)
    store = Store(config.url)
    try:
        async with deployment.connect(config.rpc, max_fee=config.max_fee) as chain, ChainClock(chain) as clock:
            view = ChainView(chain, clock, deployment, address, config)
            schedule = deployment.schedule
            return await EpochImporter(store, view, address, schedule, ChainAgreement(store, view, schedule)).take(raw)
    finally:
        store.close()


@server.command("prune")
@click.option("--compact", is_flag=True, help="Then give the space back to the system; on SQLite this takes long.")
@_options
def prune(compact: bool, **options: Any) -> None:
    """Delete by keep_days and keep_receipts_days now, with the server stopped; a running server does it by itself."""
    from security_server.db.database import compact_database

    config = _config(**options)
    found: dict[str, int] = {"deleted": asyncio.run(_prune(config))}
    if compact:
        found["bytes_before"], found["bytes_after"] = compact_database(config.url)
    click.echo(json.dumps(found))


async def _prune(config: Config) -> int:
    from chain.clock import ChainClock
    from chain.deployment import Deployment
    from security_server.chain.view import ChainView
    from security_server.content.contents import ContentStore
    from security_server.db.writer import Store
    from security_server.retention import Retention

    keys, deployment = Keys.load(config.keys), Deployment.load(config.deployment)
    store = Store(config.url)
    try:
        async with deployment.connect(config.rpc, max_fee=config.max_fee) as chain, ChainClock(chain) as clock:
            retention = Retention(
                schedule=deployment.schedule,
                store=store,
                chain=ChainView(chain, clock, deployment, keys.address, config),
                songs=ContentStore(store, keys.master),
                keep_days=config.keep_days,
                keep_receipts_days=config.keep_receipts_days,
            )
            if not await store.leads():
                # On PostgreSQL a running server deletes by itself.
                raise GomaaError("server.database.busy")
            return await retention.finish()
    finally:
        store.close()


@server.command("migrate")
@click.option("--config", type=click.Path(path_type=Path, exists=True), help="The server's TOML file.")
@click.option("--database", help="A file, or an SQLAlchemy URL; instead of the configuration's.")
def migrate(config: Path | None, database: str | None) -> None:
    """Bring the database of an earlier release to this one's version, once it is backed up.

    Stop the servers first, unless the server of this release says that those of the earlier one may run meanwhile.
    """
    from security_server.db.database import migrate_database
    from security_server.db.migrations import HEAD

    if config is not None:
        url = Config.from_toml(config, database=database).url
    elif database is not None:
        url = database_url(database)
    else:
        raise click.UsageError("name the database: --config or --database")
    click.echo(json.dumps({"from": migrate_database(url), "to": HEAD}))


async def _ask_server(url: str, path: str, token: str, body: bytes) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    try:
        # No time limit: the post has to be as deep as the network requires, which depends on its blocks.
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=30)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(url + path, headers=headers, data=body) as response,
        ):
            answer = await response.json()
    except (aiohttp.ClientError, OSError, ValueError) as e:
        raise Unavailable("server.unreachable", url=url, reason=type(e).__name__) from None
    if "error" in answer:
        raise error_from("server", answer["error"], url=url)
    return answer


commands = [server]
