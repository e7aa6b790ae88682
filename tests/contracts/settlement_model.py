"""Model of Settlement in plain Python, written from the specification.

What each call does, or the reason with which it reverts.
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
    """The call reverts with this reason."""


def need(condition: bool, reason: str) -> None:
    """Raise Refusal unless the condition holds."""
    if not condition:
        raise Refusal(reason)


@dataclass
class ServerState:
    """A server's bond, its owner, last posted epoch, retirement and open challenges."""

    owner: bytes | None = None
    bond: int = 0
    last: int | None = None
    retired: int | None = None
    open: int = 0


@dataclass
class Posted:
    """A post that is valid, or void and not yet refunded."""

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
    """Signer of a message; None for an invalid signature."""

    by: bytes | None


@dataclass(frozen=True)
class Debiting:
    """One entry of a post: the debit, its voucher, and the voucher's signer."""

    payer: bytes
    net: int
    cap: int
    until: int
    signer: bytes


class Model:
    """The whole contract. ``held`` are the token balances of the run's accounts."""

    def __init__(self, schedule: Schedule, bps: int, stake: int) -> None:
        self.s, self.bps, self.stake, self.now = schedule, bps, stake, 0
        self.balance: Counter[bytes] = Counter()
        self.escrow: Counter[tuple[bytes, bytes]] = Counter()
        self.spent: Counter[tuple[bytes, bytes]] = Counter()
        self.asked: dict[tuple[bytes, bytes], tuple[int, int]] = {}
        self.server_states: dict[bytes, ServerState] = {}
        self.posts: dict[Post_key, Posted] = {}
        self.blocked: Counter[Post_key] = Counter()
        self.demands: dict[tuple[bytes, int, bytes, int], Demand] = {}
        self.answered: Counter[tuple[bytes, bytes]] = Counter()
        self.drafts: dict[Post_key, list[Debit]] = {}
        self.unwinding: set[Post_key] = set()
        self.owners: set[bytes] = set()

    def move(self, source: bytes, to: bytes, amount: int) -> None:
        """Transfer tokens."""
        self.balance[source] -= amount
        self.balance[to] += amount

    def server_state(self, server: bytes) -> ServerState:
        """Return a server's state, created on first use."""
        return self.server_states.setdefault(server, ServerState())

    def final(self, server: bytes, epoch: int) -> bool:
        """Return whether an epoch is posted, past its window, without open challenge and not void."""
        post = self.posts.get((server, epoch))
        return post is not None and self.now >= post.ready and not self.blocked[server, epoch] and not post.void

    def deposit(self, who: bytes, server: bytes, payer: bytes, amount: int) -> None:
        """Add to an escrow."""
        self.escrow[server, payer] += amount
        self.move(who, CONTRACT, amount)

    def request(self, who: bytes, server: bytes, amount: int) -> None:
        """Request a withdrawal of escrow."""
        need(amount <= self.escrow[server, who], "settlement: escrow too low")
        self.asked[server, who] = (amount, self.now + self.s.delay)

    def withdraw(self, who: bytes, server: bytes) -> int:
        """Withdraw requested escrow."""
        amount, ready = self.asked.get((server, who), (0, 0))
        need(amount != 0, "settlement: nothing requested")
        need(self.now >= ready, "settlement: delay not over")
        amount = min(amount, self.escrow[server, who])
        del self.asked[server, who]
        self.escrow[server, who] -= amount
        self.move(CONTRACT, who, amount)
        return amount

    def bond(self, who: bytes, server: bytes, amount: int) -> None:
        """Add to a bond."""
        state = self.server_state(server)
        need(state.retired is None, "settlement: server retired")
        need(state.owner in (None, who), "settlement: not the bond owner")
        state.owner = who
        state.bond += amount
        self.move(who, CONTRACT, amount)

    def retire(self, who: bytes, server: bytes) -> None:
        """Retire a server: the running epoch is its last."""
        state = self.server_state(server)
        need(state.owner == who, "settlement: not the bond owner")
        need(state.retired is None, "settlement: server retired")
        state.retired = self.now // self.s.length

    def unbond(self, who: bytes, server: bytes) -> None:
        """Withdraw a retired server's bond."""
        state = self.server_state(server)
        need(state.owner == who, "settlement: not the bond owner")
        need(state.retired is not None, "settlement: server not retired")
        assert state.retired is not None
        need(
            self.now > self.s.ends(state.retired) + self.s.grace + self.s.late + self.s.answer,
            "settlement: delay not over",
        )
        need(state.open == 0, "settlement: challenge open")
        need(state.bond != 0, "settlement: no bond")
        self.move(CONTRACT, who, state.bond)
        state.bond = 0

    def _begin(self, server: bytes, epoch: int, before: bytes) -> ServerState:
        """Check that the server may debit payers for the epoch now."""
        state = self.server_state(server)
        need(self.s.post_from(epoch) <= self.now <= self.s.post_until(epoch), "settlement: outside post period")
        need(state.retired is None or epoch <= state.retired, "settlement: server retired")
        need((server, epoch) not in self.posts, "settlement: epoch posted")
        need((server, epoch) not in self.unwinding, "settlement: epoch void")
        if state.last is not None and state.last != epoch:
            need(
                (server, state.last) not in self.posts or self.final(server, state.last),
                "settlement: last epoch pending",
            )
            need(
                (server, state.last) in self.posts or not self.drafts.get((server, state.last)),
                "settlement: last epoch pending",
            )
        need(before == entries_digest(self.drafts.get((server, epoch), [])), "settlement: draft differs")
        return state

    def _take(self, server: bytes, epoch: int, entries: Sequence[Debiting], bond: int) -> list[Debit]:
        """Debit all of the entries, or none."""
        debits: Counter[bytes] = Counter()
        total = sum(net for _, net in self.drafts.get((server, epoch), []))
        for entry in entries:
            need(entry.signer == entry.payer, "settlement: invalid voucher")
            need(epoch <= entry.until, "settlement: voucher expired")
            debit = gross(entry.net, self.bps)
            need(
                self.spent[server, entry.payer] + debits[entry.payer] + debit <= entry.cap,
                "settlement: voucher cap exceeded",
            )
            need(debits[entry.payer] + debit <= self.escrow[server, entry.payer], "settlement: escrow too low")
            debits[entry.payer] += debit
            total += entry.net
        need(total <= bond, "settlement: bond exceeded")
        for payer, debit in debits.items():
            self.escrow[server, payer] -= debit
            self.spent[server, payer] += debit
        return [(entry.payer, entry.net) for entry in entries]

    def _return(self, server: bytes, debits: Sequence[Debit]) -> None:
        """Return debits to their payers."""
        for payer, net in debits:
            self.escrow[server, payer] += gross(net, self.bps)
            self.spent[server, payer] -= gross(net, self.bps)

    def debit(self, server: bytes, epoch: int, before: bytes, entries: Sequence[Debiting]) -> None:
        """Debit a part of an epoch before its post."""
        state = self._begin(server, epoch, before)
        taken = self._take(server, epoch, entries, state.bond)
        self.drafts[server, epoch] = [*self.drafts.get((server, epoch), []), *taken]
        state.last = epoch

    def undo(self, who: bytes, server: bytes, epoch: int, before: bytes, debits: Sequence[Debit]) -> None:
        """Undo the last debits of a draft."""
        key = (server, epoch)
        need(key not in self.posts, "settlement: epoch posted")
        draft = self.drafts.get(key, [])
        need(bool(draft), "settlement: no draft")
        need(
            who == server or key in self.unwinding or self.now > self.s.post_until(epoch),
            "settlement: not undoable yet",
        )
        need(entries_digest(debits, before) == entries_digest(draft), "settlement: debits differ")
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
        """Post an epoch."""
        state = self._begin(server, epoch, before)
        own = self._take(server, epoch, entries, state.bond)
        listed = [*self.drafts.get((server, epoch), []), *own]
        total, fee = sum(net for _, net in listed), sum(gross(net, self.bps) - net for _, net in listed)
        header = EpochHeader(root, total, rest(entries_digest(listed), counts, data))
        ready = max(self.now, self.s.ends(epoch) + self.s.grace) + self.s.window
        self.posts[server, epoch] = Posted(header, listed, own, ready, total, fee)
        state.last = epoch

    def claim(
        self,
        sender: bytes,
        server: bytes,
        epoch: int,
        header: EpochHeader,
        payee: bytes,
        amount: int,
        index: int,
        depth: int,
        proof: Sequence[tuple[bytes, int]],
        to: bytes,
        tip: int,
        signed: Signed,
    ) -> None:
        """Claim one leaf."""
        need(self.final(server, epoch), "settlement: epoch not final")
        need(index >> depth == 0, "settlement: index out of range")
        post = self.posts[server, epoch]
        need(
            commitment(header) == commitment(post.header) and verify_leaf(header, payee, amount, index, proof),
            "settlement: invalid proof",
        )
        if to != payee or tip or (sender != payee and payee not in self.owners):
            need(signed.by is not None, NOBODY)
            need(signed.by == payee, "settlement: invalid signature")
        need((depth, index) not in post.paid, "settlement: leaf claimed")
        assert amount <= post.left
        need(tip <= amount, "settlement: tip exceeds sum")
        post.paid.add((depth, index))
        post.left -= amount
        self.move(CONTRACT, to, amount - tip)
        self.move(CONTRACT, sender, tip)

    def collect(self, server: bytes, epoch: int) -> None:
        """Pay the commission to the treasury."""
        need(self.final(server, epoch), "settlement: epoch not final")
        post = self.posts[server, epoch]
        need(post.fee != 0, "settlement: fee collected")
        self.move(CONTRACT, TREASURY, post.fee)
        post.fee = 0

    def challenge(self, who: bytes, server: bytes, epoch: int, payee: bytes, amount: int, signed: Signed) -> None:
        """Challenge a leaf."""
        need(signed.by is not None, NOBODY)
        need(signed.by == server, "settlement: invalid receipt")
        need(amount != 0, "settlement: receipt over zero")
        due = self.s.ends(epoch) + self.s.grace
        need(due <= self.now <= due + self.s.late, "settlement: not challengeable")
        need((server, epoch, payee, amount) not in self.demands, "settlement: already challenged")
        need(amount > self.shown(server, epoch, payee), "settlement: already answered")
        post = self.posts.get((server, epoch))
        blocking = post is None or self.now < post.ready
        state = self.server_state(server)
        need(state.bond > 0 or (post is not None and blocking and not post.void), "settlement: no bond")
        self.demands[server, epoch, payee, amount] = Demand(who, self.now + self.s.answer, blocking)
        self.blocked[server, epoch] += blocking
        state.open += 1
        self.move(who, CONTRACT, self.stake)

    def shown(self, server: bytes, epoch: int, payee: bytes) -> int:
        """Return the greatest amount of the payee that an answer has shown under the current post."""
        post = self.posts.get((server, epoch))
        return 0 if post is None or post.void else self.answered[commitment(post.header), payee]

    def _close(self, server: bytes, epoch: int, payee: bytes, amount: int) -> Demand:
        demand = self.demands.pop((server, epoch, payee, amount))
        self.blocked[server, epoch] -= demand.blocking
        self.server_state(server).open -= 1
        return demand

    def answer(self, server: bytes, epoch: int, header: EpochHeader, shown: Sequence[Shown]) -> None:
        """Answer with several leaves of one post, for all of their open challenges, or revert."""
        post = self.posts.get((server, epoch))
        need(post is None or not post.void, "settlement: epoch void")
        same = post is not None and commitment(header) == commitment(post.header)
        found: dict[tuple[bytes, int], int] = {}
        for payee, asked, amount, index, proof in shown:
            if (server, epoch, payee, asked) not in self.demands or (payee, asked) in found:
                continue
            need(amount >= asked, "settlement: leaf below challenge")
            need(index >> len(proof) == 0, "settlement: index out of range")
            need(same and verify_leaf(header, payee, amount, index, proof), "settlement: invalid proof")
            found[payee, asked] = amount
        need(bool(found), "settlement: no open challenge")
        for (payee, asked), amount in found.items():
            self._show(server, epoch, payee, asked, header, amount)

    def _show(self, server: bytes, epoch: int, payee: bytes, asked: int, header: EpochHeader, amount: int) -> None:
        self._close(server, epoch, payee, asked)
        self.server_state(server).bond += self.stake
        key = (commitment(header), payee)
        self.answered[key] = max(self.answered[key], amount)

    def dismiss(self, server: bytes, epoch: int, payee: bytes, asked: int) -> None:
        """Dismiss a challenge at or below the amount shown."""
        need((server, epoch, payee, asked) in self.demands, "settlement: no open challenge")
        need(asked <= self.shown(server, epoch, payee), "settlement: not answered")
        self._close(server, epoch, payee, asked)
        self.server_state(server).bond += self.stake

    def slash(self, server: bytes, epoch: int, payee: bytes, asked: int) -> tuple[int, bool]:
        """Slash the bond; return the amount taken and whether this voids the post."""
        demand = self.demands.get((server, epoch, payee, asked))
        need(demand is not None, "settlement: no open challenge")
        assert demand is not None
        need(self.now > demand.deadline, "settlement: deadline not over")
        need(asked > self.shown(server, epoch, payee), "settlement: already answered")
        self._close(server, epoch, payee, asked)
        post = self.posts.get((server, epoch))
        void = demand.blocking and post is not None
        if post is not None and void:
            post.void = True
        state = self.server_state(server)
        bond, state.bond = state.bond, 0
        self.move(CONTRACT, demand.by, bond // 2 + self.stake)
        self.move(CONTRACT, TREASURY, bond - bond // 2)
        return bond, void

    def refund(
        self, server: bytes, epoch: int, header: EpochHeader, debits: Sequence[Debit], counts: bytes, data: bytes
    ) -> None:
        """Refund a void post's own debits; those before it become a draft again."""
        post = self.posts.get((server, epoch))
        need(post is not None and post.void, "settlement: epoch not void")
        assert post is not None
        draft = self.drafts.get((server, epoch), [])
        same = EpochHeader(header.root, header.total, rest(entries_digest(debits, entries_digest(draft)), counts, data))
        need(commitment(same) == commitment(post.header), "settlement: header differs")
        self._return(server, debits)
        del self.posts[server, epoch]
        if draft:
            self.unwinding.add((server, epoch))

    def owed(self) -> int:
        """Tokens that the contract must hold, wei."""
        posts = sum(
            post.left + post.fee if not post.void else sum(gross(net, self.bps) for _, net in post.debits)
            for post in self.posts.values()
        )
        drafts = sum(
            gross(net, self.bps) for key, draft in self.drafts.items() if key not in self.posts for _, net in draft
        )
        bonds = sum(state.bond for state in self.server_states.values())
        return sum(self.escrow.values()) + bonds + self.stake * len(self.demands) + posts + drafts
