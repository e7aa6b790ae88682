"""Composition root: builds the host's services and holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from native_host import device_key
from native_host.background import BackgroundTasks
from native_host.device_key import Device
from native_host.extension_events import Emit
from native_host.ledger import Ledger
from native_host.paths import Paths
from native_host.payments.earnings import WalletEarnings
from native_host.payments.listener_payments import ListenerPayments
from native_host.payments.recovery_scan import RecoveryScans
from native_host.playback.destruction import Destructions
from native_host.playback.device_keys import DeviceKeys
from native_host.playback.invocation_log import InvocationLog
from native_host.playback.key_source import KeySource
from native_host.playback.lease_manager import LeaseManager
from native_host.playback.refusals import Refusals
from native_host.playback.reporters import Reporters
from native_host.playback.session_servers import SessionServers
from native_host.playback.stream_quota import StreamQuota
from native_host.playback.streams import Streams
from native_host.playback.withdrawal import Withdrawals
from native_host.remote.connections import ServerConnections
from native_host.remote.networks import Networks
from native_host.remote.server_directory import ServerDirectory
from native_host.remote.trusted_clock import TrustedClock
from native_host.server_events import ServerEvents

if TYPE_CHECKING:
    from chain.deployment import Deployment


@dataclass(frozen=True)
class Services:
    """The services of one browser's host, for operations; no service imports this module."""

    paths: Paths
    ledger: Ledger
    device: Device
    tasks: BackgroundTasks
    networks: Networks
    connections: ServerConnections
    directory: ServerDirectory
    clock: TrustedClock
    streams: Streams
    quota: StreamQuota
    keys: DeviceKeys
    servers: SessionServers
    reporters: Reporters
    refusals: Refusals
    withdrawals: Withdrawals
    destructions: Destructions
    invocations: InvocationLog
    key_source: KeySource
    leases: LeaseManager
    payments: ListenerPayments
    earnings: WalletEarnings
    scans: RecoveryScans

    def start(self) -> None:
        """Connect to the networks, and report the invocations that an earlier run left."""
        for network in self.networks.values():
            self.tasks.start(network.ready())
        self.reporters.resume(self.servers, self.networks)

    async def close(self) -> None:
        """Stop everything; what is unreported stays in the ledger."""
        self.tasks.cancel()
        for stream in list(self.streams.values()):
            self.streams.drop(stream)
        await self.reporters.close()
        await self.connections.close()
        await self.networks.close()
        self.ledger.close()


def open_services(paths: Paths, emit: Emit, deployments: Mapping[int, Deployment] | None = None) -> Services:
    """Open device key and ledger, and build the services around them.

    Args:
        paths: The host's folders, made where they are missing.
        emit: Sends an event to the extension.
        deployments: By chain id; None: those of the release and of the folders.

    Raises:
        GomaaError: ``host.device.key``, ``host.folder.denied``, ``host.disk.full``, ``host.ledger.*``.
    """
    device = device_key.load(paths.make().device_key)
    ledger = Ledger(paths.ledger)
    tasks, streams, keys = BackgroundTasks(), Streams(), DeviceKeys(device, ledger)
    withdrawals = Withdrawals(ledger, streams, emit)
    refusals = Refusals(ledger, streams, emit)
    reporters = Reporters(ledger, refusals.on_refused)
    events = ServerEvents(ledger, streams, reporters, withdrawals, tasks, emit)
    networks = Networks(paths, ledger, emit, withdrawals.withdraw, deployments)
    connections = ServerConnections(tasks, events.on_event, events.on_state, lambda: keys.in_use(streams))
    servers = SessionServers(connections, keys)
    clock = TrustedClock(ledger.newest_ms(), networks, connections)
    return Services(
        paths=paths,
        ledger=ledger,
        device=device,
        tasks=tasks,
        networks=networks,
        connections=connections,
        directory=ServerDirectory(ledger, networks, connections),
        clock=clock,
        streams=streams,
        quota=StreamQuota(streams),
        keys=keys,
        servers=servers,
        reporters=reporters,
        refusals=refusals,
        withdrawals=withdrawals,
        destructions=Destructions(ledger, streams, networks, servers, keys, clock, tasks, emit),
        invocations=InvocationLog(ledger, streams, servers, keys, clock),
        key_source=KeySource(ledger, servers, reporters, clock),
        leases=LeaseManager(ledger, servers, reporters, refusals, clock),
        payments=ListenerPayments(ledger, servers, reporters, clock),
        earnings=WalletEarnings(ledger, networks, connections, keys),
        scans=RecoveryScans(ledger),
    )
