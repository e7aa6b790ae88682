"""Virtual time for one event loop.

Timers fire in order and at once, nothing waits, and the same seed gives the same run.
"""

from __future__ import annotations

import asyncio
import contextvars
import random
import selectors
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final

GENESIS_S: Final = 1_800_000_000
"""Unix time at which every run begins."""

PROCESS: Final[contextvars.ContextVar[Process | None]] = contextvars.ContextVar("simulated process", default=None)
"""The simulated process that a task belongs to; tasks that it starts inherit it."""


class Deadlock(RuntimeError):
    """Every task waits for something that no timer will bring."""


class Process:
    """A simulated operating-system process: its tasks end together.

    Args:
        name: For messages.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.dead = False
        self.tasks: set[asyncio.Task[Any]] = set()
        self.on_kill: list[Callable[[], None]] = []

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run a coroutine as part of this process."""
        context = contextvars.copy_context()
        context.run(PROCESS.set, self)
        return asyncio.get_running_loop().create_task(work, context=context)

    async def kill(self) -> None:
        """End every task at the point where it waits; nothing of the process is answered or stored any more."""
        self.dead = True
        for act in self.on_kill:
            act()
        while waiting := [task for task in self.tasks if not task.done()]:
            for task in waiting:
                task.cancel()
            await asyncio.wait(waiting)


class _Selector(selectors.SelectSelector):
    """A selector that moves the clock instead of waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = float(GENESIS_S)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None:
            raise Deadlock
        self.now_s += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop on virtual time. Work for threads is done in place."""

    def __init__(self) -> None:
        self.selector = _Selector()
        super().__init__(self.selector)
        self._clock_resolution = 1e-6
        self.set_task_factory(_task)

    def time(self) -> float:
        """Virtual seconds."""
        return self.selector.now_s

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
        """Call ``func`` now: a thread would make the order of events depend on the machine."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future


def _task(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
    task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **options)
    context = options.get("context")
    process = PROCESS.get() if context is None else context.get(PROCESS)
    if process is not None:
        process.tasks.add(task)
        task.add_done_callback(process.tasks.discard)
    return task


@contextmanager
def virtual_time(seed: int) -> Iterator[VirtualLoop]:
    """A loop on virtual time; ``time`` and ``random`` follow it while the block runs.

    Args:
        seed: For ``random``, which product code uses for back-off.
    """
    loop = VirtualLoop()
    names = ("time", "monotonic", "perf_counter")
    kept = {name: getattr(time, name) for name in (*names, *(f"{name}_ns" for name in names))}
    state = random.getstate()
    random.seed(seed)
    for name in names:
        setattr(time, name, loop.time)
        setattr(time, f"{name}_ns", lambda: int(loop.time() * 1e9))
    try:
        yield loop
    finally:
        for name, value in kept.items():
            setattr(time, name, value)
        random.setstate(state)
        loop.close()
