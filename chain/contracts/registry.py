"""Contract client of the registry, and prediction of contents' addresses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from chain.abi import to_address
from chain.client import Chain, TxReceipt
from chain.contracts.contract_client import ContractClient
from chain.deployment import Deployment
from pywallet.crypto import keccak256

_CLONE: Final = (
    bytes.fromhex("602d3d8160093d39f3363d3d373d3d3d363d73"),
    bytes.fromhex("5af43d82803e903d91602b57fd5bf3"),
)
"""ERC-1167 as Vyper's create_minimal_proxy_to deploys it, around the implementation's address."""


@dataclass(frozen=True)
class StationEntry:
    """Entry of a station: domain (``host[:port]``), name, and True if it may play."""

    domain: str
    name: str
    active: bool

    @classmethod
    def of(cls, values: tuple[Any, ...]) -> StationEntry | None:
        """The entry from the results of the contract's ``station``; None for a station without one."""
        domain, name, active = values
        return cls(domain, name, active) if domain else None


@dataclass(frozen=True)
class Standing:
    """Verification of a station's domain: verifier (None if unverified), keccak of the proof's file, Unix s.

    ``suspended`` is the reason of a suspension, empty if the station is not suspended.
    """

    verifier: bytes | None
    proof: bytes
    since: int
    suspended: str


@dataclass(frozen=True)
class ServerEntry:
    """Entry of a security server: URL, X25519 key, and True if new contents may choose it."""

    url: str
    key: bytes
    active: bool

    @classmethod
    def of(cls, values: tuple[Any, ...]) -> ServerEntry | None:
        """The entry from the results of the contract's ``server``; None for a server without one."""
        url, key, active = values
        return cls(url, key, active) if url else None


def predict_content(registry: bytes, implementation: bytes, owner: bytes, salt: bytes) -> bytes:
    """The address of the content that ``owner`` will create with ``salt`` (CREATE2, EIP-1014)."""
    code = _CLONE[0] + implementation + _CLONE[1]
    return keccak256(b"\xff" + registry + keccak256(owner + salt) + keccak256(code))[12:]


class Registry(ContractClient):
    """Stations, security servers, commission and creation of contents."""

    CONTRACT = "Registry"

    def __init__(self, chain: Chain, deployment: Deployment) -> None:
        super().__init__(chain, deployment, deployment.registry)

    async def station(self, address: bytes) -> StationEntry | None:
        """A station's entry, or None."""
        return StationEntry.of(await self._call("station", address))

    async def standing(self, address: bytes) -> Standing:
        """The verification of a station's domain, and the reason of its suspension."""
        verifier, proof, since, suspended = await self._call("standing", address)
        verified_by = to_address(verifier)
        return Standing(verified_by if any(verified_by) else None, proof, since, suspended)

    async def application(self, address: bytes) -> tuple[str, str] | None:
        """Domain and name of a station's pending application, or None."""
        domain, name = await self._call("application", address)
        return (domain, name) if domain else None

    async def station_of(self, domain: str) -> bytes | None:
        """The station of a domain, or None."""
        address = to_address(await self._call("station_of", domain[:253]))
        return address if any(address) else None

    async def server(self, address: bytes) -> ServerEntry | None:
        """A security server's entry, or None."""
        return ServerEntry.of(await self._call("server", address))

    async def rate_at(self, epoch: int) -> int:
        """Commission of an epoch in basis points."""
        return int(await self._call("rate_at", epoch))

    async def is_content(self, address: bytes) -> bool:
        """True if this registry created the content."""
        return bool(await self._call("is_content", address))

    async def is_owner(self, address: bytes) -> bool:
        """True if the address owns or owned a content of this registry; claims to it need no signature."""
        return bool(await self._call("is_owner", address))

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
        """Create a content of the key's account; ``price`` in wei per ``interval`` seconds, to the owner."""
        return await self._transact(private_key, "create", policy_hash, price, interval, server, open_license, salt)

    async def add_station(
        self, private_key: bytes, address: bytes, domain: str, name: str, active: bool = True
    ) -> TxReceipt:
        """List a station, or change its entry. The platform's key."""
        return await self._transact(private_key, "set_station", address, domain, name, active)

    async def apply(self, private_key: bytes, domain: str, name: str) -> TxReceipt:
        """Apply for a listing. The station's key."""
        return await self._transact(private_key, "apply", domain, name)

    async def verify_station(self, private_key: bytes, address: bytes, domain: str, proof: bytes) -> TxReceipt:
        """List a station as it applied, after verifying its domain's file; ``proof`` is the file's keccak.

        A verifier's key, or the platform's.
        """
        return await self._transact(private_key, "verify_station", address, domain, proof)

    async def suspend_station(self, private_key: bytes, address: bytes, reason: str) -> TxReceipt:
        """Suspend a station for a public reason (at most 200 bytes). The platform's key."""
        return await self._transact(private_key, "suspend_station", address, reason)

    async def reinstate_station(self, private_key: bytes, address: bytes) -> TxReceipt:
        """End a suspension. The platform's key."""
        return await self._transact(private_key, "reinstate_station", address)

    async def set_verifier(self, private_key: bytes, address: bytes, on: bool = True) -> TxReceipt:
        """Allow or forbid an account to verify stations. The platform's key."""
        return await self._transact(private_key, "set_verifier", address, on)

    async def add_server(
        self, private_key: bytes, address: bytes, url: str, key: bytes, active: bool = True
    ) -> TxReceipt:
        """List a security server, or change its entry. The platform's key."""
        return await self._transact(private_key, "set_server", address, url, key, active)

    async def set_rate(self, private_key: bytes, bps: int, from_epoch: int) -> TxReceipt:
        """Announce a commission, two epochs ahead or more. The platform's key."""
        return await self._transact(private_key, "set_rate", bps, from_epoch)
