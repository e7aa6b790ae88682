"""Reference tables of ``docs/protocol.md``, written between ``<!-- generated: NAME -->`` and ``<!-- end -->``."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from msgspec import NODEFAULT, Struct
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
)

from messages import exchanges
from messages.exchange import Exchange
from messages.fields import Empty
from messages.generate import docstrings, fields
from messages.generate.signed import STRUCTS

_BLOCK: Final = re.compile(r"(<!-- generated: ([a-z_ ]+) -->\n).*?(<!-- end -->\n)", re.DOTALL)
_ROUTE: Final = re.compile(r"^(?:GET|POST|PUT) [^:]*: ")


def page(text: str) -> str:
    """The page with all its blocks as they should be.

    Raises:
        ValueError: A block is missing, repeated or unknown.
    """
    blocks = _blocks()
    names = [name for _, name, _ in _BLOCK.findall(text)]
    if sorted(names) != sorted(blocks):
        raise ValueError(f"blocks of docs/protocol.md: {', '.join(sorted(blocks))} are expected")
    return _BLOCK.sub(lambda match: f"{match[1]}\n{blocks[match[2]]()}\n{match[3]}", text)


def _blocks() -> dict[str, Callable[[], str]]:
    host = _Part([exchanges.BROWSER_HOST, exchanges.BACKGROUND], [exchanges.BROWSER_HOST_EVENTS])
    server = _Part([exchanges.HOST_SERVER, exchanges.SERVER_HTTP], [exchanges.HOST_SERVER_EVENTS])
    station = _Part([exchanges.STATION_HTTP], [])
    return {
        "types": _types,
        "signed messages": _signed_messages,
        "browser_host operations": lambda: host.exchanges(exchanges.BROWSER_HOST),
        "browser_host events": lambda: host.events(exchanges.BROWSER_HOST_EVENTS),
        "background operations": lambda: host.exchanges(exchanges.BACKGROUND),
        "browser_host structures": host.structures,
        "host_server operations": lambda: server.exchanges(exchanges.HOST_SERVER),
        "host_server events": lambda: server.events(exchanges.HOST_SERVER_EVENTS),
        "server_http routes": lambda: server.exchanges(exchanges.SERVER_HTTP),
        "server structures": server.structures,
        "station_http routes": lambda: station.exchanges(exchanges.STATION_HTTP),
    }


class _Part:
    """A section of the page. A struct of several of its messages is described once, under ``structures``."""

    def __init__(self, lines: Iterable[Iterable[Exchange]], events: Iterable[Mapping[str, type[Struct]]]) -> None:
        members = [exchange for line in lines for exchange in line]
        uses = [fields.reachable(_roots(exchange)) for exchange in members]
        uses += [fields.reachable([kind]) for named in events for kind in named.values()]
        counts = Counter(kind for used in uses for kind in used)
        self._requested = fields.requested(members)
        # In the order of first use.
        self._common = [kind for kind, count in counts.items() if count > 1 and fields_of(kind)]

    def exchanges(self, members: Iterable[Exchange]) -> str:
        """A table of the exchanges, and each with the fields of its messages."""
        members = list(members)
        head = "route" if " " in members[0].name else "operation"
        rows = [f"| `{exchange.name}` | {_purpose(exchange)} |" for exchange in members]
        return "\n".join([f"| {head} | |", "|---|---|", *rows, "", *(self._exchange(one) for one in members)])

    def events(self, named: Mapping[str, type[Struct]]) -> str:
        """Each event with its fields."""
        out = []
        for name, kind in named.items():
            described = docstrings.of_class(kind)
            out.append(
                "\n".join([f"#### `{name}`", "", *_paragraphs(described.paragraphs), *self._table("field", kind)])
            )
            out += self._nested([kind])
        return "\n".join(out)

    def structures(self) -> str:
        """The structs of several messages."""
        return "\n".join(self._structure(kind) for kind in self._common)

    def _exchange(self, exchange: Exchange) -> str:
        out = [f"#### `{exchange.name}`", ""]
        if exchange.request is not None:
            out += _paragraphs(docstrings.of_class(exchange.request).paragraphs[1:])
            out += self._table("request", exchange.request)
        out += self._result(exchange)
        nested = self._nested(_roots(exchange))
        return "\n".join([*out, *nested])

    def _result(self, exchange: Exchange) -> list[str]:
        kind = fields.type_of(exchange.result)
        may_be_null = isinstance(kind, UnionType)
        (result,) = fields.result_structs(exchange)
        if not fields_of(result):
            about = "" if result is Empty else f" {docstrings.of_class(result).summary}"
            return ["Result: `{}`." + about, ""]
        if result in self._common:
            return [f"Result: `{result.__name__}`{' or null' if may_be_null else ''}.", ""]
        summary = docstrings.of_class(result).paragraphs
        text = (_without_route(summary[0]), *summary[1:]) if exchange.request else summary[1:]
        return [*_paragraphs(text), *self._table("result", result)]

    def _nested(self, roots: Iterable[type[Struct]]) -> list[str]:
        roots = list(roots)
        return [
            self._structure(kind) for kind in fields.reachable(roots) if kind not in roots and kind not in self._common
        ]

    def _structure(self, kind: type[Struct]) -> str:
        first, *others = docstrings.of_class(kind).paragraphs
        text = _paragraphs([_without_route(first), *others])
        return "\n".join([f"**`{kind.__name__}`** {text[0]}", *text[1:], *self._table("field", kind)])

    def _table(self, head: str, kind: type[Struct]) -> list[str]:
        rows = []
        for field in fields.fields_of(kind, encoded=kind not in self._requested):
            if field.name == "id" and kind in self._requested and hasattr(kind, "__struct_config__") and _tagged(kind):
                continue
            mark = "?" if field.optional else ""
            rows.append(
                f"| `{field.name}`{mark} | {_cell(_type(field.type))}{_default(field)} | {_cell(field.description)} |"
            )
        return [f"| {head} | type | |", "|---|---|---|", *rows, ""] if rows else []


def fields_of(kind: type[Struct]) -> list[fields.Field]:
    """All fields of a struct."""
    return fields.fields_of(kind, encoded=True)


def _tagged(kind: type[Struct]) -> bool:
    return kind.__struct_config__.tag_field is not None


def _roots(exchange: Exchange) -> list[type[Struct]]:
    return [*([exchange.request] if exchange.request else []), *fields.result_structs(exchange)]


def _purpose(exchange: Exchange) -> str:
    if exchange.purpose:
        return _cell(exchange.purpose.replace("``", "`"))
    (result,) = fields.result_structs(exchange)
    return _cell(_without_route(docstrings.of_class(exchange.request or result).summary))


def _without_route(text: str) -> str:
    rest = _ROUTE.sub("", text)
    return rest[:1].upper() + rest[1:]


def _paragraphs(texts: Iterable[str]) -> list[str]:
    return [line for text in texts for line in (text, "")]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _default(field: fields.Field) -> str:
    if not field.optional or field.default in (NODEFAULT, None, "", [], {}, ()):
        return ""
    return f", default {json.dumps(field.default)}"


def _type(kind: Type) -> str:
    """A type in words."""
    signed = fields.signed_name(kind)
    if signed is not None:
        return f"signed `{signed}`"
    alias = fields.alias_of(kind)
    if alias is not None:
        return f"`{alias.name}`"
    match kind:
        case StructType():
            return f"`{kind.cls.__name__}`"
        case Metadata():
            return _type(kind.type)
        case UnionType():
            return " or ".join(_type(part) for part in kind.types)
        case LiteralType():
            return " or ".join(f"`{json.dumps(value)}`" for value in kind.values)
        case TupleType():
            return f"[{', '.join(_type(part) for part in kind.item_types)}]"
        case CollectionType():
            limits = _range(kind.min_length, kind.max_length)
            return f"list of {_type(kind.item_type)}" + (f" ({limits})" if limits else "")
        case DictType():
            free = isinstance(kind.value_type, AnyType)
            return "object" if free else f"object {{{_type(kind.key_type)}: {_type(kind.value_type)}}}"
    return _plain(kind)


def _plain(kind: Type) -> str:
    match kind:
        case StrType():
            limits = _range(kind.min_length, kind.max_length)
            pattern = f" `{kind.pattern}`" if kind.pattern else ""
            return f"text{pattern}" + (f", {limits} characters" if limits else "")
        case IntType():
            return f"integer{_bounds(kind)}"
        case FloatType():
            return "number"
        case BoolType():
            return "boolean"
        case NoneType():
            return "null"
        case AnyType():
            return "any"
    raise ValueError(f"no words for {kind}")


def _range(least: int | None, most: int | None) -> str:
    if most is None:
        return f"at least {least}" if least else ""
    return f"{least} to {most:,}" if least else f"at most {most:,}"


def _bounds(kind: IntType) -> str:
    below = kind.lt if kind.lt is not None else None if kind.le is None else kind.le + 1
    least = kind.ge
    if below is None:
        return "" if least is None else f", at least {least}"
    most = f"2^{below.bit_length() - 1} − 1" if below & (below - 1) == 0 and below > 1 << 12 else f"{below - 1:,}"
    return f", {least or 0} to {most}"


def _types() -> str:
    rows = [
        f"| `{one.name}` | {_cell(_type_of_alias(one.type))} | {_cell(one.description)} |" for one in fields.aliases()
    ]
    return "\n".join(["| type | form | |", "|---|---|---|", *rows, ""])


def _type_of_alias(kind: Type) -> str:
    return _plain(kind.type if isinstance(kind, Metadata) else kind)


def _signed_messages() -> str:
    return "\n".join(["```", *(kind.type_text() for kind in STRUCTS.values()), "```", ""])
