"""Command-line options shared by the studio's commands, and the values made from them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from chain.deployment import Deployment
from pywallet.encoding.hex import from_b64, from_hex
from pywallet.errors import InputError
from pywallet.sps.mark import MAX_EVERY
from studio.convert import ConvertOptions
from studio.marking import LAYERS, choose_layers
from studio.owner import is_private, load_owner_key, new_owner_key
from studio.renditions import KINDS
from studio.server import ServerInfo, fetch_info


class SongPlace(click.Path):
    """Parameter type of a song in any packaging: an existing file or folder, or the URL of an exploded folder."""

    def __init__(self) -> None:
        super().__init__(exists=True, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """A URL unchanged, anything else as a path."""
        if isinstance(value, str) and value.startswith(("http://", "https://")):
            return value
        return super().convert(value, param, ctx)


FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
SONG: Final = SongPlace()
NEW: Final = click.Path(dir_okay=False, path_type=Path)

KEY: Final = click.option("--key", "key_path", type=NEW, required=True, help="The owner's key file, 0x-hex.")
DEPLOYMENT: Final = click.option(
    "--deployment", "deployment_path", type=FILE, required=True, help="The network's deployment file."
)
JSON: Final = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")

_SONG_OPTIONS: Final = (
    click.option("--policy", "policy_path", type=FILE, required=True, help="The terms, TOML; see examples/policies."),
    KEY,
    click.option("--new-key", is_flag=True, help="Make the owner's key file if it is missing."),
    DEPLOYMENT,
    click.option(
        "--server", "url", required=True, metavar="URL", help="The security server that will give out the keys."
    ),
    click.option("--server-address", metavar="0xHEX", help="The server's account, to work without asking it."),
    click.option("--server-key", metavar="BASE64", help="The server's X25519 key, with --server-address."),
    click.option("--title", help="Default: the recording's tag, else its file name. One song only."),
    click.option("--artist", help="Default: the recording's tag."),
    click.option("--album", help="Default: the recording's tag."),
    click.option("--isrc", help="Default: the recording's tag. One song only."),
    click.option(
        "--genre", help="Default: the recording's tag; without one a guess, where the features package is installed."
    ),
    click.option("--features/--no-features", default=True, help="Measure how the song sounds, where that can be."),
    click.option("--artwork", type=FILE, help="A cover picture, instead of the recording's own."),
    click.option("--delivery", multiple=True, metavar="URL", help="Where the file will be found; may be given again."),
    click.option(
        "--watermark/--no-watermark",
        default=None,
        help="Mark the sound with the content's address; on where it can be.",
    ),
    click.option(
        "--layer",
        "layers",
        multiple=True,
        type=click.Choice(LAYERS),
        help="Watermark layer; may be given again. Default: ultrasonic.",
    ),
    click.option(
        "--rendition",
        "renditions",
        multiple=True,
        type=click.Choice(KINDS),
        help="Also encode the song so; may be given again.",
    ),
    click.option(
        "--every",
        type=click.IntRange(1, MAX_EVERY),
        default=1,
        show_default=True,
        help="One watermark block in so many.",
    ),
    click.option("--salt", metavar="0xHEX", help="32 bytes: the same address and keys as before. One song only."),
    click.option("--force", is_flag=True, help="Replace songs that are there, with new content keys."),
)


def song_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a conversion: terms, owner, network, server, names, watermark."""
    for option in reversed(_SONG_OPTIONS):
        command = option(command)
    return command


def options_of(chosen: dict[str, Any]) -> ConvertOptions:
    """Conversion options of a command's parameters."""
    layer_names = None if chosen["watermark"] is None else chosen["layers"] or LAYERS[:1]
    layers = () if chosen["watermark"] is False else choose_layers(chosen["layers"] or layer_names)
    return ConvertOptions(
        title=chosen["title"],
        artist=chosen["artist"],
        album=chosen["album"],
        isrc=chosen["isrc"],
        genre=chosen["genre"],
        artwork=chosen["artwork"],
        delivery=chosen["delivery"],
        layers=layers,
        every=chosen["every"],
        salt=from_hex(chosen["salt"], 32) if chosen["salt"] else None,
        replace=chosen["force"],
        measure=chosen["features"],
        renditions=tuple(dict.fromkeys(chosen["renditions"])),
    )


def bar() -> Progress:
    """A progress bar on stderr, so that ``--json`` output stays one object."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(stderr=True), transient=True)


def owner_key(path: Path, new: bool) -> bytes:
    """Read the owner's private key; ``new`` makes a missing file.

    Raises:
        click.UsageError: The file is missing.
        InputError: ``message.schema``.
    """
    if not path.exists():
        if not new:
            raise click.UsageError(f"{path} does not exist; --new-key makes one.")
        return new_owner_key(path)
    if not is_private(path):
        click.echo(f"warning: {path} can be read by others; chmod 600 it.", err=True)
    return load_owner_key(path)


def server_of(url: str, address: str | None, key: str | None, deployment: Deployment) -> ServerInfo:
    """The security server; it is queried unless its account and key are given.

    Raises:
        click.UsageError: Only one of account and key is given.
        Unavailable: ``server.*``.
        InputError: ``message.schema``.
    """
    if address is None and key is None:
        return fetch_info(url, deployment.domain)
    if address is None or key is None:
        raise click.UsageError("--server-address and --server-key go together.")
    exchange = from_b64(key)
    if len(exchange) != 32:
        raise InputError("message.schema", field="server-key", reason="32 bytes in base64")
    return ServerInfo(url.rstrip("/"), from_hex(address, 20), exchange)
