"""Work that is spread over processes of this machine."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from threading import Lock, Thread, current_thread, main_thread
from typing import Any, Final

from common.spread_pool import Call, Item, Pool, Result
from pywallet.errors import Unavailable

# Spawned, not forked: a fork would copy the locks of other threads.
_CONTEXT: Final = multiprocessing.get_context("spawn")


class ProcessPool(Pool):
    """Processes of this machine. They end with this one.

    Where one of them ends during an item, each item that was under way is computed once more, in a process of its own.
    """

    def __init__(
        self, workers: int, initializer: Callable[..., None] | None = None, arguments: tuple[object, ...] = ()
    ) -> None:
        """Start the processes.

        Args:
            workers: How many.
            initializer: Called once in each.
            arguments: Of the initializer; spawned processes must be able to inherit them.
        """
        self.size = workers
        self._begin = (initializer, arguments)
        self._lock, self._alone = Lock(), Lock()
        self._closed = False
        self._executors: list[ProcessPoolExecutor] = []
        self._new(workers)

    def submit(self, function: Callable[[Item], Result], item: Item, name: str) -> Future[Result]:
        """Begin one item in any of the processes."""
        outer: Future[Result] = Future()
        call = Call(function, name)
        try:
            inner = self._executors[0].submit(call, item)
        except BrokenProcessPool:
            with self._lock:
                self._executors[0].shutdown(wait=False)
                self._executors.pop(0)
                self._executors.insert(0, self._executor(self.size))
            inner = self._executors[0].submit(call, item)
        inner.add_done_callback(lambda _: self._done(inner, outer, call, item))
        return outer

    def close(self, *, now: bool) -> None:
        """Wait for the processes' end, or with ``now`` end them."""
        self._closed = now
        with self._lock:
            executors = list(self._executors)
        for executor in executors:
            if now:
                _terminate(executor)
            executor.shutdown(cancel_futures=True)

    def _executor(self, workers: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(workers, _CONTEXT, _in_worker, self._begin)

    def _new(self, workers: int) -> ProcessPoolExecutor:
        executor = self._executor(workers)
        # The first item starts all processes.
        with _interrupts_ignored():
            executor.submit(os.getpid)
        with self._lock:
            self._executors.append(executor)
        return executor

    def _done(self, inner: Future[Result], outer: Future[Result], call: Call[Item, Result], item: Item) -> None:
        try:
            error = inner.exception()
        except CancelledError:
            outer.cancel()
            return
        if isinstance(error, BrokenProcessPool) and not self._closed:
            # This is the executor's own thread, which must go on.
            Thread(target=self._once_more, args=(outer, call, item), daemon=True).start()
        else:
            _set(outer, inner, error)

    def _once_more(self, outer: Future[Result], call: Call[Item, Result], item: Item) -> None:
        # One at a time: the item that ends its process is then known.
        with self._alone:
            executor = self._new(1)
            inner = executor.submit(call, item)
            error: BaseException | None
            try:
                error = inner.exception()
            except CancelledError as cancelled:
                error = cancelled
            executor.shutdown()
            with self._lock:
                self._executors.remove(executor)
        if isinstance(error, (BrokenProcessPool, CancelledError)):
            error = Unavailable("spread.lost", item=call.name)
        _set(outer, inner, error)


def _set(outer: Future[Result], inner: Future[Result], error: BaseException | None) -> None:
    if not outer.set_running_or_notify_cancel():
        return
    if error is not None:
        outer.set_exception(error)
    else:
        outer.set_result(inner.result())


def _terminate(executor: ProcessPoolExecutor) -> None:
    # Python 3.14 has ``terminate_workers``; before it the processes are in a private table only.
    processes: dict[int, Any] = getattr(executor, "_processes", None) or {}
    for process in list(processes.values()):
        process.terminate()


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Processes started inside ignore SIGINT, which a terminal sends to the whole process group.

    The parent ends them.
    """
    if current_thread() is not main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _in_worker(initializer: Callable[..., None] | None, arguments: tuple[object, ...]) -> None:
    """Begin a worker: it ignores SIGINT and ends when its parent does, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()
    if initializer is not None:
        initializer(*arguments)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
