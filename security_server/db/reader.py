"""Reads of the database beside its writer, for overviews that may take long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection as SqlConnection
from sqlalchemy import create_engine, event

T = TypeVar("T")


class Reader:
    """A second, read-only access to a database that is open already; it neither waits for the writer nor delays it.

    Args:
        url: As SQLAlchemy takes it; not a database in memory.
    """

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url, hide_parameters=True, pool_size=1, max_overflow=0)
        if self._engine.dialect.name == "sqlite":

            @event.listens_for(self._engine, "connect")
            def _connect(connection: Any, _record: Any) -> None:
                connection.execute("PRAGMA query_only=ON")

        else:
            self._engine = self._engine.execution_options(postgresql_readonly=True)

    async def run(self, function: Callable[[SqlConnection], T]) -> T:
        """Run a function in a transaction of its own, in another thread.

        Args:
            function: It only reads; the connection is SQLAlchemy's own, without the writer's rows in memory.

        Returns:
            Its result, by what is committed.
        """

        def read() -> T:
            with self._engine.connect() as connection:
                return function(connection)

        return await asyncio.to_thread(read)

    def close(self) -> None:
        """Close the connection."""
        self._engine.dispose()
