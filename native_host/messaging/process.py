"""Main loop of the host process: reads frames, answers each, and ends when the browser closes the pipe."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import threading
from pathlib import Path
from typing import Final

from native_host.messaging import framing
from native_host.messaging.dispatcher import LAST_REPORT_S, Dispatcher, failure
from native_host.paths import locate
from pywallet.errors import GomaaError
from pywallet.redacted_logs import log_to, report_uncaught

log = logging.getLogger("gomaa.host")

MAX_PENDING: Final = 256
"""Concurrent requests; above it no further frame is read."""


async def _serve(pipes: framing.Pipes) -> int:
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[bytes | GomaaError | framing.FrameError | None] = asyncio.Queue()
    slots = threading.BoundedSemaphore(MAX_PENDING)

    def read() -> None:
        last: framing.FrameError | None = None
        try:
            for item in framing.frames(lambda n: os.read(pipes.read, n)):
                slots.acquire()
                loop.call_soon_threadsafe(queue.put_nowait, item)
        except framing.FrameError as e:
            last = e
        except OSError:
            pass
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(queue.put_nowait, last)

    dispatcher = Dispatcher(lambda frame: framing.write_all(pipes.write, frame))
    running: set[asyncio.Task[None]] = set()

    def done(task: asyncio.Task[None]) -> None:
        running.discard(task)
        slots.release()
        if not task.cancelled() and task.exception() is not None:
            queue.put_nowait(None)

    threading.Thread(target=read, name="frames", daemon=True).start()
    while isinstance(item := await queue.get(), (bytes, GomaaError)):
        task = asyncio.create_task(dispatcher.handle(item))
        running.add(task)
        task.add_done_callback(done)
    with contextlib.suppress(OSError):
        if isinstance(item, framing.FrameError):
            dispatcher.send(failure(0, item.error))
        if running:
            await asyncio.wait(running, timeout=LAST_REPORT_S)
        for task in list(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await dispatcher.close()
    return 2 if isinstance(item, framing.FrameError) else 0


def main(out: int = 1) -> int:
    """Run until the browser closes the pipe.

    Args:
        out: Descriptor of the pipe to the browser.

    Returns:
        The exit code: 2 when the frames were broken.
    """
    pipes = framing.duplicate_pipes(out)
    try:
        log_file = locate().log
    except GomaaError:
        # ``hello`` fails with the same error.
        log_file = None
    _log_to(log_file)
    sys.unraisablehook = lambda args: log.error("unraisable: %s", args.exc_value)
    sys.excepthook = report_uncaught
    code = asyncio.run(_serve(pipes))
    # The reading thread may be blocked in read(), and would keep the interpreter from exiting.
    logging.shutdown()
    os._exit(code)


class _LogFile(logging.FileHandler):
    """A log file that ignores its own failures: the errors that it records are also results of requests."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record if the file can be opened."""
        with contextlib.suppress(OSError):
            super().emit(record)


def _log_to(path: Path | None) -> None:
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if path is not None:
        with contextlib.suppress(OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handlers.append(_LogFile(path, delay=True))
    log_to(handlers, logging.WARNING, "%(asctime)s %(levelname)s %(message)s")
