"""Base of the settlement game: actors, data that servers store, and every action on contract and model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final

from hypothesis.stateful import RuleBasedStateMachine

from pywallet.crypto import address_of
from pywallet.protocol import (
    Claim,
    Receipt,
    Voucher,
    compact,
    sign,
)
from pywallet.settlement import EpochHeader, Schedule, SumTree, entries_digest, gross, rest
from tests.contracts.revm_world import GENESIS, Refused, Revm, key
from tests.contracts.settlement_model import Debiting, Model, Refusal, Signed

SCHEDULE: Final = Schedule(length=60, grace=5, window=15, answer=15, late=150, delay=75)
BPS: Final = 250
STAKE: Final = 5
RICH: Final = 10**12
ESCROW: Final = 40_000
BOND: Final = 30_000
COUNTS, DATA = bytes([2]) * 32, bytes([3]) * 32
HONEST, LIAR = key("honest"), key("liar")
STATIONS: Final = (key("station", 0), key("station", 1))
WATCHED: Final = (key("fan", 0), key("fan", 1), key("owner"))
UNWATCHED, BOT, SAFE = key("fan", 2), key("bot"), bytes([0x77]) * 20
OPERATOR, WATCHER, GRIEFER, RELAYER, STRANGER = (
    key(name) for name in ("operator", "watcher", "griefer", "relayer", "stranger")
)
STEP: Final = 5
DONE: Counter[str] = Counter()
"""Counts over all runs: successes by name, refusals by ``name: reason``."""


def name_of(private: bytes) -> bytes:
    """Return a key's address, computed once."""
    return _addresses(private)


_addresses = cache(address_of)


class ServerLedger:
    """Off-chain data of a server: net and due amounts by epoch, voucher caps and posted trees."""

    def __init__(self, private: bytes) -> None:
        self.key, self.address = private, name_of(private)
        self.net: dict[int, Counter[bytes]] = {}
        self.due: dict[int, Counter[bytes]] = {}
        self.cap: Counter[bytes] = Counter()
        self.posted: dict[int, tuple[list[tuple[bytes, int]], SumTree]] = {}
        self.hidden: set[int] = set()
        self.split = 0
        self.pause = False

    def open_gross(self, payer: bytes, posts: Sequence[int]) -> int:
        """Gross of vouchered plays that no post includes."""
        return sum(gross(net[payer], BPS) for epoch, net in self.net.items() if epoch not in posts)


def people() -> list[bytes]:
    """Addresses with initial tokens; payees and SAFE have none."""
    return [name_of(private) for private in (OPERATOR, WATCHER, GRIEFER, STRANGER, *STATIONS)]


PAYEES: Final = {name_of(private): private for private in (*WATCHED, UNWATCHED, BOT)}
WATCHING: Final = {name_of(private) for private in WATCHED}


class GameBase(RuleBasedStateMachine):
    """Contract and model: every action is done on both, and their outcomes are compared."""

    world: Revm

    def __init__(self) -> None:
        super().__init__()
        self.w = self.world
        self.mark = self.w.evm.snapshot()
        self.m = Model(SCHEDULE, BPS, STAKE)
        self.ledgers = {private: ServerLedger(private) for private in (HONEST, LIAR)}
        self.receipts: dict[tuple[bytes, int, bytes], int] = {}
        self.paid: Counter[tuple[bytes, int, bytes]] = Counter()
        self.slashed: set[bytes] = set()
        self.avenged: set[tuple[bytes, int, bytes, int]] = set()
        self.asked_at: dict[tuple[bytes, bytes], int] = {}
        self.m.owners.add(name_of(WATCHED[2]))
        self.now = self.m.now = GENESIS + 1
        self.w.at(self.now)
        for who in people():
            self.m.balance[who] = RICH
        for private in (HONEST, LIAR):
            self.bond(OPERATOR, private, BOND)
            for station in STATIONS:
                self.deposit(station, private, station, ESCROW)

    # The contract and its model, side by side.

    def do(
        self, action: str, who: bytes, name: str, args: Sequence[Any], model: Callable[[], Any], label: str = ""
    ) -> bool:
        """Do an action on both; assert that both succeed, or revert for the same reason."""
        expected: str | None = None
        try:
            model()
        except Refusal as e:
            expected = str(e)
        found: str | None = None
        try:
            self.w.send(who, "Settlement", name, *args)
        except Refused as e:
            found = e.reason
        assert found == expected, f"{action}: the contract says {found!r}, the model {expected!r}"
        DONE[f"{action}{label}" if expected is None else f"{action}: {expected}"] += 1
        return expected is None

    def deposit(self, who: bytes, server: bytes, payer: bytes, amount: int) -> None:
        """Fill an escrow."""
        args = (name_of(server), name_of(payer), amount)
        self.do("deposit", name_of(who), "deposit", args, lambda: self.m.deposit(name_of(who), *args))

    def bond(self, who: bytes, server: bytes, amount: int) -> bool:
        """Raise a bond."""
        args = (name_of(server), amount)
        return self.do("bond", name_of(who), "bond", args, lambda: self.m.bond(name_of(who), *args))

    def request(self, station: bytes, server: bytes, amount: int) -> None:
        """Request a withdrawal of escrow."""
        payer, args = name_of(station), (name_of(server), amount)
        if self.do("request", payer, "request", args, lambda: self.m.request(payer, *args)):
            self.asked_at[name_of(server), payer] = self.now

    def withdraw(self, station: bytes, server: bytes) -> None:
        """Withdraw requested escrow."""
        payer, address = name_of(station), name_of(server)
        if self.do("withdraw", payer, "withdraw", (address,), lambda: self.m.withdraw(payer, address)):
            assert self.now >= self.asked_at[address, payer] + SCHEDULE.delay

    def retire(self, who: bytes, server: bytes) -> None:
        """Retire a server."""
        self.do(
            "retire", name_of(who), "retire", (name_of(server),), lambda: self.m.retire(name_of(who), name_of(server))
        )

    def unbond(self, who: bytes, server: bytes) -> None:
        """Withdraw a retired server's bond."""
        self.do(
            "unbond", name_of(who), "unbond", (name_of(server),), lambda: self.m.unbond(name_of(who), name_of(server))
        )

    def entry(
        self, server: bytes, station: bytes, net: int, cap: int, until: int, signer: bytes | None = None
    ) -> tuple[Any, Debiting]:
        """Return a debit in the forms of contract and model."""
        payer, signing = name_of(station), signer or station
        signature = compact(sign(Voucher(name_of(server), payer, cap, until), self.w.domain, signing).signature)
        return (payer, net, cap, until, *signature), Debiting(payer, net, cap, until, name_of(signing))

    def drafted(self, server: bytes, epoch: int) -> list[tuple[bytes, int]]:
        """Debits of an epoch before its post."""
        return self.m.drafts.get((name_of(server), epoch), [])

    def debit(
        self, server: bytes, epoch: int, rows: Sequence[tuple[Any, Debiting]], before: bytes | None = None
    ) -> bool:
        """Debit a part, after the entries debited so far or after others."""
        address, after = name_of(server), entries_digest(self.drafted(server, epoch)) if before is None else before
        model = (address, epoch, after, [row for _, row in rows])
        return self.do(
            "debit", address, "debit", (epoch, after, [raw for raw, _ in rows]), lambda: self.m.debit(*model)
        )

    def undo(
        self, who: bytes, server: bytes, epoch: int, kept: int = 0, debits: Sequence[tuple[bytes, int]] | None = None
    ) -> bool:
        """Undo a draft back to its first entries, or try it with debits that are not its last."""
        draft, address = self.drafted(server, epoch), name_of(server)
        args = (address, epoch, entries_digest(draft[:kept]), list(draft[kept:] if debits is None else debits))
        return self.do("undo", name_of(who), "undo", args, lambda: self.m.undo(name_of(who), *args))

    def post(
        self,
        server: bytes,
        epoch: int,
        leaves: Sequence[tuple[bytes, int]],
        rows: Sequence[tuple[Any, Debiting]],
        label: str,
    ) -> bool:
        """Post leaves under debits, in one transaction or in the server's number of parts."""
        ledger, tree, address = self.ledgers[server], SumTree(leaves), name_of(server)
        done = len(self.drafted(server, epoch))
        if not done and rows[: ledger.split] and self.debit(server, epoch, rows[: ledger.split]):
            done = len(rows[: ledger.split])
            if ledger.pause:
                return False
        before = entries_digest(self.drafted(server, epoch))
        args = (epoch, tree.root, COUNTS, DATA, before, [raw for raw, _ in rows[done:]])
        model = (address, epoch, tree.root, COUNTS, DATA, before, [row for _, row in rows[done:]])
        posted = self.do("post", address, "post", args, lambda: self.m.post(*model), f" {label}")
        if posted:
            DONE["post in parts"] += done > 0
            ledger.posted[epoch] = (list(leaves), tree)
        return posted

    def header(self, server: bytes, epoch: int) -> EpochHeader:
        """Return the header that a valid post commits to."""
        return self.m.posts[name_of(server), epoch].header

    def challenge(
        self,
        who: bytes,
        server: bytes,
        epoch: int,
        payee: bytes,
        amount: int,
        signer: bytes | None = None,
        label: str = "",
    ) -> bool:
        """Challenge with the server's receipt, or with one that another key signed."""
        address, signing = name_of(server), signer or server
        message = Receipt(address, epoch, payee, amount, bytes(32))
        signature = compact(sign(message, self.w.domain, signing).signature)
        by = name_of(who)
        args = ((address, epoch, payee, amount, bytes(32)), *signature)
        return self.do(
            "challenge",
            by,
            "challenge",
            args,
            lambda: self.m.challenge(by, address, epoch, payee, amount, Signed(name_of(signing))),
            label,
        )

    def answer(self, server: bytes, epoch: int, payee: bytes, asked: int, leaf: int, amount: int | None = None) -> bool:
        """Answer with a posted leaf, or with another amount."""
        return self.answers(server, epoch, [(payee, asked, leaf, amount)])

    def answers(self, server: bytes, epoch: int, shown: Sequence[tuple[bytes, int, int, int | None]]) -> bool:
        """Answer with posted leaves in one transaction.

        Each is payee, challenged amount, leaf, and an amount that may differ from the leaf's.
        """
        leaves, tree = self.ledgers[server].posted[epoch]
        header = (
            self.header(server, epoch) if (name_of(server), epoch) in self.m.posts else EpochHeader(tree.root, 0, DATA)
        )
        rows = [
            (payee, asked, leaves[leaf][1] if amount is None else amount, leaf, tree.proof(leaf))
            for payee, asked, leaf, amount in shown
        ]
        raw = [(*row[:4], len(row[4])) for row in rows]
        args = (name_of(server), epoch, header.rest, raw, [node for row in rows for node in row[4]])
        return self.do(
            "answer", name_of(RELAYER), "answerBatch", args, lambda: self.m.answer(name_of(server), epoch, header, rows)
        )

    def dismiss(self, server: bytes, epoch: int, payee: bytes, asked: int) -> bool:
        """Dismiss a challenge that an answer covers."""
        args = (name_of(server), epoch, payee, asked)
        return self.do("dismiss", name_of(RELAYER), "dismiss", args, lambda: self.m.dismiss(*args))

    def slash(self, server: bytes, epoch: int, payee: bytes, asked: int) -> None:
        """Slash a bond."""
        address, outcome = name_of(server), []
        args, covered = (address, epoch, payee, asked), self.m.shown(address, epoch, payee)
        if self.do("slash", name_of(RELAYER), "slash", args, lambda: outcome.append(self.m.slash(*args))):
            assert server != HONEST, "the honest server was slashed"
            assert asked > covered, "slashed for what was shown"
            self.slashed.add(server)
            self.avenged.add(args)
            ((bond, void),) = outcome
            DONE["slash of a bond" if bond else "slash of nothing"] += 1
            DONE["slash voids" if void else "slash does not void"] += 1
            assert [event["bond"] for event in self.w.events("Settlement", "Slashed")] == [bond]

    def refund(self, server: bytes, epoch: int, debits: Sequence[tuple[bytes, int]] | None = None) -> None:
        """Refund debits of a void post."""
        address = name_of(server)
        post = self.m.posts.get((address, epoch))
        listed = list(post.own if post and debits is None else debits or [])
        header = post.header if post else EpochHeader(bytes(32), 0, rest(entries_digest(listed), COUNTS, DATA))
        args = (address, epoch, header.root, header.total, COUNTS, DATA, listed)
        if self.do(
            "refund",
            name_of(RELAYER),
            "refund",
            args,
            lambda: self.m.refund(address, epoch, header, listed, COUNTS, DATA),
        ):
            self.ledgers[server].posted.pop(epoch)
            self.ledgers[server].hidden.discard(epoch)

    def claim(self, server: bytes, epoch: int, leaf: int, how: str = "push", alias: int = 0) -> bool:
        """Claim a leaf in one of several ways, some of which are theft."""
        ledger = self.ledgers[server]
        leaves, tree = ledger.posted[epoch]
        payee, amount = leaves[leaf]
        address, header = ledger.address, self.m.posts[ledger.address, epoch].header
        to, tip = (
            (payee, 0)
            if how in ("push", "own", "addressed")
            else (SAFE, {"relayed": min(3, amount), "greedy": amount + 1}.get(how, 0))
        )
        private = PAYEES[payee]
        signing = {"stolen": STRANGER}.get(how, private)
        signature, signed = (0, 0), Signed(None)
        if how not in ("push", "own", "unsigned"):
            signature = compact(sign(Claim(address, epoch, payee, to, tip), self.w.domain, signing).signature)
            signed = Signed(name_of(signing))
        shown = amount + (how == "raised")
        index = leaf | alias << tree.depth if how == "alias" else leaf
        item = (address, epoch, header.rest, payee, shown, index, tree.depth, *signature)
        sender = payee if how == "own" else name_of(RELAYER)
        model = (sender, address, epoch, header, payee, shown, index, tree.depth, tree.proof(leaf), to, tip, signed)
        done = self.do(
            "claim", sender, "claimOne", (item, tree.proof(leaf), to, tip), lambda: self.m.claim(*model), f" {how}"
        )
        if done:
            assert how in ("push", "own", "addressed", "signed", "relayed"), f"a claim that is {how} was paid"
            assert how != "push" or payee == name_of(WATCHED[2]), "a payee that owns nothing was pushed its leaf"
            self.paid[address, epoch, payee] += amount
        return done

    def collect(self, server: bytes, epoch: int) -> None:
        """Pay the commission."""
        self.do(
            "collect",
            name_of(STRANGER),
            "collect",
            (name_of(server), epoch),
            lambda: self.m.collect(name_of(server), epoch),
        )
