"""``gomaa convert``: converts files, folders or standard input to songs."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from chain.deployment import Deployment
from common.spread import Spread
from common.spread_options import spread_options
from pywallet.encoding.hex import to_hex
from pywallet.policy import Policy
from studio import selfrender
from studio.audio import Recording
from studio.batch import Failure, Job, JobOutcome, Kept, attempt, find_recordings, for_song, run
from studio.convert import ConvertResult, header_names
from studio.options import bar, options_of, owner_key, server_of, song_options
from studio.owner import ContentKeys
from studio.release import ConversionError
from studio.server import ServerInfo
from studio.text import display_name

SOURCE = click.Path(exists=True, allow_dash=True, path_type=Path)


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
@spread_options(os.cpu_count() or 1, ("--jobs",))
@click.option(
    "--html", is_flag=True, help="Also write each song as a page that carries it, OUTPUT.html (docs/format/html.md)."
)
@click.option(
    "--dry-run", is_flag=True, help="Read the recordings' beginnings and say what would be made; write nothing."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def convert(
    sources: tuple[Path, ...], output: Path, spread: Spread, html: bool, dry_run: bool, as_json: bool, **chosen: Any
) -> None:
    """Turn recordings into SPS files, sealed and signed. SOURCES: files, folders, or - for standard input.

    A folder that was interrupted goes on when called again: finished songs are kept, and nothing unfinished has a
    song's name.
    """
    work = plan(sources, output, dry_run, chosen)
    if dry_run:
        rows = [_dry_run(job) for job in work]
        click.echo(json.dumps({"would": rows}) if as_json else "\n".join(_dry_run_line(row) for row in rows))
        return
    single = len(sources) == 1 and not sources[0].is_dir()
    if single and work[0].output.exists() and not chosen["force"]:
        raise click.UsageError(f"{work[0].output} exists; --force replaces it.")
    outcomes = run_jobs(work, spread)
    if single and isinstance(outcomes[0], Failure):
        raise ConversionError(outcomes[0])
    if html:
        for job, outcome in zip(work, outcomes, strict=True):
            if not isinstance(outcome, Failure):
                selfrender.write(job.output, job.output.with_name(job.output.name + ".html"))
    if as_json:
        click.echo(json.dumps(_json(outcomes[0]) if single else _summary(outcomes)))
    else:
        for outcome in outcomes:
            click.echo(_message(outcome), err=isinstance(outcome, Failure))
            warn(outcome)
        if not single:
            click.echo(", ".join(f"{len(rows)} {name}" for name, rows in _summary(outcomes).items()) + ".")
    if any(isinstance(outcome, Failure) for outcome in outcomes):
        sys.exit(1)


def plan(sources: tuple[Path, ...], output: Path, dry_run: bool, chosen: dict[str, Any]) -> list[Job]:
    """The conversions that the command line requests.

    Raises:
        click.UsageError: Sources, output or key file do not fit together.
        GomaaError: The policy, the deployment or the security server is invalid or unreachable.
    """
    deployment = Deployment.load(chosen["deployment_path"])
    policy = Policy.from_toml(chosen["policy_path"].read_text(encoding="utf-8")).to_dict()
    if str(sources[0]) == "-" and len(sources) > 1:
        raise click.UsageError("Standard input is one song; give - alone.")
    several = len(sources) > 1 or sources[0].is_dir()
    if several and output.exists() and not output.is_dir():
        raise click.UsageError(f"{output} is a file; several songs need a folder.")
    options = for_song(options_of(chosen), several)
    pairs: list[tuple[Path | None, Path]]
    if str(sources[0]) == "-":
        pairs = [(None, output)]
    elif several or output.is_dir():
        pairs = [(source, place) for source, place in find_recordings(sources, output)]
        if not pairs:
            raise click.UsageError("There is no recording in there.")
    else:
        pairs = [(sources[0], output)]
    if dry_run:
        server = ServerInfo(chosen["url"], bytes(20), bytes(32))
        key = owner_key(chosen["key_path"], new=False) if chosen["key_path"].exists() else b""
    else:
        server = server_of(chosen["url"], chosen["server_address"], chosen["server_key"], deployment)
        key = owner_key(chosen["key_path"], chosen["new_key"])
    return [Job(source, place, policy, key, deployment, server, options) for source, place in pairs]


def run_jobs(work: list[Job], spread: Spread) -> list[JobOutcome]:
    """Run the conversions with progress bars; returns the outcomes in the jobs' order."""
    outcomes: dict[int, JobOutcome] = {}
    with bar() as progress:
        whole = progress.add_task("Converting", total=len(work))
        lines: dict[int, Any] = {}

        def on_progress(number: int, done: float, total: float | None) -> None:
            if number not in lines:
                lines[number] = progress.add_task(Path(work[number].name).name, total=total)
            progress.update(lines[number], completed=done, total=total)

        for number, outcome in run(work, spread, on_progress):
            outcomes[number] = outcome
            progress.update(whole, completed=len(outcomes))
            if number in lines:
                progress.remove_task(lines.pop(number))
    return [outcomes[number] for number in range(len(work))]


def warn(outcome: JobOutcome) -> None:
    """Print a conversion's warnings on stderr."""
    if isinstance(outcome, ConvertResult):
        for note in outcome.warnings:
            click.echo(f"warning: {display_name(str(outcome.path))}: {note}", err=True)


def _json(outcome: JobOutcome) -> dict[str, Any]:
    out = {
        k: str(v) if isinstance(v, Path) else to_hex(v) if isinstance(v, bytes) else v for k, v in vars(outcome).items()
    }
    return {**out, "duration_ms": outcome.duration_ms} if isinstance(outcome, ConvertResult) else out


def _summary(outcomes: list[JobOutcome]) -> dict[str, list[dict[str, Any]]]:
    kinds = {"made": ConvertResult, "kept": Kept, "failed": Failure}
    return {name: [_json(outcome) for outcome in outcomes if isinstance(outcome, kind)] for name, kind in kinds.items()}


def _message(outcome: JobOutcome) -> str:
    if isinstance(outcome, Failure):
        return f"{display_name(outcome.source)}: {outcome.message}"
    if isinstance(outcome, Kept):
        return f"{display_name(str(outcome.path))}: there already, kept."
    speed = outcome.duration_ms / 1000 / outcome.elapsed_s
    loud = "silent" if outcome.loudness is None else f"{outcome.loudness:.1f} LUFS"
    marks = f", watermark {' and '.join(outcome.layers)}" if outcome.layers else ""
    return (
        f"{display_name(str(outcome.path))}: {outcome.title}, {outcome.artist}\n"
        f"{outcome.duration_ms / 1000:.1f} s in {outcome.segments} segments, {loud}{marks}, made at {speed:.0f} x "
        f"real time.\n"
        f"Content {to_hex(outcome.content)}. Keep {display_name(str(outcome.key_path))}: nobody can play the song "
        "without it."
    )


def _dry_run(job: Job) -> dict[str, Any]:
    """The result of a dry run: what the job would do, as JSON."""
    row: dict[str, Any] = {"source": job.name, "path": str(job.output)}
    if job.source is None:
        return {**row, "action": "convert"}
    source = job.source

    def probe() -> None:
        with Recording(source) as recording:
            sound = recording.sound
            row.update(seconds=recording.seconds, rate=sound.rate, channels=sound.channels, bits=sound.bits)
            row["title"] = header_names(recording, job.options).title

    outcome = attempt(job, probe)
    if isinstance(outcome, Failure):
        return {**row, "action": "refuse", "code": outcome.code, "message": outcome.message}
    exists = isinstance(outcome, Kept)
    has_keys = ContentKeys.beside(job.output).exists() and not job.output.exists()
    return {**row, "action": "keep" if exists else "convert", "with_kept_keys": has_keys}


def _dry_run_line(row: dict[str, Any]) -> str:
    if row["action"] == "refuse":
        return f"refuse   {display_name(row['source'])}: {row['message']}"
    length = f", {row['seconds']:.0f} s" if row.get("seconds") else ""
    sound = f", {row['bits']} bit, {row['rate'] / 1000:g} kHz, {row['channels']} ch" if "rate" in row else ""
    return f"{row['action']:<8} {display_name(row['source'])} -> {display_name(row['path'])}{length}{sound}"
