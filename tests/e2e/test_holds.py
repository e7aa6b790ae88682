"""Holds in real browsers: the first sound before the grant, its end without one, and exact counts."""

from __future__ import annotations

import os
import signal
import sqlite3

import pytest

from chain.client import Chain
from chain.contracts.content import Content
from demo.browsers import View
from demo.fan import CLOCK, MAIN, install_host, state_until
from demo.waiting import wait_until
from tests.e2e.test_plays import host_processes
from tests.e2e.world import FREE, BrowserWorld, press_play, shows

ONCE = FREE + "\n[counts.play]\nlimit = 1\n"
HEARD_S = 2.0
"""Sound that may be heard without a grant, seconds."""
SLACK_S = 0.4
"""Most by which the element's clock may differ from the sound's, seconds."""


@pytest.fixture(autouse=True, scope="module")
def host(world: BrowserWorld) -> None:
    """Install the host."""
    install_host(world.home, world.stack.folder / "deployment.json", world.browser.name)


def actions(world: BrowserWorld, content: bytes) -> list[str]:
    """Actions of a content in the host's ledger, in order."""
    path = world.home / "gomaa" / "data" / "ledger.sqlite"
    if not path.exists():
        return []
    with sqlite3.connect(path) as ledger:
        rows = ledger.execute("SELECT action FROM invocations WHERE content = ? ORDER BY time_ms, sequence", (content,))
        return [str(action) for (action,) in rows]


def counted(world: BrowserWorld, content: bytes) -> tuple[int, list[str | None]]:
    """Plays of a content at the server once every row is reported, and the codes of its refusals."""
    path = world.home / "gomaa" / "data" / "ledger.sqlite"

    def reported() -> bool:
        with sqlite3.connect(path) as ledger:
            states = ledger.execute("SELECT DISTINCT state FROM invocations WHERE content = ?", (content,)).fetchall()
        return ("unreported",) not in states

    wait_until(reported, "everything is reported")
    with sqlite3.connect(world.stack.folder / "server.sqlite3") as server:
        rows = server.execute(
            "SELECT i.action, i.code FROM invocations i JOIN tickets t ON t.id = i.ticket WHERE t.content = ?",
            (content,),
        ).fetchall()
    return sum(action == "play" and code is None for action, code in rows), [code for _, code in rows if code]


def opened(world: BrowserWorld, name: str, content: bytes, held: int = 1) -> tuple[View, View]:
    """Open a song's page; wait until the host has this number of holds of it and the sound of the last is buffered."""
    page, player = world.open(name)
    wait_until(lambda: actions(world, content).count("hold") == held, "the host holds the play")
    page.until("document.querySelector('sps-player').buffered.length")
    return page, player


def test_a_press_sounds_without_the_host_for_two_seconds(world: BrowserWorld) -> None:
    """The host stands still: two seconds of sound, silence, and the play goes on and counts once when it runs again."""
    content = world.song("still")
    page, player = opened(world, "still", content)
    stopped = host_processes(world)
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        press_play(player)
        state_until(player, "playing")
        state_until(player, "starting")
        heard_s = float(page.run(CLOCK))
        assert 0 < heard_s <= HEARD_S + SLACK_S
        assert actions(world, content) == ["hold"]
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    state_until(player, "playing")
    page.until(f"{CLOCK} > {heard_s + 1}")
    player.click(MAIN)
    state_until(player, "paused")
    assert counted(world, content) == (1, [])
    page.close()


def test_a_host_killed_after_the_hold_counts_one_play(world: BrowserWorld) -> None:
    """The next host has the held ticket in its ledger, and the press is one play of it."""
    content = world.song("killed", ONCE)
    page, player = opened(world, "killed", content)
    for pid in host_processes(world):
        os.kill(pid, signal.SIGKILL)
    press_play(player)
    page.until(f"{CLOCK} > 5")
    player.click(MAIN)
    state_until(player, "paused")
    assert actions(world, content).count("play") == 1
    assert counted(world, content) == (1, [])
    page.close()


def test_two_tabs_with_the_same_last_play(world: BrowserWorld) -> None:
    """The second tab's press ends the hold of the first one, whose press is then refused and stays silent."""
    content = world.song("last", ONCE)
    page, player = opened(world, "last", content)
    other_page, other = world.open("last")
    press_play(other)
    other_page.until(f"{CLOCK} > 1")
    other.click(MAIN)
    state_until(other, "paused")
    other_page.close()
    press_play(player)
    shows(player, "policy.count.exhausted")
    at = float(page.run(CLOCK))
    assert at < HEARD_S
    assert state_until(player, "refused") == "refused"
    assert actions(world, content)[:3] == ["hold", "release", "play"]
    assert counted(world, content) == (1, [])
    page.close()


def test_a_revoked_content_under_a_hold_is_refused(world: BrowserWorld) -> None:
    """The player shows the revocation before the press, and nothing is counted."""
    content = world.song("revoked")
    page, player = opened(world, "revoked", content)

    async def revoke(chain: Chain) -> None:
        await Content(chain, content).revoke(world.stack.owner_key)

    world.stack.ask(revoke)
    shows(player, "content.revoked")
    page.close()
    assert "play" not in actions(world, content)


def test_a_player_removed_while_it_starts_ends_its_play(world: BrowserWorld) -> None:
    """A hundred presses by the page in one task and the end of the element: at most one play, which is stopped."""
    content = world.song("removed")
    page, _ = opened(world, "removed", content)
    page.click("body")
    page.run(
        "void (() => { const player = document.querySelector('sps-player');"
        "for (let n = 0; n < 100; n++) { player.play().catch(() => undefined); player.pause(); }"
        "player.play().catch(() => undefined); player.remove(); })()"
    )
    wait_until(lambda: actions(world, content)[-1] in ("stop", "release"), "the play or its hold is ended")
    plays, codes = counted(world, content)
    assert plays <= 1
    assert codes == []
    assert actions(world, content).count("play") == plays
    page.close()


def test_a_closed_player_releases_its_hold(world: BrowserWorld) -> None:
    """The only play of a song is free again once its page is closed."""
    content = world.song("free-again", ONCE)
    page, _ = opened(world, "free-again", content)
    page.close()
    wait_until(lambda: actions(world, content) == ["hold", "release"], "the hold is released")
    page, player = opened(world, "free-again", content, held=2)
    press_play(player)
    page.until(f"{CLOCK} > 1")
    player.click(MAIN)
    state_until(player, "paused")
    page.close()
    assert counted(world, content) == (1, [])
