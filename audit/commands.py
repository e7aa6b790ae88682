"""``gomaa audit``, ``gomaa report``, ``gomaa watch``."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from audit.options import DATA, DEPLOYMENT, RECEIPTS, RPC, SCRATCH, absolute, made
from audit.report_commands import report
from audit.watch_command import watch
from common.spread_options import spread_options

if TYPE_CHECKING:
    from audit.run import AuditResult
    from chain.deployment import Deployment
    from common.spread import Spread


@click.command()
@DEPLOYMENT
@DATA
@RPC
@RECEIPTS
@click.option(
    "--keep", type=click.Path(file_okay=False, path_type=Path), help="keep fetched data here, under their hash"
)
@SCRATCH
@spread_options()
@click.option("--json", "as_json", is_flag=True, help="one JSON object")
def audit(
    deployment_file: Path,
    places: tuple[str, ...],
    rpc: str | None,
    receipts: tuple[Path, ...],
    keep: Path | None,
    scratch: Path | None,
    spread: Spread,
    as_json: bool,
) -> None:
    """Rebuild every balance, counter and leaf from the chain and the published data; exit code 1 if anything lies."""
    from chain.deployment import Deployment

    deployment = Deployment.load(deployment_file)
    result = asyncio.run(_audit(deployment, rpc, places, receipts, made(keep), made(scratch), spread))
    if as_json:
        click.echo(json.dumps(result.to_json()))
    else:
        _say(result)
    if not result.ok:
        sys.exit(1)


async def _audit(
    deployment: Deployment,
    rpc: str | None,
    places: tuple[str, ...],
    receipts: tuple[Path, ...],
    keep: Path | None,
    scratch: Path | None,
    spread: Spread,
) -> AuditResult:
    from audit.receipts import amounts, highest, read_all
    from audit.run import audit as run
    from chain.client import Chain

    promised = amounts(highest(read_all(receipts, deployment.domain)))
    with spread.opened() as pool:
        async with Chain.connect(rpc or deployment.rpc, deployment.chain_id) as chain:
            data = absolute(places)
            return await run(chain, deployment, data, promised=promised, keep=keep, pool=pool, scratch=scratch)


def _say(result: AuditResult) -> None:
    from pywallet.encoding.amounts import show

    for name, value in result.figures.items():
        plain = name.removesuffix("_wei")
        click.echo(f"{plain:>12}  {show(value) + ' GoMAA' if name != plain else value}")
    for fault in result.faults:
        click.echo(f"LIE  {fault}")
    click.echo(f"{'OK' if result.ok else f'{len(result.faults)} faults'}, block {result.block}")


commands: Final = [audit, report, watch]
