"""Browsers from Snap and Flatpak: checks, and installation for a Flatpak."""

from __future__ import annotations

import json
import stat
import subprocess
from pathlib import Path

import pytest

from messages.browser_host.connection import Check
from native_host import HOST_NAME
from native_host.install import doctor, manifests, sandboxed_browsers
from native_host.install.browsers import BROWSERS
from native_host.install.manifests import Target
from native_host.paths import Paths, locate

IDS = {"chromium": "a" * 32, "firefox": "gomaa@gomaa.example"}
FIREFOX, CHROMIUM = "org.mozilla.firefox", "org.chromium.Chromium"


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """The folders of a GOMAA_HOME."""
    monkeypatch.setenv("GOMAA_HOME", str(tmp_path / "gomaa home"))
    return locate().make()


def findings(home: Path, browsers: tuple[str, ...] = BROWSERS) -> dict[str, Check]:
    """Results of the doctor for sandboxed browsers in a home directory."""
    return {check.name: check for check in doctor.sandboxed(Target(browsers, (), IDS, home, "linux"))}


def portal(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, code: int = 0) -> None:
    """A ``busctl`` command with a given output."""
    busctl = folder / "bin" / "busctl"
    busctl.parent.mkdir()
    busctl.write_text(f"#!/bin/sh\necho '{text}'\nexit {code}\n")
    busctl.chmod(0o700)
    monkeypatch.setenv("PATH", str(busctl.parent), prepend=":")


def test_no_results_without_sandboxed_browsers(tmp_path: Path) -> None:
    """A user of other packages gets no results about Snap and Flatpak."""
    assert findings(tmp_path) == {}


@pytest.mark.parametrize("browser", ["chromium", "brave"])
def test_a_chromium_snap_is_reported_as_unusable(tmp_path: Path, browser: str) -> None:
    """With an alternative to install, and only if that browser is a target."""
    (tmp_path / "snap" / browser).mkdir(parents=True)
    check = findings(tmp_path)[f"snap {browser}"]
    assert not check.ok
    assert ".deb" in check.message
    assert findings(tmp_path, ("firefox",)) == {}


def test_a_firefox_snap_works_with_the_portal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the command that reverts a refusal."""
    (tmp_path / "snap" / "firefox").mkdir(parents=True)
    portal(tmp_path, monkeypatch, ".CreateSession method a{sv} o -")
    check = findings(tmp_path)["snap firefox"]
    assert check.ok
    assert f"webextensions {HOST_NAME} snap.firefox yes" in check.message


@pytest.mark.parametrize(("text", "code"), [("Unknown interface", 1), (".version property u 1 -", 0)])
def test_a_firefox_snap_without_the_portal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, code: int
) -> None:
    """The message names the packages to install."""
    (tmp_path / "snap" / "firefox").mkdir(parents=True)
    portal(tmp_path, monkeypatch, text, code)
    check = findings(tmp_path)["snap firefox"]
    assert not check.ok
    assert "xdg-desktop-portal" in check.message


def test_a_flatpak_needs_manifest_and_permission(tmp_path: Path, paths: Paths) -> None:
    """Each message is the command of the next step, until the check succeeds."""
    app = tmp_path / ".var" / "app" / CHROMIUM
    app.mkdir(parents=True)
    first = findings(tmp_path)[f"flatpak {CHROMIUM}"]
    manifests.install(Target((), (), IDS, tmp_path, "linux", (CHROMIUM,)), paths)
    second = findings(tmp_path)[f"flatpak {CHROMIUM}"]
    override = tmp_path / ".local" / "share" / "flatpak" / "overrides" / CHROMIUM
    override.parent.mkdir(parents=True)
    override.write_text("[Context]\nfilesystems=home;\n\n[Session Bus Policy]\norg.freedesktop.Flatpak=talk\n")
    third = findings(tmp_path)[f"flatpak {CHROMIUM}"]
    override.write_text("[Session Bus Policy]\norg.freedesktop.Flatpak=none\n")
    fourth = findings(tmp_path)[f"flatpak {CHROMIUM}"]

    assert [first.ok, second.ok, third.ok, fourth.ok] == [False, False, True, False]
    assert f"gomaa host install --flatpak {CHROMIUM}" in first.message
    assert f"flatpak override --user --talk-name=org.freedesktop.Flatpak {CHROMIUM}" in second.message


@pytest.mark.parametrize(("app", "field", "allowed"), [
    (FIREFOX, "allowed_extensions", ["gomaa@gomaa.example"]),
    (CHROMIUM, "allowed_origins", [f"chrome-extension://{'a' * 32}/"]),
])  # fmt: skip
def test_a_flatpak_starts_the_same_launcher(
    tmp_path: Path, paths: Paths, app: str, field: str, allowed: list[str]
) -> None:
    """The manifest in the sandbox names a wrapper, which starts the launcher outside through Flatpak."""
    launcher, inner, file = manifests.install(Target((), (), IDS, tmp_path / "a home", "linux", (app,)), paths)
    assert json.loads(file.read_text())[field] == allowed
    assert json.loads(file.read_text())["path"] == str(inner)
    assert stat.S_IMODE(inner.stat().st_mode) == 0o700
    spawn = tmp_path / "flatpak-spawn"
    spawn.write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
    spawn.chmod(0o700)
    done = subprocess.run(
        [inner, "origin"], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"--host|{launcher}|origin|"


def test_uninstall_removes_the_files_in_the_sandbox(tmp_path: Path, paths: Paths) -> None:
    """Those of the given browsers, and no others."""
    manifests.install(Target((), (), IDS, tmp_path, "linux", (FIREFOX, CHROMIUM)), paths)
    removed = manifests.uninstall(Target(("firefox",), (), IDS, tmp_path, "linux"), paths)
    assert sandboxed_browsers.wrapper(tmp_path, FIREFOX) in removed
    assert not sandboxed_browsers.wrapper(tmp_path, FIREFOX).exists()
    assert sandboxed_browsers.wrapper(tmp_path, CHROMIUM).exists()
