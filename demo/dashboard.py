"""The station's dashboard as its operator sees it: signed in with the admin token, statements read back."""

from __future__ import annotations

import json
import secrets
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

from demo.browsers.view import View
from demo.waiting import wait_until
from pywallet.encoding.hex import to_hex

TOKEN_FILE = "admin.token"
"""Name of the station's file with the admin token."""


def write_token(folder: Path) -> None:
    """Write a new admin token beside the station's settings."""
    file = folder / TOKEN_FILE
    file.write_text(secrets.token_urlsafe(24) + "\n")
    file.chmod(0o600)


def token(folder: Path) -> str:
    """The admin token."""
    return (folder / TOKEN_FILE).read_text().strip()


def statements(station_url: str, folder: Path, server: bytes, epochs: list[int]) -> list[dict[str, Any]]:
    """The dashboard's statements, once it has read these epochs.

    Args:
        station_url: The station's URL.
        folder: Where its admin token is.
        server: The security server's address, 20 bytes.
        epochs: Posted epochs that have to be among them.

    Raises:
        TimeoutError: It does not read them.
    """
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    form = urllib.parse.urlencode({"token": token(folder)}).encode()
    opener.open(f"{station_url}/studio/sign-in", form, timeout=60).close()

    def read() -> list[dict[str, Any]]:
        with opener.open(f"{station_url}/studio/statements?days=365&format=json", timeout=60) as response:
            rows: list[dict[str, Any]] = json.load(response)["rows"]
        known = {row["epoch"] for row in rows if row["server"] == to_hex(server)}
        return rows if known >= set(epochs) else []

    return wait_until(read, "the dashboard to read the posted epochs")


def sign_in(page: View, folder: Path) -> None:
    """Sign in on the page with the form."""
    page.fill("#token", token(folder))
    page.click("form[action='/studio/sign-in'] button")
    page.wait("form[action='/studio/sign-out']")
