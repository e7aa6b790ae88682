"""<sps-player> and <audio data-sps> through the page's script interface.

The web platform's checklist for media elements, in real browsers.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from demo.browsers import View
from demo.fan import MAIN, install_host, state_until
from demo.waiting import TIMEOUT_S
from tests.e2e.adversary import click_at
from tests.e2e.world import FREE, BrowserWorld, press_play

# Without a lease every jump's keys come from the security server.
UNLEASED = FREE[: FREE.index("[lease]")]
COUNTED = FREE + "\n[counts.play]\nlimit = 3\n[counts.seek]\nlimit = 3\n"
FAST = FREE.replace('"play", "seek"', '"play", "seek", "rate"')

MEASURES = 6
_TOOLS = (Path(__file__).parent / "listening.js").read_text()


@pytest.fixture(scope="module", autouse=True)
def host(world: BrowserWorld) -> None:
    """Install the host, which every test here needs."""
    install_host(world.home, world.stack.folder / "deployment.json", world.browser.name)


# A driver's script may get a proxy of the page's window: the page's own window is the document's.
_NAMES = (
    "const window = document.defaultView; const { heard, outcome, e, mark, swap, note, thrown, fresh, constants } = "
    "window;"
)


def do(page: View, script: str) -> Any:
    """Run statements in the page's own world; return their value."""
    return json.loads(
        page.run(
            f"(() => "
            f"{{ {_NAMES} const out = (() => {{ {script} }})(); return JSON.stringify(out === undefined ? null : out); }})()"  # noqa: E501
        )
    )


def until(page: View, condition: str, timeout_s: float = TIMEOUT_S) -> Any:
    """Wait until an expression is true in the page's own world; return its value.

    Raises:
        TimeoutError: With the element's state and the events that the page has heard.
    """
    try:
        return page.until(f"(() => {{ {_NAMES} return {condition}; }})()", timeout_s)
    except TimeoutError as e:
        stands = (
            "[e.paused, e.ended, e.seeking, e.currentTime, e.readyState, e.error && e.error.message, outcome, heard]"
        )
        raise TimeoutError(f"{condition}: {do(page, f'return {stands}')}") from e


def listen(page: View) -> None:
    """Give the page user activation, which its script needs to play sound.

    Also adds the tools of listening.js.
    """
    click_at(page, (3.0, 3.0))
    page.run(f"(() => {{ const window = document.defaultView; {_TOOLS} }})()")


def in_order(heard: list[str], *wanted: str) -> bool:
    """Return whether these events were dispatched in this order, with or without others between them."""
    left = iter(heard)
    return all(name in left for name in wanted)


@pytest.fixture(scope="module", autouse=True)
def fast(world: BrowserWorld) -> None:
    """A song of forty seconds that may be played faster."""
    world.song("fast", FAST, seconds=40)


def test_a_page_cannot_use_up_counted_plays(world: BrowserWorld) -> None:
    """Counted plays and jumps need a click.

    A page's play, early or late, is NotAllowedError, and its jump has no effect.
    """
    content = world.song("counted", COUNTED, seconds=40)
    page = world.browser.tab(f"{world.stack.station_url}/song/counted")
    listen(page)
    do(page, "swap('sps-player', (e) => { e.src = '/songs/counted.sps'; }); note('early', window.e.play());")
    until(page, "outcome.early && e.readyState === 4")
    do(page, "note('late', e.play());")
    until(page, "outcome.late")
    assert do(page, "return [outcome.early, outcome.late, e.paused, e.error]") == [
        "NotAllowedError",
        "NotAllowedError",
        True,
        None,
    ]
    player = world.browser.player(page)
    player.wait('.note[role="alert"]:not([hidden])')
    assert "player.press" in player.text('.note[role="alert"]')
    assert (counted(world, content, "play"), counted(world, content, "seek")) == (0, 0)
    press_play(player)
    state_until(player, "playing")
    until(page, "e.currentTime > 1")
    do(page, "e.currentTime = 30;")
    until(page, "heard.includes('seeked')")
    # The page may pause and resume what it has started: that uses up nothing.
    do(page, "e.pause(); note('on', e.play());")
    until(page, "outcome.on")
    assert do(page, "return [outcome.on, e.currentTime < 29]") == ["resolved", True]
    assert (counted(world, content, "play"), counted(world, content, "seek")) == (1, 0)
    do(page, "e.pause();")
    state_until(player, "paused")
    page.close()


def test_an_element_without_a_song_is_an_empty_media_element(world: BrowserWorld) -> None:
    """Defaults, constants, refused values and reflected attributes before a song is loaded.

    Then the user's first play.
    """
    page, player = world.open("fast")
    listen(page)
    assert do(page, "const e = document.createElement('sps-player'); note('none', e.play()); return fresh(e)") == [
        [0, 0, 0, 0, 0, 0],
        [True, False, False, True, "", "", None],
        [1, False, False, 1, 1, True],
        ["auto", False, False, False],
    ]
    until(page, "outcome.none")
    assert do(page, "return outcome.none") == "NotSupportedError"
    assert do(page, "return constants(document.createElement('sps-player'))")
    types = (
        "const e = document.createElement('sps-player'); return ['application/sps', 'audio/mpeg'].map((t) => "
        "e.canPlayType(t))"
    )
    assert do(page, types) == ["maybe", ""]
    wrong = [
        "e.volume = 2",
        "e.volume = NaN",
        "e.playbackRate = 10",
        "e.playbackRate = 0.25",
        "e.currentTime = NaN",
        "e.buffered.start(0)",
    ]
    tried = ", ".join(f"thrown(() => {{ {code}; }})" for code in wrong)
    expected = ["IndexSizeError", "TypeError", "NotSupportedError", "NotSupportedError", "TypeError", "IndexSizeError"]
    assert do(page, f"const e = document.createElement('sps-player'); return [{tried}]") == expected
    names = ["autoplay", "controls", "defaultMuted", "loop"]
    sets = " ".join(f"e.{name} = true;" for name in names)
    sets += " e.preload = 'none'; e.src = 'a.sps';"
    attributes, src = do(
        page, f"const e = document.createElement('sps-player'); {sets} return [e.getAttributeNames().sort(), e.src]"
    )
    assert attributes == ["autoplay", "controls", "loop", "muted", "preload", "src"]
    assert src.startswith(world.stack.station_url)
    press_play(player)
    state_until(player, "playing")
    do(page, "document.querySelector('sps-player').pause();")
    state_until(player, "paused")
    page.close()


def test_the_element_passes_the_media_element_checklist(world: BrowserWorld) -> None:
    """Properties, promises and events of one element, from loading to the end and to another song."""
    page, _ = world.open("fast")
    listen(page)
    # Loading, with properties set and play() called before.
    do(page, "swap('sps-player', (e) => { e.src = '/songs/fast.sps'; e.volume = 0.5; });")
    until(page, "e.readyState === 4")
    heard = do(page, "return heard")
    assert in_order(
        heard, "loadstart", "durationchange", "loadedmetadata", "loadeddata", "canplay", "canplaythrough"
    ), heard
    ready = (
        "return [Math.round(e.duration), e.seekable.length, e.currentSrc.endsWith('/songs/fast.sps'), e.volume, "
        "e.paused]"
    )
    assert do(page, ready) == [40, 1, True, 0.5, True]
    # Play, twice.
    do(page, "heard.length = 0; note('play', e.play()); note('again', e.play());")
    until(page, "outcome.play && outcome.again")
    assert do(page, "return [outcome.play, outcome.again, e.paused]") == ["resolved", "resolved", False]
    until(page, "e.currentTime > 1.5")
    assert in_order(do(page, "return heard"), "play", "playing")
    assert do(page, "return [e.played.length, e.buffered.length > 0, e.buffered.end(0) > 1]") == [1, True, True]
    # A seek during playback.
    assert do(page, "heard.length = 0; e.currentTime = 20; return [e.seeking, e.currentTime]") == [True, 20]
    until(page, "!e.seeking && e.currentTime > 20.5")
    assert in_order(do(page, "return heard"), "seeking", "seeked", "playing"), do(page, "return heard")
    assert do(page, "return e.played.length") == 2
    # Twice as fast: the song's clock against the machine's.
    do(page, "heard.length = 0; e.playbackRate = 2;")
    until(page, "heard.includes('ratechange') && e.currentTime > 22")
    for _ in range(MEASURES):
        do(page, "window.mark = [e.currentTime, performance.now()];")
        speed = float(
            until(
                page, "e.currentTime > mark[0] + 4 && (e.currentTime - mark[0]) / (performance.now() - mark[1]) * 1000"
            )
        )
        if speed > 1.1:
            break
        # Playback stalled meanwhile on a busy machine.
        do(page, "e.currentTime = 20;")
        until(page, "!e.seeking && !e.paused")
    assert 1.1 < speed < 2.6
    # Volume and mute.
    do(page, "heard.length = 0; e.muted = true; e.volume = 0.25; e.playbackRate = 1;")
    until(page, "heard.filter((n) => n === 'volumechange').length === 2")
    assert do(page, "return [e.muted, e.volume]") == [True, 0.25]
    # A pause by the user is an event for the page as well; a pause rejects a pending play().
    do(page, "heard.length = 0;")
    world.browser.player(page).click(MAIN)
    until(page, "heard.includes('pause') && e.paused")
    do(page, "heard.length = 0; note('pending', e.play()); e.pause();")
    until(page, "outcome.pending")
    assert do(page, "return outcome.pending") == "AbortError"
    # To the end.
    do(page, "heard.length = 0; e.playbackRate = 2; e.currentTime = 34; note('end', e.play());")
    until(page, "e.ended")
    heard = do(page, "return heard")
    assert in_order(heard, "play", "playing", "pause", "ended"), heard
    assert do(page, "return [e.paused, Math.round(e.currentTime)]") == [True, 40]
    # Another song.
    do(page, "heard.length = 0; e.src = '/songs/first.sps';")
    until(page, "heard.includes('canplay')")
    assert in_order(do(page, "return heard"), "emptied", "loadstart", "durationchange", "loadedmetadata", "canplay")
    assert do(page, "return [Math.round(e.duration), e.currentTime, e.ended, e.paused]") == [24, 0, False, True]
    # No source.
    do(page, "heard.length = 0; e.src = '/nothing.sps'; note('bad', e.play());")
    until(page, "heard.includes('error') && outcome.bad")
    unsupported = "return [e.error.code === e.error.MEDIA_ERR_SRC_NOT_SUPPORTED, e.networkState, outcome.bad]"
    assert do(page, unsupported) == [True, 3, "NotSupportedError"]
    page.close()


def test_an_audio_element_of_the_page_has_the_same_surface(world: BrowserWorld) -> None:
    """<audio data-sps> keeps its identity and listeners, and plays, pauses and ends through the player beside it."""
    page, _ = world.open("fast")
    listen(page)
    do(page, "swap('audio', (e) => { e.dataset.sps = '/songs/first.sps'; });")
    until(page, "e.readyState === 4")
    assert do(page, "return [e instanceof window.HTMLAudioElement, Math.round(e.duration), e.paused]") == [
        True,
        24,
        True,
    ]
    assert do(page, "return [e.getBoundingClientRect().height, e.nextElementSibling.localName]") == [0, "sps-player"]
    do(page, "note('play', e.play());")
    until(page, "outcome.play === 'resolved' && e.currentTime > 0.5")
    do(page, "e.pause();")
    until(page, "heard.includes('pause') && e.paused")
    assert in_order(do(page, "return heard"), "loadstart", "canplay", "play", "playing", "pause")
    page.close()


def ledger(world: BrowserWorld, query: str, *values: object) -> list[tuple[object, ...]]:
    """Rows of the host's ledger."""
    path = next((world.home / "gomaa").rglob("ledger.sqlite"))
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as book:
        return book.execute(query, values).fetchall()


def counted(world: BrowserWorld, content: bytes, action: str) -> int:
    """Return how often an action on a content was counted."""
    return int(
        str(ledger(world, "SELECT count(*) FROM invocations WHERE content = ? AND action = ?", content, action)[0][0])
    )


def test_a_list_plays_without_a_pause_and_counts_each_song(world: BrowserWorld) -> None:
    """The second of two sources follows the first without a pause.

    The host counts a play of each under its own ticket.
    """
    page, _ = world.open("first")
    listen(page)
    second = world.stack.songs["fast.sps"]
    plays = counted(world, second, "play")
    made = "Object.assign(document.createElement('source'), { src: `/songs/${name}.sps` })"
    sources = f"for (const name of ['first', 'fast']) e.append({made});"
    do(page, f"swap('sps-player', (e) => {{ {sources} }});")
    until(page, "e.readyState === 4 && e.tracks.length === 2")
    player = world.browser.player(page)
    press_play(player)
    state_until(player, "playing")
    do(page, "e.currentTime = 20;")
    until(page, "!e.seeking && e.currentTime > 20.2")
    do(page, "heard.length = 0;")
    until(page, "e.track === 1 && !e.paused && e.readyState === 4 && e.currentTime > 1")
    heard = do(page, "return heard")
    assert in_order(heard, "trackchange", "playing"), heard
    assert "pause" not in heard
    assert "ended" not in heard
    assert do(page, "return [Math.round(e.duration), e.currentSrc.endsWith('/songs/fast.sps')]") == [40, True]
    assert counted(world, second, "play") == plays + 1
    (last, playing), (before, ended), *_ = ledger(
        world, "SELECT content, state FROM tickets WHERE state <> 'none' ORDER BY time_ms DESC"
    )
    assert (last, playing) == (second, "playing")
    assert (before, ended) == (world.stack.songs["first.sps"], "ended")
    do(page, "e.pause(); e.previous();")
    until(page, "e.track === 0 && e.readyState === 4")
    page.close()


def test_an_outage_stalls_playback_and_counts_once(world: BrowserWorld) -> None:
    """Server and station are down when the listener jumps.

    It stalls, and plays on from there when they are up again, the jump counted once.
    """
    content = world.song("patient", UNLEASED, seconds=70)
    page, player = world.open("patient")
    listen(page)
    do(page, "swap('sps-player', (e) => { e.src = '/songs/patient.sps'; });")
    until(page, "e.readyState === 4")
    player = world.browser.player(page)
    press_play(player)
    state_until(player, "playing")
    until(page, "e.currentTime > 1")
    for service in (world.stack.server, world.stack.station):
        service.stop()
    do(page, "e.currentTime = 45;")
    until(page, "heard.includes('stalled')")
    for service in (world.stack.server, world.stack.station):
        service.start()
    until(page, "!e.seeking && !e.paused && e.currentTime > 46")
    assert do(page, "return [e.error, e.currentTime < 60]") == [None, True]
    assert counted(world, content, "seek") == 1
    assert counted(world, content, "play") == 1
    do(page, "e.pause();")
    until(page, "e.paused")
    page.close()
