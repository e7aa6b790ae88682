"""Registration of the host with browsers: a launcher, and a manifest for each browser that names it."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from native_host import HOST_NAME
from native_host.install import sandboxed_browsers
from native_host.install.browsers import (
    PROFILE_DIRECTORY,
    ManifestPlace,
    manifest_path,
    place,
)
from native_host.paths import Paths

FIREFOX_ID: Final = "gomaa@gomaa.example"
PYTHON_SETTINGS: Final = (
    *(
        "PYTHONHOME",
        "PYTHONPATH",
        "PYTHONSTARTUP",
        "PYTHONINSPECT",
        "PYTHONWARNINGS",
        "PYTHONUSERBASE",
        "PYTHONPLATLIBDIR",
    ),
    *("PYTHONEXECUTABLE", "PYTHONVERBOSE", "PYTHONDEBUG", "PYTHONOPTIMIZE", "__PYVENV_LAUNCHER__"),
)
"""Variables that decide what Python runs or prints."""
PIPE: Final = 9
"""Descriptor by which the launcher hands over the pipe to the browser.

Not 3: Firefox gives the host a pipe there whose end means that the host has exited, and polls without pause once it is
closed while the host runs.
"""
ROOT: Final = Path(__file__).resolve().parents[2]
_IDS: Final = Path(__file__).with_name("ids.json")


@dataclass(frozen=True)
class Target:
    """Browsers to register the host with.

    Attributes:
        browsers: Names of browsers.
        profiles: Profile directories of Chromium.
        ids: Extension ids by browser family.
        home: Home directory of the user.
        system: ``sys.platform`` of the computer.
        flatpaks: Flatpak application ids.
        environment: Environment variables of the browsers, which select the folders of manifests.
    """

    browsers: tuple[str, ...]
    profiles: tuple[Path, ...] = ()
    ids: Mapping[str, str] = field(default_factory=dict)
    home: Path = field(default_factory=Path.home)
    system: str = sys.platform
    flatpaks: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))


def extension_ids() -> dict[str, str]:
    """Ids of the built extension: ``chromium`` (absent before the first build) and ``firefox``."""
    ids = {"firefox": FIREFOX_ID}
    if _IDS.exists():
        ids |= {name: value for name, value in json.loads(_IDS.read_text()).items() if isinstance(value, str)}
    return ids


def manifest(family: str, launcher: Path, ids: Mapping[str, str]) -> dict[str, Any]:
    """The manifest's content for a browser family. Raises KeyError where its extension id is unknown."""
    allowed = (
        {"allowed_extensions": [ids["firefox"]]}
        if family == "firefox"
        else {"allowed_origins": [f"chrome-extension://{ids['chromium']}/"]}
    )
    return {
        "name": HOST_NAME,
        "description": "GoMAA: verifies, counts and unlocks songs",
        "path": str(launcher),
        "type": "stdio",
        **allowed,
    }


def launcher_text(system: str, python: str, starter: Path) -> str:
    """Script that the browser runs: starts Python in isolated mode with the starter.

    ``-I``: no PYTHON* variables, no user site packages, no import from the working directory. Output of Python or a
    ``sitecustomize`` before the host runs goes to stderr; the browser's pipe is descriptor ``PIPE``.

    Args:
        system: ``sys.platform`` of the computer.
        python: Path of the interpreter.
        starter: The starter, beside the script.

    Returns:
        A shell script; for Windows a batch file, to be written as UTF-8.
    """
    if system == "win32":
        # cmd.exe expands a percent sign inside quotes too; %~dp0 is the script's folder in any encoding.
        lines = [
            "@echo off",
            "setlocal DisableDelayedExpansion",
            "chcp 65001 >nul 2>nul",
            f'"{python.replace("%", "%%")}" -I "%~dp0{starter.name}" %*',
        ]
        return "\r\n".join(lines) + "\r\n"
    return (
        f"#!/bin/sh\nunset {' '.join(PYTHON_SETTINGS)}\nexec {shlex.quote(python)} -I {shlex.quote(str(starter))} "
        f'"$@" {PIPE}>&1 1>&2\n'
    )


def starter_text(root: Path, settings: Mapping[str, str | None]) -> str:
    """Python file that the launcher runs. Paths are bytes in ASCII: the browser may have another locale.

    Args:
        root: Folder of the source tree, or the folder of installed packages, which is on ``sys.path`` anyway.
        settings: Environment variables that select the host's folders, with their present values; None removes one.
    """
    lines = ["import os", "import sys", ""]
    for name, value in settings.items():
        lines.append(
            f"os.environ.pop({name!r}, None)"
            if value is None
            else f"os.environ[{name!r}] = os.fsdecode({os.fsencode(value)!r})"
        )
    # Only a source tree needs its path named.
    if root.name not in ("site-packages", "dist-packages"):
        lines.append(f"sys.path.insert(0, os.fsdecode({os.fsencode(root)!r}))")
    return (
        "\n".join([*lines, "", "from native_host.messaging.process import main", "", f"sys.exit(main({PIPE}))"]) + "\n"
    )


def write_launcher(paths: Paths, system: str = sys.platform) -> Path:
    """Write launcher and starter into the configuration directory; the launcher's path."""
    file = paths.make().config / ("gomaa-host.bat" if system == "win32" else "gomaa-host")
    starter = file.with_name("gomaa-host.py")
    home = os.environ.get("GOMAA_HOME")
    # Without GOMAA_HOME these select the folders; the browser's session may have others than this terminal.
    settings: dict[str, str | None] = (
        {"GOMAA_HOME": home} if home else {name: os.environ.get(name) for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME")}
    )
    _write(starter, starter_text(ROOT, settings), 0o600)
    _write(file, launcher_text(system, str(Path(sys.executable).absolute()), starter), 0o700)
    return file


def manifests(target: Target, paths: Paths) -> list[tuple[ManifestPlace, Path]]:
    """Manifests of a target with their paths."""
    rows = [place(target.system, browser) for browser in target.browsers]
    found = [(row, manifest_path(row, target.home, paths.config, HOST_NAME, target.environment)) for row in rows]
    own = ManifestPlace("profile", "chromium", PROFILE_DIRECTORY)
    return found + [(own, profile.absolute() / PROFILE_DIRECTORY / f"{HOST_NAME}.json") for profile in target.profiles]


def install(target: Target, paths: Paths) -> list[Path]:
    """Write launcher and manifests, and return their paths. Idempotent."""
    launcher = write_launcher(paths, target.system)
    ids = {**extension_ids(), **target.ids}
    written = []
    for row, file in manifests(target, paths):
        file.parent.mkdir(parents=True, exist_ok=True)
        _write(file, json.dumps(manifest(row.family, launcher, ids), indent=2) + "\n", 0o644)
        if row.registry is not None and sys.platform == "win32":
            _register(row.registry, file)
        written.append(file)
    for app in target.flatpaks:
        written += _install_flatpak(target.home, app, launcher, ids)
    return [launcher, *written]


def _install_flatpak(home: Path, app: str, launcher: Path, ids: Mapping[str, str]) -> list[Path]:
    row, inner = sandboxed_browsers.FLATPAKS[app], sandboxed_browsers.wrapper(home, app)
    file = home / str(row.directory) / f"{HOST_NAME}.json"
    for path, text, mode in (
        (inner, sandboxed_browsers.wrapper_text(launcher), 0o700),
        (file, json.dumps(manifest(row.family, inner, ids), indent=2) + "\n", 0o644),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, text, mode)
    return [inner, file]


def uninstall(target: Target, paths: Paths) -> list[Path]:
    """Remove the manifests, and return their paths. Launcher, key and ledger stay."""
    removed = []
    for row, file in manifests(target, paths):
        if row.registry is not None and sys.platform == "win32":
            _unregister(row.registry)
        if file.exists():
            file.unlink()
            removed.append(file)
    for app, row in sandboxed_browsers.FLATPAKS.items():
        for file in (
            target.home / str(row.directory) / f"{HOST_NAME}.json",
            sandboxed_browsers.wrapper(target.home, app),
        ):
            if file.exists() and (row.browser in target.browsers or app in target.flatpaks):
                file.unlink()
                removed.append(file)
    return removed


def remove_data(paths: Paths) -> list[Path]:
    """Remove device key, ledger and log, with unreported plays and unclaimed receipts."""
    ledger = paths.ledger
    files: Iterable[Path] = (paths.device_key, ledger, Path(f"{ledger}-wal"), Path(f"{ledger}-shm"), paths.log)
    removed = [file for file in files if file.exists()]
    for file in removed:
        file.unlink()
    return removed


def _write(file: Path, text: str, mode: int) -> None:
    # Written beside its place, then moved: a browser that starts now reads the old file or the new one.
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8", newline="")
    temporary.chmod(mode)
    temporary.replace(file)


def _register(key: str, file: Path) -> None:
    if sys.platform == "win32":
        import winreg

        with winreg.CreateKey(winreg.HKEY_CURRENT_USER, rf"{key}\{HOST_NAME}") as handle:
            winreg.SetValueEx(handle, "", 0, winreg.REG_SZ, str(file))


def _unregister(key: str) -> None:
    if sys.platform == "win32":
        import contextlib
        import winreg

        with contextlib.suppress(FileNotFoundError):
            winreg.DeleteKey(winreg.HKEY_CURRENT_USER, rf"{key}\{HOST_NAME}")
