"""Interface to the chain; ``station.chain_client`` implements it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pywallet.protocol import Domain
from pywallet.settlement import Schedule


@dataclass(frozen=True, slots=True)
class ContentFacts:
    """A content's state on the chain.

    Attributes:
        owner: Owner's address, 20 bytes.
        policy_hash: Hash of its terms, 32 bytes.
        price: Wei per interval to the owner.
        server: Address of its security server, 20 bytes.
        revoked: True if the owner has revoked it.
        destroyed: True if hosts delete it.
        licensed: True if this station may play it.
    """

    owner: bytes
    policy_hash: bytes
    price: int
    server: bytes
    revoked: bool
    destroyed: bool
    licensed: bool


@dataclass(frozen=True, slots=True)
class Account:
    """This station's account with one server, wei: debited so far, escrow left, and requested withdrawals of it."""

    spent: int
    escrow: int
    requested: int


@dataclass(frozen=True, slots=True)
class ContentServers:
    """A content's security servers: of an epoch, of the following one, and the one proposed by its owner."""

    now: bytes
    following: bytes
    proposed: bytes | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """A posted epoch: its commitment (32 bytes), and whether it is final, or void."""

    commit: bytes
    final: bool
    void: bool


class ChainView(Protocol):
    """Reads of the chain. Every method raises Unavailable ``chain.unreachable``."""

    domain: Domain
    schedule: Schedule

    async def now_ms(self) -> int:
        """The chain's time, Unix ms."""

    async def content(self, content: bytes, station: bytes) -> ContentFacts | None:
        """The content's state for a station; None where the registry made no such contract."""

    async def servers_of(self, content: bytes, epoch: int) -> ContentServers:
        """The content's servers in this epoch and the next one, and the proposed one."""

    async def right_until(self, content: bytes, station: bytes, until_s: int) -> int:
        """``until_s``, or the earlier end of this station's right to play the content; Unix s."""

    async def account(self, server: bytes, station: bytes) -> Account:
        """The station's account with this server."""

    async def rate(self, epoch: int) -> int:
        """Commission in that epoch, basis points."""

    async def server_url(self, server: bytes) -> str | None:
        """URL of a registered, active server, or None."""

    async def last_posted(self, server: bytes) -> int | None:
        """The epoch that this server debited or posted last."""

    async def post(self, server: bytes, epoch: int) -> Post | None:
        """The post of an epoch; None where there is none."""

    async def close(self) -> None:
        """Close the connection."""
