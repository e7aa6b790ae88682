"""Installation: manifests and launcher for each browser and system, and the checks of the doctor."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from native_host import HOST_NAME
from native_host.install import doctor, manifests
from native_host.install.browsers import (
    BROWSERS,
    PLACES,
    manifest_path,
    place,
)
from native_host.install.commands import host
from native_host.install.manifests import Target, launcher_text, starter_text
from native_host.paths import Paths, locate

pytestmark = pytest.mark.long

IDS = {"chromium": "a" * 32, "firefox": "gomaa@gomaa.example"}


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """The folders of a GOMAA_HOME."""
    monkeypatch.setenv("GOMAA_HOME", str(tmp_path / "gomaa home"))
    return locate().make()


def target(tmp_path: Path, system: str = sys.platform, *profiles: Path) -> Target:
    """All browsers of a home directory."""
    return Target(BROWSERS, profiles, IDS, tmp_path / "user", system, environment={})


EXPECTED = {
    ("linux", "chrome"): ".config/google-chrome/NativeMessagingHosts/io.gomaa.host.json",
    ("linux", "chromium"): ".config/chromium/NativeMessagingHosts/io.gomaa.host.json",
    ("linux", "edge"): ".config/microsoft-edge/NativeMessagingHosts/io.gomaa.host.json",
    ("linux", "brave"): ".config/BraveSoftware/Brave-Browser/NativeMessagingHosts/io.gomaa.host.json",
    ("linux", "firefox"): ".mozilla/native-messaging-hosts/io.gomaa.host.json",
    ("darwin", "chrome"): "Library/Application Support/Google/Chrome/NativeMessagingHosts/io.gomaa.host.json",
    ("darwin", "chromium"): "Library/Application Support/Chromium/NativeMessagingHosts/io.gomaa.host.json",
    ("darwin", "edge"): "Library/Application Support/Microsoft Edge/NativeMessagingHosts/io.gomaa.host.json",
    (
        "darwin",
        "brave",
    ): "Library/Application Support/BraveSoftware/Brave-Browser/NativeMessagingHosts/io.gomaa.host.json",
    ("darwin", "firefox"): "Library/Application Support/Mozilla/NativeMessagingHosts/io.gomaa.host.json",
}


@pytest.mark.parametrize(("key", "expected"), EXPECTED.items())
def test_manifests_are_in_the_documented_folders(key: tuple[str, str], expected: str) -> None:
    """The folders of the vendors' documentation, relative to the user's home."""
    found = manifest_path(place(*key), Path("/home/fan"), Path("/config"), HOST_NAME)

    assert found == Path("/home/fan") / expected


def test_on_windows_the_registry_names_the_manifest() -> None:
    """One key per browser under HKEY_CURRENT_USER; one file per family in the host's configuration."""
    keys = {row.browser: row.registry for row in PLACES["win32"]}

    assert keys == {
        "chrome": r"Software\Google\Chrome\NativeMessagingHosts",
        "chromium": r"Software\Chromium\NativeMessagingHosts",
        "edge": r"Software\Microsoft\Edge\NativeMessagingHosts",
        "brave": r"Software\Google\Chrome\NativeMessagingHosts",
        "firefox": r"Software\Mozilla\NativeMessagingHosts",
    }
    assert manifest_path(place("win32", "firefox"), Path("x"), Path("c"), HOST_NAME) == Path(
        "c/io.gomaa.host.firefox.json"
    )


def test_every_system_has_every_browser() -> None:
    """Each system has a row for each browser."""
    assert set(PLACES) == {"linux", "darwin", "win32"}
    assert all({row.browser for row in rows} == set(BROWSERS) for rows in PLACES.values())


def test_manifests_allow_only_the_extension(tmp_path: Path, paths: Paths) -> None:
    """Chromium's form has the origin, Firefox's the id; both name an executable launcher."""
    manifests.install(target(tmp_path), paths)
    chrome = json.loads((tmp_path / "user" / EXPECTED["linux", "chrome"]).read_text())
    firefox = json.loads((tmp_path / "user" / EXPECTED["linux", "firefox"]).read_text())

    assert chrome["allowed_origins"] == [f"chrome-extension://{'a' * 32}/"]
    assert "allowed_extensions" not in chrome
    assert firefox["allowed_extensions"] == ["gomaa@gomaa.example"]
    assert "allowed_origins" not in firefox
    assert chrome["path"] == firefox["path"]
    assert stat.S_IMODE(Path(chrome["path"]).stat().st_mode) == 0o700


def test_a_profile_directory_has_its_own_manifest(tmp_path: Path, paths: Paths) -> None:
    """A Chromium started with --user-data-dir reads no other folder."""
    written = manifests.install(Target((), (tmp_path / "profile",), IDS), paths)

    assert written[1:] == [tmp_path / "profile" / "NativeMessagingHosts" / f"{HOST_NAME}.json"]


def test_the_launcher_quotes_paths() -> None:
    """A path with a blank or a quote is one word, and PYTHON* variables are unset."""
    shell = launcher_text("linux", "/opt/my python/bin/python3", Path("/home/it's/gomaa-host.py")).splitlines()

    assert (shell[0], shell[1].split()[0]) == ("#!/bin/sh", "unset")
    assert shell[2:] == ["exec '/opt/my python/bin/python3' -I '/home/it'\"'\"'s/gomaa-host.py' \"$@\" 9>&1 1>&2"]


@pytest.mark.skipif(sys.platform == "win32", reason="descriptors of a shell")
def test_the_launcher_leaves_descriptor_3_to_firefox(tmp_path: Path) -> None:
    """The pipe whose end means that the host has exited stays open in it; the browser's pipe is another one."""
    launcher, starter = tmp_path / "gomaa-host", tmp_path / "gomaa-host.py"
    starter.write_text(f"import os\nos.write(3, b'end')\nos.write({manifests.PIPE}, b'frame')\nprint('text')\n")
    launcher.write_text(launcher_text("linux", sys.executable, starter))
    launcher.chmod(0o700)
    start = "import os, sys; os.dup2(int(sys.argv[1]), 3); os.execv(sys.argv[2], sys.argv[2:])"
    read, write = os.pipe()
    command = [sys.executable, "-c", start, str(write), str(launcher)]
    done = subprocess.run(command, pass_fds=[write], capture_output=True, check=True)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        assert (pipe.read(), done.stdout, done.stderr) == (b"end", b"frame", b"text\n")


def test_the_windows_launcher_is_utf8_and_escapes() -> None:
    """The code page is UTF-8 before the first path; percent signs are doubled, and paths are quoted."""
    python = "C:\\100% M\u00fcller & S\u00f6hne^!\u7528\u6237\\python.exe"
    batch = launcher_text("win32", python, Path("ignored/gomaa-host.py"))

    assert batch.split("\r\n") == [
        "@echo off",
        "setlocal DisableDelayedExpansion",
        "chcp 65001 >nul 2>nul",
        f'"{python.replace("%", "%%")}" -I "%~dp0gomaa-host.py" %*',
        "",
    ]
    assert batch.encode().decode("utf-8") == batch


def test_the_starter_is_ascii_and_keeps_the_folders() -> None:
    """For any characters of a path and any locale; an installed package needs no path."""
    settings = {"GOMAA_HOME": "/h\u00e4 \u7528'\"%/x", "XDG_DATA_HOME": None}
    text = starter_text(Path("/src/\u00fc\udcff"), settings)

    assert text.isascii()
    compile(text, "starter", "exec")
    assert "sys.path" not in starter_text(Path("/lib/site-packages"), {})


HOSTILE = {
    "home": {"PYTHONHOME": "/nowhere"},
    "path": {"PYTHONPATH": "{bad}"},
    "startup": {"PYTHONSTARTUP": "{bad}/sitecustomize.py", "PYTHONINSPECT": "1"},
    "warnings": {"PYTHONWARNINGS": "error", "PYTHONDEVMODE": "1", "PYTHONVERBOSE": "1", "PYTHONPROFILEIMPORTTIME": "1"},
    "locale": {"LC_ALL": "C", "LANG": "", "PYTHONIOENCODING": "utf-16", "PYTHONUTF8": "0"},
    "user": {"PYTHONUSERBASE": "{bad}", "HOME": "{bad}"},
    "coding": {"PYTHONCOERCECLOCALE": "0", "LC_ALL": "POSIX"},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_the_environment_does_not_reach_the_host(
    name: str, tmp_path: Path, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With PYTHON* variables, modules that print or fail at start and other locales, the first frame is complete."""
    bad = tmp_path / "bad"
    bad.mkdir()
    for module in ("sitecustomize", "usercustomize", "native_host", "msgspec"):
        (bad / f"{module}.py").write_text(
            "print('hello from afar')\nraise SystemExit(3)\n" if module != "sitecustomize" else "print('hello')\n"
        )
    launcher = manifests.write_launcher(paths)
    for key, value in HOSTILE[name].items():
        monkeypatch.setenv(key, value.format(bad=bad))
    monkeypatch.chdir(bad)

    assert doctor._launch(launcher).startswith("answers in")


def test_output_of_a_sitecustomize_goes_to_stderr(paths: Paths, tmp_path: Path) -> None:
    """A ``sitecustomize`` of the interpreter runs with -I too."""
    launcher = manifests.write_launcher(paths)
    starter = paths.config / "gomaa-host.py"
    starter.write_text(
        "print('printed before the host', flush=True)\nimport os\nos.system('echo from a child')\n"
        + starter.read_text()
    )

    assert doctor._launch(launcher).startswith("answers in")


def test_the_host_starts_in_a_deleted_folder(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working directory is not used."""
    launcher = manifests.write_launcher(paths)
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    try:
        assert doctor._launch(launcher).startswith("answers in")
    finally:
        monkeypatch.chdir(tmp_path)


CHROMIUMS = ("chrome", "chromium", "edge", "brave")


@pytest.mark.parametrize(
    ("environment", "base"),
    [
        ({"XDG_CONFIG_HOME": "/xdg"}, "/xdg"),
        ({"XDG_CONFIG_HOME": "/xdg", "CHROME_CONFIG_HOME": "/own"}, "/own"),
        ({"XDG_CONFIG_HOME": "relative"}, "/home/fan/.config"),
        ({"XDG_CONFIG_HOME": ""}, "/home/fan/.config"),
        ({}, "/home/fan/.config"),
    ],
)
def test_environment_variables_select_the_folder(environment: dict[str, str], base: str) -> None:
    """As for the browser; Firefox uses the home directory alone."""
    for browser in CHROMIUMS:
        found = manifest_path(place("linux", browser), Path("/home/fan"), Path("/c"), HOST_NAME, environment)
        assert found == Path(EXPECTED["linux", browser].replace(".config", base, 1))
    firefox = manifest_path(place("linux", "firefox"), Path("/home/fan"), Path("/c"), HOST_NAME, environment)
    assert firefox == Path("/home/fan") / EXPECTED["linux", "firefox"]
    mac = manifest_path(place("darwin", "chrome"), Path("/home/fan"), Path("/c"), HOST_NAME, environment)
    assert mac == Path("/home/fan") / EXPECTED["darwin", "chrome"]


def test_a_profile_named_by_the_environment_has_the_manifest() -> None:
    """CHROME_USER_DATA_DIR has the effect of --user-data-dir."""
    found = manifest_path(
        place("linux", "chromium"),
        Path("/h"),
        Path("/c"),
        HOST_NAME,
        {"CHROME_USER_DATA_DIR": "/p", "XDG_CONFIG_HOME": "/x"},
    )
    assert found == Path("/p/NativeMessagingHosts") / f"{HOST_NAME}.json"


def test_doctor_and_installer_use_the_same_folder(tmp_path: Path, paths: Paths) -> None:
    """With another folder in the environment; without it the doctor reports the missing manifest."""
    here = replace(target(tmp_path), environment={"XDG_CONFIG_HOME": str(tmp_path / "xdg")})
    manifests.install(here, paths)
    assert (tmp_path / "xdg" / "chromium" / "NativeMessagingHosts" / f"{HOST_NAME}.json").exists()
    assert all(check.ok for check in doctor.installed(here, paths))
    there = {check.name: check for check in doctor.installed(replace(here, environment={}), paths)}
    assert not there["manifest chromium"].ok
    elsewhere = {check.name: check.message for check in doctor.installed(here, paths)}
    assert "XDG_CONFIG_HOME" in elsewhere["manifest chromium"]


def test_an_unknown_extension_id_is_an_error(tmp_path: Path, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the first build of the extension, --chromium-id is required."""
    monkeypatch.setattr(manifests, "_IDS", tmp_path / "none.json")
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    runner = CliRunner()

    missing = runner.invoke(host, ["install", "--browser", "chrome"])
    given = runner.invoke(host, ["install", "--browser", "chrome", "--chromium-id", "b" * 32])

    assert missing.exit_code == 1
    assert "--chromium-id" in missing.output
    assert given.exit_code == 0, given.output
    assert ("b" * 32) in (tmp_path / "user" / EXPECTED["linux", "chrome"]).read_text()


def test_uninstall_keeps_key_and_ledger_without_data_option(tmp_path: Path, paths: Paths) -> None:
    """Manifests are removed; device key and ledger only with --data."""
    manifests.install(target(tmp_path), paths)
    doctor.local(paths)

    removed = manifests.uninstall(target(tmp_path), paths)
    kept = paths.device_key.exists() and paths.ledger.exists()
    manifests.remove_data(paths)

    assert len(removed) == len(BROWSERS)
    assert not any(file.exists() for file in removed)
    assert kept
    assert not paths.device_key.exists()


def findings(tmp_path: Path, paths: Paths) -> dict[str, bool]:
    """Name and result of each check of the doctor."""
    return {check.name: check.ok for check in doctor.installed(target(tmp_path), paths)}


def test_the_doctor_starts_the_host(tmp_path: Path, paths: Paths) -> None:
    """The launcher in the manifests answers ``hello``."""
    manifests.install(target(tmp_path), paths)

    checks = doctor.installed(target(tmp_path), paths)

    assert [check.ok for check in checks] == [True] * (len(BROWSERS) + 1), checks
    assert "answers in" in checks[-1].message


def test_the_doctor_finds_each_fault(tmp_path: Path, paths: Paths) -> None:
    """Missing, damaged, foreign and dangling manifests, and a launcher that is not executable."""
    files = {browser: tmp_path / "user" / EXPECTED["linux", browser] for browser in BROWSERS}
    manifests.install(target(tmp_path), paths)
    files["chrome"].unlink()
    files["chromium"].write_text("{")
    broken = findings(tmp_path, paths)
    manifests.install(target(tmp_path), paths)
    (paths.config / "gomaa-host").chmod(0o600)
    files["firefox"].write_text(json.dumps({"name": "other", "type": "stdio", "path": "/bin/true"}))
    later = findings(tmp_path, paths)

    assert (broken["manifest chrome"], broken["manifest chromium"], broken["manifest firefox"]) == (False, False, True)
    assert {name for name, ok in later.items() if ok} == set()


def test_the_doctor_finds_a_launcher_that_takes_the_descriptor_of_firefox(tmp_path: Path, paths: Paths) -> None:
    """A launcher of an older version; a new installation mends it."""
    manifests.install(target(tmp_path), paths)
    launcher = paths.config / "gomaa-host"
    launcher.write_text(launcher.read_text().replace(f"{manifests.PIPE}>&1", "3>&1"))
    old = findings(tmp_path, paths)
    manifests.install(target(tmp_path), paths)

    assert not any(ok for name, ok in old.items() if name.startswith("manifest"))
    assert all(findings(tmp_path, paths).values())


def test_the_doctor_finds_an_open_key_and_a_damaged_network(paths: Paths) -> None:
    """Each message names the remedy."""
    doctor.local(paths)
    paths.device_key.chmod(0o644)
    (paths.networks / "1.json").write_text("{}")

    checks = {check.name: check for check in doctor.local(paths)}

    assert not checks["device key"].ok
    assert checks["ledger"].ok
    assert not checks["networks"].ok
    assert "gomaa host repair" in checks["networks"].message


def test_the_network_is_written_before_the_manifests(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A running browser starts the host as soon as it finds the manifest."""
    order: list[str] = []
    added = type("Added", (), {"chain_id": 1})()
    monkeypatch.setattr("native_host.remote.network_files.add", lambda *_: order.append("network") or added)
    monkeypatch.setattr("native_host.install.manifests.install", lambda *_: order.append("manifests") or [])

    file = tmp_path / "deployment.json"
    file.write_text("{}")
    done = CliRunner().invoke(host, ["install", "--deployment", str(file)])

    assert (done.exit_code, order) == (0, ["network", "manifests"]), done.output
