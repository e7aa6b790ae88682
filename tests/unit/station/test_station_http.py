"""The station over HTTP: pages, headers, song files, records."""

from __future__ import annotations

import itertools
import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest

from pywallet.encoding.hex import to_hex
from station.pages.views import HERE, midnight_ms

VOID = {"meta", "link", "img", "br", "input", "rect", "circle", "path", "line"}


class Page(HTMLParser):
    """Reads a page strictly: every element is closed in order; collects what tests ask about."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute twice in {tag}"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1:] == [tag], f"</{tag}> out of order"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]


async def _page(world: Any, path: str, status: int = 200) -> Page:
    async with world.client.get(path) as response:
        assert response.status == status
        assert response.content_type == "text/html"
        return Page(await response.text())


@pytest.mark.parametrize(
    ("path", "status"),
    [("/", 200), ("/song/letters", 200), ("/embed", 200), ("/install", 200), ("/works", 200), ("/no", 404)],
)
async def test_pages_are_sound(world: Any, path: str, status: int) -> None:
    """Each page is well-formed, says its language, has one main and one h1, no heading level left out, and ids once."""
    page = await _page(world, path, status)
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("main")) == len(page.all("h1")) == len(page.all("title")) == 1
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(levels))
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    labels = {attrs["aria-labelledby"] for _, attrs in page.elements if "aria-labelledby" in attrs}
    assert labels <= set(ids)


@pytest.mark.parametrize("path", ["/", "/song/letters", "/embed", "/install", "/works", "/no"])
async def test_pages_need_nothing_from_outside(world: Any, path: str) -> None:
    """No inline style or script, no handler, and every resource is the station's own."""
    page = await _page(world, path, 404 if path == "/no" else 200)
    assert not [attrs for _, attrs in page.elements if "style" in attrs or any(name.startswith("on") for name in attrs)]
    assert not page.all("style")
    assert all(script.get("src", "").startswith("/static/") for script in page.all("script"))
    for tag in ("img", "link", "script", "sps-player"):
        for attrs in page.all(tag):
            source = attrs.get("src") or attrs.get("href") or ""
            assert re.match("/[a-z]", source), source
    for style in (HERE / "static").glob("*.css"):
        assert "//" not in re.sub(r"/\*.*?\*/", "", style.read_text(), flags=re.S)


async def test_strict_policy_on_every_answer(world: Any) -> None:
    """Pages, errors and files alike forbid inline code, foreign sources and framing."""
    for path in ("/", "/no", "/gomaa/account", "/.well-known/gomaa.json", "/songs/letters.sps", "/static/station.css"):
        async with world.client.get(path) as response:
            policy = dict(part.split(" ", 1) for part in response.headers["Content-Security-Policy"].split("; "))
            assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
            assert policy["script-src"] == policy["style-src"] == "'self'"
            assert "unsafe" not in str(policy)
            assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_player_and_its_fallback(world: Any) -> None:
    """The page embeds one player.

    Its children give title, artist and what to install, for those without the extension.
    """
    async with world.client.get("/song/letters") as response:
        text = await response.text()
    page = Page(text)
    assert [attrs["src"] for attrs in page.all("sps-player")] == ["/songs/letters.sps"]
    inside = Page(re.search(r"<sps-player[^>]*>.*</sps-player>", text, re.S).group(0)).text
    assert "Letters <for> the & Lighthouse" in inside
    assert "Ottilie Wrenfield" in inside
    assert "Install GoMAA to listen and collect" in inside
    assert "0.0020 GoMAA for every 30 s" in inside


async def test_catalogue_works_without_script(world: Any) -> None:
    """Every song is a link to its own page, says what it earns, and exactly the one in the player is current."""
    page = await _page(world, "/song/letters")
    links = [attrs for attrs in page.all("a") if "data-song" in attrs]
    assert {link["href"] for link in links} == {"/song/letters", "/song/slow-tide"}
    assert [link["data-song"] for link in links if "aria-current" in link] == ["letters"]
    assert page.text.count("earns 0.0020/30 s") == 2


async def test_only_what_happened_is_shown(world: Any) -> None:
    """A quiet station says so; after a ticket the page shows that play and the count."""
    assert "Nothing has played yet today" in (await _page(world, "/")).text
    world.chain.now = midnight_ms() + 1000
    await world.ticket("letters", world.session(not_before=0, not_after=1 << 40))
    page = await _page(world, "/")
    assert "1 play today" in page.text
    assert "Played today" in page.text


async def test_page_loads_without_chain_and_server(world: Any) -> None:
    """With everything else down, the page and the songs are still there."""
    world.chain.down = True
    world.server.status = 500
    await _page(world, "/")
    async with world.client.get("/songs/letters.sps") as response:
        assert response.status == 200


async def test_empty_shelf_is_said(world: Any) -> None:
    """A station without songs has a page that explains it."""
    for path in world.config.catalogue.glob("*.sps"):
        path.unlink()
    world.station.catalogue.refresh()
    page = await _page(world, "/")
    assert "The shelf is empty" in page.text
    assert page.all("sps-player") == []


async def test_new_files_appear(world: Any, write_song: Any) -> None:
    """A file put on the shelf is in the catalogue after a look; a damaged one is left out and named to the operator."""
    write_song(world.config.catalogue / "third.sps", title="Third", artist="Band", seed=3)
    (world.config.catalogue / "broken.sps").write_bytes(b"not an SPS file")
    assert world.station.catalogue.refresh()
    assert not world.station.catalogue.refresh()
    assert "Third" in (await _page(world, "/")).text
    assert set(world.station.catalogue.problems) == {"broken.sps"}


async def test_embedding_is_five_lines(world: Any) -> None:
    """The documentation shows a snippet of five lines that is itself a sound page."""
    async with world.client.get("/embed") as response:
        text = await response.text()
    shown = re.search(r'<code id="snippet">(.*?)</code>', text, re.S).group(1)
    snippet = Page(f"<pre>{shown}</pre>").text
    assert len(snippet.splitlines()) == 5
    assert (
        Page(snippet.removeprefix("<!doctype html>"))
        .all("sps-player")[0]["src"]
        .startswith("http://127.0.0.1:8080/songs/")
    )


async def test_song_by_range(world: Any) -> None:
    """A range gives those bytes.

    The whole file comes with a strong tag, is asked for again, and any site may read it.
    """
    data = (world.config.catalogue / "letters.sps").read_bytes()
    async with world.client.get("/songs/letters.sps") as response:
        assert (response.status, await response.read()) == (200, data)
        tag = response.headers["ETag"]
        assert re.fullmatch(r'"[^"]+"', tag)
        assert response.headers["Cache-Control"] == "no-cache"
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert {"Content-Range", "ETag"} <= set(response.headers["Access-Control-Expose-Headers"].split(", "))
    for header, first, last in (
        ("bytes=0-7", 0, 7),
        ("bytes=10-", 10, len(data) - 1),
        ("bytes=-5", len(data) - 5, len(data) - 1),
    ):
        async with world.client.get("/songs/letters.sps", headers={"Range": header}) as response:
            assert (response.status, await response.read()) == (206, data[first : last + 1])
            assert response.headers["Content-Range"] == f"bytes {first}-{last}/{len(data)}"
    async with world.client.get("/songs/letters.sps", headers={"Range": f"bytes={len(data)}-"}) as response:
        assert response.status == 416
    async with world.client.get("/songs/letters.sps", headers={"If-None-Match": tag}) as response:
        assert response.status == 304


async def test_what_has_a_plain_name_is_asked_for_again(world: Any) -> None:
    """Pages, covers, records and static files have a tag, are kept by no cache without asking, and come once."""
    for path in ("/", "/song/letters", "/embed"):
        async with world.client.get(path) as response:
            assert (response.status, response.headers["Cache-Control"]) == (200, "no-cache")
            assert response.headers["ETag"]
    cover = f"/art/{to_hex(world.songs['letters'])}.svg"
    for path in ("/install", cover, "/static/lamplight.css", "/static/station.js", "/songs/letters.sps"):
        async with world.client.get(path) as response:
            assert response.status == 200, path
            assert response.headers["Cache-Control"] == "no-cache", path
            tag = response.headers["ETag"]
        async with world.client.get(path, headers={"If-None-Match": f"W/{tag}"}) as response:
            assert (response.status, response.headers["Cache-Control"], await response.read()) == (
                304,
                "no-cache",
                b"",
            ), path
        async with world.client.get(path, headers={"If-None-Match": '"other"'}) as response:
            assert response.status == 200, path
    for path in ("/.well-known/gomaa.json", "/gomaa/songs/letters/similar"):
        async with world.client.get(path) as response:
            assert response.headers["Cache-Control"] == "no-store"


async def test_a_song_made_anew_under_its_name_is_another_file(world: Any) -> None:
    """A listener who returns with the old tag gets the new file, and a range of the old one is not continued."""
    file = world.config.catalogue / "letters.sps"
    old = file.read_bytes()
    async with world.client.get("/songs/letters.sps") as response:
        tag = response.headers["ETag"]
    # The same size: time and size tell versions apart, to the nanosecond.
    file.write_bytes(old[::-1])
    async with world.client.get("/songs/letters.sps", headers={"If-None-Match": tag}) as response:
        assert (response.status, await response.read()) == (200, old[::-1])
    async with world.client.get("/songs/letters.sps", headers={"Range": "bytes=8-15", "If-Range": tag}) as response:
        assert (response.status, await response.read()) == (200, old[::-1])


async def test_range_of_another_version_gives_the_whole(world: Any) -> None:
    """If-Range with this tag gives the range; with another, the whole file, so that versions never mix."""
    async with world.client.head("/songs/letters.sps") as response:
        tag, size = response.headers["ETag"], int(response.headers["Content-Length"])
    for condition, status, length in ((tag, 206, 8), ('"other"', 200, size), (f"W/{tag}", 200, size)):
        async with world.client.get(
            "/songs/letters.sps", headers={"Range": "bytes=0-7", "If-Range": condition}
        ) as response:
            assert (response.status, len(await response.read())) == (status, length)


@pytest.mark.parametrize(
    "path",
    [
        "/songs/../station.key",
        "/songs/..%2fstation.key",
        "/songs/%2e%2e/station.key",
        "/songs/....//station.key.sps",
        "/songs/..%2f..%2fetc%2fpasswd.sps",
        "/songs/%00.sps",
        "/songs/hidden.sps",
        "/songs/letters.sps/",
        "/songs/letters",
        "/songs/letters.sps.key",
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e/%2e%2e/pyproject.toml",
        "/song/..%2f..%2fx",
        "/art/0x0000000000000000000000000000000000000000.svg",
        "/art/..svg",
    ],
)
async def test_only_the_catalogue_is_served(world: Any, path: str) -> None:
    """No path leads to a file that is not a song on the shelf."""
    (world.config.catalogue / "letters.sps.key").write_text("secret")
    from yarl import URL

    async with world.client.get(URL(path, encoded=True)) as response:
        assert response.status in (403, 404)
        assert "secret" not in await response.text()


async def test_cover_is_served(world: Any) -> None:
    """Each song has a cover at its content address, as an image that can do nothing."""
    async with world.client.get(f"/art/{to_hex(world.songs['letters'])}.svg") as response:
        assert response.content_type == "image/svg+xml"
        assert response.headers["Content-Security-Policy"] == "default-src 'none'"
        assert ElementTree.fromstring(await response.text()).tag.endswith("svg")


async def test_station_record(world: Any) -> None:
    """The well-known record names the station, its domain, where tickets are, and its servers."""
    async with world.client.get("/.well-known/gomaa.json") as response:
        assert response.headers["Cache-Control"] == "no-store"
        assert await response.json() == {
            "station": to_hex(world.station.address),
            "name": "Harbour Radio",
            "domain": "127.0.0.1:8080",
            "tickets": "/gomaa/tickets",
            "points": "/gomaa/points",
            "passages": "/gomaa/passages/",
            "servers": [to_hex(server) for server in world.chain.urls],
        }


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer wrong", "Basic operator", "operator", "Bearer operator2"])
async def test_account_is_the_operators(world: Any, header: str | None) -> None:
    """Without the admin token there is no account."""
    async with world.client.get(
        "/gomaa/account", headers={} if header is None else {"Authorization": header}
    ) as response:
        assert response.status == 401
        assert (await response.json())["error"]["code"] == "message.denied"


async def test_account_with_the_chain_down(world: Any) -> None:
    """The operator still sees the books, and why the rest is missing."""
    await world.ticket()
    world.chain.down = True
    async with world.client.get("/gomaa/account", headers={"Authorization": "Bearer operator"}) as response:
        assert response.status == 200
        view = (await response.json())["servers"][0]
    assert view["problem"]["code"] == "chain.unreachable"
    assert view["signed_wei"] == "0"
