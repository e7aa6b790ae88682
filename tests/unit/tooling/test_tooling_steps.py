"""A failed step names its cause last and alone, whatever warnings stood around it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tooling import steps

PIP = """WARNING: Location 'file:///srv/none/simple/uv/' is ignored: it is neither a file nor a directory.
Looking in indexes: http://localhost:1/simple
ERROR: Could not find a version that satisfies the requirement uv==9 (from versions: none)
ERROR: No matching distribution found for uv==9
WARNING: You are using pip version 23.0.1; however, version 26 is available.
[notice] A new release of pip is available"""
UV = """warning: Failed to hardlink files; falling back to full copy.
Using Python 3.11.2 environment at: .venv
error: Hash mismatch for `six==1.17.0`

Expected:
  sha256:00
warning: something else"""
NPM = """npm warn deprecated glob@7: old
npm error code EUSAGE
npm error `npm ci` can only install packages when your package.json and package-lock.json are in sync.
npm warn something
npm error A complete log of this run can be found in: /home/fan/.npm/_logs/x.log"""
APT = """W: Some index files failed to download.
E: Unable to locate package chromium"""


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (PIP, "\n".join(PIP.splitlines()[2:4])),
        (UV, "error: Hash mismatch for `six==1.17.0`\nExpected:\n  sha256:00"),
        (NPM, "\n".join(NPM.splitlines()[1:3])),
        (APT, "E: Unable to locate package chromium"),
        ("Traceback (most recent call last):\n  File\nValueError: no", "ValueError: no"),
        ("one\n\ntwo\n", "one\ntwo"),
        ("", ""),
    ],
)
def test_cause_holds_the_errors_and_no_warning(output: str, expected: str) -> None:
    assert steps.cause(output) == expected


def test_failed_step_ends_with_its_cause_and_keeps_its_whole_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "LOGS", tmp_path)
    script = (
        "import sys; print('WARNING: w'); print('ERROR: the cause'); print('WARNING: last', file=sys.stderr); "
        "sys.exit(3)"
    )
    with pytest.raises(steps.BuildError) as failed:
        steps.run("example", sys.executable, "-c", script)
    assert str(failed.value).splitlines()[-1] == "ERROR: the cause"
    assert "WARNING" not in str(failed.value)
    assert "WARNING: last" in (tmp_path / "example.log").read_text()


def test_step_gets_variables_and_loses_those_set_to_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_TARGET", "/elsewhere")
    script = "import os; print(os.environ.get('PIP_TARGET'), os.environ['ADDED'])"
    assert steps.run("example", sys.executable, "-c", script, env={"PIP_TARGET": None, "ADDED": "1"}) == "None 1\n"


def test_stamp_holds_until_an_input_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "CACHE", tmp_path)
    lock = tmp_path / "lock"
    lock.write_text("one")
    assert not steps.fresh("example", lock)
    steps.stamp("example", lock)
    assert steps.fresh("example", lock)
    lock.write_text("two")
    assert not steps.fresh("example", lock)
