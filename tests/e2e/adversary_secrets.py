"""Secrets in every encoding in which they could be stored, and a search for them."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
from collections.abc import Coroutine, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from demo.browsers import View
from demo.browsers.chromium import Chromium, ChromiumView
from demo.browsers.firefox import Firefox
from demo.fan import PASSWORD
from demo.stack import Stack
from pywallet.sps.container import Container
from pywallet.sps.segments import open_segment, segment_aad, segment_key
from pywallet.sps.signed_header import open_header
from pywallet.wallet.derivation import account_path, listener_path
from pywallet.wallet.keyring import Keyring
from pywallet.wallet.mnemonic import seed as seed_of
from tests.e2e.adversary import expression
from tests.e2e.world import BrowserWorld

SAMPLE = 48
"""Bytes of decrypted music that are looked for, from the middle of each segment."""

WALK = expression("walk.js")

KEPT = expression("kept.js")


def secrets(words: list[str], stack: Stack, name: str) -> dict[str, bytes]:
    """The wallet's and the song's secrets by name."""
    seed = _wait(seed_of(" ".join(words)))
    station = stack.station_address
    found = {"mnemonic": " ".join(words).encode(), "password": PASSWORD.encode(), "seed": seed}
    keyring = Keyring(seed)
    found |= {
        "listener key": keyring.private_key(listener_path(station)),
        "account key": keyring.private_key(account_path(0)),
    }
    made = stack.folder / "made"
    keys = json.loads((made / f"{name}.sps.key").read_text())["keys"]
    data = (made / f"{name}.sps").read_bytes()
    container = Container.read(data)
    header = open_header(container.cose)
    for epoch, text in keys.items():
        content_key = base64.b64decode(text)
        found[f"content key {epoch}"] = content_key
        for rendition, (_, extents) in zip(header.renditions, container.extents(header), strict=True):
            for index, extent in enumerate(extents[:4]):
                key = segment_key(content_key, rendition.id, index)
                aad = segment_aad(header.content, rendition.id, int(epoch), index)
                clear = _wait(open_segment(key, data[extent.offset : extent.end], aad))
                middle = len(clear) // 2
                found |= {f"segment key {index}": key, f"samples {index}": clear[middle : middle + SAMPLE]}
    return found


def _wait(work: Coroutine[Any, Any, bytes]) -> bytes:
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def forms(secret: bytes) -> Iterator[bytes]:
    """Encodings of a secret: raw, UTF-16 (of text), hex, and base64 at each of its three alignments."""
    yield secret
    if secret.isascii():
        yield secret.decode().encode("utf-16-le")
    for text in (secret.hex(), secret.hex().upper()):
        yield text.encode()
        yield text.encode("utf-16-le")
    for shift in range(3):
        whole = base64.b64encode(bytes(shift) + secret)
        inner = whole[(0, 2, 3)[shift] : -4]
        for text in (inner, inner.translate(bytes.maketrans(b"+/", b"-_"))):
            yield text
            yield text.decode().encode("utf-16-le")


def found_in(haystack: bytes, wanted: dict[str, bytes]) -> list[str]:
    """Return the names of the secrets that the data contain."""
    return [name for name, secret in wanted.items() if any(form in haystack for form in forms(secret))]


def found_under(folders: Iterable[Path], wanted: dict[str, bytes]) -> tuple[list[str], int]:
    """Return ``secret in file`` for every file below the folders, and the number of files read."""
    hits, count = [], 0
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                count += 1
                hits += [f"{name} in {path.relative_to(folder)}" for name in found_in(path.read_bytes(), wanted)]
    return hits, count


def content_worlds(page: View, script: str) -> list[str]:
    """Evaluate a script in the content script's world of the page, where the driver has access to it (Chromium)."""
    if not isinstance(page, ChromiumView):
        return []
    session = page.page.context.new_cdp_session(page.page)
    worlds: list[dict[str, Any]] = []
    session.on("Runtime.executionContextCreated", lambda event: worlds.append(event["context"]))
    session.send("Runtime.enable")
    own = [
        world["id"]
        for world in worlds
        if world["origin"].startswith("chrome-extension:") and world["auxData"].get("type") == "isolated"
    ]
    assert own, worlds
    return [
        session.send("Runtime.evaluate", {"expression": script, "contextId": one})["result"]["value"] for one in own
    ]


@contextmanager
def closed(world: BrowserWorld) -> Iterator[Path]:
    """Close the browser as a user does; return the profile's folder."""
    browser = world.browser
    if isinstance(browser, Chromium):
        browser.context.close()
        yield world.home / "chromium"
        return
    assert isinstance(browser, Firefox)
    profile = browser.marionette.instance.profile
    profile.create_new = False
    browser.marionette.quit()
    try:
        yield Path(profile.profile)
    finally:
        shutil.rmtree(profile.profile)
