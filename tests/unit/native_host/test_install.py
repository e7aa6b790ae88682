"""Installing: the right file in the right place for each browser and system, and a doctor that says what is wrong."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from native_host import HOST_NAME, doctor, install
from native_host.browsers import BROWSERS, PLACES, manifest_path, place
from native_host.commands import host
from native_host.install import Target, launcher_text
from native_host.paths import Paths, locate

IDS = {"chromium": "a" * 32, "firefox": "gomaa@gomaa.example"}


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """A GOMAA_HOME of its own."""
    monkeypatch.setenv("GOMAA_HOME", str(tmp_path / "gomaa home"))
    return locate().make()


def target(tmp_path: Path, system: str = sys.platform, *profiles: Path) -> Target:
    """All browsers of a home directory."""
    return Target(BROWSERS, profiles, IDS, tmp_path / "user", system)


EXPECTED = {
    ("linux", "chrome"): ".config/google-chrome/NativeMessagingHosts/io.gomaa.host.json",
    ("linux", "chromium"): ".config/chromium/NativeMessagingHosts/io.gomaa.host.json",
    ("linux", "edge"): ".config/microsoft-edge/NativeMessagingHosts/io.gomaa.host.json",
    ("linux", "brave"): ".config/BraveSoftware/Brave-Browser/NativeMessagingHosts/io.gomaa.host.json",
    ("linux", "firefox"): ".mozilla/native-messaging-hosts/io.gomaa.host.json",
    ("darwin", "chrome"): "Library/Application Support/Google/Chrome/NativeMessagingHosts/io.gomaa.host.json",
    ("darwin", "chromium"): "Library/Application Support/Chromium/NativeMessagingHosts/io.gomaa.host.json",
    ("darwin", "edge"): "Library/Application Support/Microsoft Edge/NativeMessagingHosts/io.gomaa.host.json",
    ("darwin", "brave"): "Library/Application Support/BraveSoftware/Brave-Browser/NativeMessagingHosts/io.gomaa.host.json",
    ("darwin", "firefox"): "Library/Application Support/Mozilla/NativeMessagingHosts/io.gomaa.host.json",
}


@pytest.mark.parametrize(("key", "expected"), EXPECTED.items())
def test_manifests_lie_where_browsers_look(key: tuple[str, str], expected: str) -> None:
    """The paths of the vendors' documentation, relative to the user's home."""
    found = manifest_path(place(*key), Path("/home/fan"), Path("/config"), HOST_NAME)

    assert found == Path("/home/fan") / expected


def test_on_windows_the_registry_names_the_manifest() -> None:
    """One key per browser under HKEY_CURRENT_USER; the file lies in our own configuration, one per family."""
    keys = {row.browser: row.registry for row in PLACES["win32"]}

    assert keys == {
        "chrome": r"Software\Google\Chrome\NativeMessagingHosts",
        "chromium": r"Software\Chromium\NativeMessagingHosts",
        "edge": r"Software\Microsoft\Edge\NativeMessagingHosts",
        "brave": r"Software\Google\Chrome\NativeMessagingHosts",
        "firefox": r"Software\Mozilla\NativeMessagingHosts",
    }
    assert manifest_path(place("win32", "firefox"), Path("x"), Path("c"), HOST_NAME) == Path("c/io.gomaa.host.firefox.json")


def test_every_system_has_every_browser() -> None:
    """No browser is forgotten on a system."""
    assert set(PLACES) == {"linux", "darwin", "win32"}
    assert all({row.browser for row in rows} == set(BROWSERS) for rows in PLACES.values())


def test_manifests_allow_exactly_our_extension(tmp_path: Path, paths: Paths) -> None:
    """Chromium's form names the origin, Firefox's the id; both point to an executable launcher."""
    install.install(target(tmp_path), paths)
    chrome = json.loads((tmp_path / "user" / EXPECTED["linux", "chrome"]).read_text())
    firefox = json.loads((tmp_path / "user" / EXPECTED["linux", "firefox"]).read_text())

    assert chrome["allowed_origins"] == [f"chrome-extension://{'a' * 32}/"]
    assert "allowed_extensions" not in chrome
    assert firefox["allowed_extensions"] == ["gomaa@gomaa.example"]
    assert "allowed_origins" not in firefox
    assert chrome["path"] == firefox["path"]
    assert stat.S_IMODE(Path(chrome["path"]).stat().st_mode) == 0o700


def test_a_profile_of_its_own_gets_its_manifest(tmp_path: Path, paths: Paths) -> None:
    """A Chromium started with --user-data-dir looks only there."""
    written = install.install(Target((), (tmp_path / "profile",), IDS), paths)

    assert written[1:] == [tmp_path / "profile" / "NativeMessagingHosts" / f"{HOST_NAME}.json"]


def test_the_launcher_quotes_and_keeps_its_home() -> None:
    """A path with a blank or a quote stays one word on both kinds of system."""
    shell = launcher_text("linux", "/opt/my python/bin/python3", Path("/src/it's"), "/home/a b")
    batch = launcher_text("win32", r"C:\Program Files\python.exe", Path("/lib/site-packages"), None)

    assert shell.splitlines() == [
        "#!/bin/sh",
        "export PYTHONPATH='/src/it'\"'\"'s'",
        "export GOMAA_HOME='/home/a b'",
        "exec '/opt/my python/bin/python3' -P -m native_host \"$@\"",
    ]
    assert batch == '@echo off\r\n"C:\\Program Files\\python.exe" -P -m native_host %*\r\n'


def test_an_unknown_extension_id_is_asked_for(tmp_path: Path, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the extension was ever built, Chromium's id must be given."""
    monkeypatch.setattr(install, "_IDS", tmp_path / "none.json")
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    runner = CliRunner()

    missing = runner.invoke(host, ["install", "--browser", "chrome"])
    given = runner.invoke(host, ["install", "--browser", "chrome", "--chromium-id", "b" * 32])

    assert missing.exit_code == 1
    assert "--chromium-id" in missing.output
    assert given.exit_code == 0, given.output
    assert ("b" * 32) in (tmp_path / "user" / EXPECTED["linux", "chrome"]).read_text()


def test_uninstall_leaves_key_and_ledger_unless_asked(tmp_path: Path, paths: Paths) -> None:
    """Manifests go; what plays and money depend on goes only with --data."""
    install.install(target(tmp_path), paths)
    doctor.local(paths)

    removed = install.uninstall(target(tmp_path), paths)
    kept = paths.device_key.exists() and paths.ledger.exists()
    install.remove_data(paths)

    assert len(removed) == len(BROWSERS)
    assert not any(file.exists() for file in removed)
    assert kept
    assert not paths.device_key.exists()


def findings(tmp_path: Path, paths: Paths) -> dict[str, bool]:
    """Each check of the doctor and whether it passed."""
    return {check.name: check.ok for check in doctor.installed(target(tmp_path), paths)}


def test_the_doctor_starts_the_host_and_hears_hello(tmp_path: Path, paths: Paths) -> None:
    """After an install the launcher the manifests name answers."""
    install.install(target(tmp_path), paths)

    checks = doctor.installed(target(tmp_path), paths)

    assert [check.ok for check in checks] == [True] * (len(BROWSERS) + 1), checks
    assert "answers in" in checks[-1].message


def test_the_doctor_names_each_fault(tmp_path: Path, paths: Paths) -> None:
    """Missing, damaged, foreign and dangling manifests, and a launcher without its x bit, are each found."""
    files = {browser: tmp_path / "user" / EXPECTED["linux", browser] for browser in BROWSERS}
    install.install(target(tmp_path), paths)
    files["chrome"].unlink()
    files["chromium"].write_text("{")
    broken = findings(tmp_path, paths)
    install.install(target(tmp_path), paths)
    (paths.config / "gomaa-host").chmod(0o600)
    files["firefox"].write_text(json.dumps({"name": "other", "type": "stdio", "path": "/bin/true"}))
    later = findings(tmp_path, paths)

    assert (broken["manifest chrome"], broken["manifest chromium"], broken["manifest firefox"]) == (False, False, True)
    assert {name for name, ok in later.items() if ok} == set()


def test_the_doctor_finds_an_open_key_and_a_damaged_network(paths: Paths) -> None:
    """Permissions and configuration are looked at, and what helps is said."""
    doctor.local(paths)
    paths.device_key.chmod(0o644)
    (paths.networks / "1.json").write_text("{}")

    checks = {check.name: check for check in doctor.local(paths)}

    assert not checks["device key"].ok
    assert checks["ledger"].ok
    assert not checks["networks"].ok
    assert "--deployment" in checks["networks"].message


def test_the_network_is_there_before_any_browser_can_start_the_host(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser that is open starts the host as soon as it finds the manifest."""
    order: list[str] = []
    added = type("Added", (), {"chain_id": 1})()
    monkeypatch.setattr("native_host.networks.add", lambda *_: order.append("network") or added)
    monkeypatch.setattr("native_host.install.install", lambda *_: order.append("manifests") or [])

    file = tmp_path / "deployment.json"
    file.write_text("{}")
    done = CliRunner().invoke(host, ["install", "--deployment", str(file)])

    assert (done.exit_code, order) == (0, ["network", "manifests"]), done.output
