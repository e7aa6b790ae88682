"""What a player does beyond one song on one page, in real browsers."""

from __future__ import annotations

from demo.fan import CLOCK, MAIN, install_host, state_until
from tests.e2e.world import World, press_play, shows


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
