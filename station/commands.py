"""``gomaa station``: make a station, run it, migrate its database, check statements and sites."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pywallet.errors import GomaaError
from pywallet.redacted_logs import log_to

if TYPE_CHECKING:
    from aiohttp import web

    from station.site_check.report import CheckResult

EXAMPLE = """# A GoMAA station. Paths are relative to this file.
domain = {domain}
name = {name}
# tagline = "One line in the band of colour."
# description = "A sentence or two below it."
key_file = "station.key"
admin_token_file = "admin.token"
deployment_file = {deployment}
catalogue = {catalogue}
database = "station.sqlite3"
statement_seconds = 10
# trusted_proxies = ["127.0.0.1"]  # what stands before the station and says who asks
# keep_days = 90  # settled tickets, statements and vouchers are deleted so long after their end; 0: never
# song_of_the_day = "slow-tide"

# Where security servers answer, if not where the registry says:
# [servers]
# "0x..." = "https://keys.example"
"""


@click.group()
def station() -> None:
    """Run a radio station that pays for what is heard."""


@station.command()
@click.option("--domain", required=True, help="host[:port] of the page, as in its URL")
@click.option("--name", required=True, help="what listeners call the station")
@click.option("--deployment", default="deployment.json", help="the chain's addresses")
@click.option("--catalogue", default="songs", help="folder of .sps files")
@click.option(
    "--directory", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="where to put it all"
)
def init(domain: str, name: str, deployment: str, catalogue: str, directory: Path) -> None:
    """Write station.toml, a new key and an admin token."""
    from pywallet.crypto import address_of
    from pywallet.encoding.hex import checksum, to_hex

    directory.mkdir(parents=True, exist_ok=True)
    key = secrets.token_bytes(32)
    try:
        _secret(directory / "station.key", to_hex(key))
        _secret(directory / "admin.token", secrets.token_urlsafe(24))
        settings = EXAMPLE.format(
            domain=_quoted(domain), name=_quoted(name), deployment=_quoted(deployment), catalogue=_quoted(catalogue)
        )
        with (directory / "station.toml").open("x", encoding="utf-8") as file:
            file.write(settings)
    except FileExistsError as error:
        raise click.ClickException(f"{error.filename} is here already; nothing was changed") from error
    (directory / catalogue).mkdir(parents=True, exist_ok=True)
    click.echo(f"address  {checksum(address_of(key))}")
    click.echo(f"settings {directory / 'station.toml'}")
    click.echo(
        "Next: have the registry bind this address to your domain, fill the account at each security server, then"
    )
    click.echo(f"  gomaa station run {directory / 'station.toml'}")


@station.command()
@click.argument("settings", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True, help="address to listen on")
@click.option("--port", type=int, default=None, help="port to listen on [default: the domain's]")
def run(settings: Path, host: str, port: int | None) -> None:
    """Serve the radio page, the songs and the tickets until interrupted."""
    from common.garbage_collection import spare_pauses
    from station.api.app import create_app
    from station.config import load

    log_to([logging.StreamHandler()], logging.WARNING, "%(asctime)s %(name)s %(levelname)s %(message)s")
    config = load(settings)
    app = create_app(config)
    spare_pauses()
    chosen = port if port is not None else _port(config.domain)
    asyncio.run(_serve(app, host, chosen, f"{config.name} on http://{host}:{chosen}"))


@station.command()
@click.argument("settings", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def migrate(settings: Path) -> None:
    """Bring the database of an older version up to this one. Stop the station and back the database up first.

    All of it or nothing: what is interrupted leaves the database as it was.
    """
    from station.config import load
    from station.db.database import open_engine
    from station.db.versions import migrate as migrate_database

    engine = open_engine(load(settings).database_url)
    try:
        found, version = migrate_database(engine)
    finally:
        engine.dispose()
    if found is None:
        click.echo(f"made an empty database of version {version}")
    elif found == version:
        click.echo(f"the database is of version {version} already; nothing was changed")
    else:
        click.echo(f"migrated from version {found} to {version}")


async def _serve(app: web.Application, host: str, port: int, banner: str) -> None:
    """Serve until interrupted or ended."""
    from aiohttp import web

    from common.http_limits import GATE, Runner

    runner = Runner(app, app[GATE], access_log=None)
    await runner.setup()
    stopped = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    try:
        await web.TCPSite(runner, host, port).start()
        click.echo(banner)
        await stopped.wait()
    finally:
        await runner.cleanup()


@station.command()
@click.argument("settings", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--sign", "send", is_flag=True, help="also sign the voucher and send it")
def statement(settings: Path, send: bool) -> None:
    """Fetch each server's statement, check it against the ticket log, and say the result."""
    from station.config import load

    if not asyncio.run(_statements(load(settings), send)):
        raise SystemExit(1)


@station.command()
@click.argument("page")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def check(page: str, as_json: bool) -> None:
    """Does it work on your site? Looks at PAGE, the address of a page with a song, and says what helps.

    Exits 1 when something is wrong.
    """
    import json

    if not page.startswith(("http://", "https://")):
        raise click.BadParameter("an address that begins with https:// or http://", param_hint="PAGE")
    lines = asyncio.run(_check(page))
    good = all(line.ok for line in lines)
    if as_json:
        click.echo(json.dumps({"ok": good, "checks": [line.to_json() for line in lines]}))
    else:
        for line in lines:
            click.echo(
                f"{click.style('ok  ', fg='green') if line.ok else click.style('FAIL', fg='red')}  {line.name}: "
                f"{line.message}"
            )
            if line.fix:
                click.echo(f"      {line.fix}")
    if not good:
        raise SystemExit(1)


async def _check(page: str) -> list[CheckResult]:
    import aiohttp

    from station.site_check.check import TIMEOUT_S, check

    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session:
        return await check(session, page)


async def _statements(config: object, send: bool) -> bool:
    """Run one settlement round with every server that tickets name; returns True if all statements were agreed."""
    import aiohttp

    from chain.deployment import Deployment
    from pywallet.crypto import address_of
    from pywallet.encoding.amounts import show
    from pywallet.encoding.hex import checksum
    from pywallet.errors import SENTENCES
    from station.chain_client import ChainClient
    from station.config import StationConfig
    from station.context import Station, read_key
    from station.payments.server_client import Servers

    assert isinstance(config, StationConfig)
    key = read_key(config.key_file)
    agreed = True
    async with aiohttp.ClientSession() as session:
        chain = ChainClient(Deployment.load(config.deployment_file), config.timeout_s)
        composed = Station.of(config, key, address_of(key), chain, Servers(session, config.timeout_s))
        try:
            for server in sorted(composed.store.servers()):
                try:
                    outcome = await composed.bookkeeper.round(server, await composed.directory.url(server), send=send)
                    click.echo(f"{checksum(server)}  agreed, {outcome.new} new, {show(outcome.cap)} GoMAA in all")
                    for row in composed.store.quarantine(server) if outcome.aside else ():
                        click.echo(f"  not signed for: ticket {row.number}: {row.code} {row.reason}")
                    if outcome.waiting is not None:
                        click.echo(f"  not settled yet: {SENTENCES[outcome.waiting]}")
                except GomaaError as error:
                    agreed = False
                    click.echo(f"{checksum(server)}  {error}")
            await composed.moves.try_refresh()
            for move in composed.moves.current or ():
                click.echo(move.sentence)
        finally:
            await composed.stop()
    return agreed


def _secret(path: Path, text: str) -> None:
    """Write a new file, mode 0600."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(text + "\n")


def _quoted(text: str) -> str:
    """Text as a TOML basic string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped) + '"'


def _port(domain: str) -> int:
    _, colon, port = domain.rpartition(":")
    return int(port) if colon and port.isdigit() else 8080


commands = [station]
