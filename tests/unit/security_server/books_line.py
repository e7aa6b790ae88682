"""The station's HTTP client of ``BooksWorld``: calls the server's operations, with faults."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from messages.server_http import BooksRequest, StatementRequest, VoucherPost
from pywallet.errors import SENTENCES, GomaaError, Unavailable
from security_server.api import requests
from station.payments.server_client import Servers


class FaultyLine(Servers):
    """The station's HTTP client over no network.

    It calls the server's operations, and loses, delays or doubles requests by ``fault``.
    """

    def __init__(self, world: Any) -> None:
        self.world = world
        self.fault = "none"
        self.late: list[tuple[str, dict[str, Any]]] = []

    async def _json(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        path, raw = url.removeprefix("http://server"), json.loads(json.dumps(body))
        if self.fault == "lost request":
            raise Unavailable("server.unreachable")
        if self.fault == "delayed" and path == "/v1/vouchers":
            self.late.append((path, raw))
            raise Unavailable("server.unreachable")
        if self.fault == "doubled":
            await self.deliver(path, raw)
        answer = await self.deliver(path, raw)
        if self.fault == "lost answer" and path == "/v1/vouchers":
            raise Unavailable("server.unreachable")
        return answer

    async def deliver(self, path: str, raw: dict[str, Any]) -> dict[str, Any]:
        """Call an operation of the server; its result as JSON. Raises the code of a refusal, as the client does."""
        books, text = self.world.server, json.dumps(raw).encode()
        try:
            if path == "/v1/statements":
                result: Struct = await books.statement(requests.body(StatementRequest, text))
            elif path == "/v1/vouchers":
                result = await books.voucher(requests.body(VoucherPost, text))
            else:
                result = await self.world.resynchronisation.books(requests.body(BooksRequest, text))
        except GomaaError as error:
            assert error.code in SENTENCES
            raise GomaaError(error.code) from error
        wire: dict[str, Any] = json.loads(msgspec.json.encode(result))
        return wire
