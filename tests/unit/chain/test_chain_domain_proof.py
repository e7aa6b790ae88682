"""Proof of a station's domain: validation, fetch, and the commands."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from click.testing import CliRunner
from eth_keys import keys

from chain.anvil import Anvil
from chain.client import Chain
from chain.commands import commands
from chain.contracts.registry import Registry, StationEntry
from chain.deployment import Deployment
from chain.domain_proof import MAX_BYTES, PATH, check, digest, fetch, make, verify
from pywallet.crypto import address_of, keccak256
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError, InputError

(GROUP,) = commands
KEY, REGISTRY, DOMAIN = keccak256(b"a station"), bytes([7]) * 20, "radio.example"
STATION = address_of(KEY)


def test_a_proof_names_station_and_domain() -> None:
    """A valid proof would be refused, or its signer differ from an independent library's."""
    raw = make(KEY, 1, REGISTRY, DOMAIN)
    found = check(raw, 1, REGISTRY, DOMAIN, STATION)
    assert (found.station, found.domain, found.hash) == (STATION, DOMAIN, keccak256(raw))
    signature = bytes.fromhex(json.loads(raw)["signature"][2:])
    signed = digest(1, REGISTRY, DOMAIN, STATION)
    other = keys.Signature(signature[:64] + bytes([signature[64] - 27])).recover_public_key_from_msg_hash(signed)
    assert other.to_canonical_address() == STATION


@pytest.mark.parametrize(
    "change",
    [
        {"chain": 2},
        {"chain": True},
        {"registry": to_hex(bytes(20))},
        {"domain": "other.example"},
        {"station": to_hex(bytes([9]) * 20)},
        {"signature": to_hex(bytes(65))},
        {"signature": "0x"},
        {"signature": 5},
        {"station": None},
    ],
)
def test_a_changed_proof_is_refused(change: dict[str, Any]) -> None:
    """A field would not be covered by the signature."""
    raw = json.dumps({**json.loads(make(KEY, 1, REGISTRY, DOMAIN)), **change}).encode()
    with pytest.raises(InputError) as caught:
        check(raw, 1, REGISTRY, DOMAIN)
    assert caught.value.code == "message.schema"


@pytest.mark.parametrize("raw", [b"", b"[]", b"5", b"{}", b"\xff", b"[" * 4000])
def test_malformed_files_are_refused(raw: bytes) -> None:
    """A malformed file would raise an exception without a code."""
    with pytest.raises(InputError):
        check(raw, 1, REGISTRY, DOMAIN)


def test_another_stations_proof_is_refused() -> None:
    """The proof of another station would be accepted."""
    with pytest.raises(InputError, match="another station"):
        check(make(KEY, 1, REGISTRY, DOMAIN), 1, REGISTRY, DOMAIN, bytes([1]) * 20)


@pytest.mark.parametrize(
    "domain",
    ["", "Radio.example", "a b", "a.example/x", "user@a.example", "a..b", "-a.example", "a.example:0", "a" * 254],
)
def test_malformed_domains_are_refused(domain: str) -> None:
    """A request would be sent to another place."""
    with pytest.raises(InputError):
        make(KEY, 1, REGISTRY, domain)


@asynccontextmanager
async def serving(answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """A server on this machine that answers ``PATH``; its domain."""
    app = web.Application()
    app.router.add_get(PATH, answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_the_file_is_fetched_from_the_domain() -> None:
    """A stale file would be used."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=make(KEY, 1, REGISTRY, request.host))

    async with serving(answer) as domain:
        assert (await verify(domain, 1, REGISTRY)).station == STATION
        with pytest.raises(InputError, match="another network"):
            await verify(domain, 2, REGISTRY)


@pytest.mark.parametrize("case", ["missing", "redirect", "long"])
async def test_other_responses_are_refused(case: str) -> None:
    """A redirect, another status or an endless file would be accepted."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if case == "missing":
            raise web.HTTPNotFound
        if case == "redirect":
            raise web.HTTPFound("http://127.0.0.1:1/")
        return web.Response(body=b" " * (MAX_BYTES + 1))

    async with serving(answer) as domain:
        with pytest.raises(InputError) as caught:
            await fetch(domain)
        assert (
            caught.value.detail["reason"]
            == {"missing": "status 404", "redirect": "status 302", "long": f"more than {MAX_BYTES} bytes"}[case]
        )


async def test_an_unreachable_domain() -> None:
    """A domain that does not respond would count as wrong."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response()

    async with serving(answer) as domain:
        pass
    with pytest.raises(GomaaError) as caught:
        await fetch(domain)
    assert caught.value.code == "chain.unreachable"


async def test_a_station_is_listed_by_two_commands(anvil: Anvil, network: Deployment, tmp_path: Path) -> None:
    """A station would be listed without its file, or not be listed with it."""
    import asyncio

    files = {name: tmp_path / name for name in ("deployment.json", "station", "platform", "proof.json")}
    network.save(files["deployment.json"])
    files["station"].write_text(to_hex(anvil.keys[6]))
    files["platform"].write_text(to_hex(anvil.keys[0]))
    station = address_of(anvil.keys[6])

    async def answer(request: web.Request) -> web.Response:
        if not files["proof.json"].exists():
            raise web.HTTPNotFound
        return web.Response(body=files["proof.json"].read_bytes())

    def run(*arguments: str) -> str:
        return CliRunner().invoke(GROUP, list(arguments), catch_exceptions=False).output

    async with serving(answer) as domain, Chain.connect(network.rpc) as chain:
        registry = Registry(chain, network)
        add = ("add-station", str(files["deployment.json"]), domain, "--key", str(files["platform"]))
        with pytest.raises(InputError, match="status 404"):
            await asyncio.to_thread(run, *add)
        apply = ("apply-station", str(files["deployment.json"]), domain, "Six FM", "--key", str(files["station"]))
        said = await asyncio.to_thread(run, *apply, "-o", str(files["proof.json"]))
        assert PATH in said
        assert await registry.application(station) == (domain, "Six FM")
        assert await registry.station(station) is None
        await asyncio.to_thread(run, *add)
        assert await registry.station(station) == StationEntry(domain, "Six FM", True)
        standing = await registry.standing(station)
        assert (standing.verifier, standing.proof) == (
            address_of(anvil.keys[0]),
            keccak256(files["proof.json"].read_bytes()),
        )
        suspend = ("suspend-station", str(files["deployment.json"]), domain, "--key", str(files["platform"]))
        await asyncio.to_thread(run, *suspend, "--reason", "why")
        assert (await registry.standing(station)).suspended == "why"
        assert "either" in await asyncio.to_thread(run, *suspend)
        await asyncio.to_thread(run, *suspend, "--end")
        assert await registry.station(station) == StationEntry(domain, "Six FM", True)
        with pytest.raises(InputError, match="no station"):
            await asyncio.to_thread(
                run, "suspend-station", str(files["deployment.json"]), "no.example", *suspend[3:], "--end"
            )
        await asyncio.to_thread(run, *add, "--name", "Renamed")
        assert await registry.station(station) == StationEntry(domain, "Renamed", True)
        await registry.set_verifier(anvil.keys[0], address_of(anvil.keys[1]))
        await registry.apply(anvil.keys[6], domain, "By a verifier")
        await registry.verify_station(anvil.keys[1], station, domain, standing.proof)
        assert (await registry.standing(station)).verifier == address_of(anvil.keys[1])
