"""The systemd unit and the container file of ``examples/operations``, as far as no systemd and no engine is needed."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from pywallet.redacted_logs import JsonFormatter
from security_server.api.http import PROBES
from security_server.commands import END_S, run, server
from security_server.config import Config

ROOT: Final = Path(__file__).resolve().parents[3]
FOLDER: Final = ROOT / "examples" / "operations"
UNIT: Final = FOLDER / "gomaa-server.service"
OPTIONS: Final = {option for parameter in run.params for option in parameter.opts}


def settings() -> dict[str, list[str]]:
    """Settings of the unit; a name may stand several times."""
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def instructions() -> list[tuple[str, str]]:
    """Instructions of the container file: name and arguments."""
    text = (FOLDER / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]


def test_the_units_command_exists() -> None:
    """The unit would not start after an option was renamed."""
    program, *words = shlex.split(settings()["ExecStart"][0])
    assert Path(program).name == "gomaa"
    assert words[:2] == [server.name, run.name]
    assert {word for word in words if word.startswith("--")} <= OPTIONS


def test_the_unit_waits_for_the_drain() -> None:
    """Systemd would kill the server while hosts leave."""
    found = settings()
    assert found["KillSignal"] == ["SIGTERM"]
    assert int(found["TimeoutStopSec"][0]) > Config(Path(), Path()).drain_s + 2 * END_S
    assert found["Restart"] == ["on-failure"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """A misspelt setting would be ignored, and the server would run with more rights."""
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text(encoding="utf-8").replace("/opt/gomaa/bin/gomaa", sys.executable), encoding="utf-8")
    verified = subprocess.run(["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True)
    assert [line for line in verified.stderr.splitlines() if UNIT.name in line] == []
    exposure = ["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", copy]
    found = subprocess.run(exposure, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout[-2000:]


def test_the_containers_command_exists() -> None:
    """The container would not start, or would be killed without a drain."""
    found = dict(instructions())
    words = [*json.loads(found["ENTRYPOINT"]), *json.loads(found["CMD"])]
    assert words[1:3] == [server.name, run.name]
    assert {word for word in words if word.startswith("--")} <= OPTIONS
    assert signal.Signals[found["STOPSIGNAL"]] == signal.SIGTERM
    assert found["EXPOSE"] == str(Config(Path(), Path()).port)
    assert any(path in found["HEALTHCHECK"] for path in PROBES)
    assert found["USER"] != "0"


def test_the_containers_releases_are_those_of_the_lock() -> None:
    """The container would resolve other releases than those that were tested."""
    script = next(text for name, text in instructions() if name == "RUN" and "sed" in text)
    command = re.search(r"sed -n '[^']*'", script)
    assert command is not None
    lock = ROOT / "requirements" / "test.lock"
    made = subprocess.run([*shlex.split(command[0]), lock], capture_output=True, text=True, check=True).stdout
    pinned = set(re.findall(r"^([A-Za-z0-9._-]+)==", lock.read_text(encoding="utf-8"), re.MULTILINE))
    assert {line.partition("==")[0] for line in made.splitlines()} == pinned
    assert "--hash" not in made
    assert "\\" not in made


def test_a_log_line_is_one_json_object() -> None:
    """A collector of logs would split a traceback into lines without their level."""
    import logging

    try:
        raise ValueError("first\nsecond")
    except ValueError:
        record = logging.LogRecord("gomaa.server", logging.ERROR, "", 0, "failed\nhere", (), sys.exc_info())
    line = JsonFormatter().format(record)
    assert "\n" not in line
    assert json.loads(line).keys() == {"time", "level", "logger", "message", "code", "trace"}
