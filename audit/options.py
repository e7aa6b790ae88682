"""Command-line options shared by several commands."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

DEPLOYMENT: Final = click.option(
    "--deployment",
    "deployment_file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="the network's deployment.json",
)
DATA: Final = click.option(
    "--data",
    "places",
    multiple=True,
    metavar="URL|DIR",
    help="published data; also several times (default: the registered servers)",
)
RPC: Final = click.option("--rpc", help="another node than the deployment's")
RECEIPTS: Final = click.option(
    "--receipts",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="files or folders of receipts; also several times",
)
SCRATCH: Final = click.option(
    "--scratch",
    type=click.Path(file_okay=False, path_type=Path),
    help="folder of temporary files (default: the system's); with --dask one that every worker sees",
)


def made(folder: Path | None) -> Path | None:
    """A folder with its full path, made where it is missing."""
    if folder is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    return folder.absolute()


def absolute(places: tuple[str, ...]) -> tuple[str, ...]:
    """Places of published data, folders with their full paths: a worker may run in another folder."""
    return tuple(
        place if place.startswith(("http://", "https://")) else str(Path(place).absolute()) for place in places
    )
