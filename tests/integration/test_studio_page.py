"""The studio's page in a real browser, against a real chain, security server and station.

From a file to a published song.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect, sync_playwright

from chain.contracts.content import Content
from demo.settle import answers
from demo.stack import Stack, running
from demo.waiting import TIMEOUT_S, wait_until
from pywallet.encoding.hex import from_hex
from studio.owner import ContentKeys
from studio.verify import verify
from studio.web_command import _write_launcher

ROOT = Path(__file__).resolve().parents[2]
AXE = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text()
expect.set_options(timeout=TIMEOUT_S * 1000)
RUN = """() => axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"], resultTypes: ["violations"]})"""  # noqa: E501


@dataclass
class Studio:
    """The stack, the studio's folder, its page, and the browser's console errors."""

    stack: Stack
    folder: Path
    page: Page
    complaints: list[str]


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """Everything started once, the page open."""
    folder = tmp_path_factory.mktemp("studio-page")
    with running(folder / "stack", [], ROOT / "examples" / "policies" / "free-radio.toml") as stack:
        command = [
            sys.executable,
            "-m",
            "gomaa",
            "studio",
            "--no-open",
            "--folder",
            str(folder / "band"),
            "--server",
            stack.server_url,
        ]
        command += ["--key", str(stack.folder / "owner.key"), "--deployment", str(stack.folder / "deployment.json")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process, sync_playwright() as playwright:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            browser = playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox"], timeout=TIMEOUT_S * 1000
            )
            page = browser.new_page(viewport={"width": 1280, "height": 1000}, locale="en-GB")
            page.set_default_timeout(TIMEOUT_S * 1000)
            complaints: list[str] = []
            page.on(
                "console",
                lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None,
            )
            page.on("pageerror", lambda error: complaints.append(str(error)))
            # As gomaa studio opens it: by a file that redirects there.
            _write_launcher(folder / "door.html", url)
            page.goto((folder / "door.html").as_uri())
            page.wait_for_url(url)
            yield Studio(stack, folder / "band", page, complaints)
            browser.close()
            process.terminate()
            assert process.wait(TIMEOUT_S) == 0


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty seconds of a swelling chord, 44.1 kHz stereo."""
    t = np.arange(20 * 44_100) / 44_100
    chord = (
        sum(np.sin(2 * np.pi * hertz * t) for hertz in (220, 277.2, 329.6))
        * 0.2
        * (0.3 + 0.7 * np.sin(np.pi * t / 20) ** 2)
    )
    path = tmp_path_factory.mktemp("recording") / "Slow Tide Home.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44_100)
        file.writeframes((np.stack([chord, chord], 1) * 32_000).astype("<i2").tobytes())
    return path


def violations(page: Page) -> list[str]:
    """What axe-core finds, one line each."""
    page.evaluate(AXE)
    return [f"{found['id']}: {node['html']}" for found in page.evaluate(RUN)["violations"] for node in found["nodes"]]


def test_an_artist_releases_a_song(studio: Studio, recording: Path) -> None:
    """File dropped, terms set by slider and keyboard, terms read in both languages, preview played, signed.

    The contract exists.
    """
    page = studio.page
    expect(page.locator("#signer")).to_be_visible()
    expect(page.locator("#sign")).to_be_disabled()
    page.set_input_files("#file", recording)
    expect(page.locator("#found")).to_be_visible()
    expect(page.locator("#title")).to_have_value("Slow Tide Home")
    expect(page.locator("#facts")).to_contain_text("0:20 · 16 bit, 44.1 kHz, stereo")
    page.fill("#artist", "Saltwick Lanterns")

    page.focus("#plays")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#left")).to_have_text("5 of 5 plays left.")
    expect(page.locator("#plays")).to_have_attribute("aria-valuetext", "5")
    page.click("[data-tongue=zh]")
    expect(page.locator("#left")).to_contain_text("5 次")
    expect(page.locator("#card")).to_have_attribute("lang", "zh")
    page.click("[data-tongue=en]")
    page.uncheck("#seek")
    expect(page.locator("#may")).to_have_text("Play, pause. No seek, no download, no copy.")
    page.focus("#preview-s")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#limits")).to_contain_text("The first 30 seconds may be previewed free of charge.")
    page.keyboard.press("Home")
    expect(page.locator("#m-band")).to_have_text("0.0320")

    page.click("#hear")
    expect(page.locator("#preview")).to_be_visible()
    expect(page.locator("#preview")).not_to_have_js_property("currentTime", 0)
    page.evaluate("document.querySelector('#preview').pause()")

    page.click("#sign")
    expect(page.locator("#done")).to_be_visible()
    content = from_hex(page.locator("#address").inner_text(), 20)
    state = studio.stack.ask(lambda chain: Content(chain, content).state())
    assert state.owner == studio.stack.owner_address
    song = studio.folder / "slow-tide-home.sps"
    assert [check.name for check in verify(song, ContentKeys.load(ContentKeys.beside(song)))][-1] == "sound"
    expect(page.locator("#rows")).to_contain_text("Slow Tide Home")
    shutil.copyfile(song, studio.stack.folder / "songs" / song.name)
    wait_until(lambda: answers(f"{studio.stack.station_url}/song/slow-tide-home"), "the station has the song")
    assert studio.complaints == []


def test_a_file_without_audio_is_refused(studio: Studio, tmp_path: Path) -> None:
    """A text file is reported as no recording, and the next file is accepted."""
    notes = tmp_path / "notes.txt"
    notes.write_text("This is not music.\n" * 99)
    studio.page.set_input_files("#file", notes)
    expect(studio.page.locator("#problem")).to_contain_text("can't be read as audio")
    expect(studio.page.locator("#empty")).to_be_visible()
    expect(studio.page.locator("#sign")).to_be_disabled()
    studio.complaints.clear()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_the_page_is_accessible(studio: Studio, recording: Path, width: int, scheme: str) -> None:
    """axe-core finds nothing with a recording, terms and a finished release, and nothing scrolls sideways."""
    page = studio.page
    page.set_viewport_size({"width": width, "height": 1000})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_input_files("#file", recording)
    expect(page.locator("#found")).to_be_visible()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
