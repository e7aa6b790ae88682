"""A chain with posted epochs, and a computer whose host scans them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from chain.contracts.registry import StationEntry
from chain.node_answers import Log, failure
from native_host.context import Services, open_services
from native_host.ledger.payee_store import NEWEST
from native_host.messaging import requests
from native_host.operations import scan
from native_host.paths import Paths
from native_host.payments import recovery_scan
from pywallet.encoding.hex import to_b64, to_hex
from pywallet.errors import Unavailable
from pywallet.settlement import EpochData, PayeeRow, Schedule, StationRow
from tests.host_messages import as_json

WALLET, STATION, SERVER, AWAY = (bytes([n]) * 20 for n in (1, 3, 4, 5))
CHAIN_ID, SETTLEMENT = 31337, bytes([6]) * 20
SCHEDULE = Schedule(3_600, 300, 900, 900, 7_200, 3_600)
EPOCH = 500_000
BEGIN_S = EPOCH * 3_600 - 86_400


def payee(station: bytes, number: int) -> bytes:
    """A stand-in for the wallet's derivation."""
    return station[:4] + number.to_bytes(16, "big")


def data(server: bytes, epoch: int, *rows: tuple[bytes, int], stations: tuple[bytes, ...] = (STATION,)) -> EpochData:
    """Published data with these leaves, and leaves of strangers before and after them."""
    leaves = sorted([*rows, (bytes(20), 1), (b"\xff" * 20, 1)])
    payees = tuple(PayeeRow(*row) for row in leaves)
    return EpochData(
        server, epoch, bytes(32), 0, bytes(32), 0, stations=tuple(map(StationRow, stations)), payees=payees
    )


class Chain:
    """Posts by block, a registered server that answers and one that does not."""

    def __init__(self) -> None:
        self.posts: list[tuple[int, EpochData]] = []
        self.most_blocks = 1 << 30
        self.asked: list[tuple[int, int]] = []
        self.gone: set[bytes] = {AWAY}
        self.lost: set[bytes] = set()
        self.listed: set[bytes] = {STATION}
        self.looked_up = 0
        self.final: set[int] = set()
        self.claimed: dict[bytes, int] = {}
        self.asked_for: list[int] = []
        self.mute = False
        self.fetched: list[tuple[bytes, int]] = []
        self.height = 10_000

    async def block(self, number: int | None = None) -> Any:
        """Height and time."""
        return SimpleNamespace(number=self.height, timestamp=BEGIN_S)

    async def posted_between(self, first: int, last: int) -> list[Log]:
        """The posts in a range of blocks; a longer range than ``most_blocks`` is refused."""
        if last - first >= self.most_blocks:
            raise failure("eth_getLogs", {"code": -32005, "message": "query exceeds max block range"})
        self.asked.append((first, last))
        found = [(block, one) for block, one in self.posts if first <= block <= last]
        return [
            Log("Posted", SETTLEMENT, {"server": d.server, "epoch": d.epoch, "data": d.hash}, block, bytes(32))
            for block, d in found
        ]

    async def epoch(self, server: bytes, epoch: int) -> Any:
        """A posted epoch, final if it is in ``final``."""
        if self.mute:
            raise Unavailable("chain.unreachable")
        return SimpleNamespace(commit=b"\1", final=epoch in self.final, ready=0)

    async def claims_by(self, payees: list[bytes]) -> list[Log]:
        """Claims of these payees to the wallet's account."""
        self.asked_for.append(len(payees))
        found = [(one, self.claimed[one]) for one in payees if one in self.claimed]
        fields = (
            {"server": SERVER, "epoch": epoch, "payee": one, "to": WALLET, "amount": 1, "tip": 0}
            for one, epoch in found
        )
        return [Log("Claimed", SETTLEMENT, some, 7, bytes(32)) for some in fields]

    async def server(self, address: bytes) -> Any:
        """Both servers are registered."""
        return SimpleNamespace(url=f"https://{address.hex()}.example")

    async def station(self, address: bytes) -> StationEntry | None:
        """A station that is no longer active."""
        self.looked_up += 1
        return StationEntry("radio.example", "Radio", False) if address in self.listed else None


class Network:
    """A network with this chain."""

    def __init__(self, chain: Chain) -> None:
        self.chain = self.settlement = self.registry = chain
        node = "wss://node.example"
        self.deployment = SimpleNamespace(
            chain_id=CHAIN_ID, rpc=node, settlement=SETTLEMENT, schedule=SCHEDULE, block=1, confirmations=3
        )

    async def ready(self) -> None:
        """The chain is always connected."""

    async def close(self) -> None:
        """Nothing to close."""


class Computer:
    """A ledger, and one host after the other on it."""

    def __init__(self, folder: Path, chain: Chain) -> None:
        self.folder, self.chain = folder, chain
        self.host: Services | None = None

    async def start(self) -> None:
        """Stop the host, and start another."""
        await self.stop()
        self.host = open_services(Paths(self.folder / "data", self.folder / "config"), lambda event: None, {})
        self.host.networks.add(Network(self.chain))  # type: ignore[arg-type]

    async def stop(self) -> None:
        """Close the host, as a browser that quits."""
        if self.host is not None:
            await self.host.close()
        self.host = None

    async def step(self, candidates: list[dict[str, Any]]) -> dict[str, Any]:
        """Run one step."""
        assert self.host is not None
        request = {"op": "scan", "wallet": to_hex(WALLET), "chain_id": CHAIN_ID, "candidates": candidates}
        return dict(as_json(await scan.run(self.host, requests.parse(request))))

    async def run_scan(self, steps: int = 1_000) -> dict[str, Any]:
        """Run steps until the scan is complete, or ``steps`` of them."""
        candidates: list[dict[str, Any]] = []
        status: dict[str, Any] = {}
        for _ in range(steps):
            status = await self.step(candidates)
            assert len(status["wants"]) <= recovery_scan.MAX_WANTED
            candidates = [derived(want) for want in status["wants"]]
            if not status["more"] and not candidates:
                break
        return status

    def amounts(self) -> dict[tuple[bytes, int], int]:
        """Amounts in the ledger by server and epoch."""
        assert self.host is not None
        return {(row.server, row.epoch): row.amount_wei for row, _ in self.host.ledger.earnings(WALLET, NEWEST, 10_000)}


def derived(want: dict[str, Any]) -> dict[str, Any]:
    """The candidates for a wanted station day."""
    station = bytes.fromhex(want["station"][2:])
    hours = range(want["day"] * 24, want["day"] * 24 + 24)
    return {**want, "payees": to_b64(b"".join(payee(station, hour) for hour in hours))}
