"""``gomaa``: one command; each room brings its own subcommands and is imported only when used."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from typing import Any, Final

import click

from common.version import VERSION
from pywallet.errors import GomaaError, Unavailable
from pywallet.redacted_logs import report_uncaught

_OWN: Final = (
    "audit",
    "chain",
    "features",
    "gomaa",
    "native_host",
    "pywallet",
    "security_server",
    "station",
    "studio",
    "watermark",
)


@dataclass(frozen=True)
class Room:
    """Definition of a subcommand.

    Attributes:
        module: the package whose ``commands`` module has it, or that module itself. It is imported only when one of
            its commands is used, so that ``gomaa host doctor`` never imports a server.
        extra: the extra of the distribution that installs what it needs; empty for what is always installed.
        summary: its line in ``gomaa --help``, which imports nothing.
    """

    module: str
    extra: str
    summary: str


ROOMS: Final = {
    "audit": Room("audit", "audit", "Rebuild every balance from chain and published data."),
    "chain": Room("chain", "contracts", "Deploy the contracts, list stations and servers."),
    "convert": Room("studio", "studio", "Turn recordings into SPS files."),
    "destroy": Room("studio", "studio", "Destroy a song for good."),
    "earnings": Room("studio", "studio", "Show and collect what a song has earned."),
    "features": Room("features", "features", "Measure a recording: tempo, loudness, brightness."),
    "genre": Room("features", "genre", "Explore, compare, train and predict genres."),
    "host": Room("native_host.install.commands", "", "Connect a browser with this computer."),
    "inspect": Room("studio", "studio", "Show what an SPS file holds."),
    "move": Room("studio", "studio", "Move a song to another security server."),
    "policy": Room("gomaa.policy", "", "Check and explain a song's terms."),
    "publish": Room("studio", "studio", "Publish a song's contract."),
    "release": Room("studio", "studio", "Convert, publish and hand over in one step."),
    "report": Room("audit", "audit", "Print statements that reconcile to the wei."),
    "revoke": Room("studio", "studio", "Withdraw a song."),
    "server": Room("security_server", "server", "Run a security server."),
    "station": Room("station", "station", "Run a radio station."),
    "studio": Room("studio", "studio", "Release songs on a page of this computer."),
    "transfer": Room("studio", "studio", "Pass a song on to another owner."),
    "verify": Room("studio", "studio", "Verify an SPS file, also against the chain."),
    "watch": Room("audit", "audit", "Watch security servers and challenge lies."),
    "watermark": Room("watermark", "studio", "Embed and read watermarks."),
}


class Rooms(click.Group):
    """A group whose commands are found in the rooms."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, sorted."""
        return sorted(ROOMS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing one."""
        rows = [(name, room.summary + _needs(room)) for name, room in sorted(ROOMS.items())]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the room that has the command."""
        room = ROOMS.get(cmd_name)
        if room is None:
            return None
        try:
            module = importlib.import_module(room.module if "." in room.module else f"{room.module}.commands")
        except ModuleNotFoundError as e:
            raise _missing(e, room) from e
        found: click.Command = next(command for command in module.commands if command.name == cmd_name)
        return found

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a library that its extra would bring is named by the extra."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as e:
            raise _missing(e, ROOMS[str(ctx.invoked_subcommand)]) from e


def _needs(room: Room) -> str:
    return f"  [{room.extra}]" if room.extra else ""


def _missing(error: ModuleNotFoundError, room: Room) -> Exception:
    """``command.extra`` for a library that the room's extra installs; the error itself for a module of our own."""
    if not room.extra or (error.name or "").partition(".")[0] in _OWN:
        return error
    return Unavailable("command.extra", needs=error.name, install=f'pip install "gomaa[{room.extra}]"')


@click.group(cls=Rooms, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="gomaa")
def group() -> None:
    """Secure Portable Streaming: make songs, run a server or a station, connect a browser.

    A word in brackets is the extra that a command needs: pip install "gomaa[studio]".
    """


def main() -> None:
    """Run a command; an expected failure prints its code and sentence and exits 1.

    Tracebacks cut URLs to their hosts.
    """
    sys.excepthook = report_uncaught
    try:
        group(standalone_mode=True)
    except GomaaError as e:
        click.echo(f"gomaa: {e}", err=True)
        sys.exit(1)
