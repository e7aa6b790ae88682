"""Players on pages of all kinds, in real browsers.

Isolated pages, strict policies, shadow roots, every way to name a song.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from demo.browsers import Browser, View, launch

FOUND = json.loads((Path(__file__).parents[1] / "vectors" / "found.json").read_text(encoding="utf-8"))
SITE = "https://radio.example"
PLAYER = '<sps-player src="/songs/one.sps"><b>Words</b></sps-player>'
ISOLATED = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}

TRACKS = """(() => {
  const out = [];
  const walk = (root) => {
    for (const element of root.querySelectorAll('*')) {
      if (element.localName === 'sps-player') out.push(...(element.tracks ?? []));
      if (element.shadowRoot) walk(element.shadowRoot);
    }
  };
  walk(document);
  return out;
})()"""

LATE = """<section id=a></section><section id=b></section><section id=c></section><script>
  const root = (host, mode) => host.attachShadow({ mode });
  const add = (to, html) => to.append(document.createRange().createContextualFragment(html));
  addEventListener('load', () => setTimeout(() => {
    const outer = root(document.getElementById('a'), 'open');
    add(outer, '<p><i></i></p>');
    setTimeout(() => {
      add(root(outer.querySelector('p'), 'open'), '<sps-player src="/late.sps"></sps-player>');
      window.shut = root(document.getElementById('b'), 'closed');
      add(window.shut, '<sps-player src="/closed.sps"><b>Words</b></sps-player>');
      add(root(document.getElementById('c'), 'open'), '<div></div>');
      setTimeout(() => add(document.getElementById('c').shadowRoot.firstChild, '<audio data-sps="/audio.sps"></audio>'));
    });
  }));
</script>"""  # noqa: E501


@dataclass
class PageSite:
    """A web server of this machine whose one page is what a test says."""

    html: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    port: int = 0

    @property
    def url(self) -> str:
        """Its origin."""
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture(scope="module")
def site() -> Iterator[PageSite]:
    """Nothing but the page is there; songs are missing."""
    made = PageSite()

    class PageHandler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_page = not self.path.split("?")[0].endswith((".sps", ".ico", ".jspf", ".xspf"))
            body = made.html.encode() if is_page else b""
            self.send_response(200 if is_page else 404)
            for name, value in {
                "Content-Type": "text/html; charset=utf-8",
                "Content-Length": str(len(body)),
                **made.headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), PageHandler) as server:
        made.port = server.server_port
        Thread(target=server.serve_forever, daemon=True).start()
        yield made
        server.shutdown()


@pytest.fixture(scope="module")
def browser(browser_name: str, packed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser with the extension and nothing else: no host, no station."""
    with launch(browser_name, tmp_path_factory.mktemp(f"pages-{browser_name}")) as running:
        yield running


@pytest.mark.parametrize(
    "headers",
    [
        {},
        ISOLATED,
        {"Cross-Origin-Embedder-Policy": "require-corp"},
        {**ISOLATED, "Cross-Origin-Embedder-Policy": "credentialless"},
        {"Content-Security-Policy": "default-src 'none'; frame-src 'none'"},
        {"Content-Security-Policy": "sandbox allow-scripts allow-same-origin"},
        {"Permissions-Policy": "autoplay=(), fullscreen=(), encrypted-media=()"},
    ],
    ids=str,
)
def test_the_players_frame_loads_whatever_a_page_forbids(
    browser: Browser, site: PageSite, headers: dict[str, str]
) -> None:
    """The frame runs, and takes the place of the words in the element."""
    site.html, site.headers = f"<!doctype html>{PLAYER}", headers
    page = browser.tab(f"{site.url}/")
    player = browser.player(page)
    assert player.until("document.getElementById('player')?.dataset.state")
    page.until(
        "!document.querySelector('sps-player b').checkVisibility() && "
        "document.querySelector('sps-player').offsetHeight > 90"
    )
    page.close()


def test_a_page_without_an_origin_keeps_its_words(browser: Browser, site: PageSite) -> None:
    """No player can be shown in a sandbox: what stands in the element is seen."""
    site.html, site.headers = f"<!doctype html>{PLAYER}<p>", {"Content-Security-Policy": "sandbox allow-scripts"}
    page = browser.tab(f"{site.url}/")
    # The element has been looked at once it is a block.
    page.until("getComputedStyle(document.querySelector('sps-player')).display === 'block'")
    assert page.run("document.querySelector('sps-player b').checkVisibility()")
    page.close()


def tracks(page: View, expected: list[str], timeout_s: float = 20) -> list[str]:
    """Until the players of a page name this; what they name."""
    deadline = time.monotonic() + timeout_s
    while (named := list(page.run(TRACKS))) != expected and time.monotonic() < deadline:
        time.sleep(0.05)
    return named


def test_every_way_to_name_a_song_is_found(browser: Browser, site: PageSite) -> None:
    """The list that unit tests of the extension and of the station's check go by is what browsers do."""
    site.headers = {}
    wrong = []
    for case in FOUND["pages"]:
        expected = [str(one).replace(SITE, site.url) for one in case["found"] if isinstance(one, str)]
        if '"//' in case["html"]:
            expected = [one.replace("https://", "http://") for one in expected]
        site.html = f"<!doctype html>{case['html']}"
        page = browser.tab(site.url + ("/shows/tonight.html" if case["page"].endswith("tonight.html") else "/"))
        if (named := tracks(page, expected)) != expected:
            wrong.append((case["name"], named, expected))
        page.close()
    assert wrong == []


def test_players_in_roots_that_come_later(browser: Browser, site: PageSite) -> None:
    """Open roots, in each other, attached and filled after the page is there; a closed root stays the page's own."""
    site.html, site.headers = f"<!doctype html>{LATE}", {}
    page = browser.tab(f"{site.url}/")
    expected = [f"{site.url}/late.sps", f"{site.url}/audio.sps"]
    assert tracks(page, expected) == expected
    assert (
        page.run("getComputedStyle(document.getElementById('c').shadowRoot.querySelector('audio')).display") == "none"
    )
    assert page.run("document.getElementById('b').offsetHeight > 0 && document.getElementById('b').offsetHeight < 90")
    # A changed address in a root is seen, too.
    page.run(
        "void document.getElementById('a').shadowRoot.querySelector('p').shadowRoot.firstChild.setAttribute('src', "
        "'/other.sps')"
    )
    expected[0] = f"{site.url}/other.sps"
    assert tracks(page, expected) == expected
    page.close()
