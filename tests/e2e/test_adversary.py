"""Hostile pages in real browsers: each test performs an attack and fails if the defence is missing."""

from __future__ import annotations

import base64
import json
import re
import shutil
from collections.abc import Iterator

import pytest

from demo.browsers import View
from demo.fan import CLOCK, MAIN, PLAY, install_host, state_until
from demo.waiting import wait_until
from tests.e2e.adversary import (
    BAD,
    FORGED,
    GOOD,
    HOOKS,
    LOOK,
    PLAYER,
    SCRIPTS,
    STACKS,
    HostileSite,
    click_at,
    expression,
    hostile_site,
    inside,
    places,
    shows_button,
    state,
)
from tests.e2e.adversary_hosts import EVIL, launcher, plays, replace_host, turn_off_and_on
from tests.e2e.adversary_looks import DECLARED, DISGUISES, PAID, SPY, allowances, settings
from tests.e2e.adversary_secrets import KEPT, WALK, closed, content_worlds, found_in, found_under, secrets
from tests.e2e.world import BrowserWorld, press_play, shows

ARMED = f"{PLAY}:not([disabled])"
TELL = "setInterval(() => parent.postMessage(document.querySelector('sps-player').offsetHeight, '*'), 200)"
KEEP = (
    "window.heights = []; addEventListener('message', (e) => { heights[[0, 1, 2].find((i) => frames[i] === "
    "e.source)] = e.data; })"
)


@pytest.fixture(scope="module")
def site(world: BrowserWorld) -> Iterator[HostileSite]:
    """A site that is not a station and has the song; the host is installed."""
    install_host(world.home, world.stack.folder / "deployment.json", world.browser.name)
    folder = world.folder / "hostile"
    folder.mkdir()
    shutil.copyfile(world.file("first"), folder / "song.sps")
    with hostile_site(folder) as site:
        yield site


def show(world: BrowserWorld, address: str) -> tuple[View, View]:
    """Show a page and wait until its player accepts clicks."""
    page = world.browser.tab(address)
    player = world.browser.player(page)
    player.wait(ARMED)
    return page, player


@pytest.fixture(scope="module")
def words(world: BrowserWorld, site: HostileSite) -> list[str]:
    """Open a wallet; return its recovery words."""
    return world.fan.create_wallet()


def test_a_page_without_user_activation_cannot_play(world: BrowserWorld, site: HostileSite) -> None:
    """Autoplay and play() without user activation are rejected with NotAllowedError, as on an audio element."""
    script = (
        "const p = document.querySelector('sps-player');"
        "p.play().catch((e) => fetch(`/told/play-${e.name}`));"
        "const forged = (command) => new CustomEvent('gomaa:element', { detail: JSON.stringify({ command, n: 1, "
        "active: true }) });"
        "p.addEventListener('canplay', () => { p.dispatchEvent(forged('play')); p.click();"
        " p.play().catch((e) => fetch(`/told/again-${e.name}-${p.paused}`)); }, { once: true });"
    )
    page = world.browser.tab(
        site.page("untouched", f"{PLAYER.replace('<sps-player', '<sps-player autoplay')}<script>{script}</script>")
    )
    wanted = {"play-NotAllowedError", "again-NotAllowedError-true"}
    wait_until(lambda: wanted <= set(site.told), "the page was refused twice")
    page.close()


def test_patched_prototypes_see_no_extension_address(world: BrowserWorld, site: HostileSite) -> None:
    """A page that patches every prototype, before or after injection, gets no frame, address or stream.

    The player works nevertheless.
    """
    page, player = show(world, site.page("hooks", f"{PLAYER}<script>{HOOKS}</script>", before=HOOKS))
    page.run("document.body.append(Object.assign(document.createElement('i'), { textContent: 'x' }))")
    said = (
        "((w) => [...w.loot, ...w.performance.getEntries().map((e) => e.name), document.documentElement.outerHTML,"
        " `${document.activeElement.src}`])"
        "(document.defaultView)"
    )
    found = [
        text
        for text in page.run(said)
        if re.search(r"-extension:|^iframe|player\.html|[0-9a-f]{8}-[0-9a-f]{4}-4", text)
    ]
    assert found == []
    player.click(PLAY)
    state_until(player, BAD)
    page.close()


def test_forged_messages_have_no_effect(world: BrowserWorld, site: HostileSite) -> None:
    """Forged messages, events, ports and clicks of a script have no effect; the wallet records no site."""
    # An address of its own: on the other one a user has pressed play before.
    with hostile_site(site.folder) as fresh:
        forge(world, fresh)


def forge(world: BrowserWorld, site: HostileSite) -> None:
    """Try every forgery that a script can make, then click as a user."""
    page, player = show(world, site.page("forged", PLAYER))
    page.run(f"document.body.append(Object.assign(document.createElement('script'), {{ textContent: {FORGED!r} }}))")
    page.until("document.defaultView.forged")
    reached, frames, root, opened = json.loads(page.run("document.defaultView.forged"))
    assert (reached, frames, root, opened) == (0, 0, None, "undefined")
    assert state(player) == GOOD
    player.click(PLAY)
    state_until(player, BAD)
    page.close()


def test_a_frame_without_an_origin_shows_no_player(world: BrowserWorld, site: HostileSite) -> None:
    """A sandboxed document cannot play in the name of a site; a plain frame of the same page can."""
    inner = site.page("inner", PLAYER + f"<script>{TELL}</script>")
    blank = f"{PLAYER}<script>{TELL}</script>".replace('"', "&quot;")
    boxes = (f'src="{inner}" width=700 height=500', f'sandbox="allow-scripts" src="{inner}"', f'srcdoc="{blank}"')
    page = world.browser.tab(site.page("boxes", "".join(f"<iframe {box}></iframe>" for box in boxes), before=KEEP))
    page.until("((heights) => heights[0] > 200 && 1 in heights && 2 in heights)(document.defaultView.heights)")
    _, boxed, blank_height = page.run("document.defaultView.heights")
    assert max(boxed, blank_height) < 96
    page.close()


def test_a_declarative_shadow_root_exposes_no_frame(world: BrowserWorld, site: HostileSite) -> None:
    """A declarative closed root, and everything else that could contain the address, is readable by the page.

    None of it contains the frame's address.
    """
    for name, body in (("declared", DECLARED), ("plain", PLAYER)):
        page, player = show(world, site.page(name, body, before=SPY))
        home = str(player.run("location.origin"))
        page.run(f"document.body.append(Object.assign(document.createElement('script'), {{ textContent: {LOOK!r} }}))")
        page.until("document.defaultView.looked")
        found = [str(text) for text in page.run("document.defaultView.found")]
        assert len(found) > 20
        assert [
            text for text in found if home in text or "player.html" in text or text.startswith(("iframe", "frame "))
        ] == [], name
        assert name == "plain" or page.run("document.defaultView.root.querySelectorAll('iframe, div').length") == 1
        # Moving it in the page reloads the frame, which is the player again.
        page.run("document.body.append(document.querySelector('sps-player'))")
        wait_until(lambda page=page: shows_button(world.browser, page, ARMED), "the player is there again")
        page.close()


def test_errors_and_stacks_name_no_installation(world: BrowserWorld, site: HostileSite) -> None:
    """Errors and stack traces in the page's world contain no address of the extension's installation."""
    page, _ = show(world, site.page("stacks", f"{PLAYER}<script>{STACKS}</script>", before=STACKS))
    page.run("document.body.append(Object.assign(document.createElement('script'), { textContent: 'tryThem()' }))")
    page.until("document.defaultView.triedThem")
    stacks = [str(text) for text in page.run("document.defaultView.stacks")]
    assert len(stacks) > 50
    if world.browser.name == "firefox":
        named = [text for text in stacks if "moz-extension:" in text]
        assert named[:3] == []
    page.close()


def test_a_copied_address_opens_no_working_player(world: BrowserWorld, site: HostileSite) -> None:
    """A page that opens the player's document itself, in any tab, with its own keys, gets a player without a song."""
    page, player = show(world, site.page("owner", PLAYER))
    address = str(player.run("location.href"))
    nest = (
        f"Object.assign(document.createElement('iframe'), {{ id: 'nest', src: {address!r}, width: 700, height: 500 }})"
    )
    keys = [{"gomaa": "0" * 32}, {"gomaa": ""}, "x", {"type": "play"}]
    give = f"nest.onload = () => {json.dumps(keys)}.forEach((key) => nest.contentWindow.postMessage(key, '*'));"
    page.run(f"document.body.append({nest})")
    page.run(f"document.body.append(Object.assign(document.createElement('script'), {{ textContent: {give!r} }}))")
    thief = world.browser.tab(site.page("thief", f'<iframe id="nest" src="{address}" width=700 height=500></iframe>'))
    for view in (page, thief):
        nested = inside(view, "#nest")
        nested.until("document.readyState === 'complete' && document.getElementById('player').dataset.state")
        assert state(nested) == "loading"
        assert not nested.exists("button")
    player.wait(ARMED)
    base = address.rsplit("/player/", 1)[0]
    own = world.browser.extension_tab("popup/popup.html")
    home = str(own.run("location.origin"))
    own.close()
    loads = [
        "popup/popup.html",
        "onboarding/onboarding.html",
        "engine/offscreen.html",
        "manifest.json",
        "content/content.js",
        "icons/gomaa-16.png",
    ]
    # The address of the frame's document is obtainable; that document contains no data of the fan.
    fetches = [f"{place}/{name}" for place in {base, home} for name in loads]
    keep = "(all) => { window.seen = JSON.stringify(all.map((one) => one.status)); }"
    script = f"Promise.allSettled({fetches}.map((url) => fetch(url))).then({keep})"
    thief.run(f"document.body.append(Object.assign(document.createElement('script'), {{ textContent: {script!r} }}))")
    thief.until("document.defaultView.seen")
    assert set(json.loads(thief.run("document.defaultView.seen"))) == {"rejected"}
    thief.close()
    page.close()


def test_a_flood_affects_its_own_page_only(world: BrowserWorld, site: HostileSite) -> None:
    """10,000 commands, 2,000 elements, elements that are added and removed: at most 64 players.

    The popup and another page's player still work.
    """
    page, _ = show(world, site.page("flood", PLAYER))
    script = (SCRIPTS / "flood.js").read_text()
    page.run(f"document.body.append(Object.assign(document.createElement('script'), {{ textContent: {script!r} }}))")
    page.until("document.defaultView.flooded")
    popup = world.browser.extension_tab("popup/popup.html")
    popup.wait("main button")
    popup.close()
    shown = page.run("[...document.querySelectorAll('sps-player')].filter((one) => one.offsetHeight > 90).length")
    assert 1 <= shown <= 64
    page.close()
    other, beside = world.open("first")
    press_play(beside)
    state_until(beside, "playing")
    other.until(f"{CLOCK} > 1")
    beside.click(MAIN)
    state_until(beside, "paused")
    other.close()


def test_extension_pages_block_foreign_code_and_style(world: BrowserWorld, site: HostileSite) -> None:
    """Extension pages refuse inline, remote and evaluated code, inline and remote style, frames and pictures."""
    (site.folder / "remote.js").write_text("document.body.dataset.remote = 1")
    (site.folder / "remote.css").write_text("body { --remote: 1 }")
    for path in ("popup/popup.html", "onboarding/onboarding.html", "player/player.html", "engine/offscreen.html"):
        page = world.browser.extension_tab(path)
        page.run("void " + expression("policy.js").replace("SITE", site.url))
        through, refused = json.loads(page.until("document.body.dataset.verdict"))
        assert through == [], path
        assert len(refused) >= 12, (path, refused)
        page.close()


def test_a_faulty_host_is_reported_and_a_correct_one_is_found_again(world: BrowserWorld, site: HostileSite) -> None:
    """The player reports garbage, an oversized frame, another version and a missing answer.

    Once the correct host is installed the player is ready without a reload.
    """
    page, player = show(world, f"{world.stack.station_url}/song/first")
    true = launcher(world).read_text()
    at_first = True
    for name, (text, code) in EVIL.items():
        replace_host(world, text)
        if at_first:
            player.click(PLAY)
            shows(player, "host.gone", code)
            at_first = False
        if player.run("document.getElementById('player').dataset.code") == "host.gone":
            player.click("#player .alert .btn.primary")
        assert shows(player, code), name
    replace_host(world, true)
    player.wait(ARMED)
    page.close()


def test_interrupted_plays_are_counted_once(world: BrowserWorld, site: HostileSite) -> None:
    """Pages close while a click is answered, and the extension is disabled and enabled in between.

    Host and server agree on every play.
    """
    for _ in range(4):
        page, player = show(world, f"{world.stack.station_url}/song/first")
        player.click_once(PLAY)
        page.close()
    page, player = show(world, f"{world.stack.station_url}/song/first")
    press_play(player)
    state_until(player, "playing")
    turn_off_and_on(world)
    page.close()
    page, player = show(world, f"{world.stack.station_url}/song/first")
    press_play(player)
    player.until("['playing', 'refused'].includes(document.getElementById('player').dataset.state)")
    page.close()

    def agreed() -> list[tuple[bytes, int]] | None:
        ours, theirs = plays(world)
        return ours if ours == theirs else None

    counted = wait_until(agreed, "host and server agree on every play")
    assert counted is not None
    # How many of the interrupted clicks became plays depends on when their pages closed.
    assert len(set(counted)) == len(counted) >= 1


def test_clicks_under_a_disguise_change_no_permission(world: BrowserWorld, site: HostileSite, words: list[str]) -> None:
    """A song that costs, an open wallet, every disguise, every button of the player.

    No permission, no debit, no other setting.
    """
    world.song("dear", PAID, 40)
    before = settings(world)
    page, player = world.open("dear")
    page.run("void document.body.append(Object.assign(document.createElement('b'), { id: 'veil', popover: 'manual' }))")
    page.run(
        "void document.body.insertAdjacentHTML('beforeend', '<svg><filter id=hide><feFlood flood-color=white "
        "/></filter></svg>')"
    )
    page.run("void document.body.append(Object.assign(document.createElement('style'), { id: 'disguise' }))")
    for name, css in DISGUISES.items():
        at = places(page, player)
        assert at, name
        page.run(f"void (document.getElementById('disguise').textContent = {css!r})")
        page.run(f"void document.getElementById('veil').{'show' if 'popover' in name else 'hide'}Popover()")
        page.run(f"void document.body.classList.toggle('ghost', {json.dumps('pseudo' in name)})")
        click_at(page, *at)
        page.run("void (document.getElementById('disguise').textContent = '')")
    page.run("void document.getElementById('veil').hidePopover()")
    page.run("document.querySelector('sps-player').pause()")
    page.close()
    assert settings(world) == before
    assert allowances(world) == ([], 0)


def test_no_secret_is_reachable_or_stored_in_the_clear(
    world: BrowserWorld, site: HostileSite, words: list[str]
) -> None:
    """After unlock and play no secret is reachable by page or content script, in the stores, or on disk."""
    page, player = world.open("first")
    press_play(player)
    state_until(player, "playing")
    page.until(f"{CLOCK} > 4")
    wanted = secrets(words, world.stack, "first")
    assert len(wanted) > 10
    for shift in range(3):
        assert found_in(b"{" + base64.b64encode(b"x" * shift + wanted["seed"]) + b"}", wanted) == ["seed"]
    page.run("void (document.defaultView.planted = { deep: [new Map([['k', 'planted-marker']])] })")
    reached = [page.run(WALK), player.run(WALK), *content_worlds(page, WALK)]
    for count, text in map(json.loads, reached):
        assert count > 500
        assert found_in(text.encode(), wanted) == []
    assert "planted-marker" in reached[0]
    player.click(MAIN)
    state_until(player, "paused")
    popup = world.browser.extension_tab("popup/popup.html")
    popup.wait('button[data-key="receive"]')
    popup.run(f"void {KEPT}.catch(String).then((text) => {{ document.body.dataset.kept = text; }})")
    kept = str(popup.until("document.body.dataset.kept"))
    assert '"vault"' in kept
    assert found_in(kept.encode(), wanted) == []
    with closed(world) as profile:
        hits, count = found_under([profile, world.home / "gomaa"], wanted)
        assert count > 50
        assert hits == []
    logs = b"".join(path.read_bytes() for path in world.stack.folder.glob("*.log"))
    assert found_in(logs, wanted) == []
