"""Marks are in a copy of the extension and around a host, and nowhere else."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

from benchmarks.tracing import copies, host
from benchmarks.tracing.copies import FIRST_CONTENT_SCRIPT, MARKS, MODULES, record_frames, traced_extension
from benchmarks.tracing.reader import PREFIX
from extension.pack import ROOT, manifest
from native_host.install.manifests import launcher_text

EXTENSION = ROOT / "extension"


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
def test_a_copy_differs_by_the_marks_alone(browser: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One file more, one import in front of each context's first module, one script more in two content scripts."""
    packed = tmp_path / browser
    for name in (*MODULES, "popup/popup.js", FIRST_CONTENT_SCRIPT):
        (packed / name).parent.mkdir(parents=True, exist_ok=True)
        (packed / name).write_text(f"// {name}\n")
    (packed / "manifest.json").write_text(json.dumps(manifest(browser)))
    monkeypatch.setattr(copies, "DIST", tmp_path)
    copy = traced_extension(browser, tmp_path)

    def files(folder: Path) -> dict[str, str]:
        return {p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*") if p.is_file()}

    before, after = files(packed), files(copy)
    assert after.pop(MARKS.name) == MARKS.read_text()
    assert {name for name in before if before[name] != after[name]} == {*MODULES, "manifest.json"}
    assert all(after[name] == f'import "../{MARKS.name}";\n{before[name]}' for name in MODULES)
    changed = json.loads(after["manifest.json"])
    assert [script["js"].pop(0) for script in changed["content_scripts"] if MARKS.name in script["js"]] == [
        MARKS.name,
        MARKS.name,
    ]
    assert changed == json.loads(before["manifest.json"])


def test_the_extension_has_no_marks() -> None:
    """Its sources name neither the marks nor their file."""
    for file in EXTENSION.rglob("*"):
        if file.suffix in (".js", ".mjs", ".html", ".py"):
            text = file.read_text(encoding="utf-8")
            assert PREFIX not in text, file
            assert MARKS.name not in text, file


def test_every_context_gets_marks() -> None:
    """First modules of the engine's document and workers, of the player's frame and of both backgrounds."""
    pages = ("engine/offscreen.html", "player/player.html", "background/firefox.html")
    found = {
        (EXTENSION / page).parent.joinpath(source).resolve().relative_to(EXTENSION).as_posix()
        for page in pages
        for source in re.findall(r'<script type="module" src="([^"]+)"', (EXTENSION / page).read_text())
    }
    workers = {
        f"engine/{name}"
        for file in (EXTENSION / "engine").rglob("*.js")
        for name in re.findall(r'new URL\("([\w/]+\.m?js)", import\.meta\.url\)', file.read_text())
    }
    assert found | workers == set(MODULES)
    worker = manifest("chromium")["background"]["service_worker"]
    assert 'import "./main.js";' in (EXTENSION / worker).read_text()


def test_content_scripts_begin_with_the_port() -> None:
    """Marks come before it, in the extension's own world; the page's world has none."""
    firsts = [script["js"][0] for script in manifest("chromium")["content_scripts"] if script.get("world") != "MAIN"]
    assert firsts == [FIRST_CONTENT_SCRIPT, FIRST_CONTENT_SCRIPT]


def test_the_launcher_starts_the_recording_host(tmp_path: Path) -> None:
    """The starter is run by it; a launcher of another form is an error."""
    folder = tmp_path / "gomaa" / "config"
    folder.mkdir(parents=True)
    launcher, starter = folder / "gomaa-host", folder / "gomaa-host.py"
    launcher.write_text(launcher_text("linux", "/usr/bin/python3", starter))
    record_frames(tmp_path, tmp_path / "stamps")
    assert f"/usr/bin/python3 -I {host.__file__} {starter} {tmp_path / 'stamps'} " in launcher.read_text()
    launcher.write_text("#!/bin/sh\n")
    with pytest.raises(RuntimeError, match="does not name"):
        record_frames(tmp_path, tmp_path / "stamps")


def test_frames_are_recorded_unchanged(tmp_path: Path) -> None:
    """What is read and written is the same; each frame gets a line with two clocks and what it is."""
    framing = ModuleType("framing")
    written: list[bytes] = []
    request = msgspec.json.encode({"op": "invoke", "action": "play", "id": 7, "stream": "secret"})
    answer = b"\0\0\0\0" + msgspec.json.encode({"id": 7, "ok": True, "result": {"op": "x", "event": "y"}})
    event = b"\0\0\0\0" + msgspec.json.encode({"event": "receipt", "stream": "secret"})
    framing.frames = lambda _: iter([request])  # type: ignore[attr-defined]
    framing.write_all = lambda _, data: written.append(data)  # type: ignore[attr-defined]
    host.wrap(framing, tmp_path / "stamps")
    assert list(framing.frames(None)) == [request]
    framing.write_all(1, answer)
    framing.write_all(1, event)
    assert written == [answer, event]
    lines = (tmp_path / "stamps").read_text().splitlines()
    assert [line.split("\t")[2] for line in lines] == [
        "receives invoke play",
        "posts answer to invoke play",
        "posts event receipt",
    ]
    assert all(first.isdigit() and second.isdigit() for first, second, _ in (line.split("\t") for line in lines))
    assert "secret" not in (tmp_path / "stamps").read_text()
