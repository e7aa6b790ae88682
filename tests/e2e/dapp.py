"""A site that uses wallets: a page that discovers them by EIP-6963 and selects the one named GoMAA."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from marionette_driver.errors import MarionetteException
from playwright.sync_api import Error as PlaywrightError

from demo.browsers import Browser, View
from demo.waiting import TIMEOUT_S, wait_until

APPROVE = "approve/approve.html"
PAGE = """<!doctype html><meta charset="utf-8"><title>A site</title><body><h1>A site</h1>
<script>
var announced = [], events = [], done = {}, count = 0, uuids = new Set();
addEventListener("eip6963:announceProvider", ({detail}) => {
  if (uuids.has(detail.info.uuid)) return;
  uuids.add(detail.info.uuid);
  announced.push(detail);
  for (const name of ["connect", "disconnect", "chainChanged", "accountsChanged", "message"]) {
    detail.provider.on(name, (value) => events.push([name, value]));
  }
});
dispatchEvent(new Event("eip6963:requestProvider"));
function begin(method, text) {
  const n = ++count;
  announced[0].provider.request({method, params: JSON.parse(text)}).then((value) => { done[n] = JSON.stringify({value}); },
    ({code, message, data}) => { done[n] = JSON.stringify({code, message, data}); });
  return n;
}
// In a frame: tell the page around what is seen here, then ask for more.
if (parent !== window) announced[0].provider.request({method: "eth_accounts"}).then((value) => {
  parent.postMessage({accounts: value}, "*");
  begin("eth_requestAccounts", "[]");
});
var heard = [];
addEventListener("message", ({data}) => { if (data.accounts) heard.push(data.accounts); });
</script>FRAME"""  # noqa: E501


QUESTION = 'button[data-key="close"], button[data-key="refuse"]:not([disabled])'


def question(browser: Browser) -> View:
    """Return the wallet's window with a request for approval; skips windows whose request was answered."""

    def asked() -> View | None:
        window = browser.window(APPROVE)
        try:
            return window if window.exists(QUESTION) else None
        except (PlaywrightError, MarionetteException):
            return None

    found = wait_until(asked, "a window asks")
    assert found is not None
    return found


@dataclass
class DappSite:
    """The page, open in a tab."""

    browser: Browser
    view: View
    origin: str

    def begin(self, method: str, params: Any = ()) -> int:
        """Send a request without waiting for its result."""
        return int(self.view.run(f"document.defaultView.begin({json.dumps(method)}, {json.dumps(json.dumps(params))})"))

    def answer(self, number: int, timeout_s: float = TIMEOUT_S) -> Any:
        """Return the result of a request: {value} or {code, message, data}."""
        return json.loads(self.view.until(f"document.defaultView.done[{number}]", timeout_s))

    def ask(self, method: str, params: Any = ()) -> Any:
        """Send a request that needs no approval."""
        return self.answer(self.begin(method, params))

    def agreed(self, method: str, params: Any = ()) -> tuple[Any, str]:
        """Send a request and approve it in the wallet's window; return the result and the window's text."""
        number = self.begin(method, params)
        window = question(self.browser)
        window.wait('button[data-key="agree"]')
        said = window.text("#approve")
        window.click('button[data-key="agree"]:not([disabled])')
        return self.answer(number), said

    def events(self) -> list[Any]:
        """Events of the provider until now: (name, value)."""
        return list(json.loads(self.view.run("JSON.stringify(document.defaultView.events)")))


@contextmanager
def site(browser: Browser, host: str = "127.0.0.1") -> Iterator[DappSite]:
    """Serve the page on a port of its own. ``/?frame=ADDRESS`` shows another page in a frame."""

    class DappHandler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            frame = parse_qs(urlsplit(self.path).query).get("frame", [""])[0]
            body = PAGE.replace("FRAME", f'<iframe src="{frame}"></iframe>' if frame else "").encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), DappHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        origin = f"http://{host}:{server.server_port}"
        view = browser.tab(f"{origin}/")
        view.until("document.defaultView.announced?.length > 0")
        yield DappSite(browser, view, origin)
        view.close()
    finally:
        server.shutdown()
        server.server_close()
