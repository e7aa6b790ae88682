"""The example configuration of a CDN's edge, under a real nginx."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from hashlib import sha256
from pathlib import Path

import pytest

from demo.paths import program
from demo.waiting import TIMEOUT_S

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "delivery"
BYTES = bytes(range(256)) * 100
PART = f"song.segments/{sha256(BYTES).hexdigest()}.part"


@dataclass(frozen=True)
class Answer:
    """A response."""

    status: int
    headers: Message
    body: bytes


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The example's server on a port of its own, over a folder with one song in every packaging."""
    folder = tmp_path_factory.mktemp("edge")
    songs = folder / "songs"
    (songs / "song.segments").mkdir(parents=True)
    for name in ("song.sps", "song.sps.html", "song.segments/header.sps", PART):
        (songs / name).write_bytes(BYTES)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = (
        (EXAMPLES / "nginx.conf")
        .read_text()
        .replace("listen 8080;", f"listen 127.0.0.1:{port};")
        .replace("/srv/songs", str(songs))
    )
    (folder / "server.conf").write_text(server)
    shutil.copyfile(EXAMPLES / "nginx-maps.conf", folder / "maps.conf")
    temporary = "".join(
        f"{kind}_temp_path {folder / kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder / 'pid'}; error_log {folder / 'error.log'}; worker_processes 1; events {{}}\n"
        f"http {{ access_log off; {temporary} include {folder / 'maps.conf'}; include {folder / 'server.conf'}; }}\n"
    )
    user = ["-g", "user root;"] if os.geteuid() == 0 else []
    process = subprocess.Popen(
        [program("nginx"), "-p", str(folder), "-e", str(folder / "error.log"), "-c", "nginx.conf", *user]
    )
    try:
        url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + TIMEOUT_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 10).close()
                break
            except OSError:
                assert process.poll() is None, (folder / "error.log").read_text()
                assert time.monotonic() < deadline
        yield url
    finally:
        process.terminate()
        process.wait(TIMEOUT_S)


def ask(url: str, method: str = "GET", **headers: str) -> Answer:
    """Send one request; header names with ``_`` for ``-``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, method=method, headers=named)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            return Answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.headers, error.read())


def test_a_part_is_immutable(edge: str) -> None:
    """Its name is its hash: immutable, with a strong entity tag, open to any origin, the same for everybody."""
    answer = ask(f"{edge}/{PART}?token=1", Origin="https://radio.example", Accept_Encoding="gzip")
    assert (answer.status, answer.body) == (200, BYTES)
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["ETag"].startswith('"')
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Content-Range" in answer.headers["Access-Control-Expose-Headers"]
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Vary"] is None
    assert answer.headers["Set-Cookie"] is None
    assert answer.headers["Content-Encoding"] is None


def test_a_range_of_the_single_file(edge: str) -> None:
    """The player's way of reading: exactly the requested bytes, with their range."""
    answer = ask(f"{edge}/song.sps", Range="bytes=256-511")
    assert (answer.status, answer.body) == (206, BYTES[256:512])
    assert answer.headers["Content-Range"] == f"bytes 256-511/{len(BYTES)}"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["Content-Type"] == "application/sps"
    beyond = ask(f"{edge}/song.sps", Range="bytes=999999-")
    assert beyond.status == 416


def test_an_entity_tag_avoids_a_second_transfer(edge: str) -> None:
    """A conditional request is answered with 304, and a range is guarded against another version."""
    tag = ask(f"{edge}/{PART}").headers["ETag"]
    again = ask(f"{edge}/{PART}", If_None_Match=tag)
    assert (again.status, again.body) == (304, b"")
    assert again.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    other = ask(f"{edge}/song.sps", Range="bytes=0-9", If_Range='"another"')
    assert (other.status, len(other.body)) == (200, len(BYTES))


@pytest.mark.parametrize("name", ["song.sps", "song.sps.html", "song.segments/header.sps"])
def test_a_replaceable_file_is_revalidated(edge: str, name: str) -> None:
    """A plain name may get other bytes: cached, and answered with 304 while unchanged."""
    answer = ask(f"{edge}/{name}")
    assert answer.headers["Cache-Control"] == "no-cache"
    again = ask(f"{edge}/{name}", If_None_Match=answer.headers["ETag"])
    assert (again.status, again.headers["Cache-Control"]) == (304, "no-cache")


def test_a_page_declares_its_own_character_set(edge: str) -> None:
    """The header has none."""
    assert ask(f"{edge}/song.sps.html").headers["Content-Type"] == "text/html"


def test_a_missing_file_is_not_cached(edge: str) -> None:
    """A part that the CDN doesn't have yet must not stay missing; nothing is writable, no folder is listed."""
    missing = ask(f"{edge}/song.segments/{'0' * 64}.part")
    assert (missing.status, missing.headers["Cache-Control"]) == (404, "no-store")
    assert missing.headers["Access-Control-Allow-Origin"] == "*"
    assert ask(f"{edge}/song.segments/").status in (403, 404)
    assert ask(f"{edge}/song.sps", "PUT").status in (403, 405)
