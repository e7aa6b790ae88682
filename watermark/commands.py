"""``gomaa watermark embed|read|search``."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

import click

from common.spread import Spread
from common.spread_options import spread_options
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import GomaaError
from pywallet.sps.mark import MAX_EVERY
from watermark.detection import Detection
from watermark.parameters import LAYERS

_SHOWN: Final = 6


class Pipe:
    """Standard input for FFmpeg, without seeking."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def read(self, size: int) -> bytes:
        """Read at most ``size`` bytes."""
        return self._stream.read(size)


def _source(audio: str) -> Any:
    return Pipe(sys.stdin.buffer) if audio == "-" else Path(audio)


def _layers(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names or set(names) - set(LAYERS):
        raise click.UsageError(f"--layers takes one or both of {', '.join(LAYERS)}, with a comma")
    return tuple(layer for layer in LAYERS if layer in names)


@click.group()
def watermark() -> None:
    """Put a content's address into sound, and read it back."""


@watermark.command()
@click.argument("audio")
@click.option(
    "-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The WAV to write."
)
@click.option("--address", required=True, help="The content's address, 0x and 40 hex digits.")
@click.option("--layers", default=",".join(LAYERS), show_default=True, help="Which layers to embed.")
@click.option(
    "--every",
    type=click.IntRange(1, MAX_EVERY),
    default=1,
    show_default=True,
    help="Mark each n-th segment of two seconds.",
)
@click.option("--no-clean", is_flag=True, help="Keep the recording's own sound above 20 kHz.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def embed(audio: str, output: Path, address: str, layers: str, every: int, no_clean: bool, as_json: bool) -> None:
    """Mark AUDIO (a file, or - for standard input) into a WAV."""
    from watermark.wavfile import mark_file

    content = from_hex(address, 20)
    chosen = _layers(layers)
    # Written beside the target and moved there whole, so that the source may be the target.
    handle, name = tempfile.mkstemp(suffix=".wav", dir=output.absolute().parent)
    try:
        with os.fdopen(handle, "w+b") as file:
            done = mark_file(_source(audio), file, content, chosen, not no_clean, every)
        mask = os.umask(0)
        os.umask(mask)
        Path(name).chmod(0o666 & ~mask)
        Path(name).replace(output)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    if as_json:
        click.echo(json.dumps({"output": str(output), "address": to_hex(content), **done}))
    else:
        click.echo(
            f"{output}: {done['seconds']} s, {done['rate']} Hz, {done['depth']} bits, marked with {to_hex(content)} "
            f"({', '.join(chosen)})"
        )


def _addresses(path: Path | None) -> list[bytes]:
    if path is None:
        return []
    lines = (line.partition("#")[0].strip() for line in path.read_text().splitlines())
    return [from_hex(line, 20) for line in lines if line]


def _summary(found: Sequence[Detection]) -> list[str]:
    lines: list[str] = []
    for address in dict.fromkeys(f.address for f in found):
        detections = [f for f in found if f.address == address]
        lines.append(to_hex(address))
        for layer in LAYERS:
            blocks = [f for f in detections if f.layer == layer]
            if not blocks:
                continue
            confidence = max(f.confidence for f in blocks)
            speeds = sorted({round(100 * (f.speed - 1), 1) + 0.0 for f in blocks})
            note = (
                f", speed {', '.join(f'{s:+g} %' for s in speeds)}" if layer == "ultrasonic" and speeds != [0.0] else ""
            )
            listed = sum(f.method == "list" for f in blocks)
            note += f", {listed} by the list" if listed else ""
            lines.append(f"  {layer}: {len(blocks)} read, confidence up to {confidence:.2f}{note}")
            for f in blocks[:_SHOWN]:
                block = "" if f.block is None else f" block {f.block}"
                lines.append(f"    at {f.position_s:9.3f} s{block}")
            if len(blocks) > _SHOWN:
                lines.append(f"    … to {blocks[-1].position_s:.3f} s")
    return lines


@watermark.command()
@click.argument("audio")
@click.option("--layers", default=",".join(LAYERS), show_default=True, help="Which layers to look for.")
@click.option(
    "--candidates",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file of addresses, one a line.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def read(audio: str, layers: str, candidates: Path | None, as_json: bool) -> None:
    """Tell whose sound AUDIO is (a file, or - for a WAV on standard input).

    Only what a checksum, or two blocks that agree on one address of the list, make certain is told.
    """
    from watermark.search import read_recording

    result = read_recording(_source(audio), _layers(layers), _addresses(candidates))
    found, note = result.marks, result.note
    if as_json:
        click.echo(json.dumps({"marks": [f.to_json() for f in found], **({"note": note} if note else {})}))
        return
    if note:
        click.echo(note, err=True)
    click.echo("\n".join(_summary(found)) if found else "no mark found")


@watermark.command()
@click.argument("archive", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--layers", default=",".join(LAYERS), show_default=True, help="Which layers to look for.")
@click.option(
    "--candidates",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file of addresses, one a line.",
)
@spread_options()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a recording.")
def search(archive: tuple[Path, ...], layers: str, candidates: Path | None, spread: Spread, as_json: bool) -> None:
    """Read every recording in ARCHIVE (files and folders), each as ``read`` does.

    A file that cannot be read is reported in its place; the others are read, and the exit code is 1.
    """
    from watermark.search import search as search_archive
    from watermark.search import tasks, to_json

    work, failed = tasks(archive, _layers(layers), _addresses(candidates)), False
    with spread.opened() as pool:
        for task, found in search_archive(pool, work):
            failed = failed or isinstance(found, GomaaError)
            if as_json:
                click.echo(json.dumps(to_json(task, found)))
            elif isinstance(found, GomaaError):
                click.echo(f"{task.name}: {found}", err=True)
            else:
                click.echo(
                    "\n".join([task.name, *(f"  {line}" for line in _summary(found.marks) or ["no mark found"])])
                )
                if found.note:
                    click.echo(f"{task.name}: {found.note}", err=True)
    if failed:
        sys.exit(1)


commands: Final = (watermark,)
