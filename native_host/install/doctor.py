"""Checks of an installation; the message of a failure names the remedy."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from messages.browser_host.connection import Check
from native_host import HOST_NAME, PROTOCOL, device_key
from native_host.install import sandboxed_browsers
from native_host.install.browsers import ManifestPlace, manifest_path
from native_host.install.manifests import Target, manifests
from native_host.ledger import Ledger
from native_host.paths import Paths
from native_host.remote import network_files
from pywallet.errors import GomaaError
from pywallet.redaction import place

HELLO_S: Final = 10.0
REACH_S: Final = 5.0


def _check(name: str, act: Callable[[], str]) -> Check:
    try:
        return Check(name, True, act())
    except (GomaaError, OSError, ValueError, KeyError, subprocess.SubprocessError, struct.error) as e:
        return Check(name, False, str(e) or type(e).__name__)


def installed(target: Target, paths: Paths) -> list[Check]:
    """Check manifests and launchers where the browsers look for them."""
    checks, launchers = [], set()
    for row, file in manifests(target, paths):
        label = row.browser if row.browser != "profile" else str(file.parent.parent)
        found = _check(f"manifest {label}", lambda file=file: str(_manifest(file)))  # type: ignore[misc]
        checks.append(
            Check(found.name, True, f"{file}{_other_folder_note(row, file, target, paths)}") if found.ok else found
        )
        if found.ok:
            launchers.add(Path(found.message))
    return checks + [_check(f"launcher {path}", lambda path=path: _launch(path)) for path in sorted(launchers)]  # type: ignore[misc]


def _other_folder_note(row: ManifestPlace, file: Path, target: Target, paths: Paths) -> str:
    """A note about the folder that a browser without this terminal's variables reads; empty where it is the same."""
    plain = file if row.browser == "profile" else manifest_path(row, target.home, paths.config, HOST_NAME)
    if plain == file or plain.exists():
        return ""
    names = [
        name
        for name in ("CHROME_USER_DATA_DIR", "CHROME_CONFIG_HOME", "XDG_CONFIG_HOME")
        if target.environment.get(name)
    ]
    return f" (a browser started without {' and '.join(names)} looks in {plain.parent}: install from there too)"


def _manifest(file: Path) -> Path:
    """The launcher a manifest names."""
    if not file.exists():
        raise ValueError(f"{file} is missing: run gomaa host install")
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as e:
        raise ValueError(f"{file} is not JSON ({e}): run gomaa host install") from None
    if not isinstance(value, dict) or value.get("name") != HOST_NAME or value.get("type") != "stdio":
        raise ValueError(f"{file} is not a manifest of {HOST_NAME}: run gomaa host install")
    if not any(value.get(key) for key in ("allowed_origins", "allowed_extensions")):
        raise ValueError(f"{file} allows no extension: run gomaa host install")
    launcher = Path(str(value.get("path")))
    if not launcher.is_absolute() or not launcher.exists():
        raise ValueError(f"{launcher} is missing: run gomaa host install")
    if not os.access(launcher, os.X_OK):
        raise ValueError(f"{launcher} is not executable: chmod 700 {launcher}")
    if b" 3>&1 " in launcher.read_bytes():
        # Descriptor 3 is Firefox's own (``manifests.PIPE``).
        raise ValueError(f"{launcher} is of a version with which Firefox uses a whole core: run gomaa host install")
    return launcher


def _launch(launcher: Path) -> str:
    """Start the host as a browser does, and send it ``hello``."""
    body = json.dumps(
        {"id": 1, "op": "hello", "protocol": PROTOCOL, "extension": "doctor", "browser": "doctor"}
    ).encode()
    began = time.monotonic()
    # The pipe stays open until the reply: a host whose pipe is closed ends without one.
    with subprocess.Popen(
        [str(launcher)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        late = threading.Timer(HELLO_S, process.kill)
        late.start()
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(struct.pack("=I", len(body)) + body)
            process.stdin.flush()
            prefix = process.stdout.read(4)
            answer = process.stdout.read(struct.unpack("=I", prefix)[0]) if len(prefix) == 4 else b""
            took_ms = round((time.monotonic() - began) * 1000)
            error = process.communicate()[1].decode(errors="replace")[-300:]
        finally:
            late.cancel()
    if not answer:
        raise ValueError(f"no answer (exit {process.returncode}): {error}")
    reply = json.loads(answer)
    if reply.get("ok") is not True:
        raise ValueError(f"{reply.get('error', {}).get('code')}: {reply.get('error', {}).get('message')}")
    return f"answers in {took_ms} ms, version {reply['result']['host']}"


def sandboxed(target: Target) -> list[Check]:
    """Check the browsers of this user that run as Snap or Flatpak."""
    if target.system != "linux":
        return []
    snaps = [snap for snap in sandboxed_browsers.snaps(target.home) if snap.browser in target.browsers]
    apps = [
        app
        for app in sandboxed_browsers.flatpaks(target.home)
        if sandboxed_browsers.FLATPAKS[app].browser in target.browsers
    ]
    return [
        *(_check(f"snap {snap.browser}", partial(sandboxed_browsers.examine_snap, snap)) for snap in snaps),
        *(_check(f"flatpak {app}", partial(sandboxed_browsers.examine_flatpak, target.home, app)) for app in apps),
    ]


def local(paths: Paths) -> list[Check]:
    """Check device key, ledger and networks."""
    return [
        _check("device key", lambda: _device(paths)),
        _check("ledger", lambda: _ledger(paths)),
        _check("networks", lambda: _networks(paths)),
    ]


def _device(paths: Paths) -> str:
    device_key.load(paths.make().device_key)
    mode = stat.S_IMODE(paths.device_key.stat().st_mode)
    return f"{paths.device_key} ({mode:o})" if sys.platform != "win32" else str(paths.device_key)


def _ledger(paths: Paths) -> str:
    with Ledger(paths.make().ledger) as ledger, ledger.write():
        faults = ledger.integrity_faults()
        if faults:
            raise ValueError(
                f"{paths.ledger} is damaged ({'; '.join(faults)[:200]}): close the browsers and run gomaa host repair"
            )
        waiting = len(ledger.sessions_unreported())
    return f"{paths.ledger}" + (f", {waiting} sessions still to report" if waiting else "")


def _networks(paths: Paths) -> str:
    networks = network_files.load(paths)
    if network_files.damaged(paths):
        raise ValueError(
            "a network file is damaged: run gomaa host repair, then gomaa host install --network URL-OF-A-STATION"
        )
    if not networks:
        raise ValueError(
            "no network known: run gomaa host install --network URL-OF-A-STATION, or play a song and add its station's"
        )
    return ", ".join(f"chain {chain_id}" for chain_id in networks)


async def reachable(paths: Paths) -> list[Check]:
    """Check that the nodes of all networks and the servers used so far answer."""
    from native_host.remote.clock import system_ms
    from native_host.remote.network import Network
    from native_host.remote.server import Server

    checks = []
    for chain_id, deployment in network_files.load(paths).items():
        network = Network(deployment, lambda content, code: None)
        try:
            await asyncio.wait_for(network.ready(), REACH_S)
            checks.append(Check(f"chain {chain_id}", True, place(deployment.rpc)))
        except (GomaaError, TimeoutError, OSError) as e:
            checks.append(Check(f"chain {chain_id}", False, str(e) or f"{place(deployment.rpc)} doesn't answer"))
        finally:
            await network.close()
    try:
        with Ledger(paths.make().ledger) as ledger:
            servers = ledger.servers_used()
    except GomaaError:
        return checks  # the local checks report it

    async def state(server: Server, up: bool) -> None:
        """The state is not reported."""

    for address, url in servers:
        server = Server(address, url, device_key.fresh_key(), system_ms, lambda server, event: None, state)
        try:
            await server.ready(REACH_S)
            checks.append(Check(f"server {url}", True, f"0x{address.hex()}"))
        except GomaaError as e:
            checks.append(Check(f"server {url}", False, str(e)))
        finally:
            await server.close()
    return checks


def examine(target: Target, paths: Paths) -> list[Check]:
    """Run every check."""
    return [*installed(target, paths), *sandboxed(target), *local(paths), *asyncio.run(reachable(paths))]
