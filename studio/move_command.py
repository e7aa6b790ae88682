"""``gomaa move``."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import click

from chain.deployment import Deployment
from pywallet.encoding.hex import checksum, from_hex, to_hex
from studio import moving, ownership
from studio.options import DEPLOYMENT, FILE, JSON
from studio.owner import load_owner_key


@click.command()
@click.argument("song", metavar="FILE|0xADDRESS")
@click.option("--key", "key_path", type=FILE, required=True, help="Your key file, 0x-hex.")
@DEPLOYMENT
@click.option("--to", metavar="0xADDRESS", help="The security server that is to serve the song.")
@click.option(
    "--upload",
    is_flag=True,
    help="Hand FILE's keys over yourself: the server of now is gone. Listeners' limits begin anew.",
)
@click.option("--retract", is_flag=True, help="Take a proposal back that was not accepted yet.")
@JSON
def move(
    song: str, key_path: Path, deployment_path: Path, to: str | None, upload: bool, retract: bool, as_json: bool
) -> None:
    """Move a song to another security server, from the next epoch on. Nobody who listens notices. Again is harmless."""
    if (to is None) != retract or (upload and retract):
        raise click.UsageError("Give one of --to, --retract; --upload goes with --to.")
    if upload and song.startswith("0x"):
        raise click.UsageError("--upload needs the song's file.")
    content, deployment, key = ownership.content_of(song), Deployment.load(deployment_path), load_owner_key(key_path)
    if to is None:
        transaction = asyncio.run(moving.retract(deployment, content, key))
        facts = {"content": checksum(content), "transaction": to_hex(transaction)}
        click.echo(json.dumps(facts) if as_json else f"{checksum(content)} stays where it is ({facts['transaction']}).")
        return
    moved = asyncio.run(moving.move(deployment, content, key, from_hex(to.lower(), 20), Path(song) if upload else None))
    sent = None if moved.transaction is None else to_hex(moved.transaction)
    if as_json:
        row = {
            "content": checksum(content),
            "server": checksum(moved.server.address),
            "from_epoch": moved.from_epoch,
            "transaction": sent,
        }
        click.echo(json.dumps(row))
        return
    click.echo(
        f"{checksum(content)} moves to {checksum(moved.server.address)} with epoch {moved.from_epoch}: it has the keys."
    )
