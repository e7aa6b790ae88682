"""Fields of the structs, the names of their types, and which structs are part of which exchange."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, get_origin

from msgspec import NODEFAULT, Struct
from msgspec.inspect import (
    AnyType,
    CollectionType,
    DictType,
    IntType,
    Metadata,
    NoneType,
    RawType,
    StrType,
    StructType,
    TupleType,
    Type,
    UnionType,
    type_info,
)

from messages import fields as field_types
from messages.exchange import Exchange
from messages.generate import docstrings


@dataclass(frozen=True)
class Field:
    """A field of a message.

    Attributes:
        name: Name in JSON.
        type: Its type; ``msgspec.UnsetType`` is not part of it.
        optional: Whether it may be absent.
        default: Value that an absent field stands for; ``NODEFAULT`` where there is none.
        description: From the struct's docstring; may be empty.
    """

    name: str
    type: Type
    optional: bool
    default: Any
    description: str


@dataclass(frozen=True)
class Alias:
    """A named type of ``messages.fields``.

    Attributes:
        name: Its name.
        type: Text or integer, with limits.
        description: The docstring below it; may be empty.
    """

    name: str
    type: Type
    description: str

    @property
    def is_encoding(self) -> bool:
        """Return whether it is a text of a pattern, such as hexadecimal."""
        plain = _plain(self.type)
        return isinstance(plain, StrType) and plain.pattern is not None


@cache
def type_of(kind: Any) -> Type:
    """A type as msgspec reads it; reading one evaluates the annotations of every struct within."""
    return type_info(kind)


def fields_of(kind: type[Struct], *, encoded: bool) -> list[Field]:
    """Fields of a struct without its tag.

    Args:
        kind: The struct.
        encoded: True for what this project's programs send as the result or event: a field with a default is present
            unless the struct omits defaults. False for requests: a field with a default may be absent.
    """
    info = type_of(kind)
    assert isinstance(info, StructType)
    described = docstrings.of_class(kind).attributes
    omits = kind.__struct_config__.omit_defaults or not encoded
    fields = []
    for field in info.fields:
        default = field.default if field.default_factory is NODEFAULT else field.default_factory()
        # Without a default and not required: msgspec.UNSET, which is never encoded.
        unset = not field.required and default is NODEFAULT
        fields.append(
            Field(
                field.encode_name,
                field.type,
                unset or (omits and not field.required),
                default,
                described.get(field.name, ""),
            )
        )
    return fields


def parts(kind: Type) -> tuple[Type, ...]:
    """Types that a type consists of; those of a struct's fields are not among them."""
    match kind:
        case Metadata():
            return (kind.type,)
        case UnionType():
            return kind.types
        case TupleType():
            return kind.item_types
        case CollectionType():
            return (kind.item_type,)
        case DictType():
            return (kind.key_type, kind.value_type)
    return ()


def structs_in(kind: Type) -> Iterator[type[Struct]]:
    """Structs that a type names, without those of their fields."""
    if isinstance(kind, StructType):
        yield kind.cls
    for part in parts(kind):
        yield from structs_in(part)


def reachable(roots: Iterable[type[Struct]]) -> list[type[Struct]]:
    """These structs and all that their fields use, each once, a struct before those that it uses."""
    found: dict[type[Struct], None] = {}
    waiting = list(roots)
    while waiting:
        kind = waiting.pop(0)
        if kind in found:
            continue
        found[kind] = None
        info = type_of(kind)
        assert isinstance(info, StructType)
        waiting += [used for field in info.fields for used in structs_in(field.type)]
    return list(found)


def result_structs(exchange: Exchange) -> list[type[Struct]]:
    """Structs of the result: one, several for a union, none where it is null."""
    return list(structs_in(type_of(exchange.result)))


def requested(exchanges: Iterable[Exchange]) -> set[type[Struct]]:
    """All structs that requests consist of: their fields with defaults may be absent."""
    return set(reachable([exchange.request for exchange in exchanges if exchange.request is not None]))


@cache
def aliases() -> tuple[Alias, ...]:
    """The named texts and integers of ``messages.fields``."""
    source = Path(inspect.getfile(field_types)).read_text(encoding="utf-8")
    described = _described(ast.parse(source))
    found = []
    for name, value in vars(field_types).items():
        if get_origin(value) is Annotated:
            kind = type_of(value)
            if isinstance(_plain(kind), StrType | IntType):
                found.append(Alias(name, kind, described.get(name, "")))
    return tuple(found)


def _plain(kind: Type) -> Type:
    return kind.type if isinstance(kind, Metadata) else kind


def _described(module: ast.Module) -> dict[str, str]:
    found = {}
    for statement, following in zip(module.body, module.body[1:], strict=False):
        match statement, following:
            case ast.Assign(targets=[ast.Name(id=name)]), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = docstrings.parse(text).summary
    return found


def alias_of(kind: Type) -> Alias | None:
    """The named type that equals a type."""
    return next((alias for alias in aliases() if alias.type == kind), None)


def signed_name(kind: Type) -> str | None:
    """EIP-712 name of the message where the type is a signed message."""
    if isinstance(kind, Metadata) and kind.extra and "signed" in kind.extra:
        return str(kind.extra["signed"])
    return None


def is_json(kind: Type) -> bool:
    """Return whether the type is any JSON value."""
    return isinstance(kind, AnyType | RawType)


def is_null(kind: Type) -> bool:
    """Return whether only null is of the type."""
    return isinstance(kind, NoneType)
