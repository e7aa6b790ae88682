"""The contracts in an in-process EVM: about ten thousand calls a second, at any timestamp."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from eth_abi.abi import encode
from pyrevm import EVM, BlockEnv, CfgEnv, Env

from chain.abi import event, function
from contracts.compile import artifacts
from pywallet.crypto import address_of, keccak256
from pywallet.encoding.hex import to_hex
from pywallet.protocol import Domain
from pywallet.settlement import Schedule

CHAIN_ID: Final = 31337
GENESIS: Final = 1_800_000_000
SUPPLY: Final = 10**27
_OUTPUT: Final = re.compile(r"output: 0x([0-9a-f]*)")
_ERROR: Final = bytes.fromhex("08c379a0")


class Refused(Exception):
    """The contract reverted; ``reason`` is its text, empty where it has none."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@cache
def key(*parts: object) -> bytes:
    """Return the private key that belongs to a name."""
    return keccak256(repr(parts).encode())


@cache
def _text(address: bytes) -> str:
    return to_hex(address)


def reason(failure: RuntimeError) -> str:
    """Extract a revert's reason from the library's message."""
    found = _OUTPUT.search(str(failure))
    raw = bytes.fromhex(found[1]) if found else b""
    if raw[:4] != _ERROR:
        return ""
    return raw[68 : 68 + int.from_bytes(raw[36:68], "big")].decode()


class Revm:
    """Token, registry and settlement, deployed by ``platform``, which has the supply. The timestamp is ``now``."""

    def __init__(self, schedule: Schedule, bps: int, stake: int, code: str | None = None) -> None:
        self.schedule, self.now = schedule, GENESIS
        self.evm = EVM(Env(cfg=CfgEnv(chain_id=CHAIN_ID)), spec_id="CANCUN")
        self.platform, self.treasury = address_of(key("platform")), address_of(key("treasury"))
        self._tick()
        made = artifacts()
        self.token = self.create(made["GoMAA"]["bytecode"], ("address", "uint256"), (self.platform, SUPPLY))
        self.registry = self.create(made["Registry"]["bytecode"], ("uint256", "uint256"), (bps, schedule.length))
        times = (schedule.length, schedule.grace, schedule.window, schedule.answer, schedule.late, schedule.delay)
        kinds = ("address", "address", "address", *["uint256"] * 7)
        values = (self.token, self.registry, self.treasury, *times, stake)
        self.settlement = self.create(code or made["Settlement"]["bytecode"], kinds, values)
        self.addresses = {"GoMAA": self.token, "Registry": self.registry, "Settlement": self.settlement}
        self.domain = Domain(CHAIN_ID, self.settlement)
        self.gas = 0

    def _tick(self) -> None:
        self.evm.set_block_env(BlockEnv(number=1, timestamp=self.now))

    def create(self, code: str, kinds: Sequence[str], values: Sequence[Any]) -> bytes:
        """Deploy byte code with arguments; return its address."""
        return bytes.fromhex(self.evm.deploy(_text(self.platform), bytes.fromhex(code[2:]) + encode(kinds, values))[2:])

    def at(self, second: int) -> Revm:
        """Set the timestamp of the following calls, seconds."""
        self.now = second
        self._tick()
        return self

    def send(self, who: bytes, contract: str, name: str, *args: Any) -> None:
        """Send a transaction of an account. Raises Refused."""
        data = function(contract, name).encode(*args)
        try:
            self.evm.message_call(_text(who), _text(self.addresses[contract]), data)
        except RuntimeError as e:
            raise Refused(reason(e)) from None

    def events(self, contract: str, name: str) -> list[dict[str, Any]]:
        """The last transaction's events of one kind."""
        what, result = event(contract, name), self.evm.result
        assert result is not None
        found = []
        for log in result.logs:
            topics = [bytes.fromhex(topic[2:]) for topic in log.topics]
            if topics[0] == what.topic:
                data: Any = log.data
                found.append(what.decode(topics, bytes(data[1])))
        return found

    def read(self, contract: str, name: str, *args: Any) -> Any:
        """Return a function's first value."""
        how = function(contract, name)
        data = self.evm.message_call(
            _text(self.platform), _text(self.addresses[contract]), how.encode(*args), is_static=True
        )
        return how.decode(bytes(data))[0]

    def own(self, who: bytes) -> None:
        """Make an account the owner of a content."""
        kinds = ("address", "address", "address")
        code = self.create(artifacts()["Content"]["bytecode"], kinds, (self.registry, self.token, self.token))
        self.send(self.platform, "Registry", "set_implementation", code)
        self.send(self.platform, "Registry", "set_server", who, "http://127.0.0.1:1", bytes(32), True)
        self.send(who, "Registry", "create", bytes(32), 1, 1, who, False, bytes(32))

    def fund(self, who: bytes, amount: int) -> None:
        """Give an account tokens, and approve the settlement for them."""
        self.send(self.platform, "GoMAA", "transfer", who, amount)
        self.send(who, "GoMAA", "approve", self.settlement, 2**256 - 1)
