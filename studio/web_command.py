"""``gomaa studio``: serves the page on which a band releases songs."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import webbrowser
from html import escape
from pathlib import Path

import click
from aiohttp import web

from chain.deployment import Deployment
from studio.options import DEPLOYMENT, KEY, owner_key, server_of
from studio.owner import AtomicWrite
from studio.release_runs import ReleaseSettings
from studio.release_service import ReleaseService
from studio.web import TOKEN, make_app


@click.command()
@KEY
@click.option("--new-key", is_flag=True, help="Make the owner's key file if it is missing.")
@DEPLOYMENT
@click.option("--server", "url", required=True, metavar="URL", help="The security server that will give out the keys.")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Where songs, keys and receipts are kept.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Default: any free one.")
@click.option("--open/--no-open", "show", default=True, help="Open the page in the browser.")
def studio(key_path: Path, new_key: bool, deployment_path: Path, url: str, folder: Path, port: int, show: bool) -> None:
    """Release songs on a page of this computer: drop a recording, set the terms, hear it, sign."""
    deployment = Deployment.load(deployment_path)
    server = server_of(url, None, None, deployment)
    key = owner_key(key_path, new_key)
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(ReleaseSettings(key, deployment, server, folder), port, show))


async def _serve(settings: ReleaseSettings, port: int, show: bool) -> None:
    app = make_app(ReleaseService(settings))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/{app[TOKEN]}/"
    click.echo(url)
    click.echo("Whoever has this address can release songs in your name. Ctrl-C ends it.", err=True)
    ended = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(name, ended.set)
    launcher = settings.folder / "open-studio.html"
    if show:
        _write_launcher(launcher, url)
        await asyncio.to_thread(webbrowser.open, launcher.resolve().as_uri())
    await ended.wait()
    launcher.unlink(missing_ok=True)
    await runner.cleanup()


def _write_launcher(path: Path, url: str) -> None:
    """Write a private page that redirects to the studio.

    As an argument of the browser the URL with its token would be readable by every user of the computer.
    """
    with AtomicWrite(path) as temporary:
        head = (
            '<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer"><title>GoMAA '
            "studio</title>"
        )
        target = escape(url)
        body = f'<meta http-equiv="refresh" content="0;url={target}"><a href="{target}">Open the studio</a>\n'
        temporary.write_text(head + body, encoding="utf-8")
