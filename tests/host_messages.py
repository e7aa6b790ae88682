"""Messages of the native host as JSON, checked against their structs."""

from __future__ import annotations

import importlib
from typing import Any, Final, get_type_hints

import msgspec

from messages.browser_host import events

_EVENTS: Final = {kind.__struct_config__.tag: kind for kind in events.Event.__subclasses__()}
_FILES: Final = {"origin": "receipt_breakdown"}


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
    operation = importlib.import_module(f"native_host.operations.{_FILES.get(op, op)}")
    return check(value, get_type_hints(operation.run)["return"])


def check_event(value: dict[str, Any]) -> dict[str, Any]:
    """An event, if it has the type that its name stands for."""
    check(value, _EVENTS[value["event"]])
    return value
