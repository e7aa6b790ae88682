"""``gomaa station check``: what is wrong with a site is named, with what helps."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.test_utils import TestServer
from click.testing import CliRunner
from msgspec import Struct

from chain import domain_proof
from pywallet import crypto
from pywallet.encoding.hex import to_hex
from pywallet.sps.container import MAGIC
from station.api.responses import body
from station.commands import station
from station.site_check.check import check
from station.site_check.report import CheckResult

KEY = b"\x01" * 32
VECTORS = Path(__file__).parents[2] / "vectors" / "delivery"
SERVERS = json.loads((VECTORS / "servers.json").read_text(encoding="utf-8"))
PLAYER = '<sps-player src="/songs/one.sps"></sps-player>'


class Nothing(Struct):
    """An empty object."""


@dataclass
class Site:
    """A site that does everything right but what a test changes."""

    headers: dict[str, str] = field(default_factory=dict)
    page: str = PLAYER
    pieces: list[bytes] | None = None
    """The page, sent piece by piece."""
    lists: dict[str, str] = field(default_factory=dict)
    cache: str = "no-cache"
    answer: dict[str, Any] | None = None
    """The answer to a request for the song, of the vectors."""
    ranges: bool = True
    song: bytes = MAGIC + bytes(100)
    domain: str | None = None
    tickets: bool = True
    record: str | None = None
    """The record as text."""
    signer: bytes | None = KEY
    server: TestServer = field(init=False)

    async def lines(self, path: str = "/") -> dict[str, CheckResult]:
        """The check of its page, by name."""
        async with aiohttp.ClientSession() as session:
            return {line.name: line for line in await check(session, str(self.server.make_url(path)))}

    @property
    def netloc(self) -> str:
        """Host and port."""
        return f"{self.server.host}:{self.server.port}"

    def app(self) -> web.Application:
        """Its routes."""
        app = web.Application()
        app.router.add_get("/", self._page)
        app.router.add_get("/moved", self._moved)
        app.router.add_get("/shows/tonight", self._page)
        app.router.add_get("/lists/{name}", self._list)
        app.router.add_get("/songs/one.sps", self._song)
        app.router.add_get("/moved/song.sps", self._planned)
        app.router.add_get("/.well-known/gomaa.json", self._record)
        app.router.add_get("/gomaa/tickets", self._ticket)
        app.router.add_get(domain_proof.PATH, self._proof)
        return app

    async def _page(self, request: web.Request) -> web.StreamResponse:
        if self.pieces is None:
            return web.Response(text=self.page, content_type="text/html", headers=self.headers)
        response = web.StreamResponse(headers={"Content-Type": "text/html", **self.headers})
        await response.prepare(request)
        for piece in self.pieces:
            await response.write(piece)
            # The reader gets what is there before the next piece comes.
            for _ in range(20):
                await asyncio.sleep(0)
        return response

    async def _moved(self, _request: web.Request) -> web.Response:
        raise web.HTTPFound("/shows/tonight")

    async def _list(self, request: web.Request) -> web.Response:
        return web.Response(text=self.lists[request.match_info["name"]])

    async def _song(self, request: web.Request) -> web.Response:
        if self.answer is not None:
            if self.answer.get("redirect"):
                raise web.HTTPFound("/moved/song.sps")
            return await self._planned(request)
        part = request.http_range if self.ranges else None
        if part is None:
            return web.Response(body=self.song)
        body = self.song[part]
        head = {
            "Content-Range": f"bytes {part.start}-{part.start + len(body) - 1}/{len(self.song)}",
            "Cache-Control": self.cache,
        }
        return web.Response(status=206, body=body, headers=head)

    async def _planned(self, request: web.Request) -> web.Response:
        """An answer of the vectors: tests/unit/extension/servers.test.mjs makes the same ones."""
        plan = self.answer or {}
        whole = (MAGIC + bytes(SERVERS["size"]))[: plan.get("size", SERVERS["size"])]
        asked = request.http_range
        send = plan.get("send", [0, 0])
        first, end = (
            (0, len(whole))
            if send == "all"
            else (asked.start, min(asked.stop, len(whole)))
            if send == "asked"
            else send
        )
        end = min(end, first + plan.get("cap", end))
        body, headers = whole[first:end], {}
        total = "*" if plan.get("range") == "star" else str(len(whole))
        named = plan.get("range", "true")
        named = f"bytes {first}-{end - 1}/{total}" if named in ("true", "star") else named
        if plan.get("encoding") == "gzip":
            body, headers["Content-Encoding"] = gzip.compress(body, 1), "gzip"
        if plan.get("multipart"):
            headers["Content-Type"] = "multipart/byteranges; boundary=edge"
        elif plan["status"] in (206, 416) and named != "none":
            headers["Content-Range"] = named
        return web.Response(status=plan["status"], body=body, headers=headers)

    async def _record(self, _request: web.Request) -> web.Response:
        if self.record is not None:
            return web.Response(text=self.record, content_type="application/json")
        record = {
            "station": to_hex(crypto.address_of(KEY)),
            "name": "One",
            "domain": self.domain or self.netloc,
            "tickets": "/gomaa/tickets",
        }
        return web.json_response(record)

    async def _ticket(self, request: web.Request) -> web.Response:
        if not self.tickets:
            raise web.HTTPBadGateway
        assert await body(request, Nothing) == Nothing()
        return web.json_response({"error": {"code": "message.schema", "message": "", "detail": {}}}, status=400)

    async def _proof(self, _request: web.Request) -> web.Response:
        if self.signer is None:
            raise web.HTTPNotFound
        return web.Response(
            body=domain_proof.make(self.signer, 31337, b"\x02" * 20, self.netloc), content_type="application/json"
        )


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """A site on this machine."""
    made = Site()
    made.server = TestServer(made.app())
    await made.server.start_server()
    yield made
    await made.server.close()


async def test_a_site_that_works_has_no_failing_line(site: Site) -> None:
    """Everything right: every line is good and offers no fix."""
    lines = await site.lines()
    assert list(lines) == ["page", "policy", "song", "cors", "record", "tickets", "proof"]
    assert [(line.name, line.message) for line in lines.values() if not line.ok or line.fix] == []


@pytest.mark.parametrize(
    ("change", "name", "words"),
    [
        ({"page": "<p>No song</p>"}, "page", "sps-player"),
        (
            {"headers": {"Content-Security-Policy": "default-src 'self'; sandbox allow-scripts"}},
            "policy",
            "allow-same-origin",
        ),
        ({"ranges": False}, "song", "byte ranges"),
        ({"song": b"<html>" + bytes(100)}, "song", "copy it again"),
        ({"song": b"<!doctype html>" + bytes(1000)}, "song", "copy it again"),
        ({"cache": "public, max-age=31536000, immutable"}, "song", "no-cache"),
        ({"headers": {"Content-Security-Policy": "sandbox allow-same-origin"}}, "policy", "allow-scripts"),
        ({"page": '<a href="/songs/one.sps">One</a>'}, "page", "sps-player"),
        ({"page": "<p>" + "a" * (8 << 20) + PLAYER}, "page", "nearer"),
        ({"page": '<sps-player playlist="/lists/a"></sps-player>', "lists": {"a": "{}"}}, "page", "JSPF"),
        ({"page": f'{PLAYER}<audio data-sps="/songs/two.sps"></audio>'}, "song", "/songs/two.sps"),
        ({"domain": "elsewhere.example"}, "record", "station.toml"),
        ({"tickets": False}, "tickets", "GET"),
        ({"answer": {"redirect": True}}, "song", "where the file lies"),
        ({"signer": None}, "proof", "apply-station"),
        ({"signer": b"\x05" * 32}, "proof", "apply-station"),
    ],
)
async def test_each_fault_fails_its_line_with_a_fix(
    site: Site, change: dict[str, object], name: str, words: str
) -> None:
    """One thing wrong fails one line, and that line says what helps."""
    for key, value in change.items():
        setattr(site, key, value)
    lines = await site.lines()
    assert [line.name for line in lines.values() if not line.ok] == [name]
    assert words in lines[name].fix


class Public(AbstractResolver):
    """Every name is this machine's."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """See AbstractResolver."""
        return [
            ResolveResult(
                hostname=host, host="127.0.0.1", port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST
            )
        ]

    async def close(self) -> None:
        """See AbstractResolver."""


@pytest.mark.parametrize(
    ("host", "good"), [("127.0.0.1", False), ("0x7f.1", False), ("nas.lan", False), ("cdn.example", True)]
)
async def test_a_song_that_visitors_cannot_reach_is_named(site: Site, host: str, good: bool) -> None:
    """The player asks for nothing further inside than the page, so neither does the check.

    On this machine everything is reached.
    """
    site.page = f'<sps-player src="http://{host}:{site.server.port}/songs/one.sps"></sps-player>'
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=Public())) as session:
        lines = {line.name: line for line in await check(session, f"http://public.example:{site.server.port}/")}
    assert lines["page"].ok
    assert lines["song"].ok == good
    assert good or "visitors can reach" in lines["song"].fix


@pytest.mark.parametrize(
    ("record", "name"),
    [("[" * 200_000, "record"), ('{"tickets": "//elsewhere.example/t"}', "record"), ("{}", "record")],
)
async def test_a_record_without_sense_fails_its_line(site: Site, record: str, name: str) -> None:
    """Deep nesting and tickets of another site are said; nothing ends the check."""
    site.record = record
    lines = await site.lines()
    assert not lines[name].ok
    assert lines["song"].ok


async def test_a_strict_policy_is_no_fault(site: Site) -> None:
    """The player's frame comes from the extension: frame-src and default-src do not keep it out."""
    site.headers = {"Content-Security-Policy": "default-src 'none'; frame-src 'none'"}
    assert (await site.lines())["policy"].ok


async def test_a_file_elsewhere_must_be_open_to_other_sites(site: Site) -> None:
    """A song on another origin without Access-Control-Allow-Origin fails.

    The address of this machine by another name is another origin.
    """
    site.page = f'<audio data-sps="http://localhost:{site.server.port}/songs/one.sps"></audio>'
    lines = await site.lines()
    assert lines["song"].ok
    assert "Access-Control-Allow-Origin" in lines["cors"].fix


@pytest.mark.parametrize("case", SERVERS["servers"], ids=lambda case: case["name"])
async def test_a_server_of_the_vectors_is_judged_by_its_first_answer(site: Site, case: dict[str, Any]) -> None:
    """What the extension has to work around is said, with what helps."""
    site.answer = case["answers"][0]
    line = (await site.lines())["song"]
    assert (
        (line.ok, line.fix) == (True, "")
        if case["check"] is True
        else case["check"] in line.message + line.fix and not line.ok
    )


@pytest.mark.parametrize("cut", [1, 17, len(PLAYER) - 3])
async def test_a_page_that_comes_in_pieces_is_read_to_its_end(site: Site, cut: int) -> None:
    """Also compressed: what has come first is not all."""
    page = ("<p>before</p>" * 2000 + PLAYER).encode()
    at = len(page) - cut
    site.pieces = [page[:100], page[100:at], page[at:]]
    assert (await site.lines())["page"].ok
    packed = gzip.compress(page)
    site.pieces, site.headers = [packed[:10], packed[10:-cut], packed[-cut:]], {"Content-Encoding": "gzip"}
    assert (await site.lines())["page"].ok


async def test_a_redirected_page_is_judged_where_it_lies(site: Site) -> None:
    """Relative addresses are relative to the address that answered."""
    site.page = '<sps-player src="../songs/one.sps"></sps-player>'
    lines = await site.lines("/moved")
    assert [line for line in lines.values() if not line.ok] == []
    assert lines["page"].message.endswith(f"{site.netloc}/songs/one.sps")


async def test_a_base_with_a_host_is_followed(site: Site) -> None:
    """The song lies where the base says, and that host has to let the page's site read it."""
    site.page = f'<base href="http://localhost:{site.server.port}/songs/"><sps-player src="one.sps"></sps-player>'
    lines = await site.lines()
    assert lines["song"].ok
    assert not lines["cors"].ok


async def test_children_and_lists_are_songs(site: Site) -> None:
    """What the extension plays is looked at."""
    children = '<source src="/songs/one.sps"><source src="songs/one.sps#again">'
    site.page = f'<sps-player>{children}</sps-player><sps-player playlist="lists/a"></sps-player>'
    site.lists = {"a": json.dumps({"playlist": {"track": [{"location": ["../songs/one.sps"]}]}})}
    lines = await site.lines()
    assert [line for line in lines.values() if not line.ok] == []
    assert lines["page"].message.startswith("2 song(s) in 1 list(s)")


@pytest.mark.parametrize("embedder", ["require-corp", "credentialless", 'require-corp; report-to="a"'])
async def test_an_isolated_page_lets_the_player_in_and_is_named(site: Site, embedder: str) -> None:
    """The extension's pages carry the headers that such a page asks for."""
    site.headers = {"Cross-Origin-Embedder-Policy": embedder, "Cross-Origin-Opener-Policy": "same-origin"}
    line = (await site.lines())["policy"]
    assert line.ok
    assert embedder.split(";")[0] in line.message


def test_nobody_there_is_said_and_exits_one() -> None:
    """A closed port: failing lines, JSON all the same, exit code 1; what is no address is refused as usage."""
    done = CliRunner().invoke(station, ["check", "http://127.0.0.1:9/", "--json"])
    told = json.loads(done.output)
    assert (done.exit_code, told["ok"]) == (1, False)
    assert {line["name"] for line in told["checks"] if not line["ok"]} >= {"page", "record", "tickets", "proof"}
    assert CliRunner().invoke(station, ["check", "radio.example"]).exit_code == 2
