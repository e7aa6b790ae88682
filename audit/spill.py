"""Tables on disk, where they do not fit in memory: DuckDB with a limit."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np

MEMORY_MIB: Final = 512
"""Memory of one database, MiB; what is more goes to files beside it."""


def opened(path: Path, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """A database in a file, which is made where it is missing.

    Args:
        path: The file.
        read_only: True for one that several processes may read.
    """
    config: dict[str, Any] = {
        "memory_limit": f"{MEMORY_MIB}MiB",
        "temp_directory": f"{path}.spill",
        "preserve_insertion_order": False,
        "threads": 2,
        # Extensions are not fetched from anywhere.
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    return duckdb.connect(str(path), read_only=read_only, config=config)


def append(database: duckdb.DuckDBPyConnection, table: str, columns: dict[str, np.ndarray[Any, Any]]) -> None:
    """Append rows to a table.

    Args:
        database: An open one.
        table: Its table, whose columns have this order.
        columns: Arrays of one length.
    """
    database.register("new_rows", columns)
    database.execute(f"INSERT INTO {table} SELECT * FROM new_rows")  # noqa: S608 - a constant name
    database.unregister("new_rows")
