"""The studio's page over HTTP: who may ask, what a dropped recording brings, what terms come to."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from aiohttp import ClientSession, web
from hypothesis import given
from hypothesis import strategies as st

from chain.deployment import Deployment
from pywallet.errors import GomaaError
from pywallet.policy import Policy
from studio import release_service, web_command
from studio.release_runs import ReleaseSettings
from studio.release_service import ReleaseService
from studio.server import ServerInfo
from studio.terms import PER, TermsForm, explain
from studio.web import TOKEN, make_app
from tests.unit.studio.conftest import OWNER_KEY


class Page:
    """The studio running, and a browser's way to ask it."""

    def __init__(self, session: ClientSession, base: str, app: web.Application, folder: Path) -> None:
        self.session, self.base, self.app, self.token, self.folder = session, base, app, app[TOKEN], folder

    async def ask(self, method: str, path: str, *, token: str | None = None, **more: Any) -> tuple[int, Any, Any]:
        """Status, JSON where it is some, and headers."""
        headers = {"Origin": self.base, **more.pop("headers", {})}
        headers = {name: value for name, value in headers.items() if value is not None}
        url = f"{self.base}/{self.token if token is None else token}/{path}"
        async with self.session.request(method, url, headers=headers, **more) as answer:
            body = await answer.read()
            return (
                answer.status,
                json.loads(body) if answer.content_type == "application/json" else body,
                answer.headers,
            )


@pytest.fixture
async def page(tmp_path: Path, deployment: Deployment, server: ServerInfo) -> AsyncIterator[Page]:
    """A studio of a network that nobody runs."""
    app = make_app(ReleaseService(ReleaseSettings(OWNER_KEY, deployment, server, tmp_path / "songs")))
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with ClientSession() as session:
        yield Page(session, f"http://127.0.0.1:{runner.addresses[0][1]}", app, tmp_path / "songs")
    await runner.cleanup()


def recording(seconds: float = 3) -> bytes:
    """Stereo noise as a WAV file."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44_100)
        file.writeframes(
            np.random.default_rng(2).integers(-9000, 9000, (round(seconds * 44_100), 2)).astype("<i2").tobytes()
        )
    return out.getvalue()


async def test_a_question_that_comes_in_pieces_is_read_to_its_end(page: Page) -> None:
    """One read gives what has arrived so far; what is missing is waited for."""
    question = json.dumps({"terms": {}, "seconds": 60, "filler": "x" * 2000}).encode()

    async def pieces(body: bytes) -> AsyncIterator[bytes]:
        for at in range(0, len(body), 500):
            yield body[at : at + 500]
            # The studio reads what is there before the next piece comes.
            await asyncio.sleep(0.01)

    headers = {"Content-Type": "application/json"}
    whole = (await page.ask("POST", "api/terms", data=question, headers=headers))[:2]
    assert (await page.ask("POST", "api/terms", data=pieces(question), headers=headers))[:2] == whole
    assert "JSON" not in json.dumps(whole[1])


async def test_the_page_is_strict(page: Page) -> None:
    """The page and its parts are served with a policy that lets nothing else in, and are kept nowhere."""
    for name in ("", "studio.js", "terms.js", "api.js", "dom.js", "studio.css", "lamplight.css", "mark.svg"):
        status, body, headers = await page.ask("GET", name, headers={"Origin": None})
        assert status == 200
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert (headers["Referrer-Policy"], headers["Cache-Control"]) == ("no-referrer", "no-store")
    _, body, _ = await page.ask("GET", "")
    assert b" style=" not in body
    assert b" onclick=" not in body
    assert page.token.encode() not in body


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"token": "guess"}, 404),
        ({"token": ""}, 404),
        ({"headers": {"Host": "rebound.example"}}, 421),
        ({"headers": {"Host": "127.0.0.1"}}, 421),
        ({"headers": {"Origin": "http://evil.example"}}, 403),
        ({"headers": {"Origin": "null"}}, 403),
        ({"headers": {"Sec-Fetch-Site": "cross-site"}}, 403),
        ({"headers": {"Sec-Fetch-Site": "same-site"}}, 403),
        ({"headers": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}}, 403),
        ({}, 200),
    ],
)
async def test_only_our_own_page_may_ask(page: Page, change: dict[str, Any], status: int) -> None:
    """A wrong token, a rebound name, another origin and another port's page are turned away before anything is done."""
    assert (await page.ask("GET", "api/state", **change))[0] == status


async def test_every_route_is_closed_to_who_has_no_token(page: Page) -> None:
    """Whatever is asked, also what is added later: one answer, which does not say what is there."""
    asked = {
        (route.method, route.resource.canonical) for route in page.app.router.routes() if route.resource is not None
    }
    assert len(asked) > 10
    answers = set()
    for method, pattern in asked:
        path = pattern.removeprefix("/{token}/").format_map({"name": "studio.js", "id": "1"})
        answers.add(str((await page.ask(method, path, token="guess"))[:2]) if method != "HEAD" else "")
    assert len(answers - {""}) == 1
    assert "404" in max(answers)


async def test_studio_and_station_look_alike(page: Page) -> None:
    """The stylesheet has one source, and the studio's page gets it."""
    root = Path(__file__).resolve().parents[3]
    copies = [
        path for room in ("common", "gomaa", "station", "studio") for path in (root / room).rglob("lamplight.css")
    ]
    assert copies == [root / "common" / "style" / "lamplight.css"]
    assert (await page.ask("GET", "lamplight.css"))[0] == 200


async def test_a_change_without_an_origin_is_refused(page: Page) -> None:
    """Browsers name the origin of every PUT and POST; what names none is not the page."""
    assert (await page.ask("PUT", "api/recordings?name=x.wav", headers={"Origin": None}, data=b"x"))[0] == 403
    assert (await page.ask("POST", "api/terms", headers={"Origin": None}, json={}))[0] == 403


@pytest.mark.parametrize("name", ["../commands.py", "..%2fcommands.py", "index.html", "nothing.js", ".css"])
async def test_nothing_else_is_served(page: Page, name: str) -> None:
    """Only the page's own parts have addresses."""
    assert (await page.ask("GET", name))[0] == 404


async def test_a_dropped_recording_is_described(page: Page) -> None:
    """Length, sound, loudness and waveform come back; the file's name is the song's where tags are silent."""
    status, found, _ = await page.ask("PUT", "api/recordings?name=Slow%20Tide.wav", data=recording())
    assert status == 200
    assert (found["seconds"], found["rate"], found["channels"], found["bits"]) == (3, 44_100, 2, 16)
    assert found["title"] == "Slow Tide"
    assert -25 < found["integrated"] < -5
    assert 0 < len(found["waveform"]) <= 150


@pytest.mark.parametrize("name", ["../../evil.wav", "..\\evil.wav", "", "a" * 500 + ".wav", ".wav", "x.w/v", "\0.wav"])
async def test_a_files_name_moves_nothing(page: Page, name: str) -> None:
    """Whatever the name, the bytes land in the studio's own folder."""
    status, _, _ = await page.ask("PUT", "api/recordings", params={"name": name}, data=recording(0.5))
    assert status == 200
    outside = [
        path
        for path in page.folder.parent.rglob("*")
        if path.is_file() and page.folder / ".recordings" not in path.parents
    ]
    assert outside == []


async def test_what_is_no_music_is_refused_and_forgotten(page: Page) -> None:
    """The refusal has a code and words, and no file is left."""
    status, said, _ = await page.ask("PUT", "api/recordings?name=notes.txt", data=b"This is not music.\n" * 99)
    assert (status, said["error"]["code"]) == (400, "media.decode")
    assert said["error"]["message"]
    assert not [path for path in page.folder.rglob("*") if path.is_file()]


async def test_a_preview_is_the_middle_of_the_song(page: Page) -> None:
    """At most thirty seconds, bit for bit the recording where no watermark is chosen."""
    data = recording(3)
    _, found, _ = await page.ask("PUT", "api/recordings?name=x.wav", data=data)
    status, heard, headers = await page.ask("GET", f"api/recordings/{found['id']}/preview")
    assert (status, headers["Content-Type"]) == (200, "audio/wav")
    with wave.open(io.BytesIO(heard)) as file:
        assert data.endswith(file.readframes(file.getnframes()))
        assert file.getnframes() == 3 * 44_100
    assert (await page.ask("GET", "api/recordings/none/preview"))[0] == 400


async def test_terms_are_worded_in_two_languages(page: Page) -> None:
    """The policy engine's own sentences come back, with what one play brings whom."""
    terms = {"price": "0.0100", "interval_s": 5, "share": 20, "plays": 3}
    status, said, _ = await page.ask("POST", "api/terms", json={"terms": terms, "seconds": 62, "artist": "Lamplight"})
    assert status == 200
    assert "3 of 3 plays" in said["words"]["en"]["left"]
    assert "3" in said["words"]["zh"]["left"]
    assert said["words"]["en"]["may"] != said["words"]["zh"]["may"]
    assert (said["intervals"], said["money"]["total"]["shown"]) == (12, "0.1200")
    assert said["money"]["listener"]["wei"] == str(12 * 2 * 10**15)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("api/terms", []),
        ("api/terms", {"terms": {"share": 101}}),
        ("api/terms", {"terms": {"share": "20"}}),
        ("api/terms", {"terms": {"price": "much"}}),
        ("api/terms", {"terms": {"payer": "you"}}),
        ("api/terms", {"terms": {}, "seconds": -1}),
        ("api/releases", {"recording": "none", "terms": {}}),
        ("api/releases/none/again", {}),
    ],
)
async def test_malformed_wishes_are_refused(page: Page, path: str, body: Any) -> None:
    """Every field is looked at; the answer names the code."""
    status, said, _ = await page.ask("POST", path, json=body)
    assert status == 400
    assert said["error"]["code"] in ("message.schema", "policy.malformed")


async def test_a_release_that_fails_says_so_and_can_go_on(page: Page) -> None:
    """Without a chain the song is made, the failure has its code, starting again keeps the song, and signing twice
    makes no second one.
    """
    _, found, _ = await page.ask("PUT", "api/recordings?name=x.wav", data=recording(1))
    status, begun, _ = await page.ask(
        "POST", "api/releases", json={"recording": found["id"], "title": "Tide", "terms": {}}
    )
    assert status == 202
    for _ in range(2):
        _, events, headers = await page.ask("GET", f"api/releases/{begun['id']}/events")
        assert headers["Content-Type"] == "text/event-stream"
        last = json.loads(events.decode().strip().split("\n\n")[-1].removeprefix("data: "))
        assert (last["step"], last["error"]["code"]) == ("contract", "chain.unreachable")
        song = (page.folder / "tide.sps").read_bytes()
        assert (await page.ask("POST", f"api/releases/{begun['id']}/again", json={}))[0] == 202
    assert (page.folder / "tide.sps").read_bytes() == song
    status, said, _ = await page.ask(
        "POST", "api/releases", json={"recording": found["id"], "title": "Tide", "terms": {}}
    )
    assert (status, said["error"]["code"]) == (400, "message.schema")


async def test_the_way_in_is_for_its_owner_alone(
    tmp_path: Path, deployment: Deployment, server: ServerInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The browser is given a file that only its owner may read, never the secret address itself.

    It is gone afterwards.
    """
    folder, opened = tmp_path / "songs", []
    folder.mkdir()

    def look(address: str) -> None:
        door = Path(urlsplit(address).path)
        opened.append((address, door.read_text(), door.stat().st_mode & 0o777))
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(web_command.webbrowser, "open", look)
    await web_command._serve(ReleaseSettings(OWNER_KEY, deployment, server, folder), 0, show=True)
    (address, page, mode), *more = opened
    assert more == []
    assert mode == 0o600
    assert "http://127.0.0.1:" in page
    assert address.startswith("file:")
    assert not (folder / "open-studio.html").exists()


async def test_a_mistake_of_ours_is_told_too(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody foresaw ends the release with words, and does not leave the page waiting."""

    async def broken(*_: Any) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(release_service, "release", broken)
    _, found, _ = await page.ask("PUT", "api/recordings?name=x.wav", data=recording(1))
    _, begun, _ = await page.ask("POST", "api/releases", json={"recording": found["id"], "title": "Tide", "terms": {}})
    _, events, _ = await page.ask("GET", f"api/releases/{begun['id']}/events")
    last = json.loads(events.decode().strip().split("\n\n")[-1].removeprefix("data: "))
    assert last["error"]["code"] == "internal"


async def test_closing_ends_what_runs(tmp_path: Path, deployment: Deployment, server: ServerInfo) -> None:
    """Ended in the middle of a conversion, the studio stops at once, who watches is let go, and no song has been left
    half made.
    """
    closing = ReleaseService(ReleaseSettings(OWNER_KEY, deployment, server, tmp_path / "songs"))
    piece = closing.open("long.wav")
    piece.path.write_bytes(recording(240))
    await closing.analyse(piece)
    begun = await closing.start({"recording": piece.id, "title": "Long", "terms": {}, "layers": []})
    seen = []
    async for state in closing.watch(begun.id):
        seen.append(state)
        if len(seen) == 3:
            await closing.close()
    assert seen[-1]["receipt"] is None
    assert not [path for path in (tmp_path / "songs").rglob("*") if path.is_file()]


@given(
    st.builds(
        dict,
        price=st.decimals(0, 100, places=4).map(str),
        interval_s=st.integers(1, 3600),
        share=st.integers(0, 100),
        payer=st.sampled_from(["station", "listener", "nobody"]),
        plays=st.integers(0, 1000),
        per=st.sampled_from(sorted(PER)),
        seek=st.booleans(),
        download=st.booleans(),
        wallet=st.booleans(),
        offline_h=st.integers(0, 720),
        preview_s=st.integers(0, 600),
        self_destruct=st.booleans(),
        days=st.integers(0, 36_500),
        stations=st.lists(st.from_regex(r"[a-z]{1,9}\.example", fullmatch=True), max_size=3, unique=True),
    )
)
def test_every_form_is_a_policy(value: dict[str, Any]) -> None:
    """Whatever the sliders say is a policy that reads back, divides the price without loss, and has words in both
    languages.
    """
    policy = TermsForm.read(value).policy()
    assert Policy.from_dict(policy.to_dict()).hash == policy.hash
    said = explain(policy, 200, 500, "Lamplight")
    money = {name: int(amount["wei"]) for name, amount in said["money"].items()}
    assert money["band"] + money["listener"] + money["platform"] == money["total"]
    assert all(said["words"][language]["may"] for language in ("en", "zh"))


@pytest.mark.parametrize(
    "value", [None, 1, [], {"plays": -1}, {"per": "year"}, {"stations": "*"}, {"stations": [1]}, {"seek": 1}]
)
def test_a_form_is_checked(value: Any) -> None:
    """Wrong types and ranges are refused, never guessed at."""
    with pytest.raises(GomaaError, match=r"message\.schema"):
        TermsForm.read(value)
