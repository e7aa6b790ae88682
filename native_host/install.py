"""Make the host known to browsers: a launcher, and one manifest per browser that points to it."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from native_host import HOST_NAME, confined
from native_host.browsers import PROFILE_DIRECTORY, Place, manifest_path, place
from native_host.paths import Paths

FIREFOX_ID: Final = "gomaa@gomaa.example"
ROOT: Final = Path(__file__).resolve().parent.parent
_IDS: Final = Path(__file__).with_name("ids.json")


@dataclass(frozen=True)
class Target:
    """What to install for: browsers, profile directories of Chromium, extension ids, Flatpaks by name.

    ``home`` and ``system`` are for tests.
    """

    browsers: tuple[str, ...]
    profiles: tuple[Path, ...] = ()
    ids: Mapping[str, str] = field(default_factory=dict)
    home: Path = field(default_factory=Path.home)
    system: str = sys.platform
    flatpaks: tuple[str, ...] = ()


def extension_ids() -> dict[str, str]:
    """The ids the extension is built with: ``chromium`` (absent before the first build) and ``firefox``."""
    ids = {"firefox": FIREFOX_ID}
    if _IDS.exists():
        ids |= {name: value for name, value in json.loads(_IDS.read_text()).items() if isinstance(value, str)}
    return ids


def manifest(family: str, launcher: Path, ids: Mapping[str, str]) -> dict[str, Any]:
    """The manifest's content for a browser family. Raises KeyError where its extension id is unknown."""
    who = (
        {"allowed_extensions": [ids["firefox"]]} if family == "firefox" else {"allowed_origins": [f"chrome-extension://{ids['chromium']}/"]}
    )
    return {"name": HOST_NAME, "description": "GoMAA: verifies, counts and unlocks songs", "path": str(launcher), "type": "stdio", **who}


def launcher_text(system: str, python: str, root: Path, home: str | None) -> str:
    """The script the browser starts. ``-P``: the browser's working directory is no place to import from."""
    # Only a source tree needs its path named; an installed package is found by itself.
    path = None if root.name in ("site-packages", "dist-packages") else str(root)
    settings = {name: value for name, value in (("PYTHONPATH", path), ("GOMAA_HOME", home)) if value}
    if system == "win32":
        lines = ["@echo off", *(f'set "{name}={value}"' for name, value in settings.items()), f'"{python}" -P -m native_host %*']
        return "\r\n".join(lines) + "\r\n"
    lines = ["#!/bin/sh", *(f"export {name}={shlex.quote(value)}" for name, value in settings.items())]
    return "\n".join([*lines, f'exec {shlex.quote(python)} -P -m native_host "$@"']) + "\n"


def write_launcher(paths: Paths, system: str = sys.platform) -> Path:
    """Write the launcher into the configuration directory; its path."""
    file = paths.make().config / ("gomaa-host.bat" if system == "win32" else "gomaa-host")
    text = launcher_text(system, str(Path(sys.executable).absolute()), ROOT, os.environ.get("GOMAA_HOME"))
    _write(file, text, 0o700)
    return file


def manifests(target: Target, paths: Paths) -> list[tuple[Place, Path]]:
    """Every manifest that belongs to a target."""
    rows = [place(target.system, browser) for browser in target.browsers]
    found = [(row, manifest_path(row, target.home, paths.config, HOST_NAME)) for row in rows]
    own = Place("profile", "chromium", PROFILE_DIRECTORY)
    return found + [(own, profile.absolute() / PROFILE_DIRECTORY / f"{HOST_NAME}.json") for profile in target.profiles]


def install(target: Target, paths: Paths) -> list[Path]:
    """Write launcher and manifests; their paths. Doing it again changes nothing else."""
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
    row, inner = confined.FLATPAKS[app], confined.wrapper(home, app)
    file = home / str(row.directory) / f"{HOST_NAME}.json"
    for path, text, mode in (
        (inner, confined.wrapper_text(launcher), 0o700),
        (file, json.dumps(manifest(row.family, inner, ids), indent=2) + "\n", 0o644),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, text, mode)
    return [inner, file]


def uninstall(target: Target, paths: Paths) -> list[Path]:
    """Remove the manifests and, when none is left to use it, the launcher. Key and ledger stay."""
    removed = []
    for row, file in manifests(target, paths):
        if row.registry is not None and sys.platform == "win32":
            _unregister(row.registry)
        if file.exists():
            file.unlink()
            removed.append(file)
    for app, row in confined.FLATPAKS.items():
        for file in (target.home / str(row.directory) / f"{HOST_NAME}.json", confined.wrapper(target.home, app)):
            if file.exists() and (row.browser in target.browsers or app in target.flatpaks):
                file.unlink()
                removed.append(file)
    return removed


def remove_data(paths: Paths) -> list[Path]:
    """Remove device key, ledger and log as well: unreported plays and unclaimed receipts are lost with them."""
    ledger = paths.ledger
    files: Iterable[Path] = (paths.device_key, ledger, Path(f"{ledger}-wal"), Path(f"{ledger}-shm"), paths.log)
    removed = [file for file in files if file.exists()]
    for file in removed:
        file.unlink()
    return removed


def _write(file: Path, text: str, mode: int) -> None:
    # Beside its place, then moved: a browser starting now sees the old file or the new one.
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
