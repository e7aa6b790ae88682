"""Configuration and keys of a security server."""

from __future__ import annotations

import json
import os
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from common.http_limits import Limits, networks
from pywallet.crypto import address_of, keccak256, key_wrap
from pywallet.encoding.hex import (
    from_b64,
    from_hex,
    to_b64,
    to_hex,
)
from pywallet.errors import InputError
from pywallet.rules.key_window import BUFFER_MS
from pywallet.rules.limits import SILENCE_MS


def database_url(name: str) -> str:
    """The SQLAlchemy URL of a database: ``name`` itself, or the SQLite file of that name."""
    return name if "://" in name else f"sqlite:///{name}"


@dataclass(frozen=True)
class Config:
    """Configuration of a server; the suffix of a name is its unit.

    ``silence_s`` and ``buffer_s`` have their rule and default in ``pywallet.rules``. They are settings because tests
    with a real clock cannot wait for a silence, and benchmarks request keys far ahead of the music.
    """

    deployment: Path
    keys: Path
    database: str = field(default="security_server.sqlite3", repr=False)
    host: str = "127.0.0.1"
    port: int = 8420
    rpc: str | None = field(default=None, repr=False)
    buffer_s: int = BUFFER_MS // 1000
    silence_s: int = SILENCE_MS // 1000
    credit_plays: int = 200
    credit_s: int = 60
    listener_credit: int = 2
    least_wei: int = 1_000
    most_stations: int = 4_096
    most_listeners: int = 4_096
    listeners_percent: int = 50
    most_terms: int = 256
    content_age_s: float = 30.0
    escrow_age_s: float = 5.0
    station_age_s: float = 60.0
    close_every_s: float = 2.0
    auto_close: bool = True
    accept_moves: bool = True
    relay_per_hour: int = 3600
    relay_least_wei: int = 0
    relay_hour_wei: int = 10**17
    relay_day_wei: int = 10**18
    relay_low_wei: int = 10**16
    relay_mix_s: float = 600.0
    relay_mix_most: int = 32
    max_fee_gwei: float | None = None
    gomaa_per_coin: float = 1.0
    territory: str | None = None
    purpose: str | None = None
    places: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    trusted_proxies: tuple[str, ...] = ()
    requests_per_minute_address: int = 6_000
    frames_per_minute: int = 6_000
    connections: int = 8_192
    connections_per_address: int = 4_096
    plays_per_station: int = 0
    requests_per_minute_station: int = 0
    operator_host: str = "127.0.0.1"
    operator_port: int | None = None
    log_format: str = "text"
    drain_s: int = 30
    keep_days: int = 90
    keep_receipts_days: int = 400

    @property
    def url(self) -> str:
        """The database as an SQLAlchemy URL."""
        return database_url(self.database)

    @property
    def limits(self) -> Limits:
        """Limits per network address."""
        proxies = networks(self.trusted_proxies)
        return Limits(proxies, self.requests_per_minute_address, self.connections, self.connections_per_address)

    def place(self, domain: str | None) -> tuple[str | None, str | None]:
        """Territory (ISO 3166-1) and purpose of a station's listeners, as configured for its domain or for all."""
        place = self.places.get(domain or "", {})
        return place.get("territory", self.territory), place.get("purpose", self.purpose)

    @property
    def max_fee(self) -> int | None:
        """Highest fee of a transaction, wei per gas; None: the network's."""
        return None if self.max_fee_gwei is None else int(self.max_fee_gwei * 10**9)

    @classmethod
    def from_toml(cls, path: Path, **overrides: Any) -> Config:
        """Read a TOML file; paths in it are relative to it, ``overrides`` that are not None win.

        Raises InputError ``message.schema`` naming the field.
        """
        try:
            raw = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as e:
            raise InputError("message.schema", file=path, reason=e) from None
        base = path.parent
        for name in ("deployment", "keys"):
            if isinstance(raw.get(name), str):
                raw[name] = base / raw[name]
        if isinstance(raw.get("database"), str) and "://" not in raw["database"]:
            raw["database"] = str(base / raw["database"])
        return cls.from_dict({**raw, **{k: v for k, v in overrides.items() if v is not None}})

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Config:
        """A configuration from plain values. Raises InputError ``message.schema`` naming the field."""
        types = {f.name: f.type for f in fields(cls)}
        values: dict[str, Any] = {}
        for name, value in raw.items():
            kind = types.get(name)
            if kind is None:
                raise InputError("message.schema", field=name, reason="unknown")
            values[name] = _typed(name, str(kind), value)
        for name in ("deployment", "keys"):
            if name not in values:
                raise InputError("message.schema", field=name, reason="missing")
        return cls(**values)


def _typed(name: str, kind: str, value: Any) -> Any:
    if kind == "Path" and isinstance(value, (str, Path)):
        return Path(value)
    if kind.startswith("Mapping") and isinstance(value, Mapping):
        if not all(
            isinstance(k, str) and isinstance(v, Mapping) and {"territory", "purpose"} >= v.keys()
            for k, v in value.items()
        ):
            raise InputError("message.schema", field=name, reason="station domain to {territory, purpose}")
        return value
    if kind.startswith("tuple") and isinstance(value, (list, tuple)):
        return tuple(str(network) for network in networks(value, name))
    if kind == "bool" and isinstance(value, bool):
        return value
    if name == "log_format" and value not in ("text", "json"):
        raise InputError("message.schema", field=name, reason="text or json")
    if kind.startswith("str") and isinstance(value, (str, Path)):
        return str(value)
    if kind.startswith("int") and type(value) is int and value >= 0:
        return value
    if kind.startswith("float") and type(value) in (int, float) and value > 0:
        return float(value)
    raise InputError("message.schema", field=name, reason=kind)


@dataclass(frozen=True)
class Keys:
    """The server's secrets.

    Attributes:
        signing: secp256k1 key; its address is the server's on the chain.
        exchange: X25519 private key to which content keys are wrapped.
        exchange_public: Its public key.
        master: Encrypts content keys at rest and derives the tag secrets, 32 bytes.
        admin: Bearer token of the admin routes.
        relayer: secp256k1 key of the account that pays gas for relayed claims.
    """

    signing: bytes = field(repr=False)
    exchange: bytes = field(repr=False)
    exchange_public: bytes
    master: bytes = field(repr=False)
    admin: str = field(repr=False)
    relayer: bytes = field(repr=False)

    @property
    def address(self) -> bytes:
        """The server's address, 20 bytes."""
        return address_of(self.signing)

    def tag_secret(self, listener: bytes, content: bytes) -> bytes:
        """Secret of a listener's usage tags, 32 bytes, shared by this server and the listener's host only.

        Args:
            listener: 20 bytes.
            content: 20 bytes.
        """
        return keccak256(b"gomaa/1 tag" + keccak256(self.master) + listener + content)

    @classmethod
    def make(cls, signing: bytes | None = None) -> Keys:
        """New keys, with a given signing key or a new one. The relayer is an account of its own."""
        private, public = key_wrap.generate_keypair()
        key = signing or _private_key()
        return cls(key, private, public, secrets.token_bytes(32), secrets.token_urlsafe(32), _private_key())

    def save(self, path: Path) -> None:
        """Write a new file that only its owner can read. Raises FileExistsError: keys are never overwritten."""
        body = {
            "signing": to_hex(self.signing),
            "relayer": to_hex(self.relayer),
            "exchange": to_b64(self.exchange),
            "exchange_public": to_b64(self.exchange_public),
            "master": to_b64(self.master),
            "admin": self.admin,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(body, file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())

    @classmethod
    def load(cls, path: Path) -> Keys:
        """Read the file that ``save`` wrote.

        Raises InputError ``message.schema``; a file others can read is refused.
        """
        try:
            if os.name == "posix" and path.stat().st_mode & 0o077:
                raise InputError("message.schema", file=path, reason="others can read the keys: chmod 600")
            raw = json.loads(path.read_text(encoding="utf-8"))
            signing = from_hex(raw["signing"], 32)
            return cls(
                signing,
                from_b64(raw["exchange"]),
                from_b64(raw["exchange_public"]),
                from_b64(raw["master"]),
                str(raw["admin"]),
                from_hex(raw["relayer"], 32) if "relayer" in raw else signing,
            )
        except (OSError, ValueError, KeyError, TypeError) as e:
            raise InputError("message.schema", file=path, reason=type(e).__name__) from None


def _private_key() -> bytes:
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    while not 0 < (value := secrets.randbits(256)) < order:
        pass
    return value.to_bytes(32, "big")
