"""The demo's parts write to a log file, which is shown when something fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from demo import __main__ as demo
from demo.quiet import tail

NOISE = """
import os, subprocess, sys
from pathlib import Path
from demo.quiet import captured
print("before")
try:
    with captured(Path(sys.argv[1])) as (out, err):
        print("a library")
        os.write(2, b"a driver\\n")
        subprocess.run([sys.executable, "-c", "import sys; print('a child'); print('and its errors', file=sys.stderr)"])
        print("result", file=out)
        print("progress", file=err)
        if sys.argv[2] == "fail":
            raise ValueError("broken")
except ValueError as e:
    print("failed:", e)
print("after")
"""


@pytest.mark.parametrize("end", ["well", "fail"])
def test_output_of_parts_goes_to_the_log(end: str, tmp_path: Path) -> None:
    """Also output past ``sys.stdout``; afterwards output is restored, also after an error."""
    log = tmp_path / "new" / "demo.log"
    done = subprocess.run([sys.executable, "-c", NOISE, log, end], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n") == ["before", "result", *(["failed: broken"] if end == "fail" else []), "after", ""]
    assert done.stderr == "progress\n"
    assert sorted(log.read_text().splitlines()) == ["a child", "a driver", "a library", "and its errors"]


@pytest.mark.parametrize("fails", [False, True])
def test_the_demo_shows_the_log_only_when_it_fails(
    fails: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The result is the same one object either way."""

    class Done:
        def to_json(self) -> dict[str, object]:
            return {"ok": True}

    def play(*_: object) -> Done:
        subprocess.run([sys.executable, "-c", "print('chatter')"], check=True)
        if fails:
            raise RuntimeError("no sound")
        return Done()

    monkeypatch.setattr(demo, "LOG", tmp_path / "demo.log")
    monkeypatch.setattr("demo.headless.play_once", play)
    monkeypatch.setattr(sys, "argv", ["demo", "--headless", "--json", "--song", __file__])
    assert demo.main() == int(fails)
    out, err = capfd.readouterr()
    assert out.startswith('{"ok": ' + ("false" if fails else "true"))
    assert ("chatter" in err) is fails
    assert "chatter" not in out


def test_an_empty_log_prints_nothing(tmp_path: Path) -> None:
    """Its end is no line at all."""
    (tmp_path / "log").write_bytes(b"")
    assert tail(tmp_path / "log") == ""
