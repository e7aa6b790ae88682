"""``gomaa inspect``, ``verify`` and ``publish``, and the list of the studio's commands."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Final

import click
from rich.console import Console

from chain.deployment import Deployment
from pywallet.encoding.hex import to_hex
from studio import inspect as inspection
from studio.convert_command import convert
from studio.move_command import move
from studio.options import DEPLOYMENT, FILE, JSON, SONG, bar, owner_key
from studio.owner import ContentKeys
from studio.owner_commands import destroy, earnings, revoke, transfer
from studio.publish import publish as run_publish
from studio.release_command import release
from studio.verify import verify as run_verify
from studio.verify import verify_chain
from studio.web_command import studio


@click.command()
@click.argument("file", type=SONG)
@JSON
def inspect(file: Path | str, as_json: bool) -> None:
    """Say what a song holds: an SPS file, its page, or its exploded folder (a path or a URL).

    Its signature is checked first.
    """
    facts = inspection.inspect(file)
    if as_json:
        click.echo(json.dumps(facts))
    else:
        Console(highlight=False).print(inspection.table(facts))


@click.command()
@click.argument("file", type=SONG)
@click.option(
    "--content-keys",
    "key_path",
    type=FILE,
    help="Default: FILE.key, if it is there; of a folder SONG.segments, SONG.sps.key.",
)
@click.option("--deployment", "deployment_path", type=FILE, help="Also hold it against the content's contract.")
@JSON
def verify(file: Path | str, key_path: Path | None, deployment_path: Path | None, as_json: bool) -> None:
    """Check signature, sizes and every segment's hash; with the keys also that each opens and decodes.

    FILE is an SPS file, its page, or its exploded folder (a path or a URL).
    """
    beside = None if isinstance(file, str) else ContentKeys.beside(file.absolute())
    key_path = key_path or (beside if beside and beside.exists() else None)
    keys = ContentKeys.load(key_path) if key_path else None
    checks = []
    with bar() as progress:
        task = progress.add_task("Verifying", total=None)
        for check in run_verify(file, keys, lambda done, total: progress.update(task, completed=done, total=total)):
            checks.append(check)
    if deployment_path:
        checks += asyncio.run(verify_chain(file, Deployment.load(deployment_path)))
    if as_json:
        click.echo(json.dumps({"ok": True, "checks": {check.name: check.value for check in checks}}))
        return
    for check in checks:
        click.echo(f"ok  {check.name:<10} {check.value}")


@click.command()
@click.argument("file", type=FILE)
@click.option("--key", "key_path", type=FILE, required=True, help="The owner's key file.")
@click.option("--content-keys", "content_keys", type=FILE, help="Default: FILE.key.")
@DEPLOYMENT
@click.option("--server", "url", metavar="URL", help="The security server, if not at the header's URL.")
@JSON
def publish(
    file: Path, key_path: Path, content_keys: Path | None, deployment_path: Path, url: str | None, as_json: bool
) -> None:
    """Create the song's contract and hand its keys to the security server. Again is harmless."""
    key = owner_key(key_path, new=False)
    result = asyncio.run(
        run_publish(file, key, Deployment.load(deployment_path), key_path=content_keys, server_url=url)
    )
    if as_json:
        out = {k: to_hex(v) if isinstance(v, bytes) else v for k, v in vars(result).items()}
        click.echo(json.dumps(out))
        return
    made = f"created for {result.gas_used:,} gas" if result.created else "was there already"
    click.echo(f"Content {to_hex(result.content)} {made}; the security server has its keys.")
    for domain in result.unknown:
        click.echo(f"warning: no registered station has the domain {domain}; publish again once it does.", err=True)


commands: Final[list[click.Command]] = [
    convert,
    inspect,
    verify,
    publish,
    release,
    revoke,
    destroy,
    transfer,
    move,
    earnings,
    studio,
]
