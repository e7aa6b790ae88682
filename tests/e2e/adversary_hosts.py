"""Programs that replace the native host, and counts of plays in the real one's ledger."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
from contextlib import suppress
from pathlib import Path

from demo.browsers.chromium import Chromium
from demo.browsers.firefox import Firefox
from demo.paths import EXTENSION_IDS
from tests.e2e.world import BrowserWorld

HEAD = f"""#!{sys.executable}
import json, os, struct, sys, time
def put(data): sys.stdout.buffer.write(data); sys.stdout.buffer.flush()
def frame(value): data = json.dumps(value).encode(); put(struct.pack("=I", len(data)) + data)
asked = json.loads(sys.stdin.buffer.read(struct.unpack("=I", sys.stdin.buffer.read(4))[0]))["id"]
"""
STAY = "\nsys.stdin.buffer.read()\n"
WRONG = (
    "[], 7, {'id': [asked], 'ok': True}, {'id': asked, 'ok': 'yes'}, {'event': 'host', 'status': {'state': "
    "'connected'}}"
)
VERSION = "{'id': asked, 'ok': False, 'error': {'code': 'host.version', 'message': '', 'detail': {'host': 99}}}"

EVIL = {
    "says rubbish": (HEAD + "put(os.urandom(4096))" + STAY, "host.missing"),
    "is of another version": (HEAD + f"frame({VERSION})" + STAY, "host.version"),
    "says more than a frame holds": (
        HEAD + "put(struct.pack('=I', 3 << 20) + b' ' * (3 << 20))" + STAY,
        "host.missing",
    ),
    "says what is no answer, and ends": (HEAD + f"[frame(one) for one in ({WRONG})]", "host.missing"),
    "answers a byte a second": (
        HEAD + "put(struct.pack('=I', 600))\n[(put(b' '), time.sleep(1)) for _ in range(60)]",
        "host.missing",
    ),
}
"""Behaviour of the program, and the code that the player shows for it."""


def launcher(world: BrowserWorld) -> Path:
    """Path of the program that the browsers start."""
    return world.home / "gomaa" / "config" / "gomaa-host"


def replace_host(world: BrowserWorld, text: str) -> None:
    """Replace the host's program, and end the running one."""
    file = launcher(world)
    part = file.with_suffix(".part")
    part.write_text(text)
    part.chmod(0o755)
    part.replace(file)
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError):
            command, around = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes()
            if (b"native_host" in command or str(file).encode() in command) and str(world.home).encode() in around:
                os.kill(int(entry.name), signal.SIGKILL)


def plays(world: BrowserWorld) -> tuple[list[tuple[bytes, int]], list[tuple[bytes, int]]]:
    """Return (session, sequence) of every play, in the host's ledger and at the security server."""
    with sqlite3.connect(f"file:{world.home}/gomaa/data/ledger.sqlite?mode=ro", uri=True) as ledger:
        own = ledger.execute(
            "SELECT session, sequence FROM invocations WHERE action = 'play' AND code IS NULL ORDER BY 1, 2"
        ).fetchall()
    with sqlite3.connect(f"file:{world.stack.folder}/server.sqlite3?mode=ro", uri=True) as server:
        theirs = server.execute(
            "SELECT session, sequence FROM invocations WHERE action = 'play' AND code IS NULL ORDER BY 1, 2"
        ).fetchall()
    return own, theirs


def turn_off_and_on(world: BrowserWorld) -> None:
    """Disable the extension and enable it again on the browser's own page."""
    browser = world.browser
    if isinstance(browser, Chromium):
        page = browser.context.new_page()
        page.goto("chrome://extensions")
        for on in (False, True):
            page.evaluate("([id, on]) => chrome.management.setEnabled(id, on)", [browser.extension_id, on])
        page.close()
        return
    assert isinstance(browser, Firefox)
    extension_id = json.loads(EXTENSION_IDS.read_text())["firefox"]
    with browser.marionette.using_context("chrome"):
        browser.marionette.execute_async_script(
            """
            const [id, resolve] = arguments;
            const { AddonManager } = ChromeUtils.importESModule('resource://gre/modules/AddonManager.sys.mjs');
            AddonManager.getAddonByID(id).then(async (addon) => { await addon.disable(); await addon.enable(); resolve(); });
            """,  # noqa: E501
            script_args=[extension_id],
        )
