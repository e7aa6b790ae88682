"""Settlement once more, in plain Python after the specification.

What each call does, or for which reason it is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from pywallet.settlement import EpochHeader, Schedule, commitment, entries_digest, gross, rest, verify_leaf

NOBODY = "ecdsa: invalid signature"
CONTRACT, TREASURY = b"contract", b"treasury"
Post_key = tuple[bytes, int]
Debit = tuple[bytes, int]
Shown = tuple[bytes, int, int, int, Sequence[tuple[bytes, int]]]
"""Payee, challenged amount, leaf's amount, index, proof."""


class Refusal(Exception):
    """The call is refused for this reason."""


def need(condition: bool, reason: str) -> None:
    """Refuse unless."""
    if not condition:
        raise Refusal(reason)


@dataclass
class Lane:
    """A server's standing."""

    owner: bytes | None = None
    bond: int = 0
    last: int | None = None
    retired: int | None = None
    open: int = 0


@dataclass
class Posted:
    """A post that stands, or is void and not yet refunded."""

    header: EpochHeader
    debits: Sequence[Debit]
    own: Sequence[Debit]
    ready: int
    left: int
    fee: int
    void: bool = False
    paid: set[tuple[int, int]] = field(default_factory=set)


@dataclass(frozen=True)
class Demand:
    """An open challenge."""

    by: bytes
    deadline: int
    blocking: bool


@dataclass(frozen=True)
class Signed:
    """Who signed something, None for a signature of nobody."""

    by: bytes | None


@dataclass(frozen=True)
class Debiting:
    """One entry of a post: the debit, its voucher, and who signed that."""

    payer: bytes
    net: int
    cap: int
    until: int
    signer: bytes


class Model:
    """The whole contract. ``held`` are token balances that the run cares about."""

    def __init__(self, schedule: Schedule, bps: int, stake: int) -> None:
        self.s, self.bps, self.stake, self.now = schedule, bps, stake, 0
        self.balance: Counter[bytes] = Counter()
        self.escrow: Counter[tuple[bytes, bytes]] = Counter()
        self.spent: Counter[tuple[bytes, bytes]] = Counter()
        self.asked: dict[tuple[bytes, bytes], tuple[int, int]] = {}
        self.lanes: dict[bytes, Lane] = {}
        self.posts: dict[Post_key, Posted] = {}
        self.blocked: Counter[Post_key] = Counter()
        self.demands: dict[tuple[bytes, int, bytes, int], Demand] = {}
        self.answered: Counter[tuple[bytes, bytes]] = Counter()
        self.drafts: dict[Post_key, list[Debit]] = {}
        self.unwinding: set[Post_key] = set()
        self.owners: set[bytes] = set()

    def move(self, source: bytes, to: bytes, amount: int) -> None:
        """Tokens change hands."""
        self.balance[source] -= amount
        self.balance[to] += amount

    def lane(self, server: bytes) -> Lane:
        """A server's standing, made on first use."""
        return self.lanes.setdefault(server, Lane())

    def final(self, server: bytes, epoch: int) -> bool:
        """Posted, past its window, nothing open, not void."""
        post = self.posts.get((server, epoch))
        return post is not None and self.now >= post.ready and not self.blocked[server, epoch] and not post.void

    def deposit(self, who: bytes, server: bytes, payer: bytes, amount: int) -> None:
        """Escrow grows."""
        self.escrow[server, payer] += amount
        self.move(who, CONTRACT, amount)

    def request(self, who: bytes, server: bytes, amount: int) -> None:
        """Escrow is asked back."""
        need(amount <= self.escrow[server, who], "escrow")
        self.asked[server, who] = (amount, self.now + self.s.delay)

    def withdraw(self, who: bytes, server: bytes) -> int:
        """Escrow goes back."""
        amount, ready = self.asked.get((server, who), (0, 0))
        need(amount != 0, "request")
        need(self.now >= ready, "delay")
        amount = min(amount, self.escrow[server, who])
        del self.asked[server, who]
        self.escrow[server, who] -= amount
        self.move(CONTRACT, who, amount)
        return amount

    def bond(self, who: bytes, server: bytes, amount: int) -> None:
        """The bond grows."""
        lane = self.lane(server)
        need(lane.retired is None, "retired")
        need(lane.owner in (None, who), "owner")
        lane.owner = who
        lane.bond += amount
        self.move(who, CONTRACT, amount)

    def retire(self, who: bytes, server: bytes) -> None:
        """The running epoch is the last."""
        lane = self.lane(server)
        need(lane.owner == who, "owner")
        need(lane.retired is None, "retired")
        lane.retired = self.now // self.s.length

    def unbond(self, who: bytes, server: bytes) -> None:
        """The bond goes back."""
        lane = self.lane(server)
        need(lane.owner == who, "owner")
        need(lane.retired is not None, "active")
        assert lane.retired is not None
        need(self.now > self.s.ends(lane.retired) + self.s.grace + self.s.late + self.s.answer, "delay")
        need(lane.open == 0, "open")
        need(lane.bond != 0, "bond")
        self.move(CONTRACT, who, lane.bond)
        lane.bond = 0

    def _begin(self, server: bytes, epoch: int, before: bytes) -> Lane:
        """The server may debit payers for the epoch now."""
        lane = self.lane(server)
        need(self.s.post_from(epoch) <= self.now <= self.s.post_until(epoch), "time")
        need(lane.retired is None or epoch <= lane.retired, "retired")
        need((server, epoch) not in self.posts, "posted")
        need((server, epoch) not in self.unwinding, "void")
        if lane.last is not None and lane.last != epoch:
            need((server, lane.last) not in self.posts or self.final(server, lane.last), "pending")
            need((server, lane.last) in self.posts or not self.drafts.get((server, lane.last)), "pending")
        need(before == entries_digest(self.drafts.get((server, epoch), [])), "draft")
        return lane

    def _take(self, server: bytes, epoch: int, entries: Sequence[Debiting], bond: int) -> list[Debit]:
        """All of the entries, or none, are debited."""
        debits: Counter[bytes] = Counter()
        total = sum(net for _, net in self.drafts.get((server, epoch), []))
        for entry in entries:
            need(entry.signer == entry.payer, "voucher")
            need(epoch <= entry.until, "expired")
            debit = gross(entry.net, self.bps)
            need(self.spent[server, entry.payer] + debits[entry.payer] + debit <= entry.cap, "cap")
            need(debits[entry.payer] + debit <= self.escrow[server, entry.payer], "escrow")
            debits[entry.payer] += debit
            total += entry.net
        need(total <= bond, "exposure")
        for payer, debit in debits.items():
            self.escrow[server, payer] -= debit
            self.spent[server, payer] += debit
        return [(entry.payer, entry.net) for entry in entries]

    def _return(self, server: bytes, debits: Sequence[Debit]) -> None:
        """Debits go back to their payers."""
        for payer, net in debits:
            self.escrow[server, payer] += gross(net, self.bps)
            self.spent[server, payer] -= gross(net, self.bps)

    def debit(self, server: bytes, epoch: int, before: bytes, entries: Sequence[Debiting]) -> None:
        """A part of an epoch's debits is taken before its post."""
        lane = self._begin(server, epoch, before)
        taken = self._take(server, epoch, entries, lane.bond)
        self.drafts[server, epoch] = [*self.drafts.get((server, epoch), []), *taken]
        lane.last = epoch

    def undo(self, who: bytes, server: bytes, epoch: int, before: bytes, debits: Sequence[Debit]) -> None:
        """The last debits of a draft go back."""
        key = (server, epoch)
        need(key not in self.posts, "posted")
        draft = self.drafts.get(key, [])
        need(bool(draft), "draft")
        need(who == server or key in self.unwinding or self.now > self.s.post_until(epoch), "time")
        need(entries_digest(debits, before) == entries_digest(draft), "debits")
        self._return(server, debits)
        self.drafts[key] = draft[: len(draft) - len(debits)]
        if not self.drafts[key]:
            self.unwinding.discard(key)

    def post(
        self,
        server: bytes,
        epoch: int,
        root: bytes,
        counts: bytes,
        data: bytes,
        before: bytes,
        entries: Sequence[Debiting],
    ) -> None:
        """An epoch is closed."""
        lane = self._begin(server, epoch, before)
        own = self._take(server, epoch, entries, lane.bond)
        listed = [*self.drafts.get((server, epoch), []), *own]
        total, fee = sum(net for _, net in listed), sum(gross(net, self.bps) - net for _, net in listed)
        header = EpochHeader(root, total, rest(entries_digest(listed), counts, data))
        ready = max(self.now, self.s.ends(epoch) + self.s.grace) + self.s.window
        self.posts[server, epoch] = Posted(header, listed, own, ready, total, fee)
        lane.last = epoch

    def claim(
        self, sender: bytes, server: bytes, epoch: int, header: EpochHeader, payee: bytes, amount: int, index: int, depth: int,
        proof: Sequence[tuple[bytes, int]], to: bytes, tip: int, signed: Signed,
    ) -> None:  # fmt: skip
        """One leaf is paid."""
        need(self.final(server, epoch), "final")
        need(index >> depth == 0, "index")
        post = self.posts[server, epoch]
        need(
            commitment(header) == commitment(post.header) and verify_leaf(header, payee, amount, index, proof), "proof"
        )
        if to != payee or tip or (sender != payee and payee not in self.owners):
            need(signed.by is not None, NOBODY)
            need(signed.by == payee, "signature")
        need((depth, index) not in post.paid, "claimed")
        assert amount <= post.left
        need(tip <= amount, "tip")
        post.paid.add((depth, index))
        post.left -= amount
        self.move(CONTRACT, to, amount - tip)
        self.move(CONTRACT, sender, tip)

    def collect(self, server: bytes, epoch: int) -> None:
        """The commission is paid."""
        need(self.final(server, epoch), "final")
        post = self.posts[server, epoch]
        need(post.fee != 0, "collected")
        self.move(CONTRACT, TREASURY, post.fee)
        post.fee = 0

    def challenge(self, who: bytes, server: bytes, epoch: int, payee: bytes, amount: int, signed: Signed) -> None:
        """A leaf is demanded."""
        need(signed.by is not None, NOBODY)
        need(signed.by == server, "receipt")
        need(amount != 0, "amount")
        due = self.s.ends(epoch) + self.s.grace
        need(due <= self.now <= due + self.s.late, "time")
        need((server, epoch, payee, amount) not in self.demands, "open")
        need(amount > self.shown(server, epoch, payee), "answered")
        post = self.posts.get((server, epoch))
        blocking = post is None or self.now < post.ready
        lane = self.lane(server)
        need(lane.bond > 0 or (post is not None and blocking and not post.void), "bond")
        self.demands[server, epoch, payee, amount] = Demand(who, self.now + self.s.answer, blocking)
        self.blocked[server, epoch] += blocking
        lane.open += 1
        self.move(who, CONTRACT, self.stake)

    def shown(self, server: bytes, epoch: int, payee: bytes) -> int:
        """The payee's greatest leaf that an answer has shown under the post that stands."""
        post = self.posts.get((server, epoch))
        return 0 if post is None or post.void else self.answered[commitment(post.header), payee]

    def _close(self, server: bytes, epoch: int, payee: bytes, amount: int) -> Demand:
        demand = self.demands.pop((server, epoch, payee, amount))
        self.blocked[server, epoch] -= demand.blocking
        self.lane(server).open -= 1
        return demand

    def answer(self, server: bytes, epoch: int, header: EpochHeader, shown: Sequence[Shown]) -> None:
        """Several leaves of one post are shown: all of those that are still asked for, or none."""
        post = self.posts.get((server, epoch))
        need(post is None or not post.void, "void")
        same = post is not None and commitment(header) == commitment(post.header)
        found: dict[tuple[bytes, int], int] = {}
        for payee, asked, amount, index, proof in shown:
            if (server, epoch, payee, asked) not in self.demands or (payee, asked) in found:
                continue
            need(amount >= asked, "low")
            need(index >> len(proof) == 0, "index")
            need(same and verify_leaf(header, payee, amount, index, proof), "proof")
            found[payee, asked] = amount
        need(bool(found), "none")
        for (payee, asked), amount in found.items():
            self._show(server, epoch, payee, asked, header, amount)

    def _show(self, server: bytes, epoch: int, payee: bytes, asked: int, header: EpochHeader, amount: int) -> None:
        self._close(server, epoch, payee, asked)
        self.lane(server).bond += self.stake
        key = (commitment(header), payee)
        self.answered[key] = max(self.answered[key], amount)

    def dismiss(self, server: bytes, epoch: int, payee: bytes, asked: int) -> None:
        """A demand at or below what was shown is closed."""
        need((server, epoch, payee, asked) in self.demands, "none")
        need(asked <= self.shown(server, epoch, payee), "low")
        self._close(server, epoch, payee, asked)
        self.lane(server).bond += self.stake

    def slash(self, server: bytes, epoch: int, payee: bytes, asked: int) -> tuple[int, bool]:
        """The bond is taken; how much, and whether the post is void by it."""
        demand = self.demands.get((server, epoch, payee, asked))
        need(demand is not None, "none")
        assert demand is not None
        need(self.now > demand.deadline, "time")
        need(asked > self.shown(server, epoch, payee), "answered")
        self._close(server, epoch, payee, asked)
        post = self.posts.get((server, epoch))
        void = demand.blocking and post is not None
        if post is not None and void:
            post.void = True
        lane = self.lane(server)
        bond, lane.bond = lane.bond, 0
        self.move(CONTRACT, demand.by, bond // 2 + self.stake)
        self.move(CONTRACT, TREASURY, bond - bond // 2)
        return bond, void

    def refund(
        self, server: bytes, epoch: int, header: EpochHeader, debits: Sequence[Debit], counts: bytes, data: bytes
    ) -> None:
        """A void post's own debits go back; those before it are a draft again."""
        post = self.posts.get((server, epoch))
        need(post is not None and post.void, "void")
        assert post is not None
        draft = self.drafts.get((server, epoch), [])
        same = EpochHeader(header.root, header.total, rest(entries_digest(debits, entries_digest(draft)), counts, data))
        need(commitment(same) == commitment(post.header), "header")
        self._return(server, debits)
        del self.posts[server, epoch]
        if draft:
            self.unwinding.add((server, epoch))

    def owed(self) -> int:
        """Everything the contract must hold, to the wei."""
        posts = sum(
            post.left + post.fee if not post.void else sum(gross(net, self.bps) for _, net in post.debits)
            for post in self.posts.values()
        )
        drafts = sum(
            gross(net, self.bps) for key, draft in self.drafts.items() if key not in self.posts for _, net in draft
        )
        bonds = sum(lane.bond for lane in self.lanes.values())
        return sum(self.escrow.values()) + bonds + self.stake * len(self.demands) + posts + drafts
