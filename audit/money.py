"""Every balance of the settlement, rebuilt from its events, and held against what the chain says it is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

from audit.epochs import Posted
from audit.events import At, Happened
from audit.faults import Fault
from audit.ledger import Claims
from pywallet.encoding.hex import to_hex
from pywallet.settlement import EpochHeader, commitment, entries_digest, gross, rest

_M96, _M128 = (1 << 96) - 1, (1 << 128) - 1


@dataclass
class EpochMoney:
    """What is left of one epoch, wei."""

    posted: Posted
    bps: int
    left: int
    fee: int
    claimed: int = 0
    collected: int = 0
    void: bool = False


@dataclass
class Draft:
    """Debits of an epoch that precede its post: (payer, net wei) of each entry."""

    bps: int
    entries: tuple[tuple[bytes, int], ...] = ()

    def held(self) -> int:
        """Sum of the debits, wei."""
        return sum(gross(net, self.bps) for _, net in self.entries)


@dataclass
class Account:
    """One payer with one server, wei. ``spent`` is cumulative gross."""

    spent: int = 0
    escrow: int = 0
    deposited: int = 0
    withdrawn: int = 0


@dataclass
class Lane:
    """One server: bond, stakes of open challenges, and what was lost, wei."""

    bond: int = 0
    open: int = 0
    slashed: int = 0
    retired: bool = False


@dataclass
class Money:
    """The replay. ``stake`` in wei."""

    stake: int
    claims: Claims
    accounts: dict[tuple[bytes, bytes], Account] = field(default_factory=dict)
    lanes: dict[bytes, Lane] = field(default_factory=dict)
    epochs: dict[tuple[bytes, int], EpochMoney] = field(default_factory=dict)
    drafts: dict[tuple[bytes, int], Draft] = field(default_factory=dict)
    """Also of posted epochs, whose post may be void and refunded."""

    def account(self, server: bytes, payer: bytes) -> Account:
        """An account, opened if need be."""
        return self.accounts.setdefault((server, payer), Account())

    def lane(self, server: bytes) -> Lane:
        """A server, opened if need be."""
        return self.lanes.setdefault(server, Lane())

    def apply(self, event: Happened) -> None:
        """One event but ``Posted`` and ``Debited``."""
        what = event.fields
        server: bytes = what["server"]
        match event.name:
            case "Deposited":
                account = self.account(server, what["payer"])
                account.escrow += what["amount"]
                account.deposited += what["amount"]
            case "Withdrawn":
                account = self.account(server, what["payer"])
                account.escrow -= what["amount"]
                account.withdrawn += what["amount"]
            case "Bonded":
                self.lane(server).bond += what["amount"]
            case "Unbonded":
                self.lane(server).bond -= what["amount"]
            case "Retired":
                self.lane(server).retired = True
            case "Challenged":
                self.lane(server).open += 1
            case "Answered" | "Dismissed":
                self.lane(server).open -= 1
                self.lane(server).bond += self.stake
            case "Slashed":
                self._slashed(server, what["epoch"], what["bond"], what["void"])
            case "Refunded":
                bps = self.epochs.pop((server, what["epoch"])).bps
                self._move(server, bps, self._own(server, what["epoch"]), -1)
            case "Undone":
                self._undone(server, what["epoch"], what["before"])
            case "FeePaid":
                epoch = self.epochs[server, what["epoch"]]
                epoch.fee -= what["amount"]
                epoch.collected += what["amount"]
            case "Claimed":
                epoch = self.epochs[server, what["epoch"]]
                epoch.left -= what["amount"]
                epoch.claimed += what["amount"]
                row = (what["payee"], what["to"], what["amount"], what["tip"], event.transaction)
                self.claims.add_claim(server, what["epoch"], *row)

    def _slashed(self, server: bytes, epoch: int, bond: int, void: bool) -> None:
        lane = self.lane(server)
        lane.open -= 1
        lane.bond -= bond
        lane.slashed += bond
        if void:
            self.epochs[server, epoch].void = True

    def post(self, posted: Posted, bps: int) -> None:
        """A ``Posted`` event with its entries: the payers are debited now."""
        self.epochs[posted.server, posted.epoch] = EpochMoney(posted, bps, posted.total, posted.fee)
        self.claims.set_entries(posted.server, posted.epoch, posted.entries or ())
        self._move(posted.server, bps, self._own(posted.server, posted.epoch), 1)

    def debit(self, server: bytes, epoch: int, entries: tuple[tuple[bytes, int], ...], bps: int) -> None:
        """A ``Debited`` event: its payers are debited before the post."""
        draft = self.drafts.setdefault((server, epoch), Draft(bps))
        draft.entries += entries
        self._move(server, bps, entries, 1)

    def _undone(self, server: bytes, epoch: int, before: bytes) -> None:
        draft = self.drafts.get((server, epoch))
        if draft is None:
            return
        digest, kept = bytes(32), 0
        while digest != before and kept < len(draft.entries):
            digest, kept = entries_digest(draft.entries[kept : kept + 1], digest), kept + 1
        self._move(server, draft.bps, draft.entries[kept:], -1)
        draft.entries = draft.entries[:kept]

    def _own(self, server: bytes, epoch: int) -> tuple[tuple[bytes, int], ...]:
        """The entries that the post itself debits."""
        draft = self.drafts.get((server, epoch))
        return self.claims.entries(server, epoch)[0 if draft is None else len(draft.entries) :]

    def _move(self, server: bytes, bps: int, entries: tuple[tuple[bytes, int], ...], sign: int) -> None:
        for payer, net in entries:
            account = self.account(server, payer)
            account.spent += sign * gross(net, bps)
            account.escrow -= sign * gross(net, bps)

    def owed(self) -> int:
        """What the contract must hold, wei: escrow, bonds, stakes, unclaimed leaves and fees."""
        accounts = sum(account.escrow for account in self.accounts.values())
        lanes = sum(lane.bond + lane.open * self.stake for lane in self.lanes.values())
        # The money of a void epoch is its payers', until it is refunded.
        drafts = sum(draft.held() for where, draft in self.drafts.items() if where not in self.epochs)
        return accounts + lanes + drafts + sum(epoch.left + epoch.fee for epoch in self.epochs.values())


async def compare(money: Money, at: At) -> list[Fault]:
    """The replay against the chain, word by word."""
    out = [fault async for fault in _words(money, at)]
    held = await at.balance(at.deployment.settlement)
    if held < money.owed():
        out.append(
            Fault("chain.balance", subject=to_hex(at.deployment.settlement), said=str(held), true=str(money.owed()))
        )
    return out


async def _words(money: Money, at: At) -> AsyncIterator[Fault]:
    for (server, payer), account in money.accounts.items():
        word = int(await at.settlement("account", server, payer))
        said, true = (word >> 128, word & _M128), (account.spent, account.escrow)
        if said != true:
            names = [f"spent {spent}, escrow {escrow}" for spent, escrow in (said, true)]
            yield Fault("chain.account", server, None, to_hex(payer), *names)
    for server, lane in money.lanes.items():
        word = int(await at.settlement("lane", server))
        if (word & _M96, word >> 160) != (lane.bond, lane.open):
            yield Fault("chain.bond", server, None, "", str(word & _M96), str(lane.bond))
    for (server, number), epoch in money.epochs.items():
        posted = epoch.posted
        header = EpochHeader(posted.root, posted.total, rest(posted.digest, posted.counts, posted.data))
        if bytes(await at.settlement("commit", server, number)) != commitment(header):
            yield Fault("chain.commit", server, number)
        word = int(await at.settlement("meta", server, number))
        now = (word & _M96, word >> 96 & _M96, bool(word >> 255))
        rebuilt = (epoch.left, epoch.fee, epoch.void)
        if now != rebuilt:
            texts = [f"left {left}, fee {fee}{', void' if void else ''}" for left, fee, void in (now, rebuilt)]
            yield Fault("chain.epoch", server, number, "", *texts)


def standing(money: Money) -> Iterator[EpochMoney]:
    """Every post that was not refunded, by epoch and server."""
    for _, epoch in sorted(money.epochs.items(), key=lambda item: (item[0][1], item[0][0])):
        yield epoch
