"""Meaning of a contract call that a site requests, as far as it is certain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from pywallet.crypto import keccak256
from pywallet.encoding.abi_words import decode, split
from pywallet.encoding.hex import checksum, to_hex
from pywallet.errors import InputError

UNLIMITED: Final = (1 << 96) - 1
"""Smallest allowance that counts as unlimited: the largest amount of the tokens with the smallest counters."""
ERC20: Final = "erc20"
ERC721: Final = "erc721"
ERC1155: Final = "erc1155"
"""Standards of contracts."""


@dataclass(frozen=True)
class Argument:
    """A decoded argument: its name and type in the standard, and its value."""

    name: str
    kind: str
    value: Any


@dataclass(frozen=True)
class Call:
    """A decoded call.

    Attributes:
        kind: coin (no data); transfer, approve, allowance, less, take (tokens); give, take_item, item (one of a
            collection); many, take_many (several of a collection); operator; unknown.
        other: Address that receives tokens or rights, 20 bytes, or None.
        amount: In the token's smallest unit, or None.
        unlimited: True if the permission has no limit.
        method: Selector, 4 bytes.
        item: Number of the item of a collection, or None.
        arguments: All arguments; empty where the call is unknown.
    """

    kind: str
    other: bytes | None = None
    amount: int | None = None
    unlimited: bool = False
    method: bytes = b""
    item: int | None = None
    arguments: tuple[Argument, ...] = ()


Meaning = Callable[[list[Any], bytes | None], Call]


def _approve(kind: str) -> Meaning:
    return lambda values, own: Call(kind, values[0], values[1], values[1] >= UNLIMITED)


def _moved(given: str, taken: str, *, item: bool) -> Meaning:
    """Meaning of (from, to, amount or number): a transfer from the own account, or from another."""

    def read(values: list[Any], own: bytes | None) -> Call:
        kind = given if values[0] == own else taken
        return Call(kind, values[1], item=values[2]) if item else Call(kind, values[1], values[2])

    return read


def _many(values: list[Any], own: bytes | None) -> Call:
    return Call("many" if values[0] == own else "take_many", values[1])


# Signature with the standard's names, the standard, and the meaning.
_METHODS: Final[tuple[tuple[str, str, Meaning], ...]] = (
    ("transfer(address to,uint256 amount)", ERC20, lambda v, own: Call("transfer", v[0], v[1])),
    ("approve(address spender,uint256 amount)", ERC20, _approve("approve")),
    ("increaseAllowance(address spender,uint256 added)", ERC20, _approve("allowance")),
    ("decreaseAllowance(address spender,uint256 less)", ERC20, lambda v, own: Call("less", v[0], v[1])),
    ("transferFrom(address from,address to,uint256 amount)", ERC20, _moved("transfer", "take", item=False)),
    ("transferFrom(address from,address to,uint256 tokenId)", ERC721, _moved("give", "take_item", item=True)),
    ("safeTransferFrom(address from,address to,uint256 tokenId)", ERC721, _moved("give", "take_item", item=True)),
    (
        "safeTransferFrom(address from,address to,uint256 tokenId,bytes data)",
        ERC721,
        _moved("give", "take_item", item=True),
    ),
    ("approve(address to,uint256 tokenId)", ERC721, lambda v, own: Call("item", v[0], unlimited=any(v[0]), item=v[1])),
    ("safeTransferFrom(address from,address to,uint256 id,uint256 amount,bytes data)", ERC1155, _many),
    ("safeBatchTransferFrom(address from,address to,uint256[] ids,uint256[] amounts,bytes data)", ERC1155, _many),
    (
        "setApprovalForAll(address operator,bool approved)",
        ERC721,
        lambda v, own: Call("operator", v[0], unlimited=v[1]),
    ),
    (
        "setApprovalForAll(address operator,bool approved)",
        ERC1155,
        lambda v, own: Call("operator", v[0], unlimited=v[1]),
    ),
)


def _parts(signature: str) -> tuple[bytes, list[str], list[str]]:
    """Selector, types and names of a signature's arguments."""
    name, _, rest = signature.partition("(")
    pairs = [argument.rsplit(" ", 1) for argument in split(rest[:-1])]
    types = [kind for kind, _ in pairs]
    return keccak256(f"{name}({','.join(types)})".encode())[:4], types, [label for _, label in pairs]


def read_call(data: bytes, standard: str = ERC20, own: bytes | None = None) -> Call:
    """Decode a call. It is unknown unless every byte of the data is decoded.

    Args:
        data: The transaction's data.
        standard: Standard of the called contract by its own interface: erc20, erc721, erc1155, or any other text. The
            meaning of the same data differs between them.
        own: Address of the sending account, 20 bytes, or None.
    """
    if not data:
        return Call("coin")
    method = data[:4]
    for signature, of_standard, meaning in _METHODS:
        if of_standard != standard:
            continue
        selector, types, names = _parts(signature)
        if selector != method:
            continue
        try:
            values = decode(",".join(types), data[4:])
        except InputError:
            break
        call = meaning(values, own)
        arguments = tuple(map(Argument, names, types, values))
        return replace(call, method=method, arguments=arguments)
    return Call("unknown", method=method)


def argument_tree(name: str, kind: str, value: Any) -> dict[str, Any]:
    """An argument as a tree {name, type, value | parts}, for display."""
    if isinstance(value, list):
        inner = kind[: kind.rindex("[")]
        return {
            "name": name,
            "type": kind,
            "parts": [argument_tree(str(i), inner, part) for i, part in enumerate(value)],
        }
    if isinstance(value, bool):
        return {"name": name, "type": kind, "value": "true" if value else "false"}
    if isinstance(value, bytes):
        return {"name": name, "type": kind, "value": checksum(value) if kind == "address" else to_hex(value)}
    return {"name": name, "type": kind, "value": str(value)}
