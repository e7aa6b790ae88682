"""Hypothesis strategies for the values of a message, valid ones and such with one part replaced."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st
from msgspec import Struct
from msgspec.inspect import (
    AnyType,
    BoolType,
    CollectionType,
    DictType,
    FloatType,
    IntType,
    LiteralType,
    Metadata,
    NoneType,
    StrType,
    StructType,
    TupleType,
    Type,
    UnionType,
    type_info,
)

from messages.generate import fields
from messages.generate.signed import STRUCTS

_LONGEST = 3
JSON = st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3)
WRONG: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1.5,
    256,
    1 << 16,
    1 << 32,
    1 << 53,
    1 << 64,
    "",
    "0x",
    "x" * 600,
    [],
    [0],
    {},
    {"a": 1},
)
"""Values of which most fit no field."""
_SAMPLES = {
    r"^0x[0-9a-f]{40}$": ("0x" + "ab" * 20, "0x" + "00" * 20),
    r"^0x[0-9a-fA-F]{40}$": ("0x" + "aB" * 20,),
    r"^0x[0-9a-f]{64}$": ("0x" + "0c" * 32,),
    r"^0x[0-9a-f]{130}$": ("0x" + "5a" * 65,),
    r"^[0-9]+$": ("0", "9" * 78),
    r"^[A-Za-z0-9+/]{43}=$": ("A" * 42 + "/=",),
    r"^[A-Za-z0-9+/]*={0,2}$": ("", "AAA="),
}
"""Texts of the frequent patterns: drawing one by its pattern takes a hundred times as long."""


def message(kind: type[Struct]) -> st.SearchStrategy[Any]:
    """JSON objects that the struct accepts, with and without the fields that may be absent."""
    return _value(type_info(kind))


def _value(kind: Type) -> st.SearchStrategy[Any]:
    signed = fields.signed_name(kind)
    if signed is not None:
        return _signed(signed)
    match kind:
        case StructType():
            return _struct(kind)
        case Metadata():
            return _value(kind.type)
        case UnionType():
            return st.one_of(*map(_value, kind.types))
        case LiteralType():
            return st.sampled_from(kind.values)
        case TupleType():
            return st.tuples(*map(_value, kind.item_types)).map(list)
        case CollectionType():
            least = kind.min_length or 0
            most = least + _LONGEST if kind.max_length is None else min(least + _LONGEST, kind.max_length)
            return st.lists(_value(kind.item_type), min_size=least, max_size=most)
        case DictType():
            return st.dictionaries(_value(kind.key_type), _value(kind.value_type), max_size=_LONGEST)
        case StrType():
            return _text(kind)
        case IntType():
            return (
                st.integers(kind.ge, None if kind.lt is None else kind.lt - 1)
                if kind.le is None
                else st.integers(kind.ge, kind.le)
            )
        case FloatType():
            return st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: not number.is_integer())
        case BoolType():
            return st.booleans()
        case NoneType():
            return st.none()
        case AnyType():
            return JSON
    raise AssertionError(kind)


def _text(kind: StrType) -> st.SearchStrategy[str]:
    if kind.pattern is None:
        return st.text(min_size=kind.min_length or 0, max_size=min(kind.max_length or 8, (kind.min_length or 0) + 8))
    if kind.pattern in _SAMPLES:
        return st.sampled_from(_SAMPLES[kind.pattern])
    # "$" matches before a line break at the end too.
    fits = st.from_regex(kind.pattern).filter(lambda text: not text.endswith("\n"))
    return fits.filter(lambda text: len(text) <= (kind.max_length or math.inf))


def _struct(kind: StructType) -> st.SearchStrategy[Any]:
    tag = {} if kind.tag_field is None else {kind.tag_field: st.just(kind.tag)}
    required = {field.encode_name: _value(field.type) for field in kind.fields if field.required}
    optional = {field.encode_name: _value(field.type) for field in kind.fields if not field.required}
    return st.fixed_dictionaries(tag | required, optional=optional)


def _signed(name: str) -> st.SearchStrategy[Any]:
    kind = STRUCTS[name]
    forms = {"address": st.just("0x" + "ab" * 20), "bytes32": st.just("0x" + "01" * 32)}
    number = st.integers(0, (1 << 256) - 1).map(str)
    message = {wire: forms.get(sort, number) for wire, sort in zip(kind.wire_names(), kind.TYPES, strict=True)}
    signature = st.just("0x" + "5a" * 65)
    return st.fixed_dictionaries(
        {"type": st.just(name), "message": st.fixed_dictionaries(message), "signature": signature}
    )


def variants(value: Any, kind: Type) -> list[Any]:
    """The value with each of its parts replaced, removed or added, one at a time.

    A signed message is not: msgspec takes any object there. Nor is a tag, by which a union finds the struct, removed.
    """
    return [_with(value, path, part) for path, here in _places(value, kind, ()) for part in _others(here)]


def _others(value: Any) -> Iterable[Any]:
    yield from WRONG
    if isinstance(value, dict):
        yield {**value, "unknown": 1}
        for name in value.keys() - {"op", "event"}:
            yield {other: item for other, item in value.items() if other != name}
    if isinstance(value, list):
        yield value[:-1]
        yield [*value, None]
    if isinstance(value, str):
        yield from (value + "g", value + "0", value[1:], value.upper(), " " + value)


def _places(value: Any, kind: Type, path: tuple[Any, ...]) -> Iterable[tuple[tuple[Any, ...], Any]]:
    if any(fields.signed_name(part) is not None for part in (kind, *fields.parts(kind))):
        return
    yield path, value
    match kind:
        case Metadata():
            yield from _inner(value, kind.type, path)
        case UnionType():
            for part in kind.types:
                yield from _inner(value, part, path)
        case StructType() if isinstance(value, dict):
            for field in kind.fields:
                if field.encode_name in value:
                    yield from _places(value[field.encode_name], field.type, (*path, field.encode_name))
        case TupleType() if isinstance(value, list):
            for place, (item, part) in enumerate(zip(value, kind.item_types, strict=True)):
                yield from _places(item, part, (*path, place))
        case CollectionType() if isinstance(value, list):
            for place, item in enumerate(value[:1]):
                yield from _places(item, kind.item_type, (*path, place))
        case DictType() if isinstance(value, dict):
            for name, item in value.items():
                yield from _places(item, kind.value_type, (*path, name))


def _inner(value: Any, kind: Type, path: tuple[Any, ...]) -> Iterable[tuple[tuple[Any, ...], Any]]:
    """Places below the value: it is one itself already."""
    return (place for place in _places(value, kind, path) if place[0] != path)


def _with(value: Any, path: tuple[Any, ...], part: Any) -> Any:
    if not path:
        return part
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _with(value[path[0]], path[1:], part)
    return copy
