"""EIP-712 structs of the signed messages, with their encoder, tested against eth-account."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, ClassVar, Final

from pywallet.crypto import keccak256
from pywallet.errors import InputError

_DOMAIN_TYPE: Final = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"


@dataclass(frozen=True)
class Domain:
    """EIP-712 domain: number of the network, and address of the Settlement contract (20 bytes)."""

    chain_id: int
    settlement: bytes

    def __post_init__(self) -> None:
        check("chain_id", "uint256", self.chain_id)
        check("settlement", "address", self.settlement)

    @cached_property
    def separator(self) -> bytes:
        """``hashStruct`` of the domain (EIP-712)."""
        names = keccak256(_DOMAIN_TYPE) + keccak256(b"GoMAA Settlement") + keccak256(b"1")
        return keccak256(names + self.chain_id.to_bytes(32, "big") + self.settlement.rjust(32, b"\0"))


@dataclass(frozen=True)
class Message:
    """Base of the structs. ``TYPES`` are the Solidity types of the fields, in order."""

    TYPES: ClassVar[tuple[str, ...]] = ()
    TYPE_HASH: ClassVar[bytes] = b""
    WIRE_NAMES: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for (name, value), kind in zip(vars(self).items(), self.TYPES, strict=True):
            check(name, kind, value)

    @property
    def struct_hash(self) -> bytes:
        """``hashStruct`` (EIP-712)."""
        words = [self.TYPE_HASH or self.type_hash()]
        words += [v.rjust(32, b"\0") if v.__class__ is bytes else v.to_bytes(32, "big") for v in vars(self).values()]
        return keccak256(b"".join(words))

    @classmethod
    def type_text(cls) -> str:
        """``encodeType`` (EIP-712), such as ``Voucher(address server,…)``."""
        parts = (f"{kind} {name}" for kind, name in zip(cls.TYPES, cls.wire_names(), strict=True))
        return f"{cls.__name__}({','.join(parts)})"

    @classmethod
    def wire_names(cls) -> tuple[str, ...]:
        """Names of the fields in the EIP-712 type and in JSON, in order."""
        if not cls.WIRE_NAMES:
            cls.WIRE_NAMES = tuple(camel(spec.name) for spec in fields(cls))
        return cls.WIRE_NAMES

    @classmethod
    def type_hash(cls) -> bytes:
        """Keccak of ``type_text``."""
        if not cls.TYPE_HASH:
            cls.TYPE_HASH = keccak256(cls.type_text().encode())
        return cls.TYPE_HASH


def digest(message: Message, domain: Domain) -> bytes:
    """The signed digest, keccak(0x1901 ‖ domain ‖ struct); also the id of a Session, Ticket or Invocation."""
    return keccak256(b"\x19\x01" + domain.separator + message.struct_hash)


def camel(name: str) -> str:
    """Convert ``not_before`` to ``notBefore``."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


# By Solidity type: the length in bytes, or the bound of the value.
_LENGTHS: Final = {"address": 20, "bytes32": 32}
_BOUNDS: Final = {f"uint{bits}": 1 << bits for bits in (8, 16, 32, 64, 128, 256)}


def check(name: str, kind: str, value: Any) -> None:
    """Raise InputError ``message.schema`` unless ``value`` is of the Solidity type ``kind``."""
    length = _LENGTHS.get(kind)
    if length is None:
        if type(value) is int and 0 <= value < _BOUNDS[kind]:
            return
    elif type(value) is bytes and len(value) == length:
        return
    raise InputError("message.schema", field=name, reason=f"{kind} expected")


@dataclass(frozen=True)
class Session(Message):
    """Authorises a device to act for a listener at a station. Times in Unix seconds. Signed by the listener."""

    TYPES = ("address", "address", "address", "address", "uint64", "uint64")
    station: bytes
    listener: bytes
    device: bytes
    payee: bytes
    not_before: int
    not_after: int


@dataclass(frozen=True)
class Ticket(Message):
    """Offer to pay for one play.

    ``price`` and ``reward`` in wei per interval, ``bps`` the commission in basis points, ``expiry`` in Unix seconds.
    Signed by the station.
    """

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
    """A payee's total in one epoch, wei. Signed by the security server."""

    TYPES = ("address", "uint256", "address", "uint256", "bytes32")
    server: bytes
    epoch: int
    payee: bytes
    amount: int
    detail: bytes


@dataclass(frozen=True)
class Statement(Message):
    """A payer's cumulative gross in wei, and the hash of its lines. Signed by the security server."""

    TYPES = ("address", "address", "uint256", "uint256", "bytes32")
    server: bytes
    payer: bytes
    epoch: int
    spent: int
    lines: bytes


@dataclass(frozen=True)
class Voucher(Message):
    """Permits debits up to ``cap`` (cumulative gross wei) in epochs up to ``until``. Signed by the payer."""

    TYPES = ("address", "address", "uint256", "uint256")
    server: bytes
    payer: bytes
    cap: int
    until: int


@dataclass(frozen=True)
class Claim(Message):
    """Order to pay a payee's leaf of one epoch to ``to``, less ``tip`` (wei) for the relayer. Signed by the payee."""

    TYPES = ("address", "uint256", "address", "address", "uint256")
    server: bytes
    epoch: int
    payee: bytes
    to: bytes
    tip: int


@dataclass(frozen=True)
class Sweep(Message):
    """Order to a relayer to transfer tokens of a payee's own address to ``to``. Signed by the payee.

    It accompanies a permit for the relayer, since a permit names no recipient. No contract reads it. ``amount`` in wei,
    ``deadline`` in Unix seconds.
    """

    TYPES = ("address", "address", "address", "uint256", "uint256")
    relayer: bytes
    payee: bytes
    to: bytes
    amount: int
    deadline: int
