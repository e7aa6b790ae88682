"""Run a set-up step once per state of its inputs, log its output, and name the cause when it fails."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
CACHE: Final = ROOT / ".cache"
LOGS: Final = CACHE / "logs"

_NOISE: Final = re.compile(
    r"^\s*(WARNING|DEPRECATION|\[notice\]|warning:|npm (warn|WARN|notice)|W: |npm error A complete log|debconf:)"
)
_CAUSE: Final = re.compile(r"^\s*(ERROR:|error:|× |npm (error|ERR!) |E: |\w*(Error|Exception): )")
_CAUSE_LINES: Final = 12


class BuildError(Exception):
    """A failed step; the text names the remedy."""


def say(text: str) -> None:
    """Print progress to stderr; stdout is for the command's result."""
    print(f"\033[1m▸\033[0m {text}" if sys.stderr.isatty() else f"> {text}", file=sys.stderr, flush=True)


def cause(output: str) -> str:
    """Return the lines of a failed step's output that name the cause, without warnings.

    Args:
        output: Everything that the step printed.

    Returns:
        From the first line that an installer marks as an error, at most twelve lines; the last lines where none is
        marked.
    """
    lines = [line.rstrip() for line in output.splitlines() if line.strip() and not _NOISE.match(line)]
    marked = [number for number, line in enumerate(lines) if _CAUSE.match(line)]
    return "\n".join(lines[marked[0] :][:_CAUSE_LINES] if marked else lines[-_CAUSE_LINES:])


def run(name: str, *command: str | Path, env: Mapping[str, str | None] | None = None, cwd: Path = ROOT) -> str:
    """Run a step quietly.

    Args:
        name: Name of the log, ``.cache/logs/<name>.log``.
        command: Program and arguments.
        env: Variables added to this process's; None removes one.
        cwd: Folder to run in.

    Returns:
        What the step printed.

    Raises:
        BuildError: The step failed; the text ends with the cause.
    """
    line = [str(part) for part in command]
    variables = {**os.environ, **(env or {})}
    done = subprocess.run(
        line,
        cwd=cwd,
        env={key: value for key, value in variables.items() if value is not None},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode == 0:
        return done.stdout
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{name}.log"
    log.write_text(f"$ {' '.join(line)}\n{done.stdout}", encoding="utf-8")
    raise BuildError(f"{name} failed ({done.returncode}); all it printed is in {log}\n\n{cause(done.stdout)}")


def show(*command: str | Path) -> None:
    """Run a step with its output on stderr.

    Raises:
        BuildError: The step failed.
    """
    line = [str(part) for part in command]
    code = subprocess.run(line, cwd=ROOT, stdout=sys.stderr, check=False).returncode
    if code:
        raise BuildError(f"this step failed ({code}): {' '.join(line)}")


def fresh(name: str, *inputs: Path) -> bool:
    """Return whether step ``name`` has run with exactly these inputs (see ``stamp``)."""
    mark = CACHE / f"{name}.stamp"
    return mark.exists() and mark.read_text() == _digest(*inputs)


def stamp(name: str, *inputs: Path) -> None:
    """Record that step ``name`` ran with these inputs."""
    CACHE.mkdir(exist_ok=True)
    (CACHE / f"{name}.stamp").write_text(_digest(*inputs))


def _digest(*inputs: Path) -> str:
    total = hashlib.sha256(sys.version.encode())
    for path in inputs:
        total.update(path.read_bytes())
    return total.hexdigest()
