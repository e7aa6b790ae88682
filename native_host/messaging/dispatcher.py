"""Dispatches frames: parses the request, runs its operation, encodes the reply."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from messages.browser_host.connection import Failure, Reply
from messages.browser_host.events import Event
from messages.fields import ErrorObject
from native_host.extension_events import Emit
from native_host.messaging import framing, requests
from native_host.paths import locate
from pywallet.errors import GomaaError, InputError

if TYPE_CHECKING:
    from native_host.context import Services  # imported with the first frame: the browser waits for the start

log = logging.getLogger("gomaa.host")

LAST_REPORT_S: Final = 1.0
"""Time for the last reports after the browser has closed the pipe."""
_OWN_FAULTS: Final = ("host.", "internal", "message.")
"""Prefixes of codes that do not concern a play: they are not recorded as refusals."""
_FILES: Final = {"origin": "receipt_breakdown"}
"""Modules of operations whose name differs from the wire's."""


class Dispatcher:
    """Answers frames. Requests for one stream run in the order of arrival, others concurrently."""

    def __init__(self, write: Callable[[bytes], None], make_services: Callable[[Emit], Services] | None = None) -> None:
        """Begin without services: ``hello``, which comes first, opens them.

        Args:
            write: Writes one encoded message to the browser.
            make_services: Opens the services; by default those of this user.
        """
        self._write = write
        self._make_services = make_services or _open_services
        self._services: Services | None = None
        self._locks: dict[str, asyncio.Lock] = {}

    def send(self, message: Reply | Failure | Event) -> None:
        """Send a reply or event to the browser."""
        try:
            frame = framing.encode(message)
        except Exception as e:
            log.exception("a message cannot be encoded")
            error = e if isinstance(e, InputError) else GomaaError("internal")
            frame = framing.encode(failure(getattr(message, "id", 0), error))
        self._write(frame)

    async def handle(self, body: bytes | GomaaError) -> None:
        """Answer one frame.

        Raises:
            OSError: The browser has closed the pipe.
        """
        number = 0
        try:
            if isinstance(body, GomaaError):
                raise body
            message = framing.decode(body)
            number = requests.request_id(message)
            result = await self._run(str(message.get("op")), requests.parse(message))
            reply: Reply | Failure = Reply(number, result)
        except GomaaError as e:
            reply = failure(number, e)
        except Exception as e:
            from native_host.ledger.faults import request_failure  # on first use: the browser waits for the start

            log.exception("a request failed")
            reply = failure(number, request_failure(e))
        self.send(reply)

    async def _run(self, op: str, request: Any) -> Any:
        if self._services is None:
            if op != "hello":
                raise InputError("host.version", reason="hello comes first")
            self._services = self._make_services(self.send)
        services = self._services
        operation = importlib.import_module(f"native_host.operations.{_FILES.get(op, op)}")
        name = getattr(request, "stream", None)
        if name is None:
            return await operation.run(services, request)
        lock = self._locks.setdefault(name, asyncio.Lock())
        try:
            async with lock:
                return await self._recorded(services, op, operation, request)
        finally:
            if name not in services.streams and not lock.locked():
                self._locks.pop(name, None)

    async def _recorded(self, services: Services, op: str, operation: Any, request: Any) -> Any:
        """Run an operation of a stream; a refused invocation is recorded."""
        stream = services.streams.get(request.stream)
        try:
            return await operation.run(services, request)
        except GomaaError as e:
            # Refusals of other operations, such as ``open`` for a page, are no activity of the listener.
            if op == "invoke" and not e.code.startswith(_OWN_FAULTS):
                services.refusals.record(stream, request.action, e.code)
            raise

    async def close(self) -> None:
        """Report for ``LAST_REPORT_S`` at most, then close the services."""
        if self._services is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._services.reporters.flush(), LAST_REPORT_S)
            await self._services.close()


def failure(number: int, error: GomaaError) -> Failure:
    """The reply to a request that failed.

    Args:
        number: The request's id; 0 where it could not be read.
        error: The failure.
    """
    return Failure(number, ErrorObject(error.code, error.message, error.public_detail()))


def _open_services(emit: Emit) -> Services:
    from native_host.context import open_services  # imported after the first frame was read

    return open_services(locate(), emit)
