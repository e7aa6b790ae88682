"""Styles that hide what a click hits, and the fan's settings before and after such clicks."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

from tests.e2e.world import BrowserWorld

OVER = "position:fixed;inset:0;background:#fff;pointer-events:none;z-index:9"
DISGUISES = {
    "opacity": "sps-player{opacity:.01}",
    "a mask": "sps-player{mask-image:linear-gradient(#0000,#0000)}",
    "an outline that is drawn inwards": "sps-player{outline:400px solid #fff;outline-offset:-400px}",
    "a rounded clip": "body{overflow:clip;border-radius:50%;height:300px}",
    "a clip path": "sps-player{clip-path:inset(0 0 70% 40%)}",
    "nested zoom": "html{zoom:.5}body{zoom:2}",
    "a pseudo-element": f"body.ghost::after{{content:'';{OVER}}}",
    "a shadow of a neighbour": "#veil{position:fixed;top:0;left:0;width:1px;height:1px;box-shadow:0 0 0 3000px "
    "#fff;pointer-events:none}",
    "an inset shadow": "#veil{position:fixed;inset:0;box-shadow:inset 0 0 0 3000px #fff;pointer-events:none}",
    "a filter in SVG": "sps-player{filter:url(#hide)}",
    "a blend": "sps-player{mix-blend-mode:screen}",
    "a turn": "sps-player{rotate:180deg}",
    "a scale": "sps-player{transform:scale(.4)}",
    "a veil": f"#veil{{{OVER}}}",
    "a dot on the button": "#veil{position:absolute;left:470px;top:60px;width:9px;height:9px;background:#fff;pointer-events:none}",  # noqa: E501
    "an inert popover and its backdrop": "#veil:popover-open{pointer-events:none}#veil::backdrop{background:#fff;pointer-events:none}",  # noqa: E501
    "a frame of the page around it": "sps-player::part(player){opacity:.01;outline:400px solid "
    "#fff;outline-offset:-400px}",
}
"""Looks that show a person something else than the player; no list of them is long enough, so none is needed."""
PAID = """
permissions = ["preview", "play", "seek"]
preview = "6 seconds"
[price]
interval_s = 4
owner = "0.0020"
reward = "0"
payer = "listener"
"""
DECLARED = (
    '<sps-player><template shadowrootmode="closed"><x-spy></x-spy></template></sps-player>'
    '<script>document.querySelector("sps-player").src = "/song.sps"</script>'
)
"""A player with a closed root that the page's markup made, and that the page has by SPY."""
SPY = (
    "customElements.define('x-spy', class extends HTMLElement { connectedCallback() { window.root ??= "
    "this.getRootNode(); } });"
)


def settings(world: BrowserWorld) -> dict[str, object]:
    """Settings of the fan that the extension stores."""
    popup = world.browser.extension_tab("popup/popup.html")
    popup.wait("main")
    popup.run(
        "void (async () => { const page = window.wrappedJSObject ?? window;"
        " const kept = await (page.browser ?? page.chrome).storage.local.get(null);"
        " document.body.dataset.kept = JSON.stringify(kept); })()"
    )
    kept: dict[str, object] = json.loads(popup.until("document.body.dataset.kept"))
    popup.close()
    return {
        name: kept.get(name) for name in ("collect", "answers", "tracking", "permits", "auto_lock_s", "account", "sent")
    }


def allowances(world: BrowserWorld) -> tuple[list[tuple[object, ...]], int]:
    """Sites with any permission beyond free plays, and the number of debits in the host's ledger."""
    path = next((world.home / "gomaa").rglob("ledger.sqlite"))
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as book:
        sites = book.execute(
            "SELECT origin, state, daily_budget_wei FROM sites WHERE daily_budget_wei <> '0' OR state <> 'allowed'"
        ).fetchall()
        return sites, int(book.execute("SELECT count(*) FROM debits").fetchone()[0])
