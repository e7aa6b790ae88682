"""EIP-712 structs written out by hand: one encoder per message, tested against eth-account."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, ClassVar, Final

from pywallet.errors import InputError
from pywallet.platform import keccak256

_DOMAIN_TYPE: Final = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"


@dataclass(frozen=True)
class Domain:
    """The EIP-712 domain: which chain, and which Settlement contract (20 bytes)."""

    chain_id: int
    settlement: bytes

    @property
    def separator(self) -> bytes:
        """hashStruct of the domain (EIP-712)."""
        return _separator(self.chain_id, self.settlement)


@lru_cache(maxsize=64)
def _separator(chain_id: int, settlement: bytes) -> bytes:
    words = (
        keccak256(_DOMAIN_TYPE),
        keccak256(b"GoMAA Settlement"),
        keccak256(b"1"),
        chain_id.to_bytes(32, "big"),
        settlement.rjust(32, b"\0"),
    )
    return keccak256(b"".join(words))


@dataclass(frozen=True)
class Message:
    """Base of the structs. ``TYPES`` gives each field's Solidity type, in order."""

    TYPES: ClassVar[tuple[str, ...]] = ()
    TYPE_HASH: ClassVar[bytes] = b""

    def __post_init__(self) -> None:
        for spec, kind in zip(fields(self), self.TYPES, strict=True):
            _check(spec.name, kind, getattr(self, spec.name))

    @property
    def struct_hash(self) -> bytes:
        """hashStruct (EIP-712)."""
        words = [type(self).type_hash()]
        for value in vars(self).values():
            words.append(value.rjust(32, b"\0") if isinstance(value, bytes) else value.to_bytes(32, "big"))
        return keccak256(b"".join(words))

    @classmethod
    def type_text(cls) -> str:
        """encodeType (EIP-712), such as ``Voucher(address server,…)``."""
        names = (camel(spec.name) for spec in fields(cls))
        return f"{cls.__name__}({','.join(f'{kind} {name}' for kind, name in zip(cls.TYPES, names, strict=True))})"

    @classmethod
    def type_hash(cls) -> bytes:
        """keccak of ``type_text``."""
        if not cls.TYPE_HASH:
            cls.TYPE_HASH = keccak256(cls.type_text().encode())
        return cls.TYPE_HASH


def digest(message: Message, domain: Domain) -> bytes:
    """What is signed: keccak(0x1901 ‖ domain ‖ struct). For Session, Ticket and Invocation it is also their id."""
    return keccak256(b"\x19\x01" + domain.separator + message.struct_hash)


def camel(name: str) -> str:
    """``not_before`` as ``notBefore``."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def _check(name: str, kind: str, value: Any) -> None:
    if kind == "address" or kind.startswith("bytes"):
        length = 20 if kind == "address" else int(kind[5:])
        if type(value) is not bytes or len(value) != length:
            raise InputError("message.schema", field=name, reason=f"{kind} expected")
    elif type(value) is not int or not 0 <= value < 1 << int(kind[4:]):
        raise InputError("message.schema", field=name, reason=f"{kind} expected")


@dataclass(frozen=True)
class Session(Message):
    """The listener lets a device act at one station until ``not_after`` (seconds). Signed by the listener."""

    TYPES = ("address", "address", "address", "address", "uint64", "uint64")
    station: bytes
    listener: bytes
    device: bytes
    payee: bytes
    not_before: int
    not_after: int


@dataclass(frozen=True)
class Ticket(Message):
    """The station pays for one play: wei per interval, commission in basis points. Signed by the station."""

    TYPES = ("address", "address", "address", "bytes32", "uint32", "uint128", "uint128", "uint16", "uint64")
    server: bytes
    station: bytes
    content: bytes
    session: bytes
    number: int
    price: int
    reward: int
    bps: int
    expiry: int


@dataclass(frozen=True)
class Invocation(Message):
    """One action at ``position`` (ms) and ``time`` (Unix ms). Signed by the device."""

    TYPES = ("bytes32", "bytes32", "address", "uint8", "uint64", "uint64", "uint64")
    session: bytes
    ticket: bytes
    content: bytes
    action: int
    position: int
    sequence: int
    time: int


@dataclass(frozen=True)
class Receipt(Message):
    """The payee's total in one epoch, wei. Signed by the server."""

    TYPES = ("address", "uint256", "address", "uint256", "bytes32")
    server: bytes
    epoch: int
    payee: bytes
    amount: int
    detail: bytes


@dataclass(frozen=True)
class Statement(Message):
    """What a payer has spent in all, gross wei, and the hash of the lines behind it. Signed by the server."""

    TYPES = ("address", "address", "uint256", "uint256", "bytes32")
    server: bytes
    payer: bytes
    epoch: int
    spent: int
    lines: bytes


@dataclass(frozen=True)
class Voucher(Message):
    """The payer allows debits up to ``cap`` (cumulative gross wei) in epochs up to ``until``. Signed by the payer."""

    TYPES = ("address", "address", "uint256", "uint256")
    server: bytes
    payer: bytes
    cap: int
    until: int


@dataclass(frozen=True)
class Claim(Message):
    """The payee's earning of one epoch goes to ``to``, less ``tip`` for the relayer. Signed by the payee."""

    TYPES = ("address", "uint256", "address", "address", "uint256")
    server: bytes
    epoch: int
    payee: bytes
    to: bytes
    tip: int
