"""Accessibility of every screen of the extension.

Axe-core finds no violation of WCAG 2.1 AA, nothing is cut off, clicks are trusted events.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "ui_preview"))

from scenarios import scenarios  # noqa: E402
from stage import chromium, settle, shown  # noqa: E402

AXE = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text()
RUN = """() => axe.run(document, {
  runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"], resultTypes: ["violations"], rules: {region: {enabled: false}},
})"""  # noqa: E501
NAMES = sorted(scenarios("en"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One Chromium for all screens."""
    with chromium() as running:
        yield running


def violations(page: Any) -> list[str]:
    """What axe-core finds, one line each."""
    page.evaluate(AXE)
    return [
        f"{found['id']}: {node['html']} {node['failureSummary']}"
        for found in page.evaluate(RUN)["violations"]
        for node in found["nodes"]
    ]


@pytest.mark.parametrize("name", NAMES)
def test_screen_has_no_accessibility_violation(browser: Any, name: str) -> None:
    """Every screen passes axe-core, in light English and in dark Chinese, and scrolls sideways nowhere."""
    for language, theme in (("en", "light"), ("zh", "dark")):
        with shown(browser, scenarios(language)[name], language, theme, scale=1) as page:
            assert violations(page) == []
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_player_obeys_the_keyboard(browser: Any) -> None:
    """Space pauses, two quick arrows are one seek of 20 s, arrows up change the volume, T opens the terms."""
    with shown(browser, scenarios("en")["player-playing"], scale=1) as page:
        page.keyboard.press(" ")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowUp")
        page.keyboard.press("t")
        page.wait_for_function("() => __said.some((message) => message.type === 'seek')")
        said = page.evaluate("__said")
        seeks = [message["position_ms"] for message in said if message["type"] == "seek"]
        assert [message["type"] for message in said].count("pause") == 1
        assert len(seeks) == 1
        assert 157_900 <= seeks[0] <= 163_000
        assert {"type": "volume", "value": 0.75} in said
        assert page.locator("#terms").is_visible()


def test_player_supports_the_keys_of_other_players(browser: Any) -> None:
    """K pauses, 5 is the middle, M silence, the angle bracket the next speed, shift N the next track.

    Each is sent to the engine once.
    """
    with shown(browser, scenarios("en")["player-list"], scale=1) as page:
        for key in ("k", "m", ">", "Shift+N", "5"):
            page.keyboard.press(key)
        page.wait_for_function("() => __said.some((message) => message.type === 'seek')")
        said = [message for message in page.evaluate("__said") if message["type"] != "height"]
        assert said == [
            {"type": "pause"},
            {"type": "mute", "value": True},
            {"type": "rate", "value": 2},
            {"type": "track", "by": 1},
            {"type": "prepare_seek", "position_ms": 152_000},
            {"type": "seek", "position_ms": 152_000},
        ]
        assert "2 of 12" in page.locator(".tracks").inner_text()


def test_player_shows_a_pages_request_until_a_click(browser: Any) -> None:
    """A pending play of the page is displayed beside the terms, also once the song is ready."""
    with shown(browser, scenarios("en")["player-before-pressed"], scale=1) as page:
        assert "player.press" in page.locator(".body .note[role=alert]").first.inner_text()


def test_decisions_need_a_delay_and_a_trusted_click(browser: Any) -> None:
    """The buttons are drawn disabled and become active a moment later.

    A script's click has no effect, a user's answers its own question.
    """
    said = "__said.filter(({ type }) => ['wallet.collect.answer', 'wallet.takeover', 'wallet.site'].includes(type))"
    with shown(browser, scenarios("en")["popup-decide"], scale=1) as page:
        page.wait_for_selector('#decide button[data-key="collect-yes"]:not([disabled])')
        page.evaluate("for (const button of document.querySelectorAll('#decide button')) button.click()")
        page.evaluate("dispatchEvent(new Event('focus'))")
        assert page.locator("#decide button:not([disabled])").count() == 0
        page.locator('#decide button[data-key="takeover"]:not([disabled])').click()
        page.locator('#decide button[data-key="collect-yes"]:not([disabled])').click()
        page.wait_for_function(f"() => {said}.length > 1")
        assert [{name: value for name, value in one.items() if name != "id"} for one in page.evaluate(said)] == [
            {"type": "wallet.takeover", "stream": "s1"},
            {
                "type": "wallet.collect.answer",
                "station": scenarios("en")["popup-decide"].wallet["wallet.decisions"]["questions"][0]["station"],
                "collect": True,
            },
        ]


# Requests that the player sends to its page without any input.
SAID = "__said.filter(({ type }) => type !== 'height')"


def test_player_ignores_clicks_of_scripts(browser: Any) -> None:
    """A synthetic click plays nothing; the same click by a user plays."""
    with shown(browser, scenarios("en")["player-before"], scale=1) as page:
        page.evaluate("document.querySelector('.btn.primary').click()")
        assert page.evaluate(SAID) == []
        page.locator(".btn.primary").click()
        page.wait_for_function(f"() => {SAID}.length > 0")
        assert page.evaluate(SAID) == [{"type": "play"}]


def test_drag_on_the_waveform_is_one_seek(browser: Any) -> None:
    """Dragging sends one seek, on release, to the position of the release."""
    with shown(browser, scenarios("en")["player-playing"], scale=1) as page:
        box = page.locator(".seek").bounding_box()
        page.mouse.move(box["x"] + 10, box["y"] + 20)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 20)
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
        before = page.evaluate(SAID)
        page.mouse.up()
        page.wait_for_function("() => __said.some((message) => message.type === 'seek')")
        said = page.evaluate(SAID)
        # The sealed segments of the first and the last position are loaded meanwhile; nothing is invoked for them.
        assert [message["type"] for message in before] == ["prepare_seek"]
        assert [message["type"] for message in said] == ["prepare_seek", "prepare_seek", "seek"]
        assert said[1]["position_ms"] == said[2]["position_ms"]
        assert abs(said[2]["position_ms"] - 152_000) < 1000


def test_player_survives_invalid_engine_messages(browser: Any) -> None:
    """Messages with missing or unknown fields leave the player usable and without an error."""
    with shown(browser, scenarios("en")["player-before"], scale=1) as page:
        for message in (
            "{}",
            "null",
            "{type: 'state'}",
            "{type: 'problem'}",
            "{type: 'problem', code: 'no.such.code'}",
            "{type: 'state', state: 'playing', earned_wei: '1.5', left: null}",
            "{type: 'state', state: 'ready'}",
            "{type: 'what'}",
        ):
            page.evaluate(f"__tell({message})")
        settle(page)
        assert page.locator(".title").inner_text() == "Slow Tide Home"


def test_title_is_text_and_never_markup(browser: Any) -> None:
    """A title full of markup is displayed literally."""
    scenario = scenarios("en")["player-before"]
    evil = "<img src=x onerror=alert(1)><b>loud</b>"
    scenario.player[0]["title"] = evil
    with shown(browser, scenario, scale=1) as page:
        assert page.locator(".title").inner_text() == evil
        assert page.locator(".title *").count() == 0


def test_frame_reports_its_height_to_the_extension_only(browser: Any) -> None:
    """A message to the page would disclose the extension's address.

    The page gets none, the extension's own port the height in CSS pixels.
    """
    with shown(browser, scenarios("en")["player-before"], scale=1) as page:
        page.evaluate(
            """() => {
            globalThis.heard = [];
            addEventListener('message', (event) => heard.push(event.data));
            const frame = document.createElement('iframe'); frame.src = '/player/player.html'; document.body.append(frame); }"""  # noqa: E501
        )
        page.wait_for_function(
            "() => frames[0]?.__said?.some((message) => message.type === 'height' && message.height > 50)"
        )
        assert page.evaluate("heard") == []


def test_recovery_words_are_removed_with_the_page(browser: Any) -> None:
    """After the wallet's creation the document contains no words, and they were sent once."""
    scenario = scenarios("en")["onboarding-password"]
    with shown(browser, scenario, scale=1) as page:
        page.locator("button[type=submit]").click()
        page.wait_for_selector("text=Connect this computer")
        assert "sausage" not in page.content()
        created = [message for message in page.evaluate("__said") if message["type"] == "wallet.create"]
        assert [(message["password"], message["replace"]) for message in created] == [("saltwater at dawn 7", False)]


def test_receive_code_is_a_qr_code_beside_the_address(browser: Any) -> None:
    """The QR code's modules are square with its finder patterns; the address beside it is complete."""
    with shown(browser, scenarios("en")["popup-receive"], scale=1) as page:
        path = page.locator(".qr path").get_attribute("d") or ""
        dark = {tuple(map(int, part.split("h")[0].split())) for part in path.split("M") if part}
        size = max(x for x, _ in dark) + 1
        assert (size - 17) % 4 == 0
        assert all((x, 0) in dark and (0, x) in dark and (size - 1 - x, 0) in dark for x in range(7))
        assert page.locator(".address").inner_text().replace("\n", "") == "0x4f6a0c8de2b15973ab10ffe2c3d49786b5a01e2d"


def test_collecting_pays_no_undisclosed_fee(browser: Any) -> None:
    """In private there is none.

    At once, amount and highest fee are above the button, and exactly these are sent.
    """
    for name, words, most in (("", "0.00057", "570000000000000"), ("-relayed", "at its cost", "0")):
        scenario = scenarios("en")[f"popup-home-once{name}"]
        with shown(browser, scenario, scale=1) as page:
            card = page.locator(".card").first.inner_text()
            assert words in card
            assert "one person with this account" in card
            page.locator('button[data-key="claim"]').click()
            page.wait_for_function("() => __said.some(({ type }) => type === 'wallet.claim')")
            assert [one["most_wei"] for one in page.evaluate("__said") if one["type"] == "wallet.claim"] == [most]
    with shown(browser, scenarios("en")["popup-home-private"], scale=1) as page:
        # Nothing is collected to the account before the amounts were displayed.
        assert page.locator('button[data-key="claim"]').count() == 0


def test_a_collection_is_shown_once(browser: Any) -> None:
    """The message of a collection appears together with the new amounts; an older, late answer changes neither."""
    scenario = scenarios("en")["popup-home"]
    before = {**scenario.wallet["wallet.summary"], "spendable_wei": "0", "claimable_wei": str(6 * 10**15)}
    after = {**before, "spendable_wei": str(6 * 10**15), "claimable_wei": "0"}
    scenario.wallet.update({"wallet.summary": "test", "wallet.claim": "test"})
    answer = """([type, n, result]) => __asked.filter((asked) => asked.type === type).at(n).answer(result)"""
    asked = "type => (globalThis.__asked ?? []).filter((asked) => asked.type === type).length"
    with shown(browser, scenario, scale=1) as page:
        page.evaluate(answer, ["wallet.summary", 0, before])
        page.locator('button[data-key="once"]').click()
        page.locator('button[data-key="claim"]').click()
        page.wait_for_function(f"() => ({asked})('wallet.claim') === 1")
        summaries = page.evaluate(asked, "wallet.summary")
        page.evaluate(answer, ["wallet.claim", 0, {"transactions": ["0xaa"], "amount_wei": str(6 * 10**15)}])
        page.wait_for_function(f"n => ({asked})('wallet.summary') > n", arg=summaries)
        # No message before the new amounts.
        assert page.locator(".note.good[role=status]").count() == 0
        page.evaluate(answer, ["wallet.summary", -1, after])
        page.wait_for_selector(".note.good[role=status]")
        assert page.locator('button[data-key="claim"]').count() == 0
        assert page.locator(".balance").inner_text().startswith("0.0060")
        page.evaluate(answer, ["wallet.summary", 0, before])
        settle(page)
        assert page.locator('button[data-key="claim"]').count() == 0
