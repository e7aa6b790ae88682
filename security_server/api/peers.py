"""Requests from one security server to another."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp

from pywallet.errors import Unavailable
from pywallet.protocol.foreign_errors import error_from

TIMEOUT_S: Final = 10.0
MOST_ANSWER: Final = 32 << 20
"""Longest response that is read, bytes: a header with its keys, or the counters of a thousand listeners."""


@asynccontextmanager
async def post_json() -> AsyncIterator[Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]]:
    """A function that posts a JSON object to a URL and returns the answer.

    It raises the code that was answered, or Unavailable ``server.unreachable``.
    """
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session:

        async def post(url: str, body: dict[str, Any]) -> dict[str, Any]:
            try:
                async with session.post(url, json=body, allow_redirects=False) as response:
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
            return answer

        yield post
