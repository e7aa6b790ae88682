"""What a site's server can learn of the fan's installation and of other sites, in real browsers."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from functools import partial

import pytest
from playwright.sync_api import Route

from demo.browsers import View
from demo.browsers.chromium import Chromium
from demo.browsers.firefox import Firefox
from demo.fan import PLAY, install_host, scroll_to_player, state_until
from demo.process import free_port
from demo.waiting import wait_until
from tests.e2e.adversary_secrets import content_worlds
from tests.e2e.recorder import KEPT, Recorder, recorder
from tests.e2e.world import BrowserWorld, press_play, shows

PUBLIC = "public.example"
ANY = re.compile(
    r"host|connection|user-agent|accept(-encoding|-language)?|range|priority|te|pragma|cache-control|gomaa-ask|dnt|sec-gpc"
    r"|sec-fetch-(dest|mode|site|storage-access)|sec-ch-ua(-mobile|-platform)?"
)
"""Headers that every installation of a browser sends alike."""
TOLD = (
    "((p) => JSON.stringify([p.error && p.error.code, p.error && p.error.message, p.readyState, p.networkState, "
    "p.seekable.length]))"
)


@pytest.fixture(scope="module")
def record(world: BrowserWorld) -> Iterator[Recorder]:
    """A station behind a recording proxy; the host is installed."""
    install_host(world.home, world.stack.folder / "deployment.json", world.browser.name)
    station = world.stack.station
    port, behind = int(world.stack.station_url.rsplit(":", 1)[1]), free_port()
    station.stop()
    station.command[-1] = str(behind)
    station.ready_url = station.ready_url.replace(f":{port}/", f":{behind}/")
    station.start()
    with recorder(port, behind) as one:
        yield one


def shown(world: BrowserWorld, address: str) -> tuple[View, View]:
    """A page and its player."""
    page = world.browser.tab(address)
    player = world.browser.player(page)
    scroll_to_player(page)
    return page, player


def answer(body: str, route: Route) -> None:
    """A DNS answer for a name that no server has."""
    route.fulfill(body=body, content_type="text/html")


def test_requests_for_a_page_name_no_installation(world: BrowserWorld, record: Recorder) -> None:
    """Record, ticket and song are requested without origin, cookie, referrer or id of the extension."""
    page, player = shown(
        world,
        f"{world.stack.station_url}{record.page('cookie.html', '<sps-player src=/songs/first.sps></sps-player>')}",
    )
    player.wait(f"{PLAY}:not([disabled])")
    press_play(player)
    state_until(player, "playing")
    of_page = record.of("/cookie.html")[0].headers
    own = str(player.run("location.href"))
    ids = {own.split("/")[2], "-extension:", "gomaa@", "fan=known"}
    for path in ("/.well-known/gomaa.json", "/gomaa/tickets", "/songs/first.sps"):
        asked = record.of(path)
        assert asked, path
        for one in asked:
            assert one.method == "GET"
            assert all(map(ANY.fullmatch, one.headers)), (path, one.headers)
            text = json.dumps(one.headers)
            assert not [name for name in ids if name in text], (path, text)
            for name in ("user-agent", "accept-language"):
                assert one.headers.get(name) in (None, of_page.get(name)), (path, name)
    page.close()


def test_the_cache_links_no_two_visits(world: BrowserWorld, record: Recorder) -> None:
    """A cacheable song is requested as if it were new: by another site, and by the same one later."""
    song = world.file("first").read_bytes()
    record.own["/kept.sps"] = (
        200,
        {**KEPT, "Content-Type": "application/sps", "Access-Control-Allow-Origin": "*"},
        song,
    )
    url = f"http://127.0.0.1:{record.port}/kept.sps"
    path = record.page("kept.html", f'<sps-player src="{url}"></sps-player>')
    for number, host in enumerate(("127.0.0.1", "localhost", "localhost"), 1):
        page, player = shown(world, f"http://{host}:{record.port}{path}")
        player.wait(f"{PLAY}, [data-code]")
        asked = record.of("/kept.sps")
        assert len(asked) >= number, host
        assert not [one for one in asked if {"if-none-match", "if-modified-since", "if-range"} & set(one.headers)]
        page.close()


def test_public_pages_cause_no_request_to_private_addresses(world: BrowserWorld, record: Recorder) -> None:
    """Songs on this computer are refused without a request, also after a redirect, with one error for the page."""
    record.own["/secret.sps"] = (200, {}, world.file("first").read_bytes())
    inside = f"http://127.0.0.1:{record.port}"
    record.own["/moved.sps"] = (302, {"Location": f"{inside}/secret.sps"}, b"")
    cases = {
        "a song": f"{inside}/secret.sps",
        "none": f"{inside}/none.sps",
        "by name": f"http://x.localhost:{record.port}/secret.sps",
    }
    codes = dict.fromkeys(cases, "site.address")
    if isinstance(world.browser, Firefox):
        # This resolver can be changed while it runs.
        with world.browser.marionette.using_context("chrome"):
            world.browser.marionette.execute_script(
                f"Services.prefs.setCharPref('network.dns.localDomains', '{PUBLIC}')"
            )
        cases["a redirect"], codes["a redirect"] = f"http://{PUBLIC}:{record.port}/moved.sps", "sps.segment.missing"
    told = set()
    for name, src in cases.items():
        address = f"http://{PUBLIC}:{record.port}" + record.page(
            "inside.html", f'<sps-player src="{src}"></sps-player>'
        )
        if isinstance(world.browser, Chromium):
            body = record.own["/inside.html"][2].decode()
            world.browser.context.unroute_all()
            world.browser.context.route(f"http://{PUBLIC}:{record.port}/**", partial(answer, body))
        page, player = shown(world, address)
        shows(player, codes[name])
        page.until("document.querySelector('sps-player').error")
        told.add(page.run(f"{TOLD}(document.querySelector('sps-player'))"))
        page.close()
    assert told == {'[4,"failed",0,3,0]'}
    assert record.of("/secret.sps") == record.of("/none.sps") == []
    assert bool(record.of("/moved.sps")) == ("a redirect" in cases)


def test_every_failing_song_looks_alike_to_its_page(world: BrowserWorld, record: Recorder) -> None:
    """Missing, no song, password required, compressed a thousandfold, wrong length: one state and one height."""
    first = world.file("first").read_bytes()
    closed = free_port()
    bodies: dict[str, tuple[int, dict[str, str], bytes]] = {
        "text": (200, {"Content-Type": "text/plain"}, b"a secret" * 10_000),
        "password": (401, {"WWW-Authenticate": 'Basic realm="Your wallet"'}, b""),
        "moved": (307, {"Location": "/none.sps"}, b""),
        "packed": (200, {"Content-Encoding": "gzip"}, gzip.compress(bytes(256 << 20), 1)),
        "long": (200, {}, first[:8] + b"\xff\xff\xff\xff" + first[12:]),
        "spoilt": (200, {}, first.replace(b"Tests", b"Pests", 1)),
        "other": (206, {"Content-Range": "bytes 5-99/100"}, bytes(95)),
        "broken": (500, {}, b""),
    }
    for name, planned in bodies.items():
        record.own[f"/{name}.sps"] = planned
    sources = {name: f"/{name}.sps" for name in bodies} | {
        "none": "/none.sps",
        "nobody": f"http://127.0.0.1:{closed}/a.sps",
    }
    told: dict[str, str] = {}
    for name, src in sources.items():
        path = record.page("alike.html", f'<div style="width:330px"><sps-player src="{src}"></sps-player></div>')
        page, player = shown(world, f"{world.stack.station_url}{path}")
        player.until("document.getElementById('player').dataset.code")
        page.until(
            "document.querySelector('sps-player').error && document.querySelector('sps-player').offsetHeight > 250"
        )
        told[name] = str(
            page.run(
                f"{TOLD}(document.querySelector('sps-player')) + document.querySelector('sps-player').offsetHeight"
            )
        )
        page.close()
    assert len(set(told.values())) == 1, told


def test_a_list_is_read_with_the_pages_own_rights(world: BrowserWorld, record: Recorder) -> None:
    """A list of another site that sets no CORS header is not read, and is requested as by the page.

    The request has no name of the installation.
    """
    here, there = f"http://127.0.0.1:{record.port}", f"http://localhost:{record.port}"
    listed = json.dumps({"playlist": {"track": [{"location": [f"{here}/listed.sps"]}]}}).encode()
    record.own["/secret.jspf"] = (200, {"Content-Type": "application/json"}, listed)
    record.own["/open.jspf"] = (200, {"Content-Type": "application/json", "Access-Control-Allow-Origin": "*"}, listed)
    for name, read in (("secret", False), ("open", True)):
        path = record.page(
            "list.html",
            f'<sps-player playlist="{there}/{name}.jspf"></sps-player><sps-player src="/none.sps"></sps-player>',
        )
        page = world.browser.tab(here + path)
        wait_until(partial(record.of, f"/{name}.jspf"), "the list is asked for")
        page.until("[...document.querySelectorAll('sps-player')].at(-1).error")
        if read:
            wait_until(partial(record.of, "/listed.sps"), "its song is asked for")
        assert bool(record.of("/listed.sps")) == read, name
        for one in record.of(f"/{name}.jspf"):
            assert one.headers.get("origin") in (None, here)
            assert "extension" not in json.dumps(one.headers)
            assert "cookie" not in one.headers
        page.close()


def test_content_scripts_have_no_storage(world: BrowserWorld, record: Recorder) -> None:
    """The content script's world cannot read what the wallet stores (Chromium; Firefox has no such setting)."""
    if not isinstance(world.browser, Chromium):
        return
    page, _ = shown(world, f"{world.stack.station_url}/song/first")
    read = (
        "chrome.storage.local.get(null).then(JSON.stringify, String).then((said) => { globalThis.said = said; }) && "
        "'asked'"
    )
    assert content_worlds(page, read)
    said = wait_until(lambda: "".join(content_worlds(page, "globalThis.said ?? ''")), "an answer of the storage")
    assert re.search(r"not allowed|Access", said), said
    page.close()
