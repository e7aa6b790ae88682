"""An exchange: a request and its result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from msgspec import Struct


@dataclass(frozen=True)
class Exchange:
    """A request and its result.

    Attributes:
        name: Operation as in ``op``, or method and path of a route.
        request: Struct of the request; None for a route without a body.
        result: Struct of the result, or a union with None where the result may be null.
        purpose: What a route without a body does; for others the request's docstring says it.
    """

    name: str
    request: type[Struct] | None
    result: Any
    purpose: str = ""
