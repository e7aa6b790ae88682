"""``gomaa release``: converts, publishes and packages recordings in one command."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from common.spread import Spread
from common.spread_options import spread_options
from pywallet.errors import GomaaError
from studio.batch import Failure
from studio.convert_command import SOURCE, plan, run_jobs, warn
from studio.options import JSON, song_options
from studio.release import ConversionError, ReleaseReceipt, error_json, publish_and_package, summary


@click.command()
@click.argument("sources", type=SOURCE, nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="The SPS file; a folder for a folder or for several recordings.",
)
@song_options
@click.option("--html/--no-html", default=True, help="Also write the self-rendering file, OUTPUT.html.")
@click.option("--exploded/--no-exploded", default=True, help="Also write the folder of segments for a content network.")
@spread_options(os.cpu_count() or 1, ("--jobs",))
@JSON
def release(
    sources: tuple[Path, ...],
    output: Path,
    html: bool,
    exploded: bool,
    spread: Spread,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Convert, publish the contract, hand over the keys, write all packagings, print a receipt.

    Again is harmless, and completes what was interrupted: no second contract is ever made.
    """
    work = plan(sources, output, False, chosen)
    done: list[ReleaseReceipt] = []
    failed: list[dict[str, str]] = []
    for job, outcome in zip(work, run_jobs(work, spread), strict=True):
        warn(outcome)
        try:
            if isinstance(outcome, Failure):
                raise ConversionError(outcome)
            options: dict[str, Any] = {
                "html": html,
                "exploded": exploded,
                "renditions": job.options.renditions,
                "server_url": job.server.url,
            }
            done.append(asyncio.run(publish_and_package(job.output, job.owner_key, job.deployment, **options)))
        except GomaaError as e:
            if len(work) == 1:
                raise
            failed.append({"source": job.name, **error_json(e)})
    if as_json:
        single = len(work) == 1
        click.echo(
            json.dumps(done[0].to_json() if single else {"released": [r.to_json() for r in done], "failed": failed})
        )
    else:
        click.echo("\n\n".join(summary(receipt) for receipt in done))
        for row in failed:
            click.echo(f"{row['source']}: {row['message']}", err=True)
    if failed:
        sys.exit(1)
