"""Work that is spread over processes or a Dask cluster: one interface, the same results in the same order either way.

A function of the work is pure, at the top of a module and takes one item. Its result depends on the item alone, not on
the process or machine that computes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass

from common.spread_dask import DaskPool
from common.spread_pool import Item, LocalPool, Pool, Result
from common.spread_processes import ProcessPool


@dataclass(frozen=True)
class Spread:
    """Place of work.

    Attributes:
        workers: Processes of this machine; 1: this process.
        dask: Address of a Dask scheduler, or None.
    """

    workers: int = 1
    dask: str | None = None

    def opened(
        self,
        most: int | None = None,
        initializer: Callable[..., None] | None = None,
        arguments: tuple[object, ...] = (),
        *,
        private: bool = False,
    ) -> Pool:
        """The pool, for ``with``.

        Args:
            most: Number of items, where it is known; no more processes are started.
            initializer: Called once in each process of this machine, not on a cluster.
            arguments: Of the initializer.
            private: True for items with a private key in them, which cross no network in the clear.

        Raises:
            GomaaError: ``command.extra``, ``spread.unreachable``, ``spread.version``, ``spread.plain``: of a cluster.
        """
        if self.dask is not None:
            return DaskPool(self.dask, private=private)
        workers = self.workers if most is None else min(self.workers, most)
        if workers > 1:
            return ProcessPool(workers, initializer, arguments)
        return LocalPool()


def in_order(
    pool: Pool, function: Callable[[Item], Result], items: Iterable[Item], name: Callable[[Item], str]
) -> Iterator[tuple[Item, Future[Result]]]:
    """Each item with its finished future, in the order of the items; ``pool.ahead`` items are under way."""
    waiting: list[tuple[Item, Future[Result]]] = []
    for item in items:
        waiting.append((item, pool.submit(function, item, name(item))))
        if len(waiting) >= pool.ahead:
            yield _finished(waiting.pop(0))
    while waiting:
        yield _finished(waiting.pop(0))


def as_finished(
    pool: Pool, function: Callable[[Item], Result], items: Iterable[Item], name: Callable[[Item], str]
) -> Iterator[tuple[Item, Future[Result]]]:
    """As ``in_order``, but in the order in which the items are finished."""
    waiting: dict[Future[Result], Item] = {}
    for item in items:
        waiting[pool.submit(function, item, name(item))] = item
        if len(waiting) >= pool.ahead:
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                yield waiting.pop(future), future
    while waiting:
        for future in wait(waiting, return_when=FIRST_COMPLETED).done:
            yield waiting.pop(future), future


def _finished(pair: tuple[Item, Future[Result]]) -> tuple[Item, Future[Result]]:
    wait([pair[1]])
    return pair


__all__ = ["LocalPool", "Pool", "Spread", "as_finished", "in_order"]
