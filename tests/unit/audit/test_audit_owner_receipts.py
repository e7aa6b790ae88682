"""Fetch of an owner's receipts by the watcher, with the owner's signature."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from audit.watch_command import _fetch
from pywallet.crypto import address_of, keccak256, recover
from pywallet.encoding.hex import from_hex
from pywallet.protocol import receipts_digest

OWNER = keccak256(b"owner")
SERVER = address_of(keccak256(b"server"))


async def test_receipts_are_fetched_with_the_owners_signature(tmp_path: Path) -> None:
    """The watcher would not get the receipts, or overwrite one with another."""
    asked: list[dict[str, Any]] = []

    async def receipts(request: web.Request) -> web.Response:
        asked.append(await request.json())
        return web.json_response({"receipts": [{"receipt": {"n": 1}}, {"receipt": {"n": 2}}]})

    app = web.Application()
    app.router.add_post("/v1/receipts", receipts)
    async with TestServer(app) as server:
        log = SimpleNamespace(fields={"server": SERVER, "url": str(server.make_url(""))})

        async def logs(*_: Any) -> list[Any]:
            return [log]

        chain: Any = SimpleNamespace(logs=logs)
        deployment: Any = SimpleNamespace(registry=bytes(20), block=0)
        for _ in range(2):
            await _fetch(chain, deployment, (tmp_path,), [OWNER])
    for one in asked:
        digest = receipts_digest(SERVER, address_of(OWNER), one["time_s"])
        assert recover(digest, from_hex(one["signature"], 65)) == address_of(OWNER) == from_hex(one["payee"], 20)
    kept = [json.loads(file.read_text())["receipt"]["n"] for file in tmp_path.glob("*.json")]
    assert (len(asked), sorted(kept)) == (2, [1, 2])
