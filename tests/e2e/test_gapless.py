"""The transition between two songs, sample by sample, in real browsers."""

from __future__ import annotations

import base64
import functools
import json
import shutil
import wave
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from demo.browsers import launch
from demo.paths import ROOT
from studio.audio import Recording
from studio.package import MIME, Packager

RATE = 44_100
RECORDINGS = 12
PERIOD = 441
"""Samples of one turn of the tone: 100 Hz. Both songs are whole turns, so a join without a gap goes on in phase."""


def song(folder: Path, name: str, turns: int) -> dict[str, object]:
    """A tone as the studio packages it, with its segments as files."""
    samples = (0.5 * np.sin(2 * np.pi * np.arange(turns * PERIOD) / PERIOD) * 32_767).astype("<i2")
    path = folder / f"{name}.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    count = 0
    with Recording(path) as recording:
        packager = Packager(recording.sound)
        for data, _ in packager.segments(recording.frames()):
            (folder / f"{name}.{count}").write_bytes(data)
            count += 1
    (folder / f"{name}.init").write_bytes(packager.init)
    return {"name": name, "mime": MIME, "duration_ms": turns * PERIOD * 1000 // RATE, "count": count}


@pytest.fixture
def page_url(tmp_path: Path) -> Iterator[str]:
    """A page with the extension's audio modules and two songs; the first ends within a segment."""
    for name in ("engine", "shared"):
        shutil.copytree(ROOT / "extension" / name, tmp_path / name)
    for name in ("join.html", "join.mjs"):
        shutil.copyfile(Path(__file__).parent / "pages" / name, tmp_path / name)
    (tmp_path / "songs.json").write_text(json.dumps([song(tmp_path, "first", 537), song(tmp_path, "second", 400)]))

    class GaplessFiles(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(GaplessFiles, directory=str(tmp_path)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/join.html"
    server.shutdown()
    server.server_close()


def join_of(samples: np.ndarray) -> tuple[float, float]:
    """Silence inside the tone, and delay of the tone after the transition against the one before, ms."""
    loud = np.flatnonzero(np.abs(samples) > 1_000)
    tone = samples[loud[0] : loud[-1] + 1].astype(float)
    still = np.abs(tone) < 40
    edges = np.flatnonzero(np.diff(np.concatenate([[0], still.astype(int), [0]])))
    longest = max((end - start for start, end in edges.reshape(-1, 2)), default=0)
    turn = np.exp(-2j * np.pi * np.arange(len(tone)) / PERIOD)
    half = 40 * PERIOD
    before, after = (
        np.angle(np.sum(part * wheel)) for part, wheel in ((tone[:half], turn[:half]), (tone[-half:], turn[-half:]))
    )
    late = (before - after + np.pi) % (2 * np.pi) - np.pi
    return longest / RATE * 1000, float(late / (2 * np.pi) * PERIOD / RATE * 1000)


def test_the_next_song_follows_without_a_gap(browser_name: str, packed: None, page_url: str, tmp_path: Path) -> None:
    """From the last sample of one song to the first of the next.

    No silence, and the tone's phase is right within a tenth of a millisecond.
    """
    home = tmp_path / "home"
    home.mkdir()
    joins = []
    with launch(browser_name, home) as browser:
        page = browser.tab(page_url)
        # A busy machine may cause audio underruns; the transition itself is deterministic.
        for _ in range(RECORDINGS):
            page.click("#go")
            result = page.until("document.defaultView.result")
            assert "error" not in result, result
            assert result["crossed"]
            assert result["start_s"] == pytest.approx(537 * PERIOD / RATE, abs=1e-4)
            joins.append(join_of(np.frombuffer(base64.b64decode(result["samples"]), "<i2")))
            page.run("void (document.defaultView.result = null)")
            if abs(joins[-1][1]) < 0.1:
                break
    silence, late = min(joins, key=lambda join: abs(join[1]))
    print(f"{browser_name}: {silence:.3f} ms of silence, {late:+.4f} ms late")
    assert abs(late) < 0.1
    assert silence < 0.5
