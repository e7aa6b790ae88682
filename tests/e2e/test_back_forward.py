"""The provider works in a page that returns from Chromium's back/forward cache.

Pages with a player are not cached: Chromium excludes pages that contain a frame of an extension.
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from demo.browsers.chromium import chromium

# The page reports by itself: a driver does not follow a page into the cache and back.
FIRST = """<!doctype html><meta charset="utf-8"><title>First</title>
<script>
const events = [], turns = Number(new URLSearchParams(location.search).get("turns"));
let provider, turn = 0;
addEventListener("eip6963:announceProvider", ({detail}) => {
  if (provider) return;
  provider = detail.provider;
  for (const name of ["connect", "disconnect", "chainChanged", "accountsChanged"]) provider.on(name, () => events.push(name));
});
dispatchEvent(new Event("eip6963:requestProvider"));
const ask = (method) => Promise.race([provider.request({method}).then((value) => ({value}), ({code, data}) => ({code, data})),
  new Promise((resolve) => setTimeout(resolve, 20000, "silence"))]);
const tell = (what) => fetch("/told", {method: "POST", body: JSON.stringify(what)});
async function round(persisted) {
  await tell({turn, persisted, accounts: await ask("eth_accounts"), chain: await ask("eth_chainId"), events: events.splice(0)});
  if (turn++ < turns) location.href = "/second";
}
// A question that no one answers before the page leaves.
addEventListener("pagehide", () => { waiting = ask("eth_chainId"); });
let waiting = Promise.resolve("none");
addEventListener("pageshow", async ({persisted}) => {
  if (persisted) await tell({turn, left: await waiting});
  await round(persisted);
});
</script>"""  # noqa: E501
SECOND = """<!doctype html><meta charset="utf-8"><title>Second</title><script>
addEventListener("pageshow", () => setTimeout(() => history.back(), 200));</script>"""


@contextmanager
def served() -> Iterator[tuple[str, queue.Queue[Any]]]:
    """Serve both pages; collect everything that the first one reports."""
    told: queue.Queue[Any] = queue.Queue()

    class HistoryHandler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = {"/first": FIRST, "/second": SECOND}.get(self.path.split("?")[0])
            body = (page or "").encode()
            self.send_response(404 if page is None else 200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            told.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), HistoryHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", told
    finally:
        server.shutdown()
        server.server_close()


def test_the_provider_works_after_the_back_button(packed: None, tmp_path: Path) -> None:
    """Three times forward and back: the same document, each time with a working provider.

    Pending requests are rejected; no disconnect event without a connection before.
    """
    with served() as (origin, told), chromium(tmp_path, page_cache=True) as browser:
        browser.tab(f"{origin}/first?turns=3")
        first = told.get(timeout=120)
        assert (first["turn"], first["persisted"], first["accounts"]) == (0, False, {"value": []})
        for turn in (1, 2, 3):
            left = told.get(timeout=120)
            assert left["turn"] == turn
            assert left["left"]["code"] == 4900
            found = told.get(timeout=120)
            # Without a host there is no chain; this code comes only from the engine.
            assert (found["turn"], found["persisted"], found["accounts"]) == (turn, True, {"value": []})
            assert found["chain"] == {"code": 4900, "data": {"code": "host.missing"}}
            # It was never connected, so there is nothing to disconnect.
            assert found["events"] == []
