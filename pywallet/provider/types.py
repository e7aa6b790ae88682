"""Declared types of typed data (EIP-712): strict parsing, encodeType and typeHash."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pywallet.crypto import keccak256
from pywallet.errors import InputError

Fields = tuple[tuple[str, str], ...]

DOMAIN: Final = "EIP712Domain"
# The standard's own fields, in the standard's order.
DOMAIN_FIELDS: Final[Fields] = (
    ("name", "string"),
    ("version", "string"),
    ("chainId", "uint256"),
    ("verifyingContract", "address"),
    ("salt", "bytes32"),
)
MAX_TYPES: Final = 64
MAX_FIELDS: Final = 128
_NAME: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]{0,127}\Z")
_ARRAY: Final = re.compile(r"(?P<item>.+)\[(?P<length>[1-9][0-9]{0,3})?\]\Z")
_INTEGER: Final = re.compile(
    r"u?int(8|16|24|32|40|48|56|64|72|80|88|96|104|112|120|128|136|144|152|160|168|176|184|192|200|208|216|224|232|240|248|256)\Z"
)
_BYTES: Final = re.compile(r"bytes([1-9]|[12][0-9]|3[012])\Z")
_MAX_ARRAYS: Final = 8


def invalid(path: str, reason: str) -> InputError:
    """The error for a field of the data."""
    return InputError("message.schema", field=path[:200], reason=reason)


def array_of(kind: str) -> tuple[str, int | None] | None:
    """Item type and fixed length (None: any) of an array type; None for another type."""
    match = _ARRAY.match(kind)
    if match is None:
        return None
    return match["item"], int(match["length"]) if match["length"] else None


def is_atomic(kind: str) -> bool:
    """True for EIP-712's atomic and dynamic types in canonical spelling (not ``uint``)."""
    return kind in ("bool", "address", "string", "bytes") or bool(_INTEGER.match(kind) or _BYTES.match(kind))


def innermost(kind: str) -> str:
    """Item type without all array brackets. Raises InputError ``message.schema`` for more than eight."""
    for _ in range(_MAX_ARRAYS):
        array = array_of(kind)
        if array is None:
            return kind
        kind = array[0]
    raise invalid("types", "arrays too deep")


@dataclass(frozen=True)
class Types:
    """Structs by name."""

    structs: Mapping[str, Fields]
    _hashes: dict[str, bytes] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def read(cls, raw: Any) -> Types:
        """Parse the ``types`` object of eth_signTypedData_v4. Raises InputError ``message.schema``."""
        if not isinstance(raw, Mapping) or not 0 < len(raw) <= MAX_TYPES:
            raise invalid("types", f"an object of at most {MAX_TYPES} types")
        structs = {name: _fields(name, value) for name, value in raw.items()}
        for name, fields in structs.items():
            for field_name, kind in fields:
                inner = innermost(kind)
                if not is_atomic(inner) and inner not in structs:
                    raise invalid(f"types.{name}.{field_name}", f"{inner[:64]} is not declared")
                if inner == DOMAIN:
                    raise invalid(f"types.{name}.{field_name}", "the domain is no field")
        if DOMAIN not in structs:
            raise invalid("types", f"{DOMAIN} is not declared")
        domain = structs[DOMAIN]
        if domain != tuple(f for f in DOMAIN_FIELDS if f in domain) or not domain:
            raise invalid(f"types.{DOMAIN}", "not the standard's fields in the standard's order")
        return cls(structs)

    def encode_type(self, name: str) -> str:
        """``encodeType`` (EIP-712): the struct, then those that it references, sorted by name."""
        others = sorted(self.reach(name) - {name})
        return "".join(
            f"{struct}({','.join(f'{kind} {field}' for field, kind in self.structs[struct])})"
            for struct in [name, *others]
        )

    def type_hash(self, name: str) -> bytes:
        """``typeHash`` (EIP-712): keccak of ``encode_type``."""
        if name not in self._hashes:
            self._hashes[name] = keccak256(self.encode_type(name).encode())
        return self._hashes[name]

    def reach(self, name: str) -> set[str]:
        """Names of a struct and of all structs that it references."""
        reached: set[str] = set()
        pending = [name]
        while pending:
            struct = pending.pop()
            if struct not in reached:
                reached.add(struct)
                pending += [inner for _, kind in self.structs[struct] if (inner := innermost(kind)) in self.structs]
        return reached


def _fields(name: Any, value: Any) -> Fields:
    if (
        not isinstance(name, str)
        or not _NAME.match(name)
        or is_atomic(name)
        or name in ("uint", "int", "byte", "function")
    ):
        raise invalid("types", "a type's name is no name")
    if not isinstance(value, list) or len(value) > MAX_FIELDS:
        raise invalid(f"types.{name}", f"a list of at most {MAX_FIELDS} fields")
    out: list[tuple[str, str]] = []
    for entry in value:
        if not isinstance(entry, Mapping) or entry.keys() != {"name", "type"}:
            raise invalid(f"types.{name}", "a field is a name and a type")
        field_name, kind = entry["name"], entry["type"]
        if (
            not isinstance(field_name, str)
            or not _NAME.match(field_name)
            or not isinstance(kind, str)
            or len(kind) > 160
        ):
            raise invalid(f"types.{name}", "a field's name or type is none")
        inner = innermost(kind)
        if not is_atomic(inner) and not _NAME.match(inner):
            raise invalid(f"types.{name}.{field_name}", "a type is none")
        if field_name in (name for name, _ in out):
            raise invalid(f"types.{name}.{field_name}", "declared twice")
        out.append((field_name, kind))
    return tuple(out)
