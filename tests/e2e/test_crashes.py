"""Crash of any process during playback: it resumes at its position, and one play is counted."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from playwright.sync_api import Error as PlaywrightError

from benchmarks.memory import browsers, hosts
from demo.browsers.chromium import chromium
from demo.browsers.devtools import ARGUMENT, ENGINE, WORKER, Devtools, devtools
from demo.browsers.view import View
from demo.fan import CLOCK, MAIN, PLAY, WORDS_SHOWN, Fan, install_host, scroll_to_player, state_until
from demo.stack import Stack, running
from demo.waiting import wait_until
from tests.e2e.dapp import question, site
from tests.e2e.world import FREE, goes_on, tone

SONG_S = 300


@pytest.fixture(scope="module")
def stack(packed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Everything except a browser, with one long song."""
    folder = tmp_path_factory.mktemp("crashes")
    policy = folder / "free.toml"
    policy.write_text(FREE)
    with running(
        folder / "stack", [tone(folder / "first.wav", SONG_S, 220)], policy, epoch_s=600, artist="Tests"
    ) as one:
        yield one


@contextmanager
def listening(stack: Stack, home: Path) -> Iterator[tuple[View, View, Devtools]]:
    """A browser with the song's page, its player and the developer tools. It may be dead at the end."""
    with (
        suppress(PlaywrightError),
        chromium(home, arguments=[ARGUMENT]) as browser,
        devtools(home / "chromium") as tools,
    ):
        page = browser.tab(f"{stack.station_url}/song/first")
        yield page, browser.player(page), tools


@contextmanager
def playing(stack: Stack, home: Path) -> Iterator[tuple[View, View, Devtools]]:
    """The same, five seconds into the song."""
    home.mkdir()
    install_host(home, stack.folder / "deployment.json", "chromium")
    with listening(stack, home) as (page, player, tools):
        scroll_to_player(page)
        player.wait(f"{PLAY}:not([disabled])")
        player.click(PLAY)
        state_until(player, "playing")
        page.until(f"{CLOCK} > 5")
        yield page, player, tools


def counted(stack: Stack, home: Path) -> tuple[int, int, list[str | None]]:
    """Plays in the ledger, invocations missing at the server, and codes of its refusals, once all are reported."""

    def reported() -> list[tuple[int, str, str, bytes]] | None:
        with sqlite3.connect(home / "gomaa" / "data" / "ledger.sqlite") as db:
            rows = db.execute("SELECT sequence, action, state, session FROM invocations ORDER BY sequence").fetchall()
        return None if any(state == "unreported" for _, _, state, _ in rows) else rows

    mine = wait_until(reported, "everything is reported")
    assert mine is not None
    with sqlite3.connect(stack.folder / "server.sqlite3") as db:
        theirs = {row[:3]: row[3] for row in db.execute("SELECT session, sequence, action, code FROM invocations")}
    missing = [row for row in mine if (row[3], row[0], row[1]) not in theirs]
    codes = [theirs[(row[3], row[0], row[1])] for row in mine if (row[3], row[0], row[1]) in theirs]
    return (
        sum(1 for _, action, _, _ in mine if action == "play"),
        len(missing),
        [code for code in codes if code is not None],
    )


def test_playback_survives_a_host_crash(stack: Stack, tmp_path: Path) -> None:
    """Kill -9 of the host twice: playback continues from the buffer.

    The next host resumes the play, and nothing is counted twice.
    """
    home = tmp_path / "home"
    with playing(stack, home) as (page, player, _):
        page.run(
            "void (globalThis.stops = 0, document.querySelector('sps-player').addEventListener('pause', () => stops++))"
        )
        for _ in range(2):
            dead = hosts(home)
            for pid in dead:
                os.kill(pid, signal.SIGKILL)
            goes_on(page, player, home, 8)
            assert not set(dead) & set(hosts(home))
        assert page.run("stops") == 0
        player.click(MAIN)
        state_until(player, "paused")
        assert counted(stack, home) == (1, 0, [])


def test_playback_survives_a_service_worker_stop(stack: Stack, tmp_path: Path) -> None:
    """Playback continues; afterwards page and player control it as before, without a second stream."""
    home = tmp_path / "home"
    with playing(stack, home) as (page, player, tools):
        place, host = float(page.run(CLOCK)), hosts(home)
        tools.kill(WORKER)
        wait_until(lambda: hosts(home) not in ([], host), "the line to the host ends with the worker")
        goes_on(page, player, home, 6)
        assert tools.objects(ENGINE, "MediaSource", "(all) => all.length") == 1, "one stream, not a second beside it"
        assert float(page.run(CLOCK)) > place
        player.click(MAIN)
        state_until(player, "paused")
        page.run("void document.querySelector('sps-player').play()")
        state_until(player, "playing")
        player.click(MAIN)
        state_until(player, "paused")
        assert counted(stack, home) == (1, 0, [])


def test_a_press_takes_effect_after_a_service_worker_stop(stack: Stack, tmp_path: Path) -> None:
    """A press on the player, and a request of the page, made before their ports are open again."""
    home = tmp_path / "home"
    with playing(stack, home) as (page, player, tools):
        for pause, play in (
            (lambda: player.click(MAIN), lambda: player.click(MAIN)),
            (
                lambda: page.run("void document.querySelector('sps-player').pause()"),
                lambda: page.run("void document.querySelector('sps-player').play().catch(() => undefined)"),
            ),
        ):
            tools.kill(WORKER)
            pause()
            state_until(player, "paused", timeout_s=20)
            tools.kill(WORKER)
            play()
            state_until(player, "playing", timeout_s=20)


def test_the_provider_survives_a_service_worker_stop(stack: Stack, tmp_path: Path) -> None:
    """Pending requests are rejected with 4900; repeated, they succeed.

    Connect is emitted again, and accountsChanged when the permission is revoked.
    """
    home = tmp_path / "home"
    home.mkdir()
    install_host(home, stack.folder / "deployment.json", "chromium")
    with chromium(home, arguments=[ARGUMENT]) as browser, devtools(home / "chromium") as tools:
        fan = Fan(browser, stack)
        fan.create_wallet()
        account = fan.address()
        with site(browser) as dapp:
            assert dapp.agreed("eth_requestAccounts")[0] == {"value": [account]}
            waiting = dapp.begin("personal_sign", ["hello", account])
            question(browser).wait('button[data-key="agree"]')
            heard = len(dapp.events())
            tools.kill(WORKER)
            assert dapp.answer(waiting)["code"] == 4900
            dapp.view.until(f"document.defaultView.events.slice({heard}).some(([name]) => name === 'connect')", 40)
            assert [name for name, _ in dapp.events()[heard:]] == ["disconnect", "connect"]
            assert dapp.ask("eth_accounts") == {"value": [account]}
            signed, _ = dapp.agreed("personal_sign", ["hello", account])
            assert len(signed["value"]) == 132
            heard = len(dapp.events())
            assert dapp.ask("wallet_revokePermissions", [{"eth_accounts": {}}]) == {"value": None}
            dapp.view.until(f"document.defaultView.events.length > {heard}")
            assert dapp.events()[heard:] == [["accountsChanged", []]]


def test_playback_resumes_after_an_engine_crash(stack: Stack, tmp_path: Path) -> None:
    """Python, sound and keys are lost at once: a new engine resumes at the position without a new play."""
    home = tmp_path / "home"
    with playing(stack, home) as (page, player, tools):
        place = float(page.run(CLOCK))
        before = tools.kill(ENGINE)
        tools.waited(ENGINE, before)
        player.until("['loading', 'starting', 'paused'].includes(document.getElementById('player').dataset.state)")
        state_until(player, "playing")
        assert place - 2.5 < float(page.run(CLOCK)) < SONG_S / 2
        goes_on(page, player, home, 6)
        player.click(MAIN)
        state_until(player, "paused")
        assert counted(stack, home) == (1, 0, [])


@pytest.mark.parametrize("path", [WORKER, ENGINE])
def test_onboarding_survives_a_service_worker_stop(packed: None, tmp_path: Path, path: str) -> None:
    """The service worker stops while the wallet's Python starts.

    The page repeats its request, and shows words that the wallet then accepts.
    """
    with (
        chromium(tmp_path / "home", arguments=[ARGUMENT]) as browser,
        devtools(tmp_path / "home" / "chromium") as tools,
    ):
        page = browser.extension_tab("onboarding/onboarding.html#create")
        tools.kill(path)
        page.until(WORDS_SHOWN)
        assert page.text("p[role=alert]") == ""


def test_playback_resumes_after_a_browser_crash(stack: Stack, tmp_path: Path) -> None:
    """Kill -9 of the whole browser: reopened, the song resumes at its position without another play."""
    home = tmp_path / "home"
    with playing(stack, home) as (page, _, _):
        page.until(f"{CLOCK} > 12")
        place = float(page.run(CLOCK))
        for pid in browsers(home):
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not hosts(home), "the host ends with its browser")
    silent = time.monotonic()
    while time.monotonic() - silent < 16:
        # What another browser might still play is not offered: a play counts as left after 15 s without a message.
        time.sleep(0.5)
    with listening(stack, home) as (page, player, _):
        state_until(player, "paused")
        back = float(page.run(CLOCK))
        # The music played on between reading its clock and the kill.
        assert place - 6 < back < SONG_S / 2
        player.click(MAIN)
        state_until(player, "playing")
        goes_on(page, player, home, 5)
        player.click(MAIN)
        state_until(player, "paused")
        assert counted(stack, home) == (1, 0, [])
