"""Requests from one security server to another."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import aiohttp
import msgspec

from messages.server_contents import HandoverRequest, HandoverResult
from pywallet.errors import Unavailable
from pywallet.protocol.foreign_errors import error_from
from security_server.content.takeover import RequestHandover

TIMEOUT_S: Final = 10.0
MOST_ANSWER: Final = 32 << 20
"""Longest response that is read, bytes: a header with its keys, or the counters of a thousand listeners."""


@asynccontextmanager
async def handover_client() -> AsyncIterator[RequestHandover]:
    """Provide a function that posts a request to ``/v1/handovers`` of the server at a URL.

    It raises the code of the server's error, or Unavailable: ``server.unreachable``, ``server.answer``.
    """
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session:

        async def request_handover(url: str, request: HandoverRequest) -> HandoverResult:
            try:
                async with session.post(
                    f"{url}/v1/handovers", json=msgspec.to_builtins(request), allow_redirects=False
                ) as response:
                    raw = bytearray()
                    async for chunk in response.content.iter_chunked(1 << 16):
                        raw += chunk
                        if len(raw) > MOST_ANSWER:
                            raise ValueError("the answer is too long")
                    answer = json.loads(raw)
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
                raise Unavailable("server.unreachable", url=url, reason=type(error).__name__) from None
            if not isinstance(answer, dict):
                raise Unavailable("server.unreachable", url=url, reason="not a JSON object")
            if "error" in answer:
                raise error_from("server", answer["error"], url=url, status=response.status)
            try:
                return msgspec.convert(answer, HandoverResult)
            except msgspec.ValidationError:
                raise Unavailable("server.answer", url=url) from None

        yield request_handover
