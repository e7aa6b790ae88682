"""The deployment file: a network's contracts, schedule and node, as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from chain.client import Chain
from pywallet.encoding.hex import ZERO_ADDRESS, from_hex, to_hex
from pywallet.errors import InputError
from pywallet.protocol import Domain
from pywallet.settlement import Schedule

_ADDRESSES = ("token", "registry", "content_implementation", "settlement", "treasury", "rights")


MAX_BYTES: Final = 1 << 20
"""Longest deployment file, bytes."""
_URL: Final = re.compile(r"(?:ws|http)s?://[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]{1,2000}")
"""A URL in characters of RFC 3986 only, since parsers differ on others such as the backslash."""
LOCAL_CHAIN: Final = 31337
LOCAL_BLOCK_S: Final = 1
USUAL_BLOCK_S: Final = 12


def usual_block_time(chain_id: int) -> int:
    """Default seconds between blocks: the local chain's, and Ethereum's for every other network."""
    return LOCAL_BLOCK_S if chain_id == LOCAL_CHAIN else USUAL_BLOCK_S


@dataclass(frozen=True)
class Deployment:
    """One network. Addresses are 20 bytes.

    Attributes:
        chain_id: Number of the network.
        rpc: A node's ws(s) or http(s) URL.
        token: Address of the token.
        registry: Address of the registry.
        content_implementation: Address of the implementation of contents.
        settlement: Address of the settlement.
        treasury: Address of the treasury.
        block: Block of the deployment.
        schedule: Periods of an epoch.
        stake: Stake of a challenge, wei.
        rights: Address of the streaming rights.
        confirmations: Depth in blocks at which the network no longer replaces a block.
        block_time: Seconds between blocks.
    """

    chain_id: int
    rpc: str = field(repr=False)
    token: bytes
    registry: bytes
    content_implementation: bytes
    settlement: bytes
    treasury: bytes
    block: int
    schedule: Schedule
    stake: int
    rights: bytes = ZERO_ADDRESS
    confirmations: int = 1
    block_time: int = LOCAL_BLOCK_S

    @property
    def domain(self) -> Domain:
        """The EIP-712 domain of this network's messages."""
        return Domain(self.chain_id, self.settlement)

    def connect(self, rpc: str | None = None, *, max_fee: int | None = None) -> Chain:
        """Return a client for this network only (else ``chain.mismatch``), by its own node or the one at ``rpc``."""
        return Chain.connect(rpc or self.rpc, self.chain_id, confirmations=self.confirmations, max_fee=max_fee)

    def require_schedule(self) -> None:
        """Check that the network is fast enough for its epochs.

        Raises:
            InputError: ``chain.schedule``, as ``Schedule.require`` does.
        """
        self.schedule.require(self.block_time, self.confirmations)

    def to_json(self) -> dict[str, Any]:
        """The file's content."""
        return {
            "chain_id": self.chain_id,
            "rpc": self.rpc,
            **{name: to_hex(getattr(self, name)) for name in _ADDRESSES},
            "block": self.block,
            "schedule": asdict(self.schedule),
            "stake": str(self.stake),
            "confirmations": self.confirmations,
            "block_time": self.block_time,
        }

    @classmethod
    def from_json(cls, raw: Any) -> Deployment:
        """Parse the file's content. Raises InputError ``message.schema`` naming the field."""
        if not isinstance(raw, Mapping):
            raise InputError("message.schema", field="deployment")
        try:
            rpc = raw["rpc"]
            if not isinstance(rpc, str) or not _URL.fullmatch(rpc):
                raise InputError("message.schema", field="rpc", reason="a ws(s):// or http(s):// URL")
            addresses = {name: from_hex(raw[name], 20) for name in _ADDRESSES}
            times = raw["schedule"]
            if not isinstance(times, Mapping):
                raise TypeError("schedule: an object is expected")
            schedule = Schedule(**{str(name): _integer(value, f"schedule.{name}") for name, value in times.items()})
            block_time = usual_block_time(_integer(raw["chain_id"], "chain_id"))
            if "block_time" in raw:
                block_time = _integer(raw["block_time"], "block_time")
            if block_time == 0:
                raise ValueError("block_time: at least a second is expected")
            stake = raw["stake"]
            if not isinstance(stake, str) or not stake.isascii() or not stake.isdecimal():
                raise TypeError("stake: a decimal string is expected")
            return cls(
                chain_id=_integer(raw["chain_id"], "chain_id"),
                rpc=rpc,
                block=_integer(raw["block"], "block"),
                schedule=schedule,
                stake=int(stake),
                confirmations=_integer(raw["confirmations"], "confirmations"),
                block_time=block_time,
                **addresses,
            )
        except (KeyError, TypeError, ValueError) as e:
            raise InputError("message.schema", field="deployment", reason=str(e)) from None

    @classmethod
    def load(cls, path: Path | str) -> Deployment:
        """Read a file. Raises InputError ``message.schema`` if it is missing or malformed."""
        try:
            with Path(path).open("rb") as file:
                raw = json.loads(file.read(MAX_BYTES))
        except (OSError, ValueError, RecursionError) as e:
            raise InputError("message.schema", file=path, reason=type(e).__name__) from None
        return cls.from_json(raw)

    def save(self, path: Path | str) -> None:
        """Write the file atomically."""
        target = Path(path)
        part = target.with_name(target.name + ".part")
        part.write_text(json.dumps(self.to_json(), indent=2) + "\n", encoding="utf-8")
        part.replace(target)


def _integer(value: Any, name: str) -> int:
    # JavaScript cannot represent larger ones.
    if type(value) is not int or not 0 <= value < 1 << 53:
        raise TypeError(f"{name}: a whole number below 2^53 is expected")
    return value
