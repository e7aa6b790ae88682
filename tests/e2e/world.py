"""One whole stack and one real browser per module: chain, servers, station, host, extension."""

from __future__ import annotations

import shutil
import sqlite3
import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from demo.browsers import Browser, View, launch
from demo.fan import CLOCK, PLAY, Fan, scroll_to_player, state_until
from demo.paths import DIST, ROOT
from demo.settle import answers
from demo.stack import Stack, add_song, running
from demo.waiting import TIMEOUT_S, wait_until

FREE = (ROOT / "examples" / "policies" / "free-radio.toml").read_text()


def tone(path: Path, seconds: int, hertz: float) -> Path:
    """A small recording: a soft tone, 16 bit, 44.1 kHz, stereo."""
    time = np.arange(seconds * 44_100) / 44_100
    left = 0.2 * np.sin(2 * np.pi * hertz * time)
    samples = (np.stack([left, 0.8 * left], axis=1) * 32_767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44_100)
        file.writeframes(samples.tobytes())
    return path


@dataclass
class BrowserWorld:
    """Running stack, browser and pages of a test."""

    stack: Stack
    browser: Browser
    fan: Fan
    home: Path
    folder: Path

    def song(
        self,
        name: str,
        policy: str = FREE,
        seconds: int = 24,
        *,
        sound: Path | None = None,
        extra: Sequence[str] = (),
        renditions: Sequence[str] = (),
    ) -> bytes:
        """Publish another song (a tone, or the given sound) under its own name; wait until the station has found it."""
        terms = self.folder / f"{name}.toml"
        terms.write_text(policy)
        number = len(self.stack.songs)
        file = self.folder / f"{name}.wav"
        if sound is None:
            tone(file, seconds, 220 + 20 * number)
        elif sound != file:
            shutil.copyfile(sound, file)
        content = add_song(self.stack, file, terms, artist="Tests", extra=extra, renditions=renditions)
        wait_until(lambda: answers(f"{self.stack.station_url}/song/{name}"), f"the station has {name}")
        return content

    def file(self, name: str) -> Path:
        """A song's file in the station's catalogue."""
        return self.stack.folder / "songs" / f"{name}.sps"

    def open(self, name: str) -> tuple[View, View]:
        """Open the song's page; wait until its player is ready."""
        return self.fan.open_radio(f"/song/{name}")

    def show(self, name: str) -> tuple[View, View]:
        """Open the song's page and its player, in whatever state."""
        page = self.browser.tab(f"{self.stack.station_url}/song/{name}")
        player = self.browser.player(page)
        scroll_to_player(page)
        return page, player


def shows(player: View, *codes: str, timeout_s: float = TIMEOUT_S) -> str:
    """Wait until the player shows a problem with one of these codes; return its text."""
    player.until(f"{list(codes)}.includes(document.getElementById('player').dataset.code)", timeout_s)
    return player.text("#player")


def press_play(player: View) -> None:
    """A real click on Play."""
    player.click(PLAY)


def actions(home: Path) -> list[str]:
    """Counts of the ledger by action."""
    with sqlite3.connect(home / "gomaa" / "data" / "ledger.sqlite") as db:
        return [str(action) for (action,) in db.execute("SELECT action FROM invocations ORDER BY sequence")]


def goes_on(page: View, player: View, home: Path, seconds: float) -> None:
    """Wait until music has sounded for so long from here, with renewals at the host."""
    place, renewed = float(page.run(CLOCK)), actions(home).count("renew")
    page.until(f"{CLOCK} > {place + seconds}")
    wait_until(lambda: actions(home).count("renew") > renewed, "the host renews the lease")
    assert state_until(player, "playing") == "playing"


@pytest.fixture(scope="session")
def packed() -> None:
    """The packed extensions, made when they are missing."""
    if not (DIST / "gomaa-firefox.xpi").exists():
        from extension.pack import main

        main()


@pytest.fixture(scope="module", params=["chromium", "firefox"])
def browser_name(request: pytest.FixtureRequest) -> str:
    """Both browsers, one after the other."""
    return str(request.param)


@pytest.fixture(scope="module")
def world(browser_name: str, packed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserWorld]:
    """The stack with one song, and a browser with an empty profile. The host is not installed yet."""
    folder = tmp_path_factory.mktemp(f"e2e-{browser_name}")
    home = folder / "home"
    home.mkdir()
    policy = folder / "free.toml"
    policy.write_text(FREE)
    song = tone(folder / "first.wav", 24, 220)
    with (
        running(folder / "stack", [song], policy, epoch_s=24, artist="Tests") as stack,
        launch(browser_name, home) as browser,
    ):
        yield BrowserWorld(stack, browser, Fan(browser, stack), home, folder)
