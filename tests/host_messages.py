"""Messages of the native host as JSON, checked against their structs."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from messages.browser_host.exchanges import BROWSER_HOST, BROWSER_HOST_EVENTS
from pywallet.errors import GomaaError

_RESULTS: Final = {exchange.name: exchange.result for exchange in BROWSER_HOST}


def as_json(result: Any) -> Any:
    """The JSON value of an operation's result, in which every field has its type."""
    value = msgspec.to_builtins(result)
    return value if result is None else check(value, type(result))


def check(value: Any, kind: Any) -> Any:
    """A JSON value, if it has this type, in all fields and within their limits."""
    msgspec.convert(value, kind)
    return value


def check_result(op: str, value: Any) -> Any:
    """The result of an operation, if it has the type that the operation declares."""
    return check(value, _RESULTS[op])


def check_event(value: dict[str, Any]) -> dict[str, Any]:
    """An event, if it has the type that its name stands for."""
    check(value, BROWSER_HOST_EVENTS[value["event"]])
    return value


def part_of(part: dict[str, Any]) -> Any:
    """The result of a part of ``open`` or ``prepare``. Raises its error."""
    error = part["error"]
    if error is not None:
        raise GomaaError(error["code"], **error["detail"])
    return part["result"]
