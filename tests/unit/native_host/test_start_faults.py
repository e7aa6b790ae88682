"""Faults at the start of a real host process: each has its code, and the remedy that is shown works."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import socket
import sqlite3
import ssl
import struct
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from native_host.ledger import Ledger
from native_host.ledger.faults import request_failure
from native_host.paths import Paths
from native_host.remote import network_files
from pywallet.errors import PUBLIC_DETAIL

pytestmark = pytest.mark.long

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

    def run(self, program: str, data: bytes = b"", **variables: str) -> subprocess.CompletedProcess[bytes]:
        """Run a Python program as that user."""
        environment = {
            **os.environ,
            "GOMAA_HOME": str(self.home),
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            **variables,
        }
        whole = PLAIN_USER + program
        return subprocess.run(
            [sys.executable, "-P", "-c", whole],
            input=data,
            capture_output=True,
            env=environment,
            check=False,
            timeout=60,
        )

    def hello(self, before: str = "", protocol: int = 1, **variables: str) -> dict[str, Any]:
        """The reply to ``hello``."""
        body = json.dumps({"id": 1, "op": "hello", "protocol": protocol}).encode()
        program = f"{before}\nimport sys\nfrom native_host.messaging.process import main\nsys.exit(main())"
        done = self.run(program, struct.pack("=I", len(body)) + body, **variables)
        assert len(done.stdout) > 4, f"ended without an answer: {done.stderr.decode()}"
        answer: dict[str, Any] = json.loads(done.stdout[4:])
        return answer

    def command(self, line: str) -> str:
        """Run a command that the user is shown; its output."""
        words = line.split()
        assert words[0] == "gomaa"
        done = self.run(f"import sys\nsys.argv[:] = {words!r}\nfrom gomaa.cli import main\nmain()")
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty home directory."""
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


def _read_only(place: Place) -> None:
    place.paths.ledger.chmod(0o400)


def _log_closed(place: Place) -> None:
    log = place.paths.ledger.with_name("ledger.sqlite-wal")
    log.write_bytes(b"")
    log.chmod(0)


def _folder_for(file: Path) -> None:
    file.unlink()
    file.mkdir()


def _file_for(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("in the way")


def _nothing_for(file: Path) -> None:
    file.unlink()
    file.symlink_to(file.with_name("gone"))


MENDED: dict[str, tuple[Callable[[Place], Any], str, str]] = {
    "the folders cannot be written": (_no_writing, "host.folder.denied", "gomaa host repair"),
    "a new folder cannot be written": (_new_no_writing, "host.folder.denied", "gomaa host repair"),
    "the key is open to others": (lambda p: p.paths.device_key.chmod(0o644), "host.device.key", "gomaa host repair"),
    "the key is no key": (lambda p: p.paths.device_key.write_text("nothing"), "host.device.key", "gomaa host repair"),
    "the key cannot be read": (lambda p: p.paths.device_key.chmod(0), "host.folder.denied", "gomaa host repair"),
    "the key is a folder": (lambda p: _folder_for(p.paths.device_key), "host.device.key", "gomaa host repair"),
    "the key is a link to nothing": (
        lambda p: _nothing_for(p.paths.device_key),
        "host.device.key",
        "gomaa host repair",
    ),
    "a file is where the data belong": (lambda p: _file_for(p.paths.data), "host.folder.denied", "gomaa host repair"),
    "a file is where the networks belong": (
        lambda p: _file_for(p.paths.networks),
        "host.folder.denied",
        "gomaa host repair",
    ),
    "the ledger is for reading alone": (_read_only, "host.folder.denied", "gomaa host repair"),
    "the ledger's log cannot be read": (_log_closed, "host.folder.denied", "gomaa host repair"),
    "the ledger is a folder": (
        lambda p: _folder_for(p.paths.ledger),
        "host.ledger.damaged",
        "gomaa host repair --anew",
    ),
    "the ledger is empty": (
        lambda p: p.paths.ledger.write_bytes(b""),
        "host.ledger.damaged",
        "gomaa host repair --anew",
    ),
    "the ledger is of text": (
        lambda p: p.paths.ledger.write_text("x" * 9999),
        "host.ledger.damaged",
        "gomaa host repair --anew",
    ),
    "the ledger's first page is spoilt": (_page, "host.ledger.damaged", "gomaa host repair --anew"),
}


@pytest.mark.parametrize("name", MENDED)
def test_a_fault_at_start_has_its_code_and_remedy(place: Place, name: str) -> None:
    """``hello`` fails with the code; the command of the extension's screen repairs it."""
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
def test_a_full_disk_at_start_is_reported(place: Place, made: bool) -> None:
    """Also at the first start, without a folder for the log; with free space the host starts."""
    if made:
        assert place.hello()["ok"]
        place.paths.ledger.unlink()
    answer = place.hello(FULL)
    assert answer["error"]["code"] == "host.disk.full"
    assert "Make room" in TEXTS["fix_host_disk_full"]["message"]
    assert place.hello()["ok"]


def test_a_read_only_home_at_the_first_start_is_reported(place: Place) -> None:
    """The folders cannot be created."""
    place.home.chmod(0o500)
    assert place.hello()["error"]["code"] == "host.folder.denied"
    place.home.chmod(0o700)
    assert place.hello()["ok"]


def test_a_lost_table_is_damage_and_a_newer_ledger_is_not(place: Place) -> None:
    """Each at the first use; a newer ledger is not changed, and its own version reads it."""
    assert place.hello()["ok"]
    _table(place)
    assert "kept as" in place.command("gomaa host repair --anew")
    assert place.hello()["ok"]
    _newer(place)
    before = place.paths.ledger.read_bytes()
    answer = place.hello()
    assert (answer["error"]["code"], REMEDIES["host.ledger.version"]) == ("host.ledger.version", "upgrade")
    assert place.hello("import native_host.ledger.database as store\nstore.VERSION = 99")["ok"]
    assert place.paths.ledger.read_bytes()[:100] == before[:100]


def test_the_host_starts_with_a_damaged_network_file(place: Place) -> None:
    """Its contents are ``host.network.damaged``, and a repair sets it aside."""
    assert place.hello()["ok"]
    (place.paths.networks / "31337.json").write_text("{")
    answer = place.hello()
    assert answer["result"]["networks"] == []
    assert network_files.damaged(place.paths) == [place.paths.networks / "31337.json"]
    assert "put aside" in place.command("gomaa host repair")
    assert network_files.damaged(place.paths) == []


def test_a_locked_ledger_is_reported(tmp_path: Path) -> None:
    """A writer waits for the other transaction for ``BUSY_S``, then fails with ``host.ledger.busy``."""
    paths = Paths(tmp_path / "data", tmp_path / "config").make()
    with Ledger(paths.ledger) as one, Ledger(paths.ledger) as other:
        other._db.execute("PRAGMA busy_timeout=1")
        with one.write():
            try:
                with other.write():
                    raise AssertionError("two writers at once")
            except Exception as e:
                assert getattr(e, "code", None) == "host.ledger.busy"


def test_repair_of_permissions_keeps_the_counts(place: Place) -> None:
    """A repair makes the ledger writable and drops no row."""
    assert place.hello()["ok"]
    with Ledger(place.paths.ledger) as ledger, ledger.write():
        ledger.add_refusal(7, None, "radio.example", "play", "policy.expired")
    _read_only(place)
    assert "can be written again" in place.command("gomaa host repair")
    with Ledger(place.paths.ledger) as ledger:
        assert [row["code"] for row in ledger.refusals(9)] == ["policy.expired"]
    assert not list(place.paths.data.glob("*damaged*"))


def test_a_dangling_link_is_not_replaced_by_a_new_ledger(place: Place) -> None:
    """A repair reports it, also with --anew."""
    assert place.hello()["ok"]
    there = place.home / "elsewhere.sqlite"
    place.paths.ledger.rename(there)
    place.paths.ledger.symlink_to(there)
    assert place.hello()["ok"]
    there.rename(place.home / "away")
    assert place.hello()["error"]["code"] == "host.folder.denied"
    for more in ("[]", "['--anew']"):
        done = place.run(
            f"import sys\nsys.argv[:] = ['gomaa', 'host', 'repair', *{more}]\nfrom gomaa.cli import main\nmain()"
        )
        assert (done.returncode, b"a link to nothing" in done.stderr) == (1, True), done
    (place.home / "away").rename(there)
    assert place.hello()["ok"]


def test_a_first_start_works_without_hard_links_and_beside_what_a_crash_left(place: Place) -> None:
    """On a file system without hard links and after a crash; the next start has the same key."""
    without = "import errno, os\ndef link(*_, **__):\n    raise OSError(errno.EPERM, 'no links')\nos.link = link"
    left = (
        "import os\nfrom native_host.paths import locate\nopen(locate().make().data / "
        "f'.device.key.{os.getpid()}', 'w').close()"
    )
    assert place.hello(f"{without}\n{left}")["ok"]
    key = place.paths.device_key.read_text()
    assert place.hello()["ok"]
    assert (place.paths.device_key.read_text(), place.paths.device_key.stat().st_mode & 0o777) == (key, 0o600)
    assert sorted(file.name for file in place.paths.data.iterdir() if file.name.startswith(".")) == []


@pytest.mark.parametrize("home", ["~nobody-of-this-name/gomaa", ""])
def test_a_user_without_a_home_is_reported(place: Place, home: str) -> None:
    """``hello`` is answered, and no ledger is created in the working directory."""
    nobody = (
        "import os, pwd\ndef none(*_):\n    raise KeyError\npwd.getpwuid = pwd.getpwnam = "
        "none\nos.environ.pop('HOME', None)"
    )
    variables = {"GOMAA_HOME": home, "XDG_DATA_HOME": "", "XDG_CONFIG_HOME": ""}
    before = f"{nobody}\nos.chdir({str(place.home)!r})"
    assert place.hello(before, **variables)["error"]["code"] == "host.folder.denied"
    assert list(place.home.iterdir()) == []
    assert place.hello(nobody)["ok"]


def test_a_ledger_locked_at_start_is_reported(place: Place) -> None:
    """As by a backup program; afterwards the host starts."""
    assert place.hello()["ok"]
    quick = "import native_host.ledger.database as store\nstore.BUSY_S = 0.01"
    with closing(sqlite3.connect(place.paths.ledger, isolation_level=None)) as db:
        db.execute("PRAGMA locking_mode=EXCLUSIVE")
        db.execute("BEGIN EXCLUSIVE")
        answer = place.hello(quick)
        assert answer["error"]["code"] == "host.ledger.busy"
        assert "try again" in TEXTS["fix_host_ledger_busy"]["message"]
    assert place.hello(quick)["ok"]


@pytest.mark.parametrize(("host", "extension"), [(1, 2), (2, 1)])
def test_of_two_versions_the_older_is_updated(place: Place, host: int, extension: int) -> None:
    """The message names the older one: the host with its commands, the extension with the browser's page."""

    def hello(version: int, protocol: int) -> dict[str, Any]:
        return place.hello(f"import native_host\nnative_host.PROTOCOL = {version}", protocol)

    assert hello(host, extension)["error"]["code"] == "host.version"
    said = TEXTS["fix_host_version"]["message"]
    assert REMEDIES["host.version"] == "upgrade"
    assert "commands below" in said
    assert "page of extensions" in said
    newest = max(host, extension)
    assert hello(newest, newest)["ok"]


def test_a_host_with_replaced_files_ends(place: Place) -> None:
    """A failed import is ``host.version``: the extension starts the new host."""
    gone = "import sys\nsys.modules['native_host.operations.hello'] = None"
    assert place.hello(gone)["error"]["code"] == "host.version"
    assert place.hello()["ok"]


def test_a_disk_with_read_errors_is_reported(place: Place) -> None:
    """A failed read is not ``internal``."""
    failing = FULL.replace("ENOSPC", "EIO").replace('"data" in', '"ledger" in').replace("flags & os.O_CREAT", "True")
    assert place.hello()["ok"]
    assert place.hello(failing)["error"]["code"] == "host.ledger.failed"
    assert place.hello()["ok"]


@pytest.mark.parametrize(
    "error",
    [
        socket.gaierror(-2, "Name or service not known"),
        ssl.SSLCertVerificationError(1, "no"),
        OSError(errno.ENETUNREACH, "no way"),
    ],
)
def test_a_network_failure_is_no_disk_failure(error: OSError) -> None:
    """Name resolution, certificates and routes raise OSError too."""
    assert request_failure(error).code == "internal"
    assert request_failure(OSError(errno.ENOSPC, "full")).code == "host.disk.full"
    assert request_failure(OSError(errno.EIO, "bad block")).code == "host.ledger.failed"
