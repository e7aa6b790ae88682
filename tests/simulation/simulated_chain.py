"""A chain in one process: the contracts in an EVM, blocks, a pool of transactions, and reorganisations."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from eth_account import Account
from eth_account.typed_transactions import TypedTransaction
from pyrevm import EVM, AccountInfo, BlockEnv, CfgEnv, Env

from pywallet.crypto import keccak256
from pywallet.encoding.hex import to_hex
from tests.simulation.virtual import GENESIS_S

if TYPE_CHECKING:
    from tests.simulation.node import NodeConnection

CHAIN_ID: Final = 31337
GAS_LIMIT: Final = 60_000_000
LOG_RANGE: Final = 20
"""Blocks of ``eth_getLogs`` that a limited node answers."""
_OUTPUT: Final = re.compile(r"output: 0x([0-9a-f]*)")


@dataclass(frozen=True)
class Transaction:
    """A signed transaction, decoded."""

    hash: bytes
    sender: bytes
    nonce: int
    to: bytes | None
    data: bytes
    fee: int
    raw: bytes


@dataclass
class Mined:
    """A block. ``receipts`` by transaction hash."""

    number: int
    timestamp: int
    hash: bytes
    transactions: list[Transaction]
    receipts: dict[bytes, dict[str, Any]] = field(default_factory=dict)
    logs: list[dict[str, Any]] = field(default_factory=list)

    def header(self) -> dict[str, Any]:
        """As JSON-RPC says it."""
        return {
            "number": hex(self.number),
            "timestamp": hex(self.timestamp),
            "hash": to_hex(self.hash),
            "baseFeePerGas": "0x0",
            "transactions": [to_hex(one.hash) for one in self.transactions],
        }


class Failure(Exception):
    """A JSON-RPC error."""

    def __init__(self, message: str, data: str = "", code: int = -32000) -> None:
        super().__init__(message)
        self.error = {"code": code, "message": message, **({"data": data} if data else {})}


class SimulatedChain:
    """The blocks, the state, and the transactions that wait for a block.

    Args:
        seed: Draws hashes of replaced blocks and which transactions a reorganisation loses.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.evm = _machine()
        self.nonces: dict[bytes, int] = {}
        self.pool: list[Transaction] = []
        self.blocks = [Mined(0, GENESIS_S, keccak256(b"genesis"), [])]
        self.connections: set[NodeConnection] = set()
        self._past: tuple[int, EVM] | None = None

    @property
    def head(self) -> Mined:
        """The newest block."""
        return self.blocks[-1]

    def mine(self, timestamp: int) -> Mined:
        """Make a block of what waits; tell those who subscribed."""
        block = self._append(timestamp, self._executable())
        self._announce([block], [])
        return block

    def replace(self, depth: int) -> None:
        """Replace the newest blocks: their transactions go back to the pool, some of them are lost."""
        depth = min(depth, len(self.blocks) - 2)
        if depth < 1:
            return
        gone = self.blocks[-depth:]
        del self.blocks[-depth:]
        self.evm, self.nonces = self._replay(self.blocks)
        back = [one for block in gone for one in block.transactions if self._random.random() < 0.8]
        known = {one.hash for one in back}
        self.pool = [*back, *(one for one in self.pool if one.hash not in known)]
        made = []
        for at, block in enumerate(gone):
            # Transactions may come in a later block than before, never in none for good.
            chosen = self._executable() if at or self._random.random() < 0.5 else []
            made.append(self._append(block.timestamp, chosen))
        self._announce(made, [log for block in gone for log in block.logs])

    def _executable(self) -> list[Transaction]:
        chosen: list[Transaction] = []
        nonces = dict(self.nonces)
        left: list[Transaction] = []
        for one in sorted(self.pool, key=lambda item: (item.sender, item.nonce, -item.fee)):
            expected = nonces.get(one.sender, 0)
            if one.nonce == expected:
                chosen.append(one)
                nonces[one.sender] = expected + 1
            elif one.nonce > expected:
                left.append(one)
        self.pool = left
        return chosen

    def _append(self, timestamp: int, transactions: Sequence[Transaction]) -> Mined:
        number = self.head.number + 1
        salt = self._random.getrandbits(64).to_bytes(8, "big")
        block = Mined(
            number, max(timestamp, self.head.timestamp + 1), keccak256(self.head.hash + salt), list(transactions)
        )
        for one in transactions:
            self.nonces[one.sender] = one.nonce + 1
            self._run(self.evm, block, one)
        self.blocks.append(block)
        self._past = None
        return block

    def _run(self, evm: EVM, block: Mined, one: Transaction) -> None:
        evm.set_block_env(BlockEnv(number=block.number, timestamp=block.timestamp))
        made, ok = None, True
        try:
            if one.to is None:
                # Calls do not raise the sender's number in this EVM, and a contract's address follows from it.
                evm.insert_account_info(to_hex(one.sender), AccountInfo(nonce=one.nonce))
                made = evm.deploy(to_hex(one.sender), one.data)
            else:
                evm.message_call(to_hex(one.sender), to_hex(one.to), one.data)
        except RuntimeError:
            ok = False
        result = evm.result
        place = {"blockNumber": hex(block.number), "blockHash": to_hex(block.hash), "transactionHash": to_hex(one.hash)}
        logs = []
        for log in result.logs if ok and result is not None else ():
            data: Any = log.data
            index = hex(len(block.logs))
            entry = {
                "address": log.address.lower(),
                "topics": list(log.topics),
                "data": to_hex(bytes(data[1])),
                "logIndex": index,
            }
            logs.append({**entry, **place})
            block.logs.append(logs[-1])
        block.receipts[one.hash] = {
            **place,
            "status": "0x1" if ok else "0x0",
            "gasUsed": hex(0 if result is None else result.gas_used),
            "contractAddress": None if made is None else made.lower(),
            "logs": logs,
        }

    def _replay(self, blocks: Sequence[Mined]) -> tuple[EVM, dict[bytes, int]]:
        evm, nonces = _machine(), {}
        for block in blocks:
            scratch = Mined(block.number, block.timestamp, block.hash, block.transactions)
            for one in block.transactions:
                nonces[one.sender] = one.nonce + 1
                self._run(evm, scratch, one)
        return evm, nonces

    def at(self, number: int) -> EVM:
        """The state after a block, to read from."""
        if number >= self.head.number:
            return self.evm
        if self._past is None or self._past[0] != number:
            self._past = (number, self._replay(self.blocks[: number + 1])[0])
        return self._past[1]

    def _announce(self, made: Sequence[Mined], removed: Sequence[Mapping[str, Any]]) -> None:
        for line in sorted(self.connections, key=lambda one: one.number):
            line.push(made, removed)

    def call(self, call: Mapping[str, Any], number: int | None = None) -> bytes:
        """Run a call and forget what it did. Raises Failure with a revert's data."""
        evm = self.evm if number is None else self.at(number)
        block = self.head if number is None else self.blocks[min(number, len(self.blocks) - 1)]
        evm.set_block_env(BlockEnv(number=block.number, timestamp=max(block.timestamp, 0)))
        mark = evm.snapshot()
        sender = str(call.get("from", "0x" + "11" * 20))
        data = bytes.fromhex(str(call.get("data", "0x"))[2:])
        try:
            if call.get("to") is None:
                # A node returns what the creating code returns: the code of the contract.
                return bytes(evm.get_code(evm.deploy(sender, data)) or b"")
            return bytes(evm.message_call(sender, str(call["to"]), data))
        except RuntimeError as error:
            found = _OUTPUT.search(str(error))
            raise Failure("execution reverted", "0x" + (found[1] if found else "")) from None
        finally:
            evm.revert(mark)

    def offer(self, raw: bytes) -> bytes:
        """Take a transaction into the pool. Raises Failure as a node would."""
        one = _decode(raw)
        if one.nonce < self.nonces.get(one.sender, 0):
            raise Failure("nonce too low: already known")
        for other in self.pool:
            if (other.sender, other.nonce) == (one.sender, one.nonce):
                if other.hash == one.hash:
                    raise Failure("already known")
                if one.fee < other.fee * 11 // 10:
                    raise Failure("replacement transaction underpriced")
                self.pool.remove(other)
                break
        self.pool.append(one)
        return one.hash

    def pending_nonce(self, account: bytes) -> int:
        """The account's next number, counting what waits."""
        number = self.nonces.get(account, 0)
        waiting = {one.nonce for one in self.pool if one.sender == account}
        while number in waiting:
            number += 1
        return number


def _machine() -> EVM:
    return EVM(Env(cfg=CfgEnv(chain_id=CHAIN_ID)), spec_id="CANCUN")


@cache
def _decode(raw: bytes) -> Transaction:
    from hexbytes import HexBytes

    fields = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
    to = bytes(fields["to"]) if fields["to"] else None
    sender = bytes.fromhex(Account.recover_transaction(raw)[2:])
    return Transaction(
        keccak256(raw), sender, int(fields["nonce"]), to, bytes(fields["data"]), int(fields["maxFeePerGas"]), raw
    )
