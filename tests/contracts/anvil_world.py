"""Contracts on an anvil chain, driven block by block.

Every block is one second after the previous one unless a test sets its time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from typing import Any, Final

import pytest

from chain.abi import event, function
from chain.anvil import Anvil
from chain.client import Chain, decode_log
from chain.contracts.settlement import ClaimItem, Entry
from chain.deploy import deploy
from chain.deployment import Deployment
from pywallet.crypto import address_of, keccak256
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError
from pywallet.protocol import (
    Claim,
    Receipt,
    Signed,
    Voucher,
    compact,
    sign,
)
from pywallet.settlement import EpochHeader, Schedule, SumTree, entries_digest, gross, rest

GENESIS: Final = 1_800_000_000
SCHEDULE: Final = Schedule(length=60, grace=5, window=15, answer=15, late=3600, delay=70)
EPOCH: Final = GENESIS // SCHEDULE.length
"""The epoch that runs while the world is set up."""
BOND: Final = 10**21
ESCROW: Final = 10**20
BPS: Final = 500
COUNTS, DATA = bytes([2]) * 32, bytes([3]) * 32
ZERO: Final = bytes(20)
NOBODY: Final = "ecdsa: invalid signature"
"""The library's words for a signature from which no signer can be recovered."""
ARGUMENTS: Final = ("--timestamp", str(GENESIS), "--gas-price", "0", "--block-base-fee-per-gas", "0")
# PUSH1 0, PUSH1 0, MSTORE, PUSH1 32, PUSH1 0, RETURN.
FALSE_TOKEN: Final = "0x60006000526020" + "6000f3"
"""Code of a token that answers false to everything."""
_GAS: Final = hex(20_000_000)


@dataclass(frozen=True)
class Book:
    """Data of one epoch that a server posts: leaves (payee, wei) and debits (payer, net wei)."""

    epoch: int
    leaves: Sequence[tuple[bytes, int]]
    debits: Sequence[tuple[bytes, int]]

    @property
    def tree(self) -> SumTree:
        """The payees' tree."""
        return SumTree(self.leaves)

    @property
    def header(self) -> EpochHeader:
        """Header that the contract commits to; its total is the debits'."""
        digest = entries_digest(self.debits)
        return EpochHeader(self.tree.root, sum(net for _, net in self.debits), rest(digest, COUNTS, DATA))


class World:
    """The chain, its accounts, and shortcuts for calls and transactions."""

    def __init__(self, runner: asyncio.Runner, chain: Chain, deployment: Deployment, keys: Sequence[bytes]) -> None:
        self._runner, self.chain, self.deployment = runner, chain, deployment
        self.platform, self.station, self.owner, self.server, self.fan, self.relayer, self.other = keys[:7]
        self.addresses = {
            "GoMAA": deployment.token,
            "Registry": deployment.registry,
            "Settlement": deployment.settlement,
        }

    def request(self, method: str, *params: Any) -> Any:
        """Send one JSON-RPC request to the node; return its result."""
        return self._runner.run(self.chain.request(method, *params))

    def call(self, contract: str, name: str, *args: Any, to: bytes | None = None, block: str = "latest") -> Any:
        """Read a function's first value, as of the newest block."""
        found = function(contract, name)
        target = to_hex(to or self.addresses[contract])
        data = self.request("eth_call", {"to": target, "data": to_hex(found.encode(*args))}, block)
        values = found.decode(bytes.fromhex(data[2:]))
        return values[0] if values else None

    def send(self, key: bytes, contract: str, name: str, *args: Any, to: bytes | None = None) -> dict[str, Any]:
        """Send a transaction in a block of its own; return its receipt.

        Raises GomaaError chain.reverted with the reason in that block.
        """
        return self.transact(key, to or self.addresses[contract], function(contract, name).encode(*args))

    def transact(self, key: bytes, to: bytes | None, data: bytes) -> dict[str, Any]:
        """As ``send``, with call data."""
        call = {
            "from": to_hex(address_of(key)),
            "data": to_hex(data),
            "gas": _GAS,
            **({"to": to_hex(to)} if to else {}),
        }
        name = self.request("eth_sendTransaction", call)
        receipt: dict[str, Any] | None = None
        while receipt is None:
            receipt = self.request("eth_getTransactionReceipt", name)
        if receipt["status"] != "0x1":
            # A reverted transaction changed nothing: an eth_call in its block gives the reason.
            self.request("eth_call", call, receipt["blockNumber"])
            raise AssertionError("the transaction failed, the same call did not")
        return receipt

    def at(self, timestamp: int) -> World:
        """Set the next block's timestamp, seconds."""
        self.request("evm_setNextBlockTimestamp", timestamp)
        return self

    def mine(self, timestamp: int) -> World:
        """Mine an empty block at a timestamp, seconds."""
        self.at(timestamp).request("evm_mine")
        return self

    def now(self) -> int:
        """Timestamp of the newest block, seconds."""
        return int(self.request("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def events(self, contract: str, name: str, receipt: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the fields of a receipt's events of one kind."""
        what = event(contract, name)
        return [
            dict(decode_log(what, item).fields) for item in receipt["logs"] if item["topics"][0] == to_hex(what.topic)
        ]

    def balance(self, account: bytes) -> int:
        """GoMAA balance, wei."""
        return int(self.call("GoMAA", "balanceOf", account))

    def account(self, payer: bytes, server: bytes | None = None) -> tuple[int, int]:
        """Return spent amount and escrow of a payer with the server."""
        word = self.call("Settlement", "account", server or address_of(self.server), payer)
        return word >> 128, word & (1 << 128) - 1

    def left(self, epoch: int) -> tuple[int, int, int]:
        """Return the undistributed rest of an epoch's total, its fee, and the time at which it is final."""
        word = self.call("Settlement", "epoch_meta", address_of(self.server), epoch)
        return word & (1 << 96) - 1, word >> 96 & (1 << 96) - 1, word >> 192 & (1 << 40) - 1

    def voucher(
        self, key: bytes, cap: int, until: int = EPOCH, server: bytes | None = None
    ) -> tuple[int, int, int, int]:
        """Return cap, until and the payer's signature (r, vs) of a voucher."""
        signed = sign(
            Voucher(server or address_of(self.server), address_of(key), cap, until), self.deployment.domain, key
        )
        return cap, until, *compact(signed.signature)

    def book(self, *leaves: tuple[bytes, int], epoch: int = EPOCH) -> Book:
        """Return a book whose leaves the station pays; by default leaves of the owner, the fan and one more."""
        chosen = leaves or ((address_of(self.owner), 1000), (address_of(self.fan), 500), (bytes([5]) * 20, 1))
        return Book(epoch, chosen, ((address_of(self.station), sum(amount for _, amount in chosen)),))

    def entry(self, book: Book, cap: int | None = None, **voucher: Any) -> Entry:
        """Return the station's debit for a book, under a voucher that covers exactly it."""
        net = sum(amount for _, amount in book.debits)
        covers = self.account(address_of(self.station))[0] + gross(net, BPS) if cap is None else cap
        voucher.setdefault("until", book.epoch)
        return Entry(address_of(self.station), net, *self.voucher(self.station, covers, **voucher))

    def post(self, book: Book, entries: Sequence[Entry] | None = None, key: bytes | None = None) -> dict[str, Any]:
        """Post a book as the server."""
        rows = [astuple(entry) for entry in ([self.entry(book)] if entries is None else entries)]
        return self.send(
            key or self.server, "Settlement", "post", book.epoch, book.tree.root, COUNTS, DATA, bytes(32), rows
        )

    def item(self, book: Book, index: int, key: bytes | None = None, to: bytes = ZERO, tip: int = 0) -> ClaimItem:
        """A leaf with its payee's signature, if a key is given."""
        payee, amount = book.leaves[index]
        server, rsv = address_of(self.server), (0, 0)
        if key is not None:
            rsv = compact(sign(Claim(server, book.epoch, payee, to, tip), self.deployment.domain, key).signature)
        return ClaimItem(server, book.epoch, book.header, payee, amount, index, book.tree.depth, *rsv)

    def claim(
        self,
        items: Sequence[ClaimItem],
        nodes: Sequence[tuple[bytes, int]],
        to: bytes,
        tip: int = 0,
        key: bytes | None = None,
    ) -> dict[str, Any]:
        """Claim one leaf or several as the relayer."""
        if len(items) == 1:
            return self.send(key or self.relayer, "Settlement", "claimOne", items[0].row(), list(nodes), to, tip)
        return self.send(
            key or self.relayer, "Settlement", "claim", [item.row() for item in items], list(nodes), to, tip
        )

    def receipt(self, book: Book, payee: bytes, amount: int, key: bytes | None = None) -> Signed[Receipt]:
        """Sign a receipt, with the server's key or another one, for an amount of a payee in the book's epoch."""
        message = Receipt(address_of(self.server), book.epoch, payee, amount, bytes([6]) * 32)
        return sign(message, self.deployment.domain, key or self.server)

    def challenge(self, signed: Signed[Receipt], key: bytes | None = None) -> dict[str, Any]:
        """Challenge a leaf as the platform, which has tokens for stakes."""
        return self.send(
            key or self.platform, "Settlement", "challenge", astuple(signed.message), *compact(signed.signature)
        )

    def answer(self, book: Book, leaf: int, challenged: int, **change: Any) -> dict[str, Any]:
        """Answer with a leaf of a book, as anyone."""
        return self.answers(book, [(leaf, challenged)], **change)

    def answers(self, book: Book, leaves: Sequence[tuple[int, int]], **change: Any) -> dict[str, Any]:
        """Answer challenged amounts with leaves of a book in one transaction, as anyone.

        ``change`` alters the fields of each answer.
        """
        rows, nodes = [], []
        for leaf, challenged in leaves:
            payee, amount = book.leaves[leaf]
            shown = {"payee": payee, "amount": amount, "index": leaf, "proof": book.tree.proof(leaf), **change}
            rows.append(
                (shown["payee"], challenged, shown["amount"], shown["index"], shown.get("depth", len(shown["proof"])))
            )
            nodes += shown["proof"]
        rest_ = change.get("header", book.header).rest
        return self.send(
            self.relayer, "Settlement", "answerBatch", address_of(self.server), book.epoch, rest_, rows, nodes
        )

    def dismiss(self, signed: Signed[Receipt]) -> dict[str, Any]:
        """Dismiss a challenge that an earlier answer covers, as anyone."""
        m = signed.message
        return self.send(self.relayer, "Settlement", "dismiss", m.server, m.epoch, m.payee, m.amount)

    def slash(self, signed: Signed[Receipt]) -> dict[str, Any]:
        """Slash the bond for an unanswered receipt, as anyone."""
        m = signed.message
        return self.send(self.relayer, "Settlement", "slash", m.server, m.epoch, m.payee, m.amount)

    def refund(self, book: Book, debits: Sequence[tuple[bytes, int]] | None = None) -> dict[str, Any]:
        """Refund the debits of a void book, as anyone."""
        row = (book.header.root, book.header.total, COUNTS, DATA, list(book.debits if debits is None else debits))
        return self.send(self.relayer, "Settlement", "refund", address_of(self.server), book.epoch, *row)

    def server_state(self, server: bytes | None = None) -> tuple[int, int]:
        """Return a server's bond and the number of its open challenges."""
        word = self.call("Settlement", "server_state", server or address_of(self.server))
        return word & (1 << 96) - 1, word >> 160

    def final(self, book: Book | None = None) -> Book:
        """Post a book and pass its window; the next block is the first after it."""
        book = book or self.book()
        self.at(max(SCHEDULE.ends(book.epoch), self.now() + 1)).post(book)
        self.mine(self.left(book.epoch)[2])
        return book

    def store(self, value: int, new: int, *keys: bytes | int) -> None:
        """Overwrite the Settlement's word ``value`` of a mapping under ``keys``.

        For states that cannot be reached within a test.
        """
        for slot in range(64):
            at = slot.to_bytes(32, "big")
            for key in keys:
                at = keccak256(at + (key.rjust(32, b"\0") if isinstance(key, bytes) else key.to_bytes(32, "big")))
            address = to_hex(self.deployment.settlement)
            if int(self.request("eth_getStorageAt", address, to_hex(at), "latest"), 16) == value:
                self.request("anvil_setStorageAt", address, to_hex(at), to_hex(new.to_bytes(32, "big")))
                return
        raise AssertionError("no such word")


@contextmanager
def reverts(reason: str) -> Iterator[None]:
    """Assert that the transaction in the body reverts with exactly this reason."""
    with pytest.raises(GomaaError) as caught:
        yield
    assert (caught.value.code, caught.value.detail.get("reason")) == ("chain.reverted", reason)


@contextmanager
def world() -> Iterator[World]:
    """Contracts deployed, one server listed and bonded, one station listed with escrow, everything in epoch EPOCH."""
    with Anvil(extra=ARGUMENTS) as anvil, asyncio.Runner() as runner:
        chain = Chain.connect(anvil.rpc)
        runner.run(chain.__aenter__())
        try:
            runner.run(chain.request("anvil_setBlockTimestampInterval", 1))
            runner.run(chain.request("anvil_autoImpersonateAccount", True))
            made = runner.run(deploy(anvil.rpc, anvil.keys[0], SCHEDULE, bps=BPS))
            here = World(runner, chain, made, anvil.keys)
            _furnish(here)
            yield here
        finally:
            runner.run(chain.__aexit__())


def _furnish(here: World) -> None:
    server, station, settlement = address_of(here.server), address_of(here.station), here.deployment.settlement
    here.send(here.platform, "Registry", "set_server", server, "http://127.0.0.1:1", bytes([9]) * 32, True)
    here.send(here.platform, "Registry", "set_station", station, "localhost:1", "Radio", True)
    here.send(here.platform, "GoMAA", "transfer", station, 2 * ESCROW)
    for key in (here.platform, here.station):
        here.send(key, "GoMAA", "approve", settlement, 2**256 - 1)
    here.send(here.platform, "Settlement", "bond", server, BOND)
    here.send(here.station, "Settlement", "deposit", server, station, ESCROW)
    # The owner has a content, so that anyone may push its leaves.
    here.send(here.owner, "Registry", "create", bytes(32), 1, 1, server, False, bytes([0xEE]) * 32)
    assert here.now() // SCHEDULE.length == EPOCH
