"""Work that is spread over a Dask cluster."""

from __future__ import annotations

import importlib
import ipaddress
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import Any, Final
from urllib.parse import urlsplit

from common.spread_pool import Call, Item, Pool, Result
from common.version import VERSION
from pywallet.errors import GomaaError, Unavailable

CONNECT_S: Final = 10.0
"""Longest wait for the scheduler, and for its first worker."""


class DaskPool(Pool):
    """The workers of a Dask scheduler. They need the same release of GoMAA, and the same files at the same paths."""

    def __init__(self, address: str, *, private: bool = False) -> None:
        """Connect.

        Args:
            address: Of the scheduler, ``tcp://HOST:PORT`` or ``tls://HOST:PORT``.
            private: True to refuse a scheduler or worker to which items would go over a network in the clear.

        Raises:
            Unavailable: ``command.extra``: distributed is not installed; ``spread.unreachable``: no scheduler, or one
                without workers; ``spread.version``: a worker has another release of GoMAA, or none.
            GomaaError: ``spread.plain``: refused.
        """
        if private:
            require_private(address)
        try:
            client: Any = importlib.import_module("distributed").Client
        except ModuleNotFoundError as error:
            raise Unavailable("command.extra", needs=error.name, install='pip install "gomaa[dask]"') from error
        try:
            self._client = client(address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, TimeoutError, ValueError, RuntimeError) as error:
            raise Unavailable("spread.unreachable", reason=str(error) or type(error).__name__) from error
        try:
            self.size = self._require_workers(private)
        except BaseException:
            self._client.close()
            raise
        self._executor = self._client.get_executor(pure=False)

    def submit(self, function: Callable[[Item], Result], item: Item, name: str) -> Future[Result]:
        """Begin one item on any of the workers."""
        outer: Future[Result] = Future()
        inner: Future[Result] = self._executor.submit(Call(function, name), item)
        inner.add_done_callback(lambda _: _done(inner, outer, name))
        return outer

    def close(self, *, now: bool) -> None:
        """Wait for what was begun, or with ``now`` cancel it. The workers go on."""
        if self._client.status == "running":
            self._executor.shutdown(wait=not now)
        self._client.close()

    def _require_workers(self, private: bool) -> int:
        """The number of threads of all workers."""
        try:
            self._client.wait_for_workers(1, timeout=CONNECT_S)
        except TimeoutError as error:
            raise Unavailable("spread.unreachable", reason="the scheduler has no worker") from error
        threads: dict[str, int] = self._client.nthreads()
        if private:
            for worker in threads:
                require_private(worker)
        try:
            versions = self._client.run(worker_version)
        except Exception as error:
            # A worker without GoMAA cannot load the function; distributed raises whatever the worker met.
            raise Unavailable("spread.version", reason=f"{type(error).__name__}: {error}") from error
        for worker, version in versions.items():
            if version != VERSION:
                raise Unavailable("spread.version", expected=VERSION, got=version, reason=worker)
        return max(1, sum(threads.values()))


def worker_version() -> str:
    """The release of GoMAA on a worker."""
    return VERSION


def _done(inner: Future[Result], outer: Future[Result], name: str) -> None:
    try:
        error = inner.exception()
    except CancelledError:
        error = Unavailable("spread.lost", item=name)
    if not outer.set_running_or_notify_cancel():
        return
    if error is None:
        outer.set_result(inner.result())
    elif isinstance(error, GomaaError):
        outer.set_exception(error)
    else:
        # The worker was ended, or scheduler or network are gone.
        outer.set_exception(Unavailable("spread.lost", item=name, reason=type(error).__name__))


def require_private(address: str) -> None:
    """Check that what is sent to a scheduler or worker does not cross a network in the clear.

    Raises:
        GomaaError: ``spread.plain``: neither ``tls://`` nor a loopback address.
    """
    if address.startswith("tls://"):
        return
    try:
        host = urlsplit(address if "://" in address else f"tcp://{address}").hostname or ""
        private = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        private = False
    if not private:
        raise GomaaError("spread.plain", reason=address)
