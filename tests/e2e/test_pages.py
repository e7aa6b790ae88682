"""Players on pages of all kinds, in real browsers.

Isolated pages, strict policies, shadow roots, every way to refer to a song.
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
    """A web server of this machine with one page that the test sets."""

    html: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    port: int = 0

    @property
    def url(self) -> str:
        """Return its origin."""
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture(scope="module")
def site() -> Iterator[PageSite]:
    """Serve only the page; songs are missing."""
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
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), PageHandler) as server:
        made.port = server.server_port
        Thread(target=server.serve_forever, daemon=True).start()
        yield made
        server.shutdown()


@pytest.fixture(scope="module")
def browser(browser_name: str, packed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser with the extension only: no host, no station."""
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
def test_the_players_frame_loads_under_every_page_policy(
    browser: Browser, site: PageSite, headers: dict[str, str]
) -> None:
    """The frame runs, and replaces the fallback text in the element."""
    site.html, site.headers = f"<!doctype html>{PLAYER}", headers
    page = browser.tab(f"{site.url}/")
    player = browser.player(page)
    assert player.until("document.getElementById('player')?.dataset.state")
    page.until(
        "!document.querySelector('sps-player b').checkVisibility() && "
        "document.querySelector('sps-player').offsetHeight > 90"
    )
    page.close()


def test_a_page_without_an_origin_shows_its_fallback(browser: Browser, site: PageSite) -> None:
    """No player can be shown in a sandbox: the element's fallback content is visible."""
    site.html, site.headers = f"<!doctype html>{PLAYER}<p>", {"Content-Security-Policy": "sandbox allow-scripts"}
    page = browser.tab(f"{site.url}/")
    # The element has been processed once it is a block.
    page.until("getComputedStyle(document.querySelector('sps-player')).display === 'block'")
    assert page.run("document.querySelector('sps-player b').checkVisibility()")
    page.close()


def tracks(page: View, expected: list[str], timeout_s: float = 20) -> list[str]:
    """Wait until the players of a page refer to these songs; return the songs."""
    deadline = time.monotonic() + timeout_s
    while (named := list(page.run(TRACKS))) != expected and time.monotonic() < deadline:
        time.sleep(0.05)
    return named


def test_every_way_to_refer_to_a_song_is_found(browser: Browser, site: PageSite) -> None:
    """Browsers resolve the list that unit tests of the extension and of the station's check use."""
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


def test_players_in_later_shadow_roots_are_found(browser: Browser, site: PageSite) -> None:
    """Open roots, nested, attached and filled after the page's load; a closed root stays the page's own."""
    site.html, site.headers = f"<!doctype html>{LATE}", {}
    page = browser.tab(f"{site.url}/")
    expected = [f"{site.url}/late.sps", f"{site.url}/audio.sps"]
    assert tracks(page, expected) == expected
    assert (
        page.run("getComputedStyle(document.getElementById('c').shadowRoot.querySelector('audio')).display") == "none"
    )
    assert page.run("document.getElementById('b').offsetHeight > 0 && document.getElementById('b').offsetHeight < 90")
    # A changed address in a root is detected, too.
    page.run(
        "void document.getElementById('a').shadowRoot.querySelector('p').shadowRoot.firstChild.setAttribute('src', "
        "'/other.sps')"
    )
    expected[0] = f"{site.url}/other.sps"
    assert tracks(page, expected) == expected
    page.close()
