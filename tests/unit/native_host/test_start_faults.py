"""Start-up faults with a real host process: each is said as what it is, and the advice that is shown for it works."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from native_host import networks
from native_host.ledger import Ledger
from native_host.paths import Paths
from pywallet.errors import PUBLIC_DETAIL

ROOT = Path(__file__).resolve().parents[3]
TEXTS = json.loads((ROOT / "extension/_locales/en/messages.json").read_text(encoding="utf-8"))
REMEDIES = dict(re.findall(r'"([a-z.]+)": "(command|upgrade|repair)"', (ROOT / "extension/ui/host.js").read_text()))
PLAIN_USER = """
import ctypes, os, sys
if os.getuid() == 0:
    # Root without its capabilities: mode bits hold.
    header, data = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    assert ctypes.CDLL(None).capset(header, data) == 0
"""
FULL = """
import errno, os, pathlib
real = os.open, pathlib.Path.mkdir
def fail(path, *rest, **more):
    raise OSError(errno.ENOSPC, "No space left on device", str(path))
def opened(path, flags, *rest, **more):
    return fail(path) if flags & os.O_CREAT and "data" in str(path) else real[0](path, flags, *rest, **more)
os.open = opened
"""
"""A full disk as a starting host meets it: files cannot be made."""


@dataclass
class Place:
    """A home of the host. Its processes obey mode bits, also where root runs the tests."""

    home: Path

    @property
    def paths(self) -> Paths:
        """Its folders."""
        return Paths(self.home / "data", self.home / "config")

    def run(self, program: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run a Python program as that user."""
        environment = {**os.environ, "GOMAA_HOME": str(self.home), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        whole = PLAIN_USER + program
        return subprocess.run(
            [sys.executable, "-P", "-c", whole], input=data, capture_output=True, env=environment, check=False, timeout=60
        )

    def hello(self, before: str = "") -> dict[str, Any]:
        """The answer to a browser's greeting."""
        body = json.dumps({"id": 1, "op": "hello", "protocol": 1}).encode()
        done = self.run(f"{before}\nimport sys\nfrom native_host.serve import main\nsys.exit(main())", struct.pack("=I", len(body)) + body)
        assert len(done.stdout) > 4, f"ended without an answer: {done.stderr.decode()}"
        answer: dict[str, Any] = json.loads(done.stdout[4:])
        return answer

    def command(self, line: str) -> str:
        """Run a command that a person is shown; what it says."""
        words = line.split()
        assert words[0] == "gomaa"
        done = self.run(f"import sys\nsys.argv[:] = {words!r}\nfrom gomaa.cli import main\nmain()")
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A home with nothing in it."""
    home = tmp_path / "home"
    home.mkdir()
    return Place(home)


def _no_writing(place: Place) -> None:
    for folder in (place.paths.data, place.paths.config, place.paths.networks):
        folder.chmod(0o500)


def _new_no_writing(place: Place) -> None:
    shutil.rmtree(place.paths.data)
    place.paths.data.mkdir(mode=0o500)


def _page(place: Place) -> None:
    raw = bytearray(place.paths.ledger.read_bytes())
    raw[100:2048] = b"\xff" * 1948
    place.paths.ledger.write_bytes(raw)


def _table(place: Place) -> None:
    with closing(sqlite3.connect(place.paths.ledger, isolation_level=None)) as db:
        db.execute("DROP TABLE leases")


def _newer(place: Place) -> None:
    with closing(sqlite3.connect(place.paths.ledger, isolation_level=None)) as db:
        db.execute("PRAGMA user_version=99")


MENDED: dict[str, tuple[Callable[[Place], Any], str, str]] = {
    "the folders cannot be written": (_no_writing, "host.folder.denied", "gomaa host repair"),
    "a new folder cannot be written": (_new_no_writing, "host.folder.denied", "gomaa host repair"),
    "the key is open to others": (lambda p: p.paths.device_key.chmod(0o644), "host.device.key", "gomaa host repair"),
    "the key is no key": (lambda p: p.paths.device_key.write_text("nothing"), "host.device.key", "gomaa host repair"),
    "the ledger is empty": (lambda p: p.paths.ledger.write_bytes(b""), "host.ledger.damaged", "gomaa host repair --anew"),
    "the ledger is of text": (lambda p: p.paths.ledger.write_text("x" * 9999), "host.ledger.damaged", "gomaa host repair --anew"),
    "the ledger's first page is spoilt": (_page, "host.ledger.damaged", "gomaa host repair --anew"),
}


@pytest.mark.parametrize("name", MENDED)
def test_a_fault_at_the_start_is_said_and_its_advice_works(place: Place, name: str) -> None:
    """The process answers the greeting with the code; the command of the extension's screen makes it well again."""
    spoil, code, command = MENDED[name]
    assert place.hello()["ok"]
    spoil(place)
    answer = place.hello()
    assert (answer["ok"], answer["error"]["code"]) == (False, code)
    assert set(answer["error"]["detail"]) <= PUBLIC_DETAIL
    assert str(place.home) not in json.dumps(answer)
    key = code.replace(".", "_")
    assert REMEDIES[code] == "repair"
    assert "command below" in TEXTS[f"fix_{key}"]["message"]
    if command.endswith("--anew"):
        # The command that is shown names the next one.
        first = place.run("import sys\nsys.argv[:] = ['gomaa', 'host', 'repair']\nfrom gomaa.cli import main\nmain()")
        assert first.returncode == 1
        assert command in first.stderr.decode()
    place.command(command)
    assert place.hello()["ok"]


@pytest.mark.parametrize("made", [False, True])
def test_a_full_disk_is_said_at_the_start_and_room_helps(place: Place, made: bool) -> None:
    """Also at the very first start, when there is no folder for a log."""
    if made:
        assert place.hello()["ok"]
        place.paths.ledger.unlink()
    answer = place.hello(FULL)
    assert answer["error"]["code"] == "host.disk.full"
    assert "Make room" in TEXTS["fix_host_disk_full"]["message"]
    assert place.hello()["ok"]


def test_a_first_start_where_no_folder_can_be_made_is_said(place: Place) -> None:
    """A home on a disk for reading alone."""
    place.home.chmod(0o500)
    assert place.hello()["error"]["code"] == "host.folder.denied"
    place.home.chmod(0o700)
    assert place.hello()["ok"]


def test_a_lost_table_is_damage_and_a_newer_ledger_is_not(place: Place) -> None:
    """Each at the first use; the newer one stays as it is, and a host of its own version reads it."""
    assert place.hello()["ok"]
    _table(place)
    assert "leases" in place.command("gomaa host repair --anew")
    assert place.hello()["ok"]
    _newer(place)
    before = place.paths.ledger.read_bytes()
    answer = place.hello()
    assert (answer["error"]["code"], REMEDIES["host.ledger.version"]) == ("host.ledger.version", "upgrade")
    assert place.hello("import native_host.ledger.store as store\nstore.VERSION = 99")["ok"]
    assert place.paths.ledger.read_bytes()[:100] == before[:100]


def test_a_damaged_network_file_keeps_nothing_from_starting(place: Place) -> None:
    """It is named where its song is opened, and put aside by a repair."""
    assert place.hello()["ok"]
    (place.paths.networks / "31337.json").write_text("{")
    answer = place.hello()
    assert answer["result"]["networks"] == []
    assert networks.damaged(place.paths) == [place.paths.networks / "31337.json"]
    assert "put aside" in place.command("gomaa host repair")
    assert networks.damaged(place.paths) == []


def test_a_ledger_that_another_program_holds_is_said(tmp_path: Path) -> None:
    """A writer waits for the other's transaction for a while, then says who is in the way."""
    paths = Paths(tmp_path / "data", tmp_path / "config").make()
    with Ledger(paths.ledger) as one, Ledger(paths.ledger) as other:
        other._db.execute("PRAGMA busy_timeout=1")
        with one.write():
            try:
                with other.write():
                    raise AssertionError("two writers at once")
            except Exception as e:
                assert getattr(e, "code", None) == "host.ledger.busy"
