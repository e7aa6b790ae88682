"""A scripted fan: does with the mouse and the keyboard what a person would, in either browser."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demo.browsers import Browser, View
from demo.stack import Stack
from demo.waiting import TIMEOUT_S

PASSWORD = "a slow tide home"
PLAY = 'button[data-key="play"]'
MAIN = ".transport .btn.primary.round"
BACK, FORWARD = ".transport button:first-child", ".transport button:last-child"
CLOCK = "document.querySelector('sps-player').currentTime"
DURATION = "document.querySelector('sps-player').duration"
WORDS_SHOWN = "document.querySelectorAll('.words li').length === 12"
WORDS_S = 90.0
"""Seconds until the page with a new wallet's words is opened again.

On a busy machine a browser may lose a first message.
"""
SEEK_EVERY_S = 5.0
STEP_S = 10
"""Seconds that the buttons go forward and back."""
MOST_FORWARD = 4
"""Seeks forward of one listening: the terms count them."""


def install_host(home: Path, deployment: Path, browser: str) -> None:
    """Install the host for a browser profile in ``home``, as ``gomaa host install`` does."""
    where = ["--user-data-dir", str(home / "chromium")] if browser == "chromium" else ["--browser", "firefox"]
    env = {**os.environ, "HOME": str(home), "GOMAA_HOME": str(home / "gomaa")}
    command = [sys.executable, "-m", "gomaa", "host", "install", "--deployment", str(deployment), *where]
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    if done.returncode:
        raise RuntimeError(f"gomaa host install failed:\n{done.stdout}{done.stderr}")


@dataclass
class Heard:
    """Results of the fan's visit."""

    seeks: int = 0
    heard_s: float = 0.0
    refusals: list[str] = field(default_factory=list)
    engine_cold_ms: float | None = None
    first_audio_ms: float | None = None
    seek_ms: list[float] = field(default_factory=list)


class Fan:
    """One fan at one browser."""

    def __init__(self, browser: Browser, stack: Stack, shots: Path | None = None) -> None:
        self.browser = browser
        self.stack = stack
        self.shots = shots

    def shot(self, view: View, name: str) -> None:
        """Keep a picture, if pictures are wanted."""
        if self.shots is not None:
            view.screenshot(self.shots / f"{self.browser.name}-{name}.png")

    def create_wallet(self) -> list[str]:
        """Onboarding up to the connected host; the wallet's words."""
        page, words = self.make_wallet()
        page.wait(".btn.primary.big:not([disabled])")
        self.shot(page, "onboarding-host")
        return words

    def make_wallet(self) -> tuple[View, list[str]]:
        """Onboarding up to the page that waits for the host; the wallet's words."""
        page = self._words_page()
        words = list(page.run("[...document.querySelectorAll('.words li span')].map((e) => e.textContent)"))
        self.shot(page, "onboarding-words")
        page.click("#written")
        page.click(".btn.primary")
        page.wait("form input[id^=word-]")
        for number in page.run("[...document.querySelectorAll('form input')].map((e) => Number(e.id.split('-')[1]))"):
            page.fill(f"#word-{number}", words[number])
        page.click("form button[type=submit]")
        self.choose_password(page)
        return page, words

    def _words_page(self) -> View:
        """The page that shows a new wallet's words; opened anew, and what it showed is said, where they do not come."""
        for _ in range(2):
            page = self.browser.extension_tab("onboarding/onboarding.html#create")
            try:
                page.until(WORDS_SHOWN, timeout_s=WORDS_S)
            except TimeoutError as error:
                print(f"opened again: {error}", file=sys.stderr)
                page.close()
            else:
                return page
        page = self.browser.extension_tab("onboarding/onboarding.html#create")
        page.until(WORDS_SHOWN)
        return page

    @staticmethod
    def choose_password(page: View) -> None:
        """Seal the wallet; until the next page is there."""
        page.fill("#new-password", PASSWORD)
        page.fill("#again", PASSWORD)
        page.click("form button[type=submit]")
        page.wait(".checks")

    def address(self) -> str:
        """The account that the popup shows for receiving."""
        popup = self.browser.extension_tab("popup/popup.html")
        popup.click('button[data-key="receive"]')
        popup.wait(".address")
        return str(popup.run("document.querySelector('.address').textContent.replace(/[^0-9a-zA-Z]/g, '')")).lower()

    def open_radio(self, path: str = "/") -> tuple[View, View]:
        """The station's page and the player in it, with its terms shown."""
        page = self.browser.tab(f"{self.stack.station_url}{path}")
        player = self.browser.player(page)
        scroll_to_player(page)
        player.wait(f"{PLAY}:not([disabled])")
        return page, player

    def listen(self, page: View, player: View, seconds: float, *, seek: bool = True) -> Heard:
        """Press play, hear ``seconds`` in pieces of at most five, with a few seeks between them, stop.

        Seeks go forward, and back where the song would end before the next piece does.
        """
        heard = Heard()
        player.click(PLAY)
        state_until(player, "playing")
        # The pieces are planned: on a busy machine each is heard for longer, and there are as many seeks all the same.
        pieces = max(1, math.ceil(seconds / SEEK_EVERY_S))
        for piece in range(pieces):
            heard.heard_s += self._sound_for(page, min(SEEK_EVERY_S, seconds - piece * SEEK_EVERY_S))
            if seek and piece + 1 < pieces and self._seek(page, player, heard.seeks):
                heard.seeks += 1
        heard.heard_s = round(heard.heard_s, 2)
        self.shot(page, "playing")
        player.click(MAIN)
        state_until(player, "paused")
        for name, values in timings(player).items():
            if name == "seek_ms":
                heard.seek_ms = values
            elif values:
                setattr(heard, name, values[0])
        return heard

    def _seek(self, page: View, player: View, seeks: int) -> bool:
        """Seek if there are seeks left or the song is nearly over; whether it did."""
        position, duration = float(page.run(CLOCK)), float(page.run(DURATION))
        left = duration - position - 2 * SEEK_EVERY_S
        if left < 0:
            player.click(BACK)
            page.until(f"{CLOCK} < {position} - 4")
        elif seeks < MOST_FORWARD and left > STEP_S:
            player.click(FORWARD)
            page.until(f"{CLOCK} > {position} + 4")
        else:
            return False
        state_until(player, "playing")
        return True

    def _sound_for(self, page: View, seconds: float) -> float:
        """Wait until the song's position has advanced by a duration; return the advance."""
        start = float(page.run(CLOCK))
        return float(page.until(f"{CLOCK} >= {start + seconds - 0.05} && {CLOCK}")) - start

    def collect(self) -> View:
        """Open the popup and collect what is final, at once: in private it would take some epochs."""
        popup = self.browser.extension_tab("popup/popup.html")
        popup.click('button[data-key="once"]')
        popup.click('button[data-key="claim"]')
        popup.wait(".note.good[role=status]")
        self.shot(popup, "popup-collected")
        return popup


def scroll_to_player(page: View) -> None:
    """Bring the player into view, as a fan with a small window does, and keep it there as it grows."""
    page.run("""(() => {
      const player = document.querySelector("sps-player");
      const scroll = () => player.scrollIntoView({ block: "center" });
      new ResizeObserver(scroll).observe(player);
      scroll();
    })()""")


def state_until(player: View, *states: str, timeout_s: float = TIMEOUT_S) -> str:
    """Wait until the player shows one of these states. Raises an error with the code of a problem."""
    wanted = ", ".join(map(repr, dict.fromkeys([*states, "refused", "failed"])))
    shown = "document.getElementById('player').dataset.state"
    found = str(player.until(f"[{wanted}].includes({shown}) && {shown}", timeout_s))
    if found not in states:
        raise RuntimeError(f"the player is {found}: {problem(player)}: {player.text('#player')[:400]}")
    return found


def problem(player: View) -> str | None:
    """The code and detail of the problem that the player shows, if any."""
    shown = player.run(
        "(({code, detail}) => code ? `${code} ${detail}` : null)(document.getElementById('player').dataset)"
    )
    return None if shown is None else str(shown)


def timings(player: View) -> dict[str, list[float]]:
    """The engine's measures, as the player's frame keeps them in User Timing."""
    out: dict[str, list[float]] = {"engine_cold_ms": [], "first_audio_ms": [], "seek_ms": []}
    entries: Any = player.run("performance.getEntriesByType('measure').map((e) => [e.name, e.duration])")
    for name, duration in entries:
        key = f"{name.removeprefix('gomaa.')}_ms"
        if key in out:
            out[key].append(round(float(duration), 1))
    return out
