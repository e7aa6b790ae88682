"""The policy of a recording, version 1: declarative data, never code (paper 3.2, step 2)."""

from __future__ import annotations

import io
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final

import cbor2

from pywallet.errors import InputError
from pywallet.platform import keccak256
from pywallet.wallet.amounts import parse

ACTIONS: Final = frozenset(
    [
        "play",
        "pause",
        "resume",
        "stop",
        "seek",
        "forward",
        "rewind",
        "rate",
        "preview",
        "live_join",
        "download",
        "transfer",
        "renew",
        "copy",
    ]
)
IMPLIED_BY_PLAY: Final = frozenset({"pause", "resume", "stop", "renew"})
PAYERS: Final = ("station", "listener", "nobody")
KNOWN: Final = frozenset(["permissions", "counts", "ttl_s", "not_before_s", "expires_s", "stations", "price", "listener", "lease", "crit"])

_MAX_TIME_S: Final = 1 << 40
_MAX_COUNT: Final = (1 << 32) - 1
_MAX_WEI: Final = (1 << 96) - 1
_MAX_LIST: Final = 256
_MAX_TOML: Final = 1 << 16
_MAX_DOTS: Final = 1000


@dataclass(frozen=True)
class Count:
    """At most ``limit`` uses; with ``per_s``, in each window of that many seconds from the first use."""

    limit: int
    per_s: int | None = None


@dataclass(frozen=True)
class Price:
    """What one interval of ``interval_s`` heard seconds costs: ``owner`` and ``reward`` in wei, and who pays."""

    interval_s: int
    owner: int
    reward: int
    payer: str = "station"


@dataclass(frozen=True)
class Lease:
    """Keys ahead of time: ``window_s`` seconds of music, valid ``seconds``, for at most ``invocations`` actions."""

    window_s: int
    seconds: int
    invocations: int


@dataclass(frozen=True)
class Policy:
    """The terms of one recording. Absent permissions are denied; unknown fields are kept in ``extra``."""

    permissions: tuple[str, ...]
    price: Price
    counts: Mapping[str, Count] = field(default_factory=lambda: MappingProxyType({}))
    stations: tuple[str, ...] = ("*",)
    listener: str = "any"
    ttl_s: int | None = None
    not_before_s: int | None = None
    expires_s: int | None = None
    lease: Lease | None = None
    extra: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def permits(self, action: str) -> bool:
        """Whether the band allows ``action`` at all."""
        return action in self.permissions or (action in IMPLIED_BY_PLAY and "play" in self.permissions)

    @classmethod
    def from_dict(cls, value: Any) -> Policy:
        """Read the header's policy map. Raises InputError ``policy.malformed`` naming the field."""
        return _read(value)

    @classmethod
    def from_toml(cls, text: str) -> Policy:
        """Read the form a musician writes: the same names, amounts as decimal strings in GoMAA."""
        # tomllib's time and memory grow with the square of a dotted key's parts.
        if len(text) > _MAX_TOML or any(line.count(".") > _MAX_DOTS for line in text.splitlines()):
            raise InputError("policy.malformed", field="toml", reason="too long")
        try:
            raw = tomllib.load(io.BytesIO(text.encode()))
        except (ValueError, RecursionError) as e:  # also numbers of thousands of digits, and brackets nested without end
            raise InputError("policy.malformed", field="toml", reason=str(e)) from None
        price = raw.get("price")
        if isinstance(price, dict):
            raw["price"] = {k: _wei(k, v) if k in ("owner", "reward") else v for k, v in price.items()}
        return cls.from_dict(raw)

    def to_dict(self) -> dict[str, Any]:
        """The map that stands in the header; ``from_dict`` of it gives an equal policy."""
        out: dict[str, Any] = {"permissions": list(self.permissions), "price": _plain(self.price), "stations": list(self.stations)}
        if self.counts:
            out["counts"] = {k: _plain(v) for k, v in self.counts.items()}
        out["listener"] = self.listener
        for name in ("ttl_s", "not_before_s", "expires_s"):
            if getattr(self, name) is not None:
                out[name] = getattr(self, name)
        if self.lease is not None:
            out["lease"] = _plain(self.lease)
        return {**out, **self.extra}

    def to_cbor(self) -> bytes:
        """Deterministic CBOR (RFC 8949 section 4.2.1) of ``to_dict``."""
        return cbor2.dumps(self.to_dict(), canonical=True)

    @cached_property
    def hash(self) -> bytes:
        """keccak-256 of ``to_cbor``: the policy hash that the content's contract holds."""
        return keccak256(self.to_cbor())


def _plain(part: Any) -> dict[str, Any]:
    return {k: v for k, v in vars(part).items() if v is not None}


def _bad(name: str, reason: str) -> InputError:
    return InputError("policy.malformed", field=name, reason=reason)


def _wei(name: str, value: Any) -> int:
    if not isinstance(value, str):
        raise _bad(f"price.{name}", 'amounts are decimal strings, like "0.0020"')
    try:
        return parse(value)
    except InputError:
        raise _bad(f"price.{name}", "a decimal number with at most 18 decimals") from None


def _int(value: Any, name: str, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise _bad(name, f"an integer from {low} to {high}")
    return value


def _optional(raw: Mapping[str, Any], name: str, low: int = 0) -> int | None:
    return None if name not in raw else _int(raw[name], name, low, _MAX_TIME_S)


def _map(value: Any, name: str, required: frozenset[str], allowed: frozenset[str]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(k, str) for k in value):
        raise _bad(name, "a table")
    if missing := required - value.keys():
        raise _bad(f"{name}.{min(missing)}", "missing")
    if unknown := value.keys() - allowed:
        raise _bad(f"{name}.{min(unknown)}", "unknown")
    return value


def _texts(value: Any, name: str) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or len(value) > _MAX_LIST or not all(isinstance(x, str) and 0 < len(x) <= 253 for x in value):
        raise _bad(name, "a list of texts")
    if len(set(value)) != len(value):
        raise _bad(name, "no entry twice")
    return tuple(value)


def _counts(value: Any) -> Mapping[str, Count]:
    table = _map(value, "counts", frozenset(), ACTIONS)
    out = {}
    for action, entry in table.items():
        name = f"counts.{action}"
        entry = _map(entry, name, frozenset({"limit"}), frozenset({"limit", "per_s"}))
        per_s = _int(entry["per_s"], f"{name}.per_s", 1, _MAX_TIME_S) if "per_s" in entry else None
        out[action] = Count(_int(entry["limit"], f"{name}.limit", 0, _MAX_COUNT), per_s)
    return MappingProxyType(out)


def _price(value: Any) -> Price:
    fields = frozenset({"interval_s", "owner", "reward", "payer"})
    table = _map(value, "price", fields - {"payer"}, fields)
    payer = table.get("payer", "station")
    if payer not in PAYERS:
        raise _bad("price.payer", "station, listener or nobody")
    price = Price(
        _int(table["interval_s"], "price.interval_s", 1, 86_400),
        _int(table["owner"], "price.owner", 0, _MAX_WEI),
        _int(table["reward"], "price.reward", 0, _MAX_WEI),
        payer,
    )
    if payer == "nobody" and (price.owner or price.reward):
        raise _bad("price.payer", "somebody must pay an amount above zero")
    return price


def _lease(value: Any) -> Lease:
    fields = frozenset({"window_s", "seconds", "invocations"})
    table = _map(value, "lease", fields, fields)
    return Lease(
        _int(table["window_s"], "lease.window_s", 2, 86_400),
        _int(table["seconds"], "lease.seconds", 1, 31_536_000),
        _int(table["invocations"], "lease.invocations", 1, 1_000_000),
    )


def _read(value: Any) -> Policy:
    if not isinstance(value, Mapping) or not all(isinstance(k, str) for k in value):
        raise _bad("policy", "a table")
    crit = _texts(value.get("crit", ()), "crit")
    if unknown := set(crit) - KNOWN:
        raise InputError("sps.header.critical", field=f"policy.{min(unknown)}")
    for name in ("permissions", "price"):
        if name not in value:
            raise _bad(name, "missing")
    permissions = _texts(value["permissions"], "permissions")
    if strange := set(permissions) - ACTIONS:
        raise _bad("permissions", f"unknown action {min(strange)}")
    listener = value.get("listener", "any")
    if listener not in ("any", "wallet"):
        raise _bad("listener", "any or wallet")
    return Policy(
        permissions=permissions,
        price=_price(value["price"]),
        counts=_counts(value.get("counts", {})),
        stations=_texts(value.get("stations", ("*",)), "stations"),
        listener=listener,
        ttl_s=_optional(value, "ttl_s", 1),
        not_before_s=_optional(value, "not_before_s"),
        expires_s=_optional(value, "expires_s"),
        lease=_lease(value["lease"]) if "lease" in value else None,
        extra=MappingProxyType({k: v for k, v in value.items() if k == "crit" or k not in KNOWN}),
    )
