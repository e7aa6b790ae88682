"""Folders of native-messaging manifests, by browser and system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True)
class ManifestPlace:
    """One browser on one system.

    Attributes:
        browser: Name of the browser.
        family: ``chromium`` or ``firefox``: the form of the manifest.
        directory: Folder relative to the user's home; None on Windows, where the manifest is in the host's own
            configuration.
        registry: Registry key below HKEY_CURRENT_USER that names the manifest, on Windows.
    """

    browser: str
    family: str
    directory: str | None
    registry: str | None = None


PLACES: Final[dict[str, tuple[ManifestPlace, ...]]] = {
    "linux": (
        ManifestPlace("chrome", "chromium", ".config/google-chrome/NativeMessagingHosts"),
        ManifestPlace("chromium", "chromium", ".config/chromium/NativeMessagingHosts"),
        ManifestPlace("edge", "chromium", ".config/microsoft-edge/NativeMessagingHosts"),
        ManifestPlace("brave", "chromium", ".config/BraveSoftware/Brave-Browser/NativeMessagingHosts"),
        ManifestPlace("firefox", "firefox", ".mozilla/native-messaging-hosts"),
    ),
    "darwin": (
        ManifestPlace("chrome", "chromium", "Library/Application Support/Google/Chrome/NativeMessagingHosts"),
        ManifestPlace("chromium", "chromium", "Library/Application Support/Chromium/NativeMessagingHosts"),
        ManifestPlace("edge", "chromium", "Library/Application Support/Microsoft Edge/NativeMessagingHosts"),
        ManifestPlace(
            "brave", "chromium", "Library/Application Support/BraveSoftware/Brave-Browser/NativeMessagingHosts"
        ),
        ManifestPlace("firefox", "firefox", "Library/Application Support/Mozilla/NativeMessagingHosts"),
    ),
    "win32": (
        ManifestPlace("chrome", "chromium", None, r"Software\Google\Chrome\NativeMessagingHosts"),
        ManifestPlace("chromium", "chromium", None, r"Software\Chromium\NativeMessagingHosts"),
        ManifestPlace("edge", "chromium", None, r"Software\Microsoft\Edge\NativeMessagingHosts"),
        # On Windows Brave reads Chrome's key.
        ManifestPlace("brave", "chromium", None, r"Software\Google\Chrome\NativeMessagingHosts"),
        ManifestPlace("firefox", "firefox", None, r"Software\Mozilla\NativeMessagingHosts"),
    ),
}

BROWSERS: Final = ("chrome", "chromium", "edge", "brave", "firefox")

PROFILE_DIRECTORY: Final = "NativeMessagingHosts"
"""Folder inside a Chromium profile directory; a Chromium with its own profile directory reads no other."""

XDG_CONFIG: Final = ".config/"
"""Default of XDG_CONFIG_HOME, relative to the home."""


def place(system: str, browser: str) -> ManifestPlace:
    """The row for a browser on a system (``sys.platform``). Raises KeyError where there is none."""
    for row in PLACES[system]:
        if row.browser == browser:
            return row
    raise KeyError(browser)


def manifest_path(
    row: ManifestPlace, home: Path, config: Path, host: str, environment: Mapping[str, str] | None = None
) -> Path:
    """Path of a host's manifest for a browser.

    On Linux browsers made from Chromium look in their profile's folder: CHROME_USER_DATA_DIR, else below
    CHROME_CONFIG_HOME, else below XDG_CONFIG_HOME, else below ``.config`` of the home
    (chrome/common/chrome_paths_linux.cc). Relative folders are ignored (XDG Base Directory Specification).

    Args:
        row: The browser.
        home: The user's home.
        config: The host's own configuration, for Windows.
        host: Name of the host.
        environment: Variables of the browser's process; none by default.
    """
    if row.directory is None:
        return config / f"{host}.{row.family}.json"
    base, below = home, row.directory
    if below.startswith(XDG_CONFIG):
        found = {
            name: Path((environment or {}).get(name, ""))
            for name in ("CHROME_USER_DATA_DIR", "CHROME_CONFIG_HOME", "XDG_CONFIG_HOME")
        }
        if found["CHROME_USER_DATA_DIR"].is_absolute():
            return found["CHROME_USER_DATA_DIR"] / PROFILE_DIRECTORY / f"{host}.json"
        folder = next(
            (found[name] for name in ("CHROME_CONFIG_HOME", "XDG_CONFIG_HOME") if found[name].is_absolute()), None
        )
        if folder is not None:
            base, below = folder, below.removeprefix(XDG_CONFIG)
    return base / below / f"{host}.json"
