"""The interface of places of work, and the simplest: this process."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, Self, TypeVar

from pywallet.errors import GomaaError, Unavailable

Item = TypeVar("Item")
Result = TypeVar("Result")


class Pool(ABC):
    """A place of work, for ``with``. Left by an exception, it ends what it started.

    Attributes:
        size: Items that are computed at the same time.
    """

    size: int = 1

    @property
    def ahead(self) -> int:
        """Items that are begun before the first of them is waited for, so that no worker is idle meanwhile."""
        return 1 if self.size == 1 else 2 * self.size

    @abstractmethod
    def submit(self, function: Callable[[Item], Result], item: Item, name: str) -> Future[Result]:
        """Begin one item.

        Args:
            function: At the top of a module.
            item: Its argument.
            name: Of the item, for errors.

        Returns:
            Its future. It raises GomaaError: the function's own, with ``item`` in the detail, ``spread.file``,
            ``spread.failed`` (an unexpected exception) or ``spread.lost`` (the worker ended).
        """

    @abstractmethod
    def close(self, *, now: bool) -> None:
        """Wait for what was begun, or with ``now`` end it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self.close(now=kind is not None)

    async def result(self, function: Callable[[Item], Result], item: Item, name: str) -> Result:
        """The result of one item, while the event loop goes on. Raises as ``submit``."""
        return await asyncio.wrap_future(await asyncio.to_thread(self.submit, function, item, name))


class LocalPool(Pool):
    """Work in this process, one item after the other."""

    def submit(self, function: Callable[[Item], Result], item: Item, name: str) -> Future[Result]:
        """Compute the item before the return."""
        future: Future[Result] = Future()
        try:
            future.set_result(Call(function, name)(item))
        except GomaaError as error:
            future.set_exception(error)
        return future

    def close(self, *, now: bool) -> None:
        """End nothing: this process works itself."""


@dataclass(frozen=True)
class Call(Generic[Item, Result]):
    """A call in a worker whose exceptions name the item."""

    function: Callable[[Item], Result]
    name: str

    def __call__(self, item: Item) -> Result:
        """The function's result. Raises GomaaError."""
        try:
            return self.function(item)
        except GomaaError as error:
            error.detail.setdefault("item", self.name)
            raise
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise Unavailable("spread.file", item=self.name, file=error.filename, reason=reason) from error
        except Exception as error:
            raise GomaaError("spread.failed", item=self.name, reason=f"{type(error).__name__}: {error}") from error
