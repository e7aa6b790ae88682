"""The connection to a security server ends with ``close``, also if an answer arrives at that moment."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any

import pytest

from native_host.remote.server import Server


class Socket:
    """A socket that answers the hello while the connection is being closed."""

    def __init__(self) -> None:
        self.line: Server | None = None
        self.closing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Socket:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    async def __aiter__(self) -> AsyncIterator[str]:
        await asyncio.Event().wait()
        yield ""

    async def send(self, text: str) -> None:
        """Answer the hello at once, and close the connection before the answer is processed."""
        asyncio.get_running_loop().call_soon(asyncio.get_running_loop().call_soon, self._answer, json.loads(text)["id"])

    def _answer(self, number: int) -> None:
        assert self.line is not None
        self.line._pending[number].set_result({"protocol": 1})
        self.closing = asyncio.create_task(self.line.close())


async def _unwatched(_line: Server, _up: bool) -> None:
    pass


async def test_an_answer_during_the_close_does_not_keep_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection's task is cancelled although an answer arrives at that moment."""
    socket = Socket()
    monkeypatch.setattr("chain.transport.NoRedirectConnect", lambda *_, **__: socket)

    def nothing(*_: Any) -> None:
        pass

    socket.line = line = Server(bytes(20), "http://server.example", b"\x01" * 32, lambda: 0, nothing, _unwatched)
    async with asyncio.timeout(5):
        await asyncio.gather(line._task, return_exceptions=True)
        while socket.closing is None:
            await asyncio.sleep(0)
        await socket.closing
    assert line._task.cancelled()
