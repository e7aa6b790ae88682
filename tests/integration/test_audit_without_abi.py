"""An auditor with docs/settlement.md and a node: events, entries and calls are decoded by the page's tables only."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from eth_abi.abi import decode, encode

from chain import node_answers
from chain.abi import event as known
from chain.client import decode_log
from pywallet.crypto import keccak256
from pywallet.encoding.hex import to_hex
from tests.integration.server_world import World, make_world
from tests.integration.test_audit_server import close, pay, play

PAGE = (Path(__file__).parents[2] / "docs" / "settlement.md").read_text()


def section(name: str) -> str:
    """Return the text under a heading of the page."""
    return re.split(r"\n##+ ", PAGE.split(f"# {name}\n", 1)[1])[0]


def plain(text: str) -> str:
    """Return parameters without their names."""
    return re.sub(r"\s+", "", re.sub(r" \w+(?=[,)]|$)", "", text))


def split(types: str) -> list[str]:
    """Return the types at the top level."""
    out, depth = [""], 0
    for letter in types:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth:
            out.append("")
        else:
            out[-1] += letter
    return [one for one in out if one]


def page_events() -> dict[str, tuple[str, str, list[tuple[bool, str, str]]]]:
    """Map topic to contract, name and (indexed, type, field), from the page."""
    out: dict[str, tuple[str, str, list[tuple[bool, str, str]]]] = {}
    contract = ""
    for heading, text in re.findall(r"^\| (?:(\w+) \| means|`(\w+\(.*?\))`) \|", section("Events"), re.MULTILINE):
        contract = heading or contract
        if text:
            name, inside = text[:-1].split("(", 1)
            words = [one.lstrip("*").split(" ") for one in inside.split(", ") if one]
            stars = [one.startswith("*") for one in inside.split(", ") if one]
            fields = [(star, kind, field) for star, (kind, field) in zip(stars, words, strict=True)]
            out[to_hex(keccak256(f"{name}({','.join(kind for _, kind, _ in fields)})".encode()))] = (
                contract,
                name,
                fields,
            )
    return out


def read(events: dict[str, Any], raw: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Decode a log by the page: its name and fields."""
    _, name, fields = events[raw["topics"][0]]
    indexed = iter(raw["topics"][1:])
    plain_values = iter(decode([kind for star, kind, _ in fields if not star], bytes.fromhex(raw["data"][2:])))
    return name, {
        field: decode([kind], bytes.fromhex(next(indexed)[2:]))[0] if star else next(plain_values)
        for star, kind, field in fields
    }


async def call(world: World, to: bytes, name: str, *arguments: Any) -> Any:
    """Call a view by the page's table of calls."""
    given, gives = next(
        (given, gives)
        for one, given, gives in re.findall(r"^\| \w+ \| `(\w+)\((.*)\)` \| `(.*?)`", CALLS, re.MULTILINE)
        if one == name
    )
    types = split(plain(given))
    data = keccak256(f"{name}({','.join(types)})".encode())[:4] + encode(types, arguments)
    found = await world.chain.request("eth_call", {"to": to_hex(to), "data": to_hex(data)}, "latest")
    return decode([plain(gives)], node_answers.data(found))[0]


CALLS = section("Calls of an auditor")


async def test_the_page_suffices_to_decode_an_epoch(tmp_path: Path) -> None:
    """All logs of an epoch's life, the entries of its post, and every word that an audit compares."""
    async with make_world(tmp_path) as world, world.server(), world.host() as host:
        song = await world.publish()
        epoch = await world.now_ms() // 60_000
        await host.hello(await world.now_ms())
        await play(world, host, song, "one", 10)
        await pay(world)
        await close(world, await world.now_ms() // 60_000)
        events, ours = (
            page_events(),
            {to_hex(world.deployment.settlement), to_hex(world.deployment.registry), to_hex(song.content)},
        )
        wanted = {"fromBlock": hex(world.deployment.block), "toBlock": "latest"}
        logs = [
            one
            for one in await world.chain.request("eth_getLogs", wanted)
            if one["address"] in ours and one["topics"][0] in events
        ]
        names = set()
        for raw in logs:
            name, fields = read(events, raw)
            names.add(name)
            true = decode_log(known(events[raw["topics"][0]][0], name), raw).fields
            assert {key: _same(value) for key, value in fields.items()} == {
                key: _same(value) for key, value in true.items()
            }
        assert {"ContentCreated", "Deposited", "Bonded", "Posted"} <= names

        posted, raw = next((read(events, one)[1], one) for one in logs if read(events, one)[0] == "Posted")
        found = await world.chain.request("eth_getTransactionByHash", raw["transactionHash"])
        types = split(plain(re.findall(r"`post\((.*)\)`", CALLS)[0]))
        assert found["input"][:10] == to_hex(keccak256(f"post({','.join(types)})".encode())[:4])
        number, root, counts, data, before, entries = decode(types, bytes.fromhex(found["input"][10:]))
        assert (number, root, counts, data) == (posted["epoch"], posted["root"], posted["counts"], posted["data"])
        assert (before, [entry[0] for entry in entries]) == (bytes(32), [to_hex(world.station)])
        assert sum(entry[1] for entry in entries) == posted["total"]

        server, settlement, registry = world.keys.address, world.deployment.settlement, world.deployment.registry
        spent, escrow = await world.settlement.account(server, world.station)
        assert await call(world, settlement, "account", server, world.station) == spent << 128 | escrow
        assert (await call(world, settlement, "server_state", server)) & (1 << 96) - 1 == (
            await world.settlement.server_state(server)
        ).bond
        assert (
            await call(world, settlement, "commitment", server, number)
            == (await world.settlement.epoch(server, number)).commit
        )
        assert (await call(world, settlement, "epoch_meta", server, number)) & (1 << 96) - 1 == posted["total"]
        assert await call(world, registry, "rate_at", number) == 500
        assert await call(world, registry, "is_content", song.content) is True
        assert (await call(world, registry, "station", world.station))[0] == "radio.example"
        assert await call(world, song.content, "server_at", number) == to_hex(server)
        assert (await call(world, song.content, "owner_at", number)) is not None
        assert epoch <= number


def _same(value: Any) -> Any:
    """Return an address as bytes, whatever the decoder."""
    return bytes.fromhex(value[2:]) if isinstance(value, str) and re.fullmatch("0x[0-9a-fA-F]{40}", value) else value
