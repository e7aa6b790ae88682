"""Browsers in Snap and Flatpak sandboxes, and their ways to start the host.

Snap: Firefox uses the desktop's WebExtensions portal, which starts the host for it (Mozilla, "Native messaging for a
strictly-confined Firefox"); browsers made from Chromium start nothing outside their snap. Flatpak: no portal by
default; a wrapper inside the sandbox can start the host outside it if the app has access to org.freedesktop.Flatpak.
"""

from __future__ import annotations

import configparser
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from native_host import HOST_NAME
from native_host.install.browsers import ManifestPlace

PORTAL_S: Final = 5.0
_PORTAL: Final = (
    "org.freedesktop.portal.Desktop",
    "/org/freedesktop/portal/desktop",
    "org.freedesktop.portal.WebExtensions",
)


@dataclass(frozen=True)
class Snap:
    """A browser as a snap.

    Attributes:
        browser: Name of the browser.
        folder: Its folder in the user's home.
        portal: True if it uses the WebExtensions portal.
    """

    browser: str
    folder: str
    portal: bool


SNAPS: Final = (
    Snap("firefox", "snap/firefox", True),
    Snap("chromium", "snap/chromium", False),
    Snap("brave", "snap/brave", False),
)

FLATPAKS: Final = {
    "org.mozilla.firefox": ManifestPlace(
        "firefox", "firefox", ".var/app/org.mozilla.firefox/.mozilla/native-messaging-hosts"
    ),
    "org.chromium.Chromium": ManifestPlace(
        "chromium", "chromium", ".var/app/org.chromium.Chromium/config/chromium/NativeMessagingHosts"
    ),
    "com.google.Chrome": ManifestPlace(
        "chrome", "chromium", ".var/app/com.google.Chrome/config/google-chrome/NativeMessagingHosts"
    ),
    "com.microsoft.Edge": ManifestPlace(
        "edge", "chromium", ".var/app/com.microsoft.Edge/config/microsoft-edge/NativeMessagingHosts"
    ),
    "com.brave.Browser": ManifestPlace(
        "brave", "chromium", ".var/app/com.brave.Browser/config/BraveSoftware/Brave-Browser/NativeMessagingHosts"
    ),
}


def wrapper(home: Path, app: str) -> Path:
    """Path of a Flatpak's wrapper, in a folder that has the same path inside and outside the sandbox."""
    return home / ".var" / "app" / app / "data" / "gomaa-host"


def wrapper_text(launcher: Path) -> str:
    """Script that a browser runs inside its sandbox: starts the launcher outside."""
    return f'#!/bin/sh\nexec flatpak-spawn --host {shlex.quote(str(launcher))} "$@"\n'


def snaps(home: Path) -> list[Snap]:
    """Browsers that this user has run as snaps."""
    return [snap for snap in SNAPS if (home / snap.folder).is_dir()]


def flatpaks(home: Path) -> list[str]:
    """Browsers that this user has run as Flatpaks."""
    return [app for app in FLATPAKS if (home / ".var" / "app" / app).is_dir()]


def examine_snap(snap: Snap) -> str:
    """The state of a browser as a snap. Raises ValueError with a remedy."""
    if not snap.portal:
        raise ValueError(
            f"{snap.browser} from Snap can start no program outside its sandbox: install it as a .deb or .rpm, or "
            f"use Firefox or Chrome"
        )
    busctl = shutil.which("busctl")
    if busctl is not None:
        line = [busctl, "--user", "introspect", *_PORTAL]
        try:
            answer = subprocess.run(line, capture_output=True, text=True, timeout=PORTAL_S, check=False)
        except subprocess.TimeoutExpired:
            raise ValueError("the desktop portal doesn't answer: log out and in again") from None
        if answer.returncode or "CreateSession" not in answer.stdout:
            raise ValueError(
                "Firefox from Snap needs a desktop portal with WebExtensions (Ubuntu 22.04 and later have it): "
                "sudo apt-get install xdg-desktop-portal, log out and in again; or install Firefox as a .deb"
            )
    return (
        f"asks the desktop portal; if it was told no: flatpak permission-set webextensions {HOST_NAME} snap.firefox yes"
    )


def examine_flatpak(home: Path, app: str) -> str:
    """The state of a browser as a Flatpak. Raises ValueError with a remedy."""
    if not (home / str(FLATPAKS[app].directory) / f"{HOST_NAME}.json").exists() or not wrapper(home, app).exists():
        raise ValueError(f"{app} looks into its sandbox only: gomaa host install --flatpak {app}")
    if not _has_access(home, app):
        raise ValueError(
            f"{app} may start nothing outside its sandbox: flatpak override --user "
            f"--talk-name=org.freedesktop.Flatpak {app} "
            "(this lets the browser start any program; a browser from a .deb or .rpm needs no such permission)"
        )
    return (
        f"starts the host outside its sandbox; taken back by: flatpak override --user "
        f"--no-talk-name=org.freedesktop.Flatpak {app}"
    )


def _has_access(home: Path, app: str) -> bool:
    """Return whether overrides give an app access to org.freedesktop.Flatpak (flatpak-override(5): key files)."""
    data = home / ".local" / "share" / "flatpak" / "overrides"
    is_allowed = False
    for file in (Path("/var/lib/flatpak/overrides") / app, data / "global", data / app):
        keys = configparser.ConfigParser(strict=False, interpolation=None)
        try:
            keys.read_string(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, configparser.Error):
            continue
        policy = keys.get("Session Bus Policy", "org.freedesktop.Flatpak", fallback=None)
        is_allowed = is_allowed if policy is None else policy in ("talk", "own")
    return is_allowed
