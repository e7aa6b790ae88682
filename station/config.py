"""Settings of a station."""

from __future__ import annotations

import ipaddress
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common.http_limits import Limits, networks
from pywallet.encoding.hex import from_hex
from pywallet.errors import InputError
from station.rewards.loyalty import RewardSettings

_PATHS = ("key_file", "deployment_file", "catalogue", "admin_token_file")
_NUMBERS = (
    "statement_seconds",
    "ticket_slack_s",
    "tickets_per_minute",
    "tickets_per_minute_address",
    "tickets_unplayed",
    "timeout_s",
)
_DAYS = ("keep_days",)
_COUNTS = ("requests_per_minute_address", "connections", "connections_per_address")
_TEXTS = ("domain", "name", "tagline", "description", "song_of_the_day", "install_url", "sponsor", "public_rpc")


@dataclass(frozen=True, slots=True)
class StationConfig:
    """Settings of one station. Paths are absolute or relative to the working directory; times are in seconds."""

    domain: str
    """``host[:port]`` exactly as in the page's URL and in the registry."""
    name: str
    key_file: Path
    deployment_file: Path
    catalogue: Path
    """A folder of ``.sps`` files, or a TOML file with ``songs = ["one.sps", …]``."""
    database: str = field(default="station.sqlite3", repr=False)
    """A path, or an SQLAlchemy URL."""
    tagline: str = "Songs that pay the people who hear them."
    description: str = "Every song here says what it pays before you press play: the band first, then you."
    servers: Mapping[bytes, str] = field(default_factory=dict)
    """URLs of security servers by address; where one is missing, the registry's is used."""
    admin_token_file: Path | None = None
    statement_seconds: float = 10.0
    song_of_the_day: str | None = None
    install_url: str = "/install"
    public_rpc: str | None = None
    """A node that listeners' computers may use, as a ws(s) or http(s) URL.

    With it the station's record names its network.
    """
    sponsor: str | None = None
    """A line of advertising on the radio page, hidden with an ad-free pass in use."""
    rewards: RewardSettings = field(default_factory=RewardSettings)
    ticket_slack_s: int = 600
    """Seconds by which a ticket outlives its song, for pauses."""
    tickets_per_minute: int = 20
    """Tickets per session and minute."""
    tickets_per_minute_address: int = 240
    """Tickets per network address and minute."""
    requests_per_minute_address: int = 6_000
    """Requests of any kind per network address and minute."""
    connections: int = 8_192
    connections_per_address: int = 4_096
    trusted_proxies: tuple[str, ...] = ()
    """Addresses and networks of reverse proxies, whose forwarding header names the client."""
    tickets_unplayed: int = 32
    """Unplayed tickets per listener, in all sessions together."""
    keep_days: int = 90
    """Days after which settled tickets, statements and vouchers are deleted; 0: never."""
    timeout_s: float = 5.0
    """Limit for a response of the chain or a security server, s."""

    @property
    def limits(self) -> Limits:
        """Limits of one network address."""
        proxies = networks(self.trusted_proxies)
        return Limits(
            proxies, self.requests_per_minute_address, self.connections, self.connections_per_address, "station.busy"
        )

    @property
    def origin(self) -> str:
        """The page's origin: https, except on this machine itself."""
        host = self.domain.rsplit(":", 1)[0].strip("[]") if not self.domain.endswith("]") else self.domain.strip("[]")
        try:
            local = ipaddress.ip_address(host).is_loopback
        except ValueError:
            local = host == "localhost" or host.endswith(".localhost")
        return f"{'http' if local else 'https'}://{self.domain}"

    @property
    def points_file(self) -> Path:
        """The reward book: beside a database file, otherwise beside the key."""
        return (
            self.key_file.with_name("points.sqlite3")
            if "://" in self.database
            else Path(self.database).with_suffix(".points.sqlite3")
        )

    @property
    def database_url(self) -> str:
        """The database's SQLAlchemy URL."""
        return self.database if "://" in self.database else f"sqlite:///{Path(self.database).absolute()}"


def load(path: Path) -> StationConfig:
    """Read a station's TOML; paths in it are relative to the file.

    Raises:
        InputError: ``message.schema``.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError("message.schema", file=path, reason=error) from error
    return from_dict(raw, path.parent)


def from_dict(raw: Mapping[str, Any], base: Path) -> StationConfig:
    """A configuration from plain values; relative paths start at ``base``.

    Raises:
        InputError: ``message.schema``.
    """
    known = {*_PATHS, *_NUMBERS, *_COUNTS, *_DAYS, *_TEXTS, "database", "servers", "rewards", "trusted_proxies"}
    for name in sorted(set(raw) - known):
        raise InputError("message.schema", field=name, reason="unknown")
    values: dict[str, Any] = {}
    for name, value in raw.items():
        if name in _NUMBERS:
            if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
                raise InputError("message.schema", field=name, reason="a number above zero")
            values[name] = value
        elif name in _COUNTS:
            if type(value) is not int or value <= 0:
                raise InputError("message.schema", field=name, reason="a whole number above zero")
            values[name] = value
        elif name in _DAYS:
            if type(value) is not int or value < 0:
                raise InputError("message.schema", field=name, reason="a whole number of days, 0 for ever")
            values[name] = value
        elif name == "trusted_proxies":
            if not isinstance(value, (list, tuple)):
                raise InputError("message.schema", field=name, reason="a list of addresses and networks")
            values[name] = tuple(str(network) for network in networks(value, name))
        elif name == "servers":
            if not isinstance(value, Mapping):
                raise InputError("message.schema", field=name, reason="a table of address = URL")
            values[name] = {from_hex(address, 20): str(url).rstrip("/") for address, url in value.items()}
        elif name == "rewards":
            values[name] = RewardSettings.from_dict(value)
        elif not isinstance(value, (str, Path)) or not str(value):
            raise InputError("message.schema", field=name, reason="text")
        elif name in _PATHS:
            values[name] = base / value
        elif name == "database" and "://" not in str(value):
            values[name] = str(base / value)
        else:
            values[name] = str(value)
    if "public_rpc" in values and not values["public_rpc"].startswith(("ws://", "wss://", "http://", "https://")):
        raise InputError("message.schema", field="public_rpc", reason="a ws(s):// or http(s):// URL")
    for name in ("domain", "name", "key_file", "deployment_file", "catalogue"):
        if name not in values:
            raise InputError("message.schema", field=name, reason="missing")
    return StationConfig(**values)
