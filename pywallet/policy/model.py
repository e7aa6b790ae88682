"""The policy of a recording, version 1: declarative data, never code (paper 3.2, step 2).

``docs/policy.md`` specifies each field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final

import cbor2

from pywallet.crypto import keccak256
from pywallet.errors import InputError
from pywallet.policy.fields import choice, flag, integer, malformed, optional, texts, without_defaults
from pywallet.policy.meter import FASTEST
from pywallet.policy.parts import (
    ACTIONS,
    IMPLIED_BY_PLAY,
    IMPLIED_BY_PREVIEW,
    Count,
    OfflineLease,
    PlayablePart,
    Price,
    Renewal,
    read_counts,
    read_lease,
    read_part,
    read_price,
    read_renewal,
)

TRACKING: Final = ("never", "opt_in", "opt_out")
"""Counting of a part's listeners, strictest first: none; those who agreed; all who did not decline."""
DESTROYED_WHEN: Final = ("exhausted", "expired", "rollback")
ANYWHERE: Final = ("*",)
_MAX_CHILDREN: Final = 4
_TIMES: Final = ("ttl_s", "not_before_s", "expires_s", "start_by_s", "metered_s", "preview_s", "key_epoch_s")
_LISTS: Final = ("stations", "territories", "purposes")
KNOWN: Final = frozenset(
    [
        *("permissions", "counts", "price", "listener", "lease", "crit", "part", "renewal", "devices", "concurrent"),
        *("tracking", "child", "self_destruct", "hold", *_TIMES, *_LISTS),
    ]
)


@dataclass(frozen=True)
class Policy:
    """The terms of one recording. Absent permissions are denied; unknown fields are kept in ``extra``."""

    permissions: tuple[str, ...]
    price: Price
    counts: Mapping[str, Count] = field(default_factory=lambda: MappingProxyType({}))
    stations: tuple[str, ...] = ANYWHERE
    listener: str = "any"
    ttl_s: int | None = None
    not_before_s: int | None = None
    expires_s: int | None = None
    lease: OfflineLease | None = None
    extra: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    start_by_s: int | None = None
    metered_s: int | None = None
    territories: tuple[str, ...] = ANYWHERE
    purposes: tuple[str, ...] = ANYWHERE
    devices: int | None = None
    concurrent: int = 1
    part: PlayablePart | None = None
    preview_s: int | None = None
    renewal: Renewal | None = None
    tracking: str = "opt_in"
    child: Policy | None = None
    key_epoch_s: int | None = None
    self_destruct: tuple[str, ...] = ()
    hold: bool = True

    @property
    def fastest(self) -> int:
        """Highest playback rate, as a multiple of real time; 1 where the listener may not change it."""
        return FASTEST if self.permits("rate") else 1

    def permits(self, action: str) -> bool:
        """True if the permissions include ``action`` or imply it."""
        if action in self.permissions:
            return True
        plays, previews = "play" in self.permissions, "preview" in self.permissions
        return (plays and action in IMPLIED_BY_PLAY) or (previews and action in IMPLIED_BY_PREVIEW)

    def tracks(self, choice: bool | None) -> bool:
        """True if a listener is counted among those who heard each part.

        Args:
            choice: The listener's own choice, None if there is none.
        """
        if self.tracking == "never" or choice is False:
            return False
        return choice is True or self.tracking == "opt_out"

    @classmethod
    def from_dict(cls, value: Any) -> Policy:
        """Read the header's policy map. Raises InputError ``policy.malformed`` naming the field."""
        return _read(value, 0)

    @classmethod
    def from_toml(cls, text: str) -> Policy:
        """Read the TOML form. Raises InputError ``policy.malformed`` naming the field."""
        from pywallet.policy.toml_format import to_map

        return cls.from_dict(to_map(text))

    def to_dict(self) -> dict[str, Any]:
        """The header's map; ``from_dict`` of it gives an equal policy."""
        out: dict[str, Any] = {
            "permissions": list(self.permissions),
            "price": vars(self.price).copy(),
            "stations": list(self.stations),
        }
        if self.counts:
            out["counts"] = {action: count.to_dict() for action, count in self.counts.items()}
        out["listener"] = self.listener
        out |= {name: getattr(self, name) for name in _TIMES if getattr(self, name) is not None}
        out |= {
            name: list(getattr(self, name)) for name in ("territories", "purposes") if getattr(self, name) != ANYWHERE
        }
        out |= {
            name: without_defaults(getattr(self, name))
            for name in ("lease", "renewal", "part")
            if getattr(self, name) is not None
        }
        if self.devices is not None:
            out["devices"] = self.devices
        if self.concurrent != 1:
            out["concurrent"] = self.concurrent
        if self.tracking != "opt_in":
            out["tracking"] = self.tracking
        if self.self_destruct:
            out["self_destruct"] = list(self.self_destruct)
        if not self.hold:
            out["hold"] = False
        if self.child is not None:
            out["child"] = self.child.to_dict()
        return {**out, **self.extra}

    def to_cbor(self) -> bytes:
        """Deterministic CBOR (RFC 8949 section 4.2.1) of ``to_dict``."""
        return cbor2.dumps(self.to_dict(), canonical=True)

    @cached_property
    def hash(self) -> bytes:
        """keccak-256 of ``to_cbor``: the policy hash of a header written from this policy.

        A header that was read has the hash of its own bytes, which may have fields that this version does not know.
        """
        return keccak256(self.to_cbor())


def _read(value: Any, depth: int) -> Policy:
    if not isinstance(value, Mapping) or not all(isinstance(k, str) for k in value):
        raise malformed("policy", "a table")
    crit = texts(value.get("crit", ()), "crit")
    if unknown := set(crit) - KNOWN:
        raise InputError("sps.header.critical", field=f"policy.{min(unknown)}")
    for name in ("permissions", "price"):
        if name not in value:
            raise malformed(name, "missing")
    permissions = _words(value["permissions"], "permissions", ACTIONS, "action")
    policy = Policy(
        permissions=permissions,
        price=read_price(value["price"]),
        counts=read_counts(value.get("counts", {})),
        stations=texts(value.get("stations", ANYWHERE), "stations"),
        listener=choice(value, "listener", ("any", "wallet"), "any"),
        lease=read_lease(value["lease"]) if "lease" in value else None,
        extra=MappingProxyType({k: v for k, v in value.items() if k == "crit" or k not in KNOWN}),
        **{name: optional(value, name, 0 if name in ("not_before_s", "expires_s") else 1) for name in _TIMES},
        territories=_territories(value.get("territories", ANYWHERE)),
        purposes=texts(value.get("purposes", ANYWHERE), "purposes"),
        devices=optional(value, "devices", 1, 1000),
        concurrent=integer(value.get("concurrent", 1), "concurrent", 1, 1000),
        part=read_part(value["part"]) if "part" in value else None,
        renewal=read_renewal(value["renewal"]) if "renewal" in value else None,
        tracking=choice(value, "tracking", TRACKING, "opt_in"),
        child=None,
        self_destruct=_words(value.get("self_destruct", ()), "self_destruct", frozenset(DESTROYED_WHEN), "occasion"),
        hold=flag(value, "hold", default=True),
    )
    if policy.preview_s is not None and "preview" not in permissions:
        raise malformed("preview_s", "needs the permission preview")
    # After all fields of its parent, so that every reader reports the same error first.
    return policy if "child" not in value else replace(policy, child=_child(value, depth))


def _child(value: Mapping[str, Any], depth: int) -> Policy:
    if depth >= _MAX_CHILDREN:
        raise malformed("child", f"at most {_MAX_CHILDREN} generations")
    if "transfer" not in value["permissions"]:
        raise malformed("child", "needs the permission transfer")
    return _read(value["child"], depth + 1)


def _words(value: Any, name: str, allowed: frozenset[str], kind: str) -> tuple[str, ...]:
    words = texts(value, name)
    if unknown := set(words) - allowed:
        raise malformed(name, f"unknown {kind} {min(unknown)}")
    return words


def _territories(value: Any) -> tuple[str, ...]:
    codes = texts(value, "territories")
    if codes != ANYWHERE and not all(len(x) == 2 and x.isascii() and x.isalpha() and x.isupper() for x in codes):
        raise malformed("territories", 'two capital letters each (ISO 3166-1), or "*" alone')
    return codes
