"""``gomaa``: one command; each room brings its own subcommands and is imported only when used."""

from __future__ import annotations

import importlib
import sys
from typing import Final

import click

from gomaa import __version__
from pywallet.errors import GomaaError

# Subcommand -> room whose ``commands`` module defines it (or that module itself), so that `gomaa host doctor` never imports a server.
ROOMS: Final = {
    "audit": "audit",
    "report": "audit",
    "watch": "audit",
    "convert": "studio",
    "inspect": "studio",
    "publish": "studio",
    "release": "studio",
    "revoke": "studio",
    "destroy": "studio",
    "transfer": "studio",
    "earnings": "studio",
    "studio": "studio",
    "verify": "studio",
    "chain": "chain",
    "features": "features",
    "genre": "features",
    "host": "native_host",
    "policy": "gomaa.policy",
    "server": "security_server",
    "station": "station",
    "watermark": "watermark",
}


class Rooms(click.Group):
    """A group whose commands are found in the rooms."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, sorted."""
        return sorted(ROOMS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the room that has the command."""
        room = ROOMS.get(cmd_name)
        if room is None:
            return None
        module = importlib.import_module(room if "." in room else f"{room}.commands")
        return next(command for command in module.commands if command.name == cmd_name)


@click.group(cls=Rooms, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="gomaa")
def group() -> None:
    """Secure Portable Streaming: make songs, run a server or a station, connect a browser."""


def main() -> None:
    """Run a command; an expected failure prints its code and sentence and exits 1."""
    try:
        group(standalone_mode=True)
    except GomaaError as e:
        click.echo(f"gomaa: {e}", err=True)
        sys.exit(1)
