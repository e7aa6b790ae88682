"""Requests that are executed now: counted for the drain, measured for the metrics."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from pywallet.errors import GomaaError
from security_server.operations.metrics import OK, Metrics


class OpenRequests:
    """Counts and measures every request of hosts and of HTTP clients."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._count = 0
        self._none = asyncio.Event()
        self._none.set()

    @property
    def count(self) -> int:
        """Requests that are executed now."""
        return self._count

    async def wait_for_none(self) -> None:
        """Wait until no request is executed."""
        await self._none.wait()

    @contextmanager
    def measured(self, operation: str) -> Iterator[None]:
        """Context manager around the execution of one request; its error's code becomes the label.

        Args:
            operation: Name of the host's operation, or method and route.
        """
        self._count += 1
        self._none.clear()
        started, code = time.monotonic(), OK
        try:
            yield
        except GomaaError as error:
            code = error.code
            raise
        except asyncio.CancelledError:
            code = "cancelled"
            raise
        except web.HTTPException:
            # An unknown path or method, as ``errors`` of ``security_server.api.http`` answers it.
            code = "message.schema"
            raise
        except BaseException:
            code = "internal"
            raise
        finally:
            self._count -= 1
            if not self._count:
                self._none.set()
            self._metrics.request_ended(operation, code, time.monotonic() - started)
