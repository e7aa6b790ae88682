"""What a station asks of the chain: one small port (``station.chain_client`` has the real one)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pywallet.protocol import Domain
from pywallet.settlement import Schedule


@dataclass(frozen=True, slots=True)
class ContentFacts:
    """A recording on the chain now; ``price`` wei per interval to the owner, ``licensed`` for this station."""

    owner: bytes
    policy_hash: bytes
    price: int
    server: bytes
    revoked: bool
    destroyed: bool
    licensed: bool


@dataclass(frozen=True, slots=True)
class Account:
    """This station's money with one server, in wei: debited so far, escrow left, and asked back of that."""

    spent: int
    escrow: int
    requested: int


@dataclass(frozen=True, slots=True)
class ContentServers:
    """A recording's security servers.

    Of an epoch, of the following one, and the one that its owner proposes, or None.
    """

    now: bytes
    following: bytes
    proposed: bytes | None = None


class ChainView(Protocol):
    """Reads only. Every method raises Unavailable(chain.unreachable) when the chain doesn't answer."""

    domain: Domain
    schedule: Schedule

    async def now_ms(self) -> int:
        """The chain's time, milliseconds."""

    async def content(self, content: bytes, station: bytes) -> ContentFacts | None:
        """The recording, or None where no contract of the registry stands."""

    async def servers_of(self, content: bytes, epoch: int) -> ContentServers:
        """Who serves a recording in this epoch and in the following one, and where its owner would move it."""

    async def right_until(self, content: bytes, station: bytes, until_s: int) -> int:
        """``until_s``, or the earlier second at which the right ends that lets this station play (Unix s)."""

    async def account(self, server: bytes, station: bytes) -> Account:
        """The station's account with this server."""

    async def rate(self, epoch: int) -> int:
        """Commission in that epoch, basis points."""

    async def server_url(self, server: bytes) -> str | None:
        """Where a registered, active server answers."""

    async def close(self) -> None:
        """Give the connection back."""
