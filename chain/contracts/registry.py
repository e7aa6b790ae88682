"""The door to the registry, and the address a content will have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from chain.abi import function, to_address
from chain.client import Chain, TxReceipt
from chain.deployment import Deployment
from pywallet.crypto import keccak256

_CLONE: Final = (
    bytes.fromhex("602d3d8160093d39f3363d3d373d3d3d363d73"),
    bytes.fromhex("5af43d82803e903d91602b57fd5bf3"),
)
"""ERC-1167 as Vyper's create_minimal_proxy_to deploys it, around the implementation's address."""


@dataclass(frozen=True)
class StationEntry:
    """A station: its domain (``host[:port]``), its name, and whether it may play."""

    domain: str
    name: str
    active: bool


@dataclass(frozen=True)
class Standing:
    """Who verified a station's domain (None.

    Nobody), by a file with which hash, when (Unix s), and why it is suspended, if it is.
    """

    verifier: bytes | None
    proof: bytes
    since: int
    suspended: str


@dataclass(frozen=True)
class ServerEntry:
    """A security server: URL, X25519 key, and whether new contents may choose it."""

    url: str
    key: bytes
    active: bool


def predict_content(registry: bytes, implementation: bytes, owner: bytes, salt: bytes) -> bytes:
    """The address of the content that ``owner`` will create with ``salt`` (CREATE2, EIP-1014)."""
    code = _CLONE[0] + implementation + _CLONE[1]
    return keccak256(b"\xff" + registry + keccak256(owner + salt) + keccak256(code))[12:]


class Registry:
    """Stations, servers, commission, and the making of contents."""

    def __init__(self, chain: Chain, deployment: Deployment) -> None:
        self._chain = chain
        self._deployment = deployment
        self._address = deployment.registry

    async def station(self, address: bytes) -> StationEntry | None:
        """A station's entry, or None."""
        domain, name, active = (await self._chain.call(self._address, function("Registry", "station"), address))[0]
        return StationEntry(domain, name, active) if domain else None

    async def standing(self, address: bytes) -> Standing:
        """How a station came to be listed, and whether it is suspended."""
        verifier, proof, since, suspended = (
            await self._chain.call(self._address, function("Registry", "standing"), address)
        )[0]
        found = to_address(verifier)
        return Standing(found if any(found) else None, proof, since, suspended)

    async def application(self, address: bytes) -> tuple[str, str] | None:
        """Domain and name that a station has asked for, or None."""
        domain, name = (await self._chain.call(self._address, function("Registry", "application"), address))[0]
        return (domain, name) if domain else None

    async def station_of(self, domain: str) -> bytes | None:
        """Who has a domain, or None."""
        found = to_address((await self._chain.call(self._address, function("Registry", "station_of"), domain[:253]))[0])
        return found if any(found) else None

    async def server(self, address: bytes) -> ServerEntry | None:
        """A security server's entry, or None."""
        url, key, active = (await self._chain.call(self._address, function("Registry", "server"), address))[0]
        return ServerEntry(url, key, active) if url else None

    async def rate_at(self, epoch: int) -> int:
        """Commission of an epoch in basis points."""
        return int((await self._chain.call(self._address, function("Registry", "rate_at"), epoch))[0])

    async def is_content(self, address: bytes) -> bool:
        """Whether this registry made the content."""
        return bool((await self._chain.call(self._address, function("Registry", "is_content"), address))[0])

    async def is_owner(self, address: bytes) -> bool:
        """Whether the address owns a content that this registry made, or once did.

        Its shares can be sent to it without its signature.
        """
        return bool((await self._chain.call(self._address, function("Registry", "is_owner"), address))[0])

    def predict(self, owner: bytes, salt: bytes) -> bytes:
        """See ``predict_content``."""
        return predict_content(self._address, self._deployment.content_implementation, owner, salt)

    async def create_content(
        self,
        private_key: bytes,
        policy_hash: bytes,
        price: int,
        interval: int,
        server: bytes,
        open_license: bool,
        salt: bytes,
    ) -> TxReceipt:
        """Make the content of the key's account; ``price`` wei per ``interval`` seconds to the owner."""
        how = function("Registry", "create")
        return await self._chain.transact(
            private_key, self._address, how, policy_hash, price, interval, server, open_license, salt
        )

    async def add_station(
        self, private_key: bytes, address: bytes, domain: str, name: str, active: bool = True
    ) -> TxReceipt:
        """List a station, or change its entry. The platform's key."""
        return await self._chain.transact(
            private_key, self._address, function("Registry", "set_station"), address, domain, name, active
        )

    async def apply(self, private_key: bytes, domain: str, name: str) -> TxReceipt:
        """Ask to be listed. The station's key."""
        return await self._chain.transact(private_key, self._address, function("Registry", "apply"), domain, name)

    async def verify_station(self, private_key: bytes, address: bytes, domain: str, proof: bytes) -> TxReceipt:
        """List a station as it applied, after a look at its domain's file; ``proof`` is its keccak.

        A verifier's key, or the platform's.
        """
        how = function("Registry", "verify_station")
        return await self._chain.transact(private_key, self._address, how, address, domain, proof)

    async def suspend_station(self, private_key: bytes, address: bytes, reason: str) -> TxReceipt:
        """Stop a station, and say why (at most 200 bytes). The platform's key."""
        return await self._chain.transact(
            private_key, self._address, function("Registry", "suspend_station"), address, reason
        )

    async def reinstate_station(self, private_key: bytes, address: bytes) -> TxReceipt:
        """End a suspension. The platform's key."""
        return await self._chain.transact(
            private_key, self._address, function("Registry", "reinstate_station"), address
        )

    async def set_verifier(self, private_key: bytes, address: bytes, on: bool = True) -> TxReceipt:
        """Let an account verify stations' domains, or no longer. The platform's key."""
        return await self._chain.transact(private_key, self._address, function("Registry", "set_verifier"), address, on)

    async def add_server(
        self, private_key: bytes, address: bytes, url: str, key: bytes, active: bool = True
    ) -> TxReceipt:
        """List a security server, or change its entry. The platform's key."""
        return await self._chain.transact(
            private_key, self._address, function("Registry", "set_server"), address, url, key, active
        )

    async def set_rate(self, private_key: bytes, bps: int, from_epoch: int) -> TxReceipt:
        """Announce a commission, two epochs ahead or more. The platform's key."""
        return await self._chain.transact(private_key, self._address, function("Registry", "set_rate"), bps, from_epoch)
