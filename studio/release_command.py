"""``gomaa release``: from a recording to a song that stations may play, in one command."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from pywallet.errors import GomaaError
from studio.batch import Failure
from studio.choices import JSON, song_options
from studio.convert_command import SOURCE, carry_out, plan, warn
from studio.release import ConversionError, Receipt, go_public, problem, words


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
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=os.cpu_count() or 1,
    show_default=True,
    help="Songs converted at the same time.",
)
@JSON
def release(
    sources: tuple[Path, ...],
    output: Path,
    html: bool,
    exploded: bool,
    jobs: int,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Convert, publish the contract, hand over the keys, write all packagings, print a receipt.

    Again is harmless, and completes what was interrupted: no second contract is ever made.
    """
    work = plan(sources, output, False, chosen)
    done: list[Receipt] = []
    failed: list[dict[str, str]] = []
    for job, outcome in zip(work, carry_out(work, jobs), strict=True):
        warn(outcome)
        try:
            if isinstance(outcome, Failure):
                raise ConversionError(outcome)
            wishes: dict[str, Any] = {
                "html": html,
                "exploded": exploded,
                "renditions": job.options.renditions,
                "server_url": job.server.url,
            }
            done.append(asyncio.run(go_public(job.output, job.owner_key, job.deployment, **wishes)))
        except GomaaError as e:
            if len(work) == 1:
                raise
            failed.append({"source": job.name, **problem(e)})
    if as_json:
        single = len(work) == 1
        click.echo(
            json.dumps(done[0].to_json() if single else {"released": [r.to_json() for r in done], "failed": failed})
        )
    else:
        click.echo("\n\n".join(words(receipt) for receipt in done))
        for row in failed:
            click.echo(f"{row['source']}: {row['message']}", err=True)
    if failed:
        sys.exit(1)
