"""What a player does beyond one song on one page, in real browsers."""

from __future__ import annotations

from demo.fan import CLOCK, MAIN, install_host, state_until
from tests.e2e.world import World, press_play, shows

PREVIEW = """
permissions = ["preview", "play"]
preview = "4 seconds"
[price]
interval_s = 5
owner = "0.02"
reward = "0"
payer = "listener"
"""


def test_play_here_takes_the_music_over_from_another_tab(world: World) -> None:
    """One listener, two tabs: the second says where the music is, and one click brings it over."""
    install_host(world.home, world.stack.folder / "deployment.json", world.browser.name)
    world.song("second", seconds=60)
    page, player = world.open("first")
    press_play(player)
    state_until(player, "playing")
    page.until(f"{CLOCK} > 1")
    other, beside = world.open("second")
    press_play(beside)
    shows(beside, "session.busy")
    beside.click(".alert .btn.primary")
    # Until it moves, the old refusal still stands there.
    beside.until("document.getElementById('player').dataset.state === 'playing'", 40)
    assert player.run("document.getElementById('player').dataset.state") == "paused"
    other.until(f"{CLOCK} > 1")
    beside.click(MAIN)
    state_until(beside, "paused")
    for view in (other, page):
        view.close()


def test_a_preview_plays_for_free_and_ends_where_the_terms_say(world: World) -> None:
    """What a listener would pay for is previewed from the same button: it sounds, and stops by itself where the preview ends."""
    world.song("taster", PREVIEW, seconds=20)
    page, player = world.open("taster")
    press_play(player)
    state_until(player, "playing")
    page.run(
        "void (globalThis.furthest = 0, document.querySelector('sps-player').addEventListener('timeupdate', "
        "({ target }) => { if (!target.ended) furthest = Math.max(furthest, target.currentTime); }))"
    )
    page.until("document.querySelector('sps-player').ended", 30)
    assert 3 <= float(page.run("furthest")) <= 4.6
    page.close()
