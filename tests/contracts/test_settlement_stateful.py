"""Deposits, bonds, posts, claims and commissions in any order and at any time, against a model of a few lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from chain.settlement import ClaimItem, Entry
from pywallet.messages import Claim, compact, sign
from pywallet.platform import address_of, keccak256
from pywallet.settlement import commitment, gross
from tests.contracts.anvil_world import BPS, NOBODY, SCHEDULE, Book, World, reverts

PAYEES = [keccak256(bytes([n])) for n in range(3)]
SAFE = bytes([0x77]) * 20
FLAWS = ("", "", "", "", "voucher", "expired", "cap")
AMOUNTS = st.integers(1, 4000)
WHO = st.integers(0, 1)
EDGE = -1
NETS = st.lists(st.tuples(WHO, st.integers(0, 600), st.sampled_from(FLAWS)), min_size=1, max_size=3)
WAITS = st.sampled_from((0, 0, 15, 20))
WAYS = ("push", "push", "signed", "relayed", "greedy", "stolen", "collect")
SHARES = st.tuples(st.integers(0, 9), st.integers(0, 9))
DONE: Counter[str] = Counter()
"""What succeeded, and the reasons of what did not, over the whole run."""


@dataclass
class Post:
    """An epoch that stands on the chain."""

    book: Book
    ready: int
    left: int
    fee: int
    paid: set[int] = field(default_factory=set)


class Money(RuleBasedStateMachine):
    """The model beside the contract: every transaction's outcome is foretold, reason included."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.w = self.world
        self.mark = self.w.request("evm_snapshot")
        self.servers, self.payers = (self.w.other, self.w.relayer), (self.w.station, self.w.fan)
        self.now = self.w.now()
        self.held = self.w.balance(self.w.deployment.settlement)
        self.escrow: Counter[tuple[int, int]] = Counter()
        self.spent: Counter[tuple[int, int]] = Counter()
        self.signed: Counter[tuple[int, int]] = Counter()
        self.bonds: Counter[int] = Counter()
        self.posts: dict[tuple[int, int], Post] = {}
        self.last: dict[int, int] = {}
        self.paid: Counter[bytes] = Counter()
        self.base = self.held

    def teardown(self) -> None:
        """Back to where all runs begin."""
        assert self.w.request("evm_revert", self.mark)

    def try_to(self, action: str, reason: str | None, key: bytes, name: str, *args: Any) -> bool:
        """Send it in the next second; succeed or be refused as foretold."""
        self.now += 1
        self.w.at(self.now)
        DONE[action if reason is None else f"{action.split()[0]}: {reason}"] += 1
        with reverts(reason) if reason else nullcontext():
            self.w.send(key, "Settlement", name, *args)
        return reason is None

    @initialize(amount=AMOUNTS)
    def begin(self, amount: int) -> None:
        """Something to work with."""
        for server in (0, 1):
            self.bond(server, 500 + amount // 8)
            self.deposit(server, server, 6000 + amount)

    @rule(server=WHO, payer=st.integers(0, 2), amount=st.integers(1, 4000))
    def fund(self, server: int, payer: int, amount: int) -> None:
        """Fill an escrow or raise a bond."""
        if payer < 2:
            self.deposit(server, payer, amount)
        else:
            self.bond(server, amount // 64)

    def deposit(self, server: int, payer: int, amount: int) -> None:
        """Fill an escrow."""
        keys = (address_of(self.servers[server]), address_of(self.payers[payer]))
        self.try_to("deposit", None, self.w.platform, "deposit", *keys, amount)
        self.escrow[server, payer] += amount
        self.held += amount

    def bond(self, server: int, amount: int) -> None:
        """Raise a bond."""
        self.try_to("bond", None, self.w.platform, "bond", address_of(self.servers[server]), amount)
        self.bonds[server] += amount
        self.held += amount

    def wait(self, seconds: int) -> None:
        """Let time pass, or (EDGE) go to just before an epoch's end, where the post windows of two epochs meet."""
        length = SCHEDULE.length
        self.now += (length - 3 - self.now) % length if seconds == EDGE else seconds

    @rule(
        wait=st.sampled_from((60, 60, 30, EDGE, EDGE, 3, 0)),
        server=WHO,
        back=st.sampled_from((0, 1, 1, 1, 1, 2)),
        nets=NETS,
        shares=SHARES,
    )
    def post(self, wait: int, server: int, back: int, nets: Sequence[tuple[int, int, str]], shares: tuple[int, int]) -> None:
        """Close an epoch, perhaps too early, too late, again, or under a bad voucher."""
        self.wait(wait)
        epoch = (self.now + 1) // SCHEDULE.length - back
        entries, reason, spent, escrow = self._entries(server, epoch, nets)
        total = sum(net for _, net, _ in nets)
        parts = [total * share // 20 for share in shares]
        leaves = [(address_of(key), part) for key, part in zip(PAYEES, [*parts, total - sum(parts)], strict=True)]
        book = Book(epoch, leaves, [(entry.payer, entry.net) for entry in entries])
        reason = self._too_soon(server, epoch) or reason or ("exposure" if total > self.bonds[server] else None)
        rows = [(e.payer, e.net, e.cap, e.until, e.r, e.vs) for e in entries]
        arguments = (epoch, book.header.root, bytes([2]) * 32, bytes([3]) * 32, rows)
        if not self.try_to("post", reason, self.servers[server], "post", *arguments):
            return
        ready = max(self.now, SCHEDULE.ends(epoch) + SCHEDULE.grace) + SCHEDULE.window
        self.posts[server, epoch] = Post(book, ready, total, sum(net * BPS // 10_000 for _, net, _ in nets))
        self.last[server] = epoch
        self.spent.update(spent)
        self.escrow.subtract(escrow)

    @rule(server=WHO, payer=WHO, nets=st.tuples(st.integers(0, 1500), st.integers(0, 1500)), shares=SHARES)
    def hurry(self, server: int, payer: int, nets: tuple[int, int], shares: tuple[int, int]) -> None:
        """Close an epoch as late as can be and the next one at once."""
        self.post(EDGE, server, 1, [(payer, nets[0], "")], shares)
        self.collect(0, 0) if shares[0] % 2 and self.posts else None
        self.post(3, server, 1, [(payer, nets[1], "")], shares)
        self.post(0, server, 1, [], shares)

    def _too_soon(self, server: int, epoch: int) -> str | None:
        at = self.now + 1
        if not SCHEDULE.post_from(epoch) <= at <= SCHEDULE.post_until(epoch):
            return "time"
        if (server, epoch) in self.posts:
            return "posted"
        last = self.posts.get((server, self.last.get(server, -1)))
        return "pending" if last and at < last.ready else None

    def _entries(self, server: int, epoch: int, nets: Sequence[tuple[int, int, str]]) -> tuple[Any, ...]:
        """Entries with their vouchers, the first reason to refuse them, and what they debit."""
        debits: Counter[tuple[int, int]] = Counter()
        entries, reason = [], None
        for payer, net, flaw in nets:
            key = (server, payer)
            debit = gross(net, BPS)
            need = self.spent[key] + debits[key] + debit
            cap = need - 1 if flaw == "cap" and need else need
            until = epoch - (flaw == "expired")
            signer = self.payers[1 - payer if flaw == "voucher" else payer]
            entries.append(
                Entry(address_of(self.payers[payer]), net, *self.w.voucher(signer, cap, until, address_of(self.servers[server])))
            )
            if flaw in ("", "cap"):
                self.signed[key] = max(self.signed[key], cap)
            if reason is None:
                short = "escrow" if debit > self.escrow[key] - debits[key] else None
                reason = flaw if flaw in ("voucher", "expired") or cap < need else short
            debits[key] += debit
        return entries, reason, debits, debits

    @precondition(lambda self: self.posts)
    @rule(wait=WAITS, which=st.integers(0, 2), index=st.integers(0, 2), how=st.sampled_from(WAYS))
    def claim(self, wait: int, which: int, index: int, how: str) -> None:
        """Pay one leaf of a post, perhaps too early, again, or without its payee's word."""
        if how == "collect":
            self.collect(wait, which)
            return
        self.wait(wait)
        server, epoch = self._recent(which)
        post = self.posts[server, epoch]
        payee, amount = post.book.leaves[index]
        to, tip = (payee, 0) if how == "push" else (SAFE, {"relayed": min(3, amount), "greedy": amount + 1}.get(how, 0))
        address = address_of(self.servers[server])
        rsv = compact(sign(Claim(address, epoch, payee, to, tip), self.w.deployment.domain, PAYEES[index]).signature)
        tree = post.book.tree
        item = ClaimItem(
            address, epoch, post.book.header, payee, amount, index, tree.depth, *(rsv if how in ("signed", "relayed", "greedy") else (0, 0))
        )
        header = (item.header.root, item.header.total, item.header.rest)
        row = (item.server, item.epoch, header, item.payee, item.amount, item.index, item.depth, item.r, item.vs)
        reason = self._refused(post, index, how, amount, tip)
        if self.try_to(f"claim {how}", reason, self.w.owner, "claim", [row], tree.proof(index), to, tip):
            post.paid.add(index)
            post.left -= amount
            self.held -= amount
            self.paid[to] += amount - tip
            self.paid[address_of(self.w.owner)] += tip

    @precondition(lambda self: self.posts)
    @rule(which=st.integers(0, 1), first=st.sampled_from(WAYS), how=st.sampled_from(WAYS[:4]))
    def settle(self, which: int, first: str, how: str) -> None:
        """Pay a whole post, perhaps after something that isn't allowed."""
        for index in range(len(PAYEES)):
            self.claim(7, which, index, first)
            self.claim(7, which, index, how)
        self.collect(0, which)

    def _refused(self, post: Post, index: int, how: str, amount: int, tip: int) -> str | None:
        if self.now + 1 < post.ready:
            return "final"
        if how == "stolen":
            return NOBODY
        if index in post.paid:
            return "claimed"
        return "tip" if tip > amount else None

    def _recent(self, which: int) -> tuple[int, int]:
        posts = list(self.posts)
        return posts[-1 - which % len(posts)]

    def collect(self, wait: int, which: int) -> None:
        """Send a commission to the treasury, perhaps too early or again."""
        self.wait(wait)
        server, epoch = self._recent(which)
        post = self.posts[server, epoch]
        reason = "final" if self.now + 1 < post.ready else "collected" if post.fee == 0 else None
        if self.try_to("collect", reason, self.w.platform, "collect", address_of(self.servers[server]), epoch):
            self.held -= post.fee
            self.paid[self.w.deployment.treasury] += post.fee
            post.fee = 0

    @invariant()
    def the_chain_agrees(self) -> None:
        """Every word of the contract is the model's, and no token is made, lost or owed twice."""
        pairs = [(s, p) for s in (0, 1) for p in (0, 1)]
        server, payer = [address_of(k) for k in self.servers], [address_of(k) for k in self.payers]
        posts = list(self.posts.items())
        reads: list[tuple[Any, ...]] = [("GoMAA", "balanceOf", self.w.deployment.settlement)]
        reads += [("GoMAA", "balanceOf", who) for who in self.paid]
        reads += [("Settlement", "account", server[s], payer[p]) for s, p in pairs]
        reads += [("Settlement", "lane", server[s]) for s in (0, 1)]
        reads += [("Settlement", "meta", server[s], epoch) for (s, epoch), _ in posts]
        reads += [("Settlement", "commit", server[s], epoch) for (s, epoch), _ in posts]
        # One after the other: many at once wait for the kernel's delayed acknowledgements.
        values = iter([self.w.call(*read) for read in reads])
        balance = next(values)
        assert [next(values) for _ in self.paid] == list(self.paid.values())
        owed = 0
        for pair in pairs:
            word = next(values)
            spent, escrow = word >> 128, word & (1 << 128) - 1
            assert (spent, escrow) == (self.spent[pair], self.escrow[pair])
            assert spent <= self.signed[pair]
            assert escrow >= 0
            owed += escrow
        for s in (0, 1):
            bond = next(values) & (1 << 96) - 1
            assert bond == self.bonds[s]
            owed += bond
        for _, post in posts:
            word = next(values)
            left, fee = word & (1 << 96) - 1, word >> 96 & (1 << 96) - 1
            assert (left, fee, word >> 192) == (post.left, post.fee, post.ready)
            assert left == sum(amount for n, (_, amount) in enumerate(post.book.leaves) if n not in post.paid)
            owed += left + fee
        assert [next(values) for _ in posts] == [commitment(post.book.header) for _, post in posts]
        assert balance == self.held == self.base + owed


def test_money_in_any_order(w: World) -> None:
    """No order of actions and times parts contract and model, and each action, and each refusal that matters, really happened."""
    assert w.balance(address_of(w.owner)) == 0
    DONE.clear()
    machine = type("Here", (Money,), {"world": w})
    how = settings(
        derandomize=True, max_examples=45, stateful_step_count=40, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(machine, settings=how)
    wanted = {"deposit", "bond", "post", "claim push", "claim signed", "claim relayed", "collect"}
    wanted |= {f"post: {reason}" for reason in ("time", "posted", "pending", "voucher", "expired", "cap", "escrow", "exposure")}
    wanted |= {
        "claim: final",
        "claim: claimed",
        "claim: tip",
        f"claim: {NOBODY}",
        "collect: final",
        "collect: collected",
    }
    assert {action for action in wanted if DONE[action] == 0} == set(), DONE
