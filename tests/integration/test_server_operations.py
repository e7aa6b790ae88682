"""Metrics, readiness, quotas, the operator's page and the drain of a running security server."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import io
import json
import logging
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest
from aiohttp import web
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families

from demo.waiting import TIMEOUT_S
from pywallet.crypto import address_of
from pywallet.errors import GomaaError
from pywallet.protocol import Session, Signed, Ticket, digest
from pywallet.redacted_logs import JsonFormatter
from security_server.api.app import OPERATOR, create_app
from security_server.commands import server
from security_server.db.refusal_counts import count_refusal
from security_server.db.writer import Store
from tests.integration.server_client import HostClient
from tests.integration.server_world import World, make_world

CONTENT_POLICY: Final = "default-src 'none'; style-src 'self'"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A deployed chain, no server."""
    async with make_world(tmp_path) as made:
        yield made


@asynccontextmanager
async def operated(world: World, **changes: Any) -> AsyncIterator[str]:
    """The server with its operator's listener in this process; its URL."""
    app = await create_app(world.config(**changes))
    runners = [web.AppRunner(app), web.AppRunner(app[OPERATOR])]
    urls = []
    try:
        for runner in runners:
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            urls.append(f"http://127.0.0.1:{runner.addresses[0][1]}")
        world.url = urls[0]
        yield urls[1]
    finally:
        for runner in reversed(runners):
            await runner.cleanup()


async def play(world: World, host: HostClient) -> tuple[Signed[Session], Signed[Ticket]]:
    """A published song that one listener plays, with one interval heard."""
    song = await world.publish()
    now_ms = await world.now_ms()
    await host.hello(now_ms)
    session = world.session(address_of(host.device_key), now_ms // 1000)
    ticket = world.ticket(song, session, now_ms // 1000)
    await host.open(session, ticket)
    await host.grant(host.invocation(ticket, "play", 0, now_ms))
    return session, ticket


def identifiers(world: World, session: Signed[Session], ticket: Signed[Ticket]) -> set[str]:
    """Everything in a log or metric that would tell who listens, or that is secret; hexadecimal and as text."""
    domain, message = world.deployment.domain, session.message
    keys = dataclasses.asdict(world.keys)
    raw = [
        *(message.listener, message.device, message.payee, session.signature, ticket.signature),
        *(digest(message, domain), digest(ticket.message, domain)),
        *(keys[name] for name in ("signing", "exchange", "master", "relayer")),
    ]
    return {each.hex() for each in raw} | {base64.b64encode(each).decode() for each in raw} | {world.keys.admin}


async def text_of(http: aiohttp.ClientSession, url: str, **headers: str) -> tuple[int, str]:
    """Status and body of a request."""
    async with http.get(url, headers=headers) as answer:
        return answer.status, await answer.text()


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Values of metrics by name and labels, in the order of the labels' names."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_metrics_and_page_show_the_server_and_no_listener(world: World) -> None:
    """An operator would be blind, or a listener would be named."""
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        async with operated(world) as operator, world.host() as host:
            session, ticket = await play(world, host)
            with pytest.raises(GomaaError):
                await host.ask("lease", ticket="0x" + "11" * 32, first=0, count=1, key="A" * 43 + "=")
            with pytest.raises(GomaaError):
                await world.call("GET", "/v1/nothing")
            now_ms = await world.travel(4)
            await host.report(host.invocation(ticket, "renew", 4_000, now_ms))
            metrics = (await text_of(world.http, f"{operator}/metrics"))[1]
            page = (await text_of(world.http, f"{operator}/"))[1]
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    found, station = samples(metrics), "0x" + world.station.hex()
    assert found["gomaa_server_requests_total", "ok", "open"] == 1
    assert found["gomaa_server_requests_total", "ticket.missing", "lease"] == 1
    assert found["gomaa_server_requests_total", "message.schema", "unknown"] == 1
    assert found["gomaa_server_request_duration_seconds_count", "grant"] == 1
    assert found["gomaa_server_commit_group_size_sum",] >= found["gomaa_server_commit_duration_seconds_count",] > 0
    assert found["gomaa_server_hosts_connected",] == 1
    assert found["gomaa_server_ready",] == 1
    assert found["gomaa_server_station_owed_intervals", station] == 2
    assert found["gomaa_server_station_escrow_wei", station] > 0
    assert "/v1/host" not in metrics, "a connection is no request"
    assert "<td>2</td>" in page
    assert "radio.example" in page
    logged = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert any(line["logger"] == "gomaa.server" for line in logged)
    for name in identifiers(world, session, ticket):
        for text in (metrics, page, lines.getvalue()):
            assert name not in text, name


async def test_the_operators_listener_asks_others_for_the_token(world: World) -> None:
    """A page of another site that resolves its name to this machine, or a client behind a proxy, would read it."""
    async with operated(world) as operator:
        token = base64.b64encode(f"admin:{world.keys.admin}".encode()).decode()
        wanted = [
            ({}, 200),
            ({"Host": "site.example"}, 401),
            ({"X-Forwarded-For": "198.51.100.7"}, 401),
            ({"Host": "site.example", "Authorization": f"Bearer {world.keys.admin}"}, 200),
            ({"Host": "site.example", "Authorization": f"Basic {token}"}, 200),
            ({"Host": "site.example", "Authorization": "Basic ???"}, 401),
            ({"Host": "site.example", "Authorization": "Bearer wrong"}, 401),
        ]
        for path in ("/", "/metrics"):
            for headers, status in wanted:
                assert (await text_of(world.http, operator + path, **headers))[0] == status, headers
        async with world.http.get(operator) as answer:
            assert answer.headers["Content-Security-Policy"].startswith(CONTENT_POLICY)
            body = await answer.text()
        assert "<script" not in body
        assert "style=" not in body
        for path in ("/metrics", "/operator.css"):
            with pytest.raises(GomaaError):
                await world.call("GET", path)


async def test_readiness_names_what_is_missing(world: World) -> None:
    """A load balancer would send hosts to a server that refuses them."""
    async with world.server() as parts:
        assert "version" in await world.call("GET", "/v1/ready")
        parts.agreement.differs(7)
        async with world.http.get(f"{world.url}/v1/ready") as answer:
            error = (await answer.json())["error"]
            assert (answer.status, error["code"]) == (503, "server.unready")
            assert error["detail"]["missing"] == "agreement with the chain"
        assert "version" in await world.call("GET", "/v1/health")


async def test_a_station_has_a_quota_of_plays_and_requests(world: World) -> None:
    """One station's listeners would take all of the server."""
    async with world.server(plays_per_station=1, requests_per_minute_station=3), world.host() as host:
        session, ticket = await play(world, host)
        song, now_ms = await world.publish(name="second"), await world.now_ms()
        second = world.ticket(song, session, now_ms // 1000)
        with pytest.raises(GomaaError) as full:
            await host.open(session, second)
        assert (full.value.code, full.value.detail["retry_after"]) == ("server.busy", 10)
        await host.open(session, ticket)
        await host.report(host.invocation(ticket, "stop", 0, now_ms))
        await host.open(session, second)
        await host.report(host.invocation(second, "play", 0, now_ms))
        with pytest.raises(GomaaError) as often:
            await host.report(host.invocation(second, "renew", 1, now_ms))
        assert often.value.code == "server.busy"


async def test_plays_wait_while_the_database_has_too_much_to_do(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests would wait until their hosts have given up, and settlement with them."""
    wait_s = [0.0]
    monkeypatch.setattr(Store, "wait_s", lambda _store: wait_s[0])
    async with world.server(), world.host() as host:
        session, ticket = await play(world, host)
        now_ms = await world.now_ms()
        wait_s[0] = 1.5
        renewal = host.invocation(ticket, "renew", 0, now_ms)
        for refused in (host.open(session, ticket), host.grant(renewal), host.report(renewal)):
            with pytest.raises(GomaaError) as busy:
                await refused
            assert (busy.value.code, busy.value.detail["retry_after"]) == ("server.busy", 1)
        # Settlement goes on.
        await world.statement()
        wait_s[0] = 0.0
        await host.report(renewal)


async def test_old_rows_are_deleted_with_the_server_stopped(world: World) -> None:
    """An operator who shortens ``keep_days`` would wait for the background task, and the file would stay as long."""
    async with world.server() as parts, world.host() as host:
        await play(world, host)
        await parts.store.run(lambda connection: count_refusal(connection, 0, "ticket", "ticket.used"))
    config = world.folder / "server.toml"
    config.write_text('deployment = "deployment.json"\nkeys = "keys.json"\ndatabase = "server.sqlite3"\n')
    arguments = ["prune", "--compact", "--config", str(config)]
    outcome = await asyncio.to_thread(CliRunner().invoke, server, arguments)
    found = json.loads(outcome.output)
    assert found["deleted"] == 1, "the day of the refusal is long over, the play is of today"
    assert 0 < found["bytes_after"] <= found["bytes_before"]


class Process:
    """The server as a process of its own, with its log."""

    def __init__(self, world: World, drain_s: int) -> None:
        self._world, self._drain_s = world, drain_s
        self.operator = ""

    async def __aenter__(self) -> Process:
        config = self._world.folder / "server.toml"
        config.write_text(
            'deployment = "deployment.json"\nkeys = "keys.json"\ndatabase = "server.sqlite3"\nport = 0\n'
            f'operator_port = 0\nlog_format = "json"\nauto_close = false\ndrain_s = {self._drain_s}\n'
        )
        arguments = (sys.executable, "-m", "gomaa", "server", "run", "--config", str(config))
        pipes = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.PIPE}
        self._process = await asyncio.create_subprocess_exec(*arguments, **pipes)  # type: ignore[arg-type]
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), TIMEOUT_S)
        started = json.loads(line)
        self._world.url, self.operator = started["listening"], started["operator"]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def stop(self) -> None:
        """Send SIGTERM."""
        self._process.send_signal(signal.SIGTERM)

    async def ended(self) -> tuple[int, list[str]]:
        """Wait for its end; exit status, and lines of its log."""
        assert self._process.stderr is not None
        text = (await asyncio.wait_for(self._process.stderr.read(), TIMEOUT_S)).decode()
        return await self._process.wait(), text.splitlines()


@pytest.fixture
async def real_time(tmp_path: Path) -> AsyncIterator[World]:
    """A deployed chain that runs on this machine's clock."""
    async with make_world(tmp_path, real_time=True) as made:
        yield made


async def test_a_signal_drains_the_server(real_time: World) -> None:
    """A host would lose its connection without notice, or the server would take plays until its end."""
    world = real_time
    async with Process(world, drain_s=600) as process:
        async with world.host() as host, world.host("later") as later, world.host("silent") as silent:
            session, ticket = await play(world, host)
            now_ms = await world.now_ms()
            await later.hello(now_ms)
            process.stop()
            await asyncio.gather(host.event("draining"), later.event("draining"))
            await silent.hello(now_ms)
            await silent.event("draining")
            for url in (f"{world.url}/v1/ready", f"{process.operator}/v1/ready"):
                status, body = await text_of(world.http, url)
                assert (status, json.loads(body)["error"]["detail"]["missing"]) == (503, "draining")
            assert (await text_of(world.http, f"{world.url}/v1/health"))[0] == 200
            assert samples((await text_of(world.http, f"{process.operator}/metrics"))[1])["gomaa_server_draining",] == 1
            assert (await text_of(world.http, f"{world.url}/v1/info"))[0] == 503
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                async with world.host("new"):
                    pass
            assert refused.value.status == 503
            # What a host has sent before it has read the event is answered, but for a new play.
            await host.report(host.invocation(ticket, "renew", 0, now_ms))
            with pytest.raises(GomaaError) as busy:
                await host.open(session, ticket)
            assert busy.value.code == "server.busy"
        status, log = await process.ended()
    assert (status, log[-1]) == (0, "stopped")
    messages = [json.loads(line)["message"] for line in log[:-1]]
    assert "draining: 3 hosts, 0 requests" in messages
    assert "drained" in messages
    assert not any(name in line for name in identifiers(world, session, ticket) for line in log)


@pytest.mark.parametrize("signals", [1, 2])
async def test_a_drain_ends_after_its_time_or_at_a_second_signal(real_time: World, signals: int) -> None:
    """A host that stays would keep the process for ever."""
    world = real_time
    async with Process(world, drain_s=1 if signals == 1 else 600) as process, world.host("stays") as host:
        await host.hello(await world.now_ms())
        process.stop()
        await host.event("draining")
        if signals == 2:
            process.stop()
        assert (await process.ended())[0] == 0
