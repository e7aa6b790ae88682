"""Base of the ledger's stores: reading and changing rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any


class Rows(ABC):
    """Access to the tables. Changes belong inside ``Ledger.write``."""

    @abstractmethod
    def _rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]: ...

    @abstractmethod
    def _change(self, statement: str, *values: Any) -> int: ...
