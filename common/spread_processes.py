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
        self._lock, self._one_at_a_time = Lock(), Lock()
        self._ended = False
        self._shared = self._started(workers)
        self._single: ProcessPoolExecutor | None = None

    def submit(self, function: Callable[[Item], Result], item: Item, name: str) -> Future[Result]:
        """Begin one item in any of the processes."""
        outer: Future[Result] = Future()
        inner: Future[Result] = Future()
        call = Call(function, name)
        with self._lock:
            try:
                inner = self._shared.submit(call, item)
            except BrokenProcessPool as error:
                inner.set_exception(error)
                # For the items after this one.
                self._shared.shutdown(wait=False)
                self._shared = self._started(self.size)
        inner.add_done_callback(lambda _: self._done(inner, outer, call, item))
        return outer

    def close(self, *, now: bool) -> None:
        """Wait for the processes' end, or with ``now`` end them."""
        with self._lock:
            self._ended = now
            executors = [self._shared] if self._single is None else [self._shared, self._single]
        for executor in executors:
            if now:
                _terminate(executor)
            executor.shutdown(cancel_futures=True)

    def _started(self, workers: int) -> ProcessPoolExecutor:
        if self._ended:
            raise BrokenProcessPool
        executor = ProcessPoolExecutor(workers, _CONTEXT, _in_worker, self._begin)
        # An item starts a process where none is idle: these start all of them here.
        with _interrupts_ignored(), contextlib.suppress(BrokenProcessPool):
            for _ in range(workers):
                executor.submit(os.getpid)
        return executor

    def _done(
        self, inner: Future[Result], outer: Future[Result], call: Call[Item, Result], item: Item, *, again: bool = True
    ) -> None:
        """Pass an ended item on; with ``again`` one whose process ended is computed once more."""
        if inner.cancelled():
            outer.cancel()
            return
        error = inner.exception()
        if isinstance(error, BrokenProcessPool):
            if again and not self._ended:
                # This is the executor's own thread, which must not wait.
                Thread(target=self._once_more, args=(outer, call, item), daemon=True).start()
                return
            error = Unavailable("spread.lost", item=call.name)
        if not outer.set_running_or_notify_cancel():
            return
        if error is not None:
            outer.set_exception(error)
        else:
            outer.set_result(inner.result())

    def _once_more(self, outer: Future[Result], call: Call[Item, Result], item: Item) -> None:
        inner: Future[Result] = Future()
        # One at a time: the item that ends its process is then known.
        with self._one_at_a_time:
            try:
                with self._lock:
                    self._single = self._started(1)
                inner = self._single.submit(call, item)
                with contextlib.suppress(CancelledError):
                    inner.exception()
                self._single.shutdown()
            except BrokenProcessPool as error:
                inner.set_exception(error)
        self._done(inner, outer, call, item, again=False)


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
