"""The process itself: frames in, one action each, frames out; it ends with its browser."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from native_host.install.paths import locate
from native_host.messaging import framing, requests
from pywallet.errors import GomaaError, InputError
from pywallet.redacted_logs import log_to, report_uncaught

if TYPE_CHECKING:
    from native_host.host import Emit, Host

log = logging.getLogger("gomaa.host")

MOST_PENDING: Final = 256
"""Requests under way at once; beyond it reading waits."""

_LAST_REPORT_S: Final = 1.0
_OWN_FAULTS: Final = ("host.", "internal", "message.")


class Service:
    """Between the frames and the actions: order per stream, errors as replies."""

    def __init__(self, write: Callable[[bytes], None], make_host: Callable[[Emit], Host] | None = None) -> None:
        self._write = write
        self._make_host = make_host or _host
        self._host: Host | None = None
        self._locks: dict[str, asyncio.Lock] = {}

    def send(self, message: dict[str, Any]) -> None:
        """A reply or event to the browser."""
        try:
            frame = framing.encode(message)
        except Exception as e:
            log.exception("an answer cannot be written")
            error = e if isinstance(e, InputError) else GomaaError("internal")
            frame = framing.encode({"id": message.get("id", 0), "ok": False, "error": error.to_json()})
        self._write(frame)

    async def handle(self, body: bytes | GomaaError) -> None:
        """Answer one frame. Never raises but for a browser that is gone."""
        number = 0
        try:
            if isinstance(body, GomaaError):
                raise body
            message = framing.decode(body)
            number = requests.request_id(message)
            result = await self._do(str(message.get("op")), requests.parse(message))
            reply = {"id": number, "ok": True, "result": result}
        except GomaaError as e:
            reply = {"id": number, "ok": False, "error": e.to_json()}
        except Exception as e:
            from native_host.ledger.faults import own  # only here: the browser waits for this process to start

            log.exception("a request failed")
            reply = {"id": number, "ok": False, "error": own(e).to_json()}
        # An OSError here is a browser that is gone.
        self.send(reply)

    async def _do(self, op: str, request: Any) -> Any:
        if self._host is None:
            if op != "hello":
                raise InputError("host.version", reason="hello comes first")
            self._host = self._make_host(self.send)
        host = self._host
        action = importlib.import_module(f"native_host.operations.{op}")
        name = getattr(request, "stream", None)
        if name is None:
            return await action.run(host, request)
        lock = self._locks.setdefault(name, asyncio.Lock())
        try:
            # Requests for one stream happen in the order they came.
            async with lock:
                return await self._noted(host, op, action, request)
        finally:
            if name not in host.streams and not lock.locked():
                self._locks.pop(name, None)

    async def _noted(self, host: Host, op: str, action: Any, request: Any) -> Any:
        stream = host.streams.get(request.stream)
        try:
            return await action.run(host, request)
        except GomaaError as e:
            # What a page's songs are refused before anybody wished to hear them is nobody's activity.
            if op == "invoke" and not e.code.startswith(_OWN_FAULTS):
                host.note_refusal(stream, request.action, e.code)
            raise

    async def close(self) -> None:
        """The browser is gone: what can still be reported in a moment is reported."""
        if self._host is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._host.flush(), _LAST_REPORT_S)
            await self._host.close()


def _host(emit: Emit) -> Host:
    from native_host.host import Host  # after the first frame: reading it and importing this overlap

    return Host(locate(), emit)


async def _serve(pipes: framing.Pipes) -> int:
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[bytes | GomaaError | framing.Broken | None] = asyncio.Queue()
    room = threading.BoundedSemaphore(MOST_PENDING)

    def read() -> None:
        last: framing.Broken | None = None
        try:
            for item in framing.frames(lambda n: os.read(pipes.read, n)):
                room.acquire()
                loop.call_soon_threadsafe(queue.put_nowait, item)
        except framing.Broken as e:
            last = e
        except OSError:
            pass
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(queue.put_nowait, last)

    service = Service(lambda frame: framing.write_all(pipes.write, frame))
    running: set[asyncio.Task[None]] = set()

    def done(task: asyncio.Task[None]) -> None:
        running.discard(task)
        room.release()
        if not task.cancelled() and task.exception() is not None:
            queue.put_nowait(None)

    threading.Thread(target=read, name="frames", daemon=True).start()
    while isinstance(item := await queue.get(), (bytes, GomaaError)):
        task = asyncio.create_task(service.handle(item))
        running.add(task)
        task.add_done_callback(done)
    with contextlib.suppress(OSError):
        if isinstance(item, framing.Broken):
            service.send({"id": 0, "ok": False, "error": item.error.to_json()})
        if running:
            await asyncio.wait(running, timeout=_LAST_REPORT_S)
        for task in list(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await service.close()
    return 2 if isinstance(item, framing.Broken) else 0


def main(out: int = 1) -> int:
    """Run until the browser closes the pipe.

    Args:
        out: Descriptor of the pipe to the browser.

    Returns:
        The exit code: 2 when the frames were broken.
    """
    pipes = framing.take_over(out)
    try:
        place = locate().log
    except GomaaError:
        # The greeting is answered with it.
        place = None
    _log_to(place)
    sys.unraisablehook = lambda args: log.error("unraisable: %s", args.exc_value)
    sys.excepthook = report_uncaught
    code = asyncio.run(_serve(pipes))
    # The reading thread may still sit in read(): nothing is left to wait for.
    logging.shutdown()
    os._exit(code)


class _LogFile(logging.FileHandler):
    """A log whose own faults reach nobody: what it would have said is the answer to a request as well."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record where the file can be opened."""
        with contextlib.suppress(OSError):
            super().emit(record)


def _log_to(path: Path | None) -> None:
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if path is not None:
        with contextlib.suppress(OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handlers.append(_LogFile(path, delay=True))
    log_to(handlers, logging.WARNING, "%(asctime)s %(levelname)s %(message)s")


__all__ = ["Service", "main"]
