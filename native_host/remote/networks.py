"""The networks of this host, by chain id."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from messages.browser_host.connection import NetworkEntry
from messages.browser_host.events import NetworksChanged
from native_host.extension_events import Emit
from native_host.ledger import Ledger
from native_host.paths import Paths
from native_host.remote import network_files
from native_host.remote.network import Network, OnWithdrawn
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError, InputError
from pywallet.protocol import Signed, require_signer

if TYPE_CHECKING:
    from chain.deployment import Deployment


class Networks(Mapping[int, Network]):
    """Networks by chain id: those of the start, and those added since."""

    def __init__(
        self,
        paths: Paths,
        ledger: Ledger,
        emit: Emit,
        on_withdrawn: OnWithdrawn,
        deployments: Mapping[int, Deployment] | None = None,
    ) -> None:
        """Begin with the given networks.

        Args:
            paths: The host's folders, which hold the deployment files of added networks.
            ledger: Records on which network a security server was used.
            emit: Sends an event to the extension.
            on_withdrawn: Called with content and code when a watched content is revoked or destroyed.
            deployments: By chain id; None: those of the release and of the folders.
        """
        self._paths, self._ledger, self._emit, self._on_withdrawn = paths, ledger, emit, on_withdrawn
        deployments = network_files.load(paths) if deployments is None else deployments
        self._networks = {chain_id: Network(deployment, on_withdrawn) for chain_id, deployment in deployments.items()}

    def __getitem__(self, chain_id: int) -> Network:
        return self._networks[chain_id]

    def __iter__(self) -> Iterator[int]:
        return iter(self._networks)

    def __len__(self) -> int:
        return len(self._networks)

    def add(self, network: Network) -> None:
        """Add a network."""
        self._networks[network.deployment.chain_id] = network

    def require(self, chain_id: int) -> Network:
        """The network with this chain id, also where its file was added after the start.

        Raises:
            InputError: ``host.network.missing``, ``host.network.damaged``.
        """
        if chain_id not in self._networks:
            self.reload()
        if chain_id not in self._networks:
            damaged = any(file.stem == str(chain_id) for file in network_files.damaged(self._paths))
            raise InputError("host.network.damaged" if damaged else "host.network.missing", chain_id=chain_id)
        return self._networks[chain_id]

    def reload(self) -> None:
        """Add networks whose files are new, and send the extension a ``networks`` event."""
        deployments = network_files.load(self._paths)
        new = [deployment for chain_id, deployment in deployments.items() if chain_id not in self._networks]
        for deployment in new:
            self.add(Network(deployment, self._on_withdrawn))
        if new:
            self._emit(NetworksChanged(self.entries()))

    def of_server(self, server: bytes) -> Network:
        """The network on which a server was used; the first network if it never was.

        Raises:
            InputError: As ``require``.
        """
        chain_id = self._ledger.chain_id_of(server)
        return self.require(chain_id if chain_id in self._networks else next(iter(self._networks), 0))

    def of_signature(self, signed: Signed[Any], signer: bytes) -> Network | None:
        """The network in whose EIP-712 domain a message was signed; None where there is none."""
        for network in self._networks.values():
            with contextlib.suppress(GomaaError):
                require_signer(signed, network.domain, signer, "claim.signature")
                return network
        return None

    async def close(self) -> None:
        """Disconnect from every network."""
        await asyncio.gather(*(network.close() for network in self._networks.values()), return_exceptions=True)

    def entries(self) -> list[NetworkEntry]:
        """The networks for the result of ``hello`` and the ``networks`` event."""
        return [
            NetworkEntry(
                chain_id=deployment.chain_id,
                settlement=to_hex(deployment.settlement),
                token=to_hex(deployment.token),
                registry=to_hex(deployment.registry),
                epoch_s=deployment.schedule.length,
            )
            for deployment in (network.deployment for network in self._networks.values())
        ]
