"""``gomaa station check``: what is wrong with a site is named, with what helps."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from click.testing import CliRunner

from chain import domain_proof
from pywallet import platform
from pywallet.hexes import to_hex
from pywallet.sps.container import MAGIC
from station.check import Line, check
from station.commands import station

KEY = b"\x01" * 32


@dataclass
class Site:
    """A site that does everything right but what a test changes."""

    headers: dict[str, str] = field(default_factory=dict)
    page: str = '<sps-player src="/songs/one.sps"></sps-player>'
    ranges: bool = True
    song: bytes = MAGIC + bytes(100)
    domain: str | None = None
    tickets: bool = True
    signer: bytes | None = KEY
    server: TestServer = field(init=False)

    async def lines(self) -> dict[str, Line]:
        """The check of its page, by name."""
        async with aiohttp.ClientSession() as session:
            return {line.name: line for line in await check(session, str(self.server.make_url("/")))}

    @property
    def netloc(self) -> str:
        """Host and port."""
        return f"{self.server.host}:{self.server.port}"

    def app(self) -> web.Application:
        """Its routes."""
        app = web.Application()
        app.router.add_get("/", self._page)
        app.router.add_get("/songs/one.sps", self._song)
        app.router.add_get("/.well-known/gomaa.json", self._record)
        app.router.add_post("/gomaa/tickets", self._ticket)
        app.router.add_get(domain_proof.PATH, self._proof)
        return app

    async def _page(self, _request: web.Request) -> web.Response:
        return web.Response(text=self.page, content_type="text/html", headers=self.headers)

    async def _song(self, request: web.Request) -> web.Response:
        part = request.http_range if self.ranges else None
        if part is None:
            return web.Response(body=self.song)
        body = self.song[part]
        head = {"Content-Range": f"bytes {part.start}-{part.start + len(body) - 1}/{len(self.song)}"}
        return web.Response(status=206, body=body, headers=head)

    async def _record(self, _request: web.Request) -> web.Response:
        record = {
            "station": to_hex(platform.address_of(KEY)),
            "name": "One",
            "domain": self.domain or self.netloc,
            "tickets": "/gomaa/tickets",
        }
        return web.json_response(record)

    async def _ticket(self, _request: web.Request) -> web.Response:
        if not self.tickets:
            raise web.HTTPBadGateway
        return web.json_response({"error": {"code": "message.schema", "message": "", "detail": {}}}, status=400)

    async def _proof(self, _request: web.Request) -> web.Response:
        if self.signer is None:
            raise web.HTTPNotFound
        return web.Response(body=domain_proof.make(self.signer, 31337, b"\x02" * 20, self.netloc), content_type="application/json")


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
        ({"headers": {"Content-Security-Policy": "default-src 'self'; sandbox allow-scripts"}}, "policy", "allow-same-origin"),
        ({"ranges": False}, "song", "byte ranges"),
        ({"song": b"<html>" + bytes(100)}, "song", "copy it again"),
        ({"domain": "elsewhere.example"}, "record", "station.toml"),
        ({"tickets": False}, "tickets", "POST"),
        ({"signer": None}, "proof", "apply-station"),
        ({"signer": b"\x05" * 32}, "proof", "apply-station"),
    ],
)
async def test_each_fault_fails_its_line_with_a_fix(site: Site, change: dict[str, object], name: str, words: str) -> None:
    """One thing wrong fails one line, and that line says what helps."""
    for key, value in change.items():
        setattr(site, key, value)
    lines = await site.lines()
    assert [line.name for line in lines.values() if not line.ok] == [name]
    assert words in lines[name].fix


async def test_a_strict_policy_is_no_fault(site: Site) -> None:
    """The player's frame comes from the extension: frame-src and default-src do not keep it out."""
    site.headers = {"Content-Security-Policy": "default-src 'none'; frame-src 'none'"}
    assert (await site.lines())["policy"].ok


async def test_a_file_elsewhere_must_be_open_to_other_sites(site: Site) -> None:
    """A song on another origin without Access-Control-Allow-Origin fails; the address of this machine by another name is another origin."""
    site.page = f'<audio data-sps="http://localhost:{site.server.port}/songs/one.sps"></audio>'
    lines = await site.lines()
    assert lines["song"].ok
    assert "Access-Control-Allow-Origin" in lines["cors"].fix


def test_nobody_there_is_said_and_exits_one() -> None:
    """A closed port: failing lines, JSON all the same, exit code 1; what is no address is refused as usage."""
    done = CliRunner().invoke(station, ["check", "http://127.0.0.1:9/", "--json"])
    told = json.loads(done.output)
    assert (done.exit_code, told["ok"]) == (1, False)
    assert {line["name"] for line in told["checks"] if not line["ok"]} >= {"page", "record", "tickets", "proof"}
    assert CliRunner().invoke(station, ["check", "radio.example"]).exit_code == 2
