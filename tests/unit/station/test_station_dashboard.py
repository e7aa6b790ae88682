"""The operator's pages: sign-in, numbers, tables, languages; axe-clean in both themes."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.async_api import Browser, async_playwright

from pywallet.encoding.hex import to_hex
from station.dashboard.plots import BOTTOM, TOP, passage_bars, stacked_bars, top_of
from station.dashboard.sign_in import ATTEMPTS_PER_MINUTE, COOKIE, MOST_SESSIONS, SESSION_S, OperatorSessions
from station.dashboard.tables import as_csv
from station.dashboard.words import WORDS, language_of
from station.db.posted_rows import PostedEpoch, PostedLine
from tests.unit.station.conftest import NOW_S, OWNER, SERVER, World
from tests.unit.station.test_station_browser import AXE, CHROMIUM
from tests.unit.station.test_station_http import Page

PATHS = ("/studio/", "/studio/songs", "/studio/statements", f"/studio/statements/{to_hex(SERVER)}/{NOW_S // 60 - 5}")


def fill(world: World) -> None:
    """Four weeks of plays of both songs, an epoch a day, and listeners over time."""
    views = world.station.dashboard
    store, figures = views._posted, world.station.figures
    for back in range(28):
        epoch = NOW_S // 60 - 5 - back * 1440
        lines = tuple(
            PostedLine(content, OWNER, 8 * 10**15, 2 * 10**15, 30, 40 + back, 20 + back, back % 3, 7, 1200 + 30 * back)
            for content in world.songs.values()
        )
        passages = {(world.songs["letters"], segment): 20 + segment * 3 for segment in range(30)}
        store.take(PostedEpoch(SERVER, epoch, 250, bytes(32), lines, passages), epoch * 60, "final")
        figures._plain_listeners = lambda number=back: 10 + number  # type: ignore[misc]
        figures.note_listeners((NOW_S - back * 86_400) * 1000)
    for code, number in (("station.escrow.short", 3), ("station.right.missing", 1), ("internal", 1)):
        for _ in range(number):
            figures.note_refusal(code)
    figures.note_listeners(NOW_S * 1000)


async def signed_in(world: World) -> dict[str, str]:
    """Cookies of an operator."""
    async with world.client.post("/studio/sign-in", data={"token": "operator"}, allow_redirects=False) as response:
        assert response.status == 303
        cookie = response.cookies[COOKIE]
        assert (cookie["samesite"], cookie["path"], bool(cookie["httponly"])) == ("Strict", "/studio", True)
        world.client.session.cookie_jar.clear()
        return {COOKIE: cookie.value}


async def read(world: World, path: str, cookies: dict[str, str], **headers: str) -> str:
    async with world.client.get(path, cookies=cookies, headers=headers) as response:
        assert response.status == 200
        assert response.headers["Cache-Control"] == "no-store"
        text = await response.text()
    world.client.session.cookie_jar.clear()
    return text


@pytest.mark.parametrize("path", [*PATHS, "/studio/?format=csv", "/studio/songs?format=json"])
async def test_nothing_is_shown_without_a_sign_in(world: World, path: str) -> None:
    """Every page, table and guess shows the form only."""
    fill(world)
    for cookies in ({}, {COOKIE: "x" * 43}, {COOKIE: ""}):
        async with world.client.get(path, cookies=cookies) as response:
            assert response.status == 401
            text = await response.text()
        assert "Slow Tide" not in text
        assert 'name="token"' in text


async def test_a_wrong_token_and_floods_are_refused(world: World) -> None:
    """A wrong token is said so; too many attempts wait, the right one among them."""
    for _ in range(ATTEMPTS_PER_MINUTE):
        async with world.client.post("/studio/sign-in", data={"token": "guess"}) as response:
            assert response.status == 403
            assert WORDS["en"]["denied"] in (await response.text()).replace("&#39;", "'")
    async with world.client.post("/studio/sign-in", data={"token": "operator"}) as response:
        assert response.status == 429
        assert COOKIE not in response.cookies


async def test_a_form_of_another_site_does_nothing(world: World) -> None:
    """Neither signs in nor out."""
    cookies = await signed_in(world)
    other = {"Sec-Fetch-Site": "cross-site"}
    async with world.client.post("/studio/sign-in", data={"token": "operator"}, headers=other) as response:
        assert response.status == 401
        assert COOKIE not in response.cookies
    async with world.client.post("/studio/sign-out", data={"form_key": "x"}, cookies=cookies) as response:
        assert response.status == 401
    page = Page(await read(world, "/studio/", cookies))
    key = next(field["value"] for field in page.all("input") if field.get("name") == "form_key")
    async with world.client.post(
        "/studio/sign-out", data={"form_key": key}, cookies=cookies, allow_redirects=False
    ) as response:
        assert response.status == 303
    async with world.client.get("/studio/", cookies=cookies) as response:
        assert response.status == 401


def test_sign_ins_end(tmp_path: Any) -> None:
    """After their time, by signing out, and when there are too many."""
    now = [0.0]
    (tmp_path / "token").write_text("secret\n")
    sessions = OperatorSessions(tmp_path / "token", lambda: now[0])
    first, second = sessions.sign_in("secret"), sessions.sign_in(" secret ")
    assert sessions.operator(first) is not None
    assert sessions.operator(first) != sessions.operator(second)
    sessions.sign_out(first)
    assert sessions.operator(first) is None
    now[0] = SESSION_S
    assert sessions.operator(second) is None
    kept = sessions.sign_in("secret")
    for _ in range(MOST_SESSIONS):
        sessions.sign_in("secret")
    assert sessions.operator(kept) is None


async def test_the_overview_adds_up(world: World) -> None:
    """The table by day, the page and the posted epochs name the same sums."""
    fill(world)
    cookies = await signed_in(world)
    rows = list(csv.DictReader(io.StringIO(await read(world, "/studio/?days=28&format=csv", cookies))))
    assert len(rows) == 28
    plays = sum(int(row["plays"]) for row in rows)
    assert plays == 2 * sum(20 + back for back in range(28))
    epochs = list(csv.DictReader(io.StringIO(await read(world, "/studio/statements?format=csv", cookies))))
    assert sum(int(row["gross_wei"]) for row in rows) == sum(int(row["gross_wei"]) for row in epochs)
    page = await read(world, "/studio/", cookies)
    assert f"{plays:,}" in page
    songs = list(csv.DictReader(io.StringIO(await read(world, "/studio/songs?format=csv", cookies))))
    assert sum(int(row["owner_wei"]) for row in songs) == sum(int(row["owner_wei"]) for row in rows)
    assert {row["licence"] for row in songs} == {"licensed"}
    lines = list(csv.DictReader(io.StringIO(await read(world, f"{PATHS[3]}?format=csv", cookies))))
    net = sum(int(row["owner_total_wei"]) + int(row["reward_total_wei"]) for row in lines)
    assert str(net) in await read(world, PATHS[3], cookies)
    assert str(net) == next(row["net_wei"] for row in epochs if row["epoch"] == PATHS[3].rpartition("/")[2])


async def test_a_station_without_plays_and_without_a_chain(world: World) -> None:
    """The pages come, and say what is missing."""
    cookies = await signed_in(world)
    for down in (False, True):
        world.chain.down = down
        for path in PATHS[:3]:
            Page(await read(world, path, cookies))
        text = await read(world, "/studio/", cookies)
        assert WORDS["en"]["no_plays"] in text
        assert (WORDS["en"]["not_read"].format(number=1) in text) == down


@pytest.mark.parametrize(
    "path", ["/studio/?days=9", "/studio/?days=-7", "/studio/?format=exe", "/studio/songs?days=28%00"]
)
async def test_bad_input_is_refused(world: World, path: str) -> None:
    """With a coded error."""
    cookies = await signed_in(world)
    async with world.client.get(path, cookies=cookies) as response:
        assert response.status == 400
        assert (await response.json())["error"]["code"] == "message.schema"


async def test_unknown_statements_are_not_found(world: World) -> None:
    """Another epoch, another server, no number."""
    fill(world)
    cookies = await signed_in(world)
    for path in (f"{PATHS[3]}1", f"/studio/statements/0x{'7' * 40}/1", "/studio/statements/0x1/1"):
        async with world.client.get(path, cookies=cookies) as response:
            assert response.status == 404


async def test_a_servers_password_is_not_shown(world: World) -> None:
    """The command of a statement names the server without what the settings have before its host."""
    fill(world)
    host = world.chain.urls[SERVER].removeprefix("http://")
    world.chain.urls[SERVER] = f"http://operator:sesame@{host}"
    cookies = await signed_in(world)
    text = await read(world, PATHS[3], cookies)
    assert f"--data http://{host}" in text
    assert "sesame" not in text


async def test_both_languages(world: World) -> None:
    """By the browser's languages, or as chosen; every text is in both."""
    assert WORDS["en"].keys() == WORDS["zh"].keys()
    fields = {name: set(filter(None, (part[1] for part in _fields(text)))) for name, text in WORDS["en"].items()}
    assert fields == {
        name: set(filter(None, (part[1] for part in _fields(text)))) for name, text in WORDS["zh"].items()
    }
    fill(world)
    cookies = await signed_in(world)
    assert WORDS["zh"]["plays_over_time"] in await read(
        world, "/studio/", cookies, **{"Accept-Language": "zh-CN,en;q=.5"}
    )
    assert WORDS["zh"]["plays_over_time"] in await read(world, "/studio/?language=zh", cookies)
    assert WORDS["en"]["plays_over_time"] in await read(world, "/studio/?language=tlh", cookies)
    assert language_of(None, "de, zh-TW;q=0.3") == "zh"
    assert language_of("en", "zh") == "en"


def _fields(text: str) -> list[Any]:
    from string import Formatter

    return list(Formatter().parse(text))


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_a_table_is_read_back(texts: list[str]) -> None:
    """Any text survives, and none begins like a formula."""
    columns = [str(number) for number in range(len(texts))]
    row = dict(zip(columns, texts, strict=True))
    found = list(csv.reader(io.StringIO(as_csv(columns, [row]), newline="")))
    assert found[0] == columns
    for cell, text in zip(found[1] if len(found) > 1 else [""], texts, strict=True):
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
        assert cell.removeprefix("'") == text.removeprefix("'")


@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=60))
def test_bars_stay_inside_and_keep_their_order(values: list[int]) -> None:
    """A bar beyond the plot, or a greater value with a smaller bar, would mislead."""
    plot = stacked_bars([values], [""] * len(values), [""] * len(values))
    assert top_of(max(values)) >= max(values)
    assert top_of(max(values)) <= max(4, 2.5 * max(values))
    heights = [bar.height for bar in plot.bars]
    drawn = [value for value in values if value]
    assert [height for _, height in sorted(zip(drawn, heights, strict=True))] == sorted(heights)
    for bar in plot.bars:
        assert bar.y >= TOP - 0.1
        assert bar.y + bar.height <= BOTTOM + 0.1


def test_passages_that_too_few_heard_have_the_least_colour() -> None:
    """Heat follows the listeners; without any, all bars are alike."""
    bars = passage_bars(bytes(range(256)), {0: 20, 1: 200}, 60_000, 5)
    assert {bar.series for bar in bars if bar.x < 5 * 18} == {0}
    assert {bar.series for bar in bars if 5 * 19 < bar.x < 5 * 36} == {4}
    assert {bar.series for bar in bars if bar.x > 5 * 37} == {0}
    assert {bar.series for bar in passage_bars(b"", {}, 60_000, 5)} == {0}


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """The system's Chromium, headless."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.mark.long
async def test_the_pages_are_accessible(world: World, browser: Browser) -> None:
    """Axe finds nothing, and nothing is wider than the window, in both themes, both languages and at 390 px.

    The operator signs in by keyboard, and out again.
    """
    fill(world)
    origin = str(world.client.make_url("/")).rstrip("/")
    for scheme, width, language in (
        ("light", 1280, "en"),
        ("dark", 1280, "zh"),
        ("light", 390, "zh"),
        ("dark", 390, "en"),
    ):
        context = await browser.new_context(
            color_scheme=scheme, locale=language, viewport={"width": width, "height": 844}
        )
        page = await context.new_page()
        complaints: list[str] = []
        page.on("console", lambda message, to=complaints: to.append(message.text))
        await page.goto(f"{origin}/studio/")
        for path in ("", *PATHS):
            if path:
                complaints.clear()
                await page.goto(f"{origin}{path}")
                assert complaints == []
            await page.evaluate(AXE.read_text(encoding="utf-8"))
            found = await page.evaluate(
                "axe.run().then(r => r.violations.map(v => v.id + ' ' + v.nodes.map(n => n.target).join(' ')))"
            )
            assert found == [], path
            assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
            if not path:
                await page.keyboard.type("operator")
                await page.keyboard.press("Enter")
                await page.wait_for_selector("form[action='/studio/sign-out']")
        await page.focus("form[action='/studio/sign-out'] button")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#token")
        await context.close()


async def test_passages_are_public(world: World) -> None:
    """Of a song of the catalogue, to any page, cacheable; empty before anything was published."""
    fill(world)
    async with world.client.get(f"/gomaa/passages/{to_hex(world.songs['letters'])}") as response:
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "max-age" in response.headers["Cache-Control"]
        value = await response.json()
    assert value["segment_s"] == 5
    assert len(value["listeners"]) == 40
    assert value["listeners"][:2] == [28 * 20, 28 * 23]
    assert value["listeners"][30:] == [0] * 10
    async with world.client.get(f"/gomaa/passages/{to_hex(world.songs['slow-tide'])}") as response:
        assert (await response.json())["listeners"] == []
    async with world.client.get(f"/gomaa/passages/0x{'77' * 20}") as response:
        assert (await response.json())["error"]["code"] == "content.unknown"
