"""A chain of the settlement's rules in plain Python, behind the calls of ``ChainView``.

It reorganises, loses, lies, limits and stops.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from chain.contracts.reverts import NO_OPEN_CHALLENGE
from chain.contracts.settlement import Entry, EpochState, ServerState
from pywallet.crypto import keccak256
from pywallet.errors import GomaaError, Unavailable
from pywallet.settlement import Answer, EpochHeader, Schedule, commitment, entries_digest, gross, rest
from security_server.chain.challenge_events import ChallengeEvent, RefundEvent
from security_server.chain.money import Money
from security_server.chain.voucher_calldata import DebitVoucher

SCHEDULE = Schedule(60, 5, 15, 15, 3_600, 75)
BPS = 500
STAKE = 10


class Killed(BaseException):
    """The process ends here."""


@dataclass
class Post:
    """A posted epoch."""

    commit: bytes
    ready: int
    entries: list[Entry]
    void: bool = False


@dataclass
class Ledger:
    """What the contract stores. Amounts in wei."""

    posts: dict[int, Post] = field(default_factory=dict)
    open: dict[tuple[int, bytes, int], int] = field(default_factory=dict)
    blocking: dict[int, int] = field(default_factory=dict)
    shown: dict[tuple[bytes, bytes], int] = field(default_factory=dict)
    spent: dict[bytes, int] = field(default_factory=dict)
    escrow: dict[bytes, int] = field(default_factory=dict)
    bond: int = 10**15
    last: int | None = None


Change = Callable[["Ledger", int], None]


@dataclass
class Block:
    """A block, the state after it, and its events."""

    number: int
    time_s: int
    ledger: Ledger
    asked: list[ChallengeEvent] = field(default_factory=list)
    refunded: list[RefundEvent] = field(default_factory=list)
    changes: dict[bytes, tuple[Change, str]] = field(default_factory=dict)


class LedgerChain:
    """See module. One server; its transactions are mined at once unless ``holds``."""

    first_block = 0

    def __init__(self, time_s: int) -> None:
        self.blocks = [Block(0, time_s, Ledger())]
        self.time_s = time_s
        self.pool: dict[bytes, tuple[Change, str]] = {}
        self.stopped = self.holds = False
        self.lie: Callable[[int, EpochState], EpochState] | None = None
        self.limit: int | None = None
        self.kill_in: int | None = None
        self.posted: list[tuple[int, bytes]] = []
        self.asked_from: list[tuple[int, int]] = []
        self._count = 0

    @property
    def ledger(self) -> Ledger:
        """The state now."""
        return self.blocks[-1].ledger

    def mine(self, changes: Sequence[tuple[Change, str]] = ()) -> Block:
        """A block with these transactions; one that reverts changes nothing."""
        block = Block(len(self.blocks), self.time_s, copy.deepcopy(self.ledger))
        for change, kind in changes:
            before = copy.deepcopy(block.ledger)
            try:
                change(block.ledger, self.time_s)
            except GomaaError:
                block.ledger = before
            else:
                self._event(block, change, kind)
        self.blocks.append(block)
        return block

    def _event(self, block: Block, change: Any, kind: str) -> None:
        if kind == "challenge":
            block.asked.append(ChallengeEvent(*change.key, block.number))
        elif kind == "refund":
            block.refunded.append(RefundEvent(change.epoch, block.number))

    def replace(self, depth: int, back: bool) -> None:
        """The newest blocks are gone; their transactions wait again, or are lost."""
        depth = min(depth, len(self.blocks) - 1)
        gone = self.blocks[len(self.blocks) - depth :]
        del self.blocks[len(self.blocks) - depth :]
        if back:
            for block in gone:
                self.pool.update(block.changes)
        for _ in range(depth):
            self.mine()

    def take_pool(self) -> None:
        """Mine what waits."""
        waiting, self.pool = self.pool, {}
        block = self.mine(list(waiting.values()))
        block.changes = waiting

    def settle(self) -> None:
        """The blocks so far stand: no reorganisation brings their transactions back."""
        self.pool.clear()
        for block in self.blocks:
            block.changes = {}

    def _send(self, change: Change, kind: str) -> bytes:
        self._alive()
        trial = copy.deepcopy(self.ledger)
        change(trial, self.time_s)
        self._count += 1
        name = keccak256(b"transaction %d" % self._count)
        self.pool[name] = (change, kind)
        if self.holds:
            raise Unavailable("chain.unreachable", transaction="0x" + name.hex())
        self.take_pool()
        return name

    def _alive(self) -> None:
        if self.kill_in is not None:
            self.kill_in -= 1
            if self.kill_in < 0:
                self.kill_in = None
                raise Killed
        if self.stopped:
            raise Unavailable("chain.unreachable", node="simulated")

    # what ChainView offers

    async def now_ms(self) -> int:
        """The chain's time."""
        return self.time_s * 1000

    async def head(self) -> int:
        """The newest block's number."""
        self._alive()
        return self.blocks[-1].number

    async def events(self, first: int, last: int) -> tuple[list[ChallengeEvent], list[RefundEvent]]:
        """Events of a range of blocks."""
        self._alive()
        if self.limit is not None and last - first >= self.limit:
            raise Unavailable("chain.unreachable", method="eth_getLogs", reason="query returned too much")
        self.asked_from.append((first, last))
        some = self.blocks[first : last + 1]
        return [one for block in some for one in block.asked], [one for block in some for one in block.refunded]

    async def rate(self, epoch: int) -> int:
        """The commission."""
        self._alive()
        return BPS

    async def owner_at(self, content: bytes, epoch: int) -> bytes:
        """A content's owner: another one every epoch."""
        self._alive()
        return keccak256(content + epoch.to_bytes(8, "big"))[:20]

    async def money(self, payer: bytes, fresh: bool = False) -> Money:
        """A payer's account."""
        self._alive()
        return Money(self.ledger.escrow.get(payer, 0), 0, self.ledger.spent.get(payer, 0), BPS)

    async def spent(self, payer: bytes) -> int:
        """What was debited."""
        self._alive()
        return self.ledger.spent.get(payer, 0)

    def forget_money(self) -> None:
        """Nothing is cached."""

    async def lane(self, fresh: bool = False) -> ServerState:
        """The bond and the last post."""
        self._alive()
        return ServerState(self.ledger.bond, self.ledger.last, None, len(self.ledger.open))

    async def epoch(self, epoch: int) -> EpochState:
        """How an epoch stands; what a lying node says of it."""
        self._alive()
        found = self.true_epoch(epoch)
        return found if self.lie is None else self.lie(epoch, found)

    def true_epoch(self, epoch: int) -> EpochState:
        """How it really stands."""
        post, waiting = self.ledger.posts.get(epoch), self.ledger.blocking.get(epoch, 0)
        if post is None:
            return EpochState(bytes(32), 0, 0, 0, waiting, False, False)
        final = self.time_s >= post.ready and not waiting and not post.void
        return EpochState(post.commit, post.ready, sum(one.net for one in post.entries), 0, waiting, post.void, final)

    async def draft(self, epoch: int) -> int:
        """These epochs have few payers."""
        self._alive()
        return 0

    async def undo(self, key: bytes, epoch: int) -> bytes | None:
        """There is no draft."""
        return None

    async def pending(self, transaction: bytes) -> bool:
        """Whether it waits for a block."""
        self._alive()
        return transaction in self.pool

    async def vouchers(self, epoch: int, digest: bytes) -> list[DebitVoucher] | None:
        """From the post's call data."""
        self._alive()
        post = self.ledger.posts[epoch]
        return [
            DebitVoucher(one.payer, one.net, one.cap, one.until, one.r.to_bytes(32, "big") + _s(one.vs))
            for one in post.entries
        ]

    async def is_open(self, epoch: int, payee: bytes, amount: int) -> bool:
        """Whether a challenge is open."""
        self._alive()
        return (epoch, payee, amount) in self.ledger.open

    async def post(
        self, key: bytes, epoch: int, root: bytes, counts: bytes, data: bytes, entries: Sequence[Entry]
    ) -> bytes:
        """Post an epoch by the contract's rules."""
        digest = entries_digest([(one.payer, one.net) for one in entries])
        total = sum(one.net for one in entries)
        commit = commitment(EpochHeader(root, total, rest(digest, counts, data)))

        def change(ledger: Ledger, now_s: int) -> None:
            _assert(SCHEDULE.post_from(epoch) <= now_s <= SCHEDULE.post_until(epoch), "time")
            _assert(epoch not in ledger.posts, "posted")
            if ledger.last is not None and (post := ledger.posts.get(ledger.last)) is not None:
                waits = ledger.blocking.get(ledger.last, 0)
                _assert(now_s >= post.ready and not waits and not post.void, "pending")
            for one in entries:
                cost = gross(one.net, BPS)
                _assert(epoch <= one.until, "expired")
                _assert(ledger.spent.get(one.payer, 0) + cost <= one.cap, "cap")
                _assert(cost <= ledger.escrow.get(one.payer, 0), "escrow")
                ledger.spent[one.payer] = ledger.spent.get(one.payer, 0) + cost
                ledger.escrow[one.payer] -= cost
            _assert(total <= ledger.bond, "exposure")
            ready = max(now_s, SCHEDULE.ends(epoch) + SCHEDULE.grace) + SCHEDULE.window
            ledger.posts[epoch] = Post(commit, ready, list(entries))
            ledger.last = epoch

        name = self._send(change, "post")
        self.posted.append((epoch, commit))
        return name

    async def refund(
        self,
        key: bytes,
        epoch: int,
        header: EpochHeader,
        counts: bytes,
        data: bytes,
        debits: Sequence[tuple[bytes, int]],
    ) -> bytes:
        """Give a void epoch's debits back."""

        def change(ledger: Ledger, now_s: int) -> None:
            post = ledger.posts.get(epoch)
            _assert(post is not None and post.void, "void")
            assert post is not None
            _assert(
                commitment(header) == post.commit and debits == [(one.payer, one.net) for one in post.entries], "header"
            )
            for payer, net in debits:
                ledger.spent[payer] -= gross(net, BPS)
                ledger.escrow[payer] += gross(net, BPS)
            del ledger.posts[epoch]

        change.epoch = epoch  # type: ignore[attr-defined]
        return self._send(change, "refund")

    async def answer_batch(self, key: bytes, epoch: int, shown: Sequence[tuple[int, Answer]]) -> bytes:
        """Show leaves."""

        def change(ledger: Ledger, now_s: int) -> None:
            some = False
            post = ledger.posts.get(epoch)
            _assert(post is not None and not post.void, "void")
            assert post is not None
            for challenged, one in shown:
                _assert(commitment(one.header) == post.commit and one.holds(), "proof")
                if ledger.open.pop((epoch, one.payee, challenged), None) is not None:
                    _assert(one.amount >= challenged, "low")
                    ledger.blocking[epoch] = max(0, ledger.blocking.get(epoch, 0) - 1)
                    ledger.shown[post.commit, one.payee] = max(
                        ledger.shown.get((post.commit, one.payee), 0), one.amount
                    )
                    ledger.bond += STAKE
                    some = True
            _assert(some, NO_OPEN_CHALLENGE)

        return self._send(change, "answer")

    # what others do

    def deposit(self, payer: bytes, amount: int) -> None:
        """Fill an escrow."""
        self.mine(
            [(lambda ledger, _: ledger.escrow.__setitem__(payer, ledger.escrow.get(payer, 0) + amount), "deposit")]
        )

    def challenge(self, epoch: int, payee: bytes, amount: int) -> bool:
        """Somebody shows a receipt; whether the contract takes it."""

        def change(ledger: Ledger, now_s: int) -> None:
            due, post = SCHEDULE.ends(epoch) + SCHEDULE.grace, ledger.posts.get(epoch)
            _assert(due <= now_s <= due + SCHEDULE.late, "time")
            _assert((epoch, payee, amount) not in ledger.open, "open")
            _assert(post is None or ledger.shown.get((post.commit, payee), 0) < amount, "answered")
            _assert(post is None or now_s < post.ready, "late")
            ledger.blocking[epoch] = ledger.blocking.get(epoch, 0) + 1
            ledger.open[epoch, payee, amount] = now_s + SCHEDULE.answer

        change.key = (epoch, payee, amount)  # type: ignore[attr-defined]
        return bool(self.mine([(change, "challenge")]).asked)

    def slash(self) -> set[tuple[int, bytes, int]]:
        """Somebody takes the bond for every unanswered challenge; which there were."""
        late = {key for key, deadline in self.ledger.open.items() if self.time_s > deadline}

        def change(ledger: Ledger, now_s: int) -> None:
            for key in late:
                del ledger.open[key]
                ledger.blocking[key[0]] -= 1
                if key[0] in ledger.posts:
                    ledger.posts[key[0]].void = True

        if late:
            self.mine([(change, "slash")])
        return late


def _assert(holds: bool, reason: str) -> None:
    if not holds:
        raise GomaaError("chain.reverted", reason=reason)


def _s(vs: int) -> bytes:
    return (vs & ((1 << 255) - 1)).to_bytes(32, "big") + bytes([27 + (vs >> 255)])
