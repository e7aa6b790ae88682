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
