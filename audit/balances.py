"""Replay of the settlement's balances from its events, and comparison with the contract's state."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace

from audit.events import ContractsAt, SettlementEvent
from audit.faults import Fault
from audit.file_check import Post
from audit.store import AuditStore
from pywallet.encoding.hex import to_hex
from pywallet.settlement import EpochHeader, commitment, entries_digest, gross, rest

_M96, _M128 = (1 << 96) - 1, (1 << 128) - 1


@dataclass
class EpochBalance:
    """Amounts of one epoch, wei: unclaimed leaves, uncollected commission, claimed and collected.

    The entries of ``posted`` are in the store; ``decoded`` is False where the call data had none.
    """

    posted: Post
    bps: int
    left: int
    fee: int
    claimed: int = 0
    collected: int = 0
    void: bool = False
    decoded: bool = True


@dataclass
class DraftDebits:
    """Debits of an epoch before its post: (payer, net wei) of each entry."""

    bps: int
    entries: tuple[tuple[bytes, int], ...] = ()

    def held(self) -> int:
        """Sum of the debits, wei."""
        return sum(gross(net, self.bps) for _, net in self.entries)


@dataclass
class PayerBalance:
    """One payer with one server, wei. ``spent`` is cumulative gross."""

    spent: int = 0
    escrow: int = 0
    deposited: int = 0
    withdrawn: int = 0


@dataclass
class ServerBalance:
    """One server: bond and slashed amount in wei, and its open challenges."""

    bond: int = 0
    open: int = 0
    slashed: int = 0
    retired: bool = False


@dataclass
class Balances:
    """The replayed balances. ``stake`` of a challenge in wei."""

    stake: int
    claims: AuditStore
    accounts: dict[tuple[bytes, bytes], PayerBalance] = field(default_factory=dict)
    servers: dict[bytes, ServerBalance] = field(default_factory=dict)
    epochs: dict[tuple[bytes, int], EpochBalance] = field(default_factory=dict)
    drafts: dict[tuple[bytes, int], DraftDebits] = field(default_factory=dict)
    """Kept for posted epochs too, since a void post is refunded."""

    def account(self, server: bytes, payer: bytes) -> PayerBalance:
        """A payer's account with a server, created on first use."""
        return self.accounts.setdefault((server, payer), PayerBalance())

    def server(self, server: bytes) -> ServerBalance:
        """A server's balance, created on first use."""
        return self.servers.setdefault(server, ServerBalance())

    def apply(self, event: SettlementEvent) -> None:
        """Apply any event except ``Posted`` and ``Debited``."""
        fields = event.fields
        server: bytes = fields["server"]
        match event.name:
            case "Deposited":
                account = self.account(server, fields["payer"])
                account.escrow += fields["amount"]
                account.deposited += fields["amount"]
            case "Withdrawn":
                account = self.account(server, fields["payer"])
                account.escrow -= fields["amount"]
                account.withdrawn += fields["amount"]
            case "Bonded":
                self.server(server).bond += fields["amount"]
            case "Unbonded":
                self.server(server).bond -= fields["amount"]
            case "Retired":
                self.server(server).retired = True
            case "Challenged":
                self.server(server).open += 1
            case "Answered" | "Dismissed":
                self.server(server).open -= 1
                self.server(server).bond += self.stake
            case "Slashed":
                self._slashed(server, fields["epoch"], fields["bond"], fields["void"])
            case "Refunded":
                bps = self.epochs.pop((server, fields["epoch"])).bps
                self._move(server, bps, self._post_entries(server, fields["epoch"]), -1)
            case "Undone":
                self._undone(server, fields["epoch"], fields["previous_digest"])
            case "FeePaid":
                epoch = self.epochs[server, fields["epoch"]]
                epoch.fee -= fields["amount"]
                epoch.collected += fields["amount"]
            case "Claimed":
                epoch = self.epochs[server, fields["epoch"]]
                epoch.left -= fields["amount"]
                epoch.claimed += fields["amount"]
                row = (fields["payee"], fields["to"], fields["amount"], fields["tip"], event.transaction)
                self.claims.add_claim(server, fields["epoch"], *row)

    def _slashed(self, server: bytes, epoch: int, bond: int, void: bool) -> None:
        balance = self.server(server)
        balance.open -= 1
        balance.bond -= bond
        balance.slashed += bond
        if void:
            self.epochs[server, epoch].void = True

    def post(self, posted: Post, bps: int) -> None:
        """Apply a ``Posted`` event and the debits of its entries."""
        self.epochs[posted.server, posted.epoch] = EpochBalance(
            replace(posted, entries=None), bps, posted.total, posted.fee, decoded=posted.entries is not None
        )
        self.claims.set_entries(posted.server, posted.epoch, posted.entries or ())
        self._move(posted.server, bps, self._post_entries(posted.server, posted.epoch), 1)

    def with_entries(self, epoch: EpochBalance) -> Post:
        """The post of an epoch with its entries."""
        posted = epoch.posted
        return replace(posted, entries=self.claims.entries(posted.server, posted.epoch) if epoch.decoded else None)

    def debit(self, server: bytes, epoch: int, entries: tuple[tuple[bytes, int], ...], bps: int) -> None:
        """Apply a ``Debited`` event: debits before the post."""
        draft = self.drafts.setdefault((server, epoch), DraftDebits(bps))
        draft.entries += entries
        self._move(server, bps, entries, 1)

    def _undone(self, server: bytes, epoch: int, previous_digest: bytes) -> None:
        draft = self.drafts.get((server, epoch))
        if draft is None:
            return
        digest, kept = bytes(32), 0
        while digest != previous_digest and kept < len(draft.entries):
            digest, kept = entries_digest(draft.entries[kept : kept + 1], digest), kept + 1
        self._move(server, draft.bps, draft.entries[kept:], -1)
        draft.entries = draft.entries[:kept]

    def _post_entries(self, server: bytes, epoch: int) -> tuple[tuple[bytes, int], ...]:
        """The entries of the post itself, without its earlier parts."""
        draft = self.drafts.get((server, epoch))
        return self.claims.entries(server, epoch)[0 if draft is None else len(draft.entries) :]

    def _move(self, server: bytes, bps: int, entries: tuple[tuple[bytes, int], ...], sign: int) -> None:
        for payer, net in entries:
            account = self.account(server, payer)
            account.spent += sign * gross(net, bps)
            account.escrow -= sign * gross(net, bps)

    def owed(self) -> int:
        """The balance that the contract must hold, wei: escrow, bonds, stakes, unclaimed leaves and fees."""
        accounts = sum(account.escrow for account in self.accounts.values())
        servers = sum(server.bond + server.open * self.stake for server in self.servers.values())
        # A posted epoch's debits are counted with the post; a void post's belong to its payers until the refund.
        drafts = sum(draft.held() for where, draft in self.drafts.items() if where not in self.epochs)
        return accounts + servers + drafts + sum(epoch.left + epoch.fee for epoch in self.epochs.values())


async def compare(balances: Balances, at: ContractsAt) -> list[Fault]:
    """Compare the replay with the contract's state, word by word. Returns the differences."""
    out = [fault async for fault in _words(balances, at)]
    held = await at.balance(at.deployment.settlement)
    if held < balances.owed():
        out.append(
            Fault(
                "chain.balance",
                subject=to_hex(at.deployment.settlement),
                published=str(held),
                expected=str(balances.owed()),
            )
        )
    return out


async def _words(balances: Balances, at: ContractsAt) -> AsyncIterator[Fault]:
    for (server, payer), account in balances.accounts.items():
        word = int(await at.settlement("account", server, payer))
        contract, replayed = (word >> 128, word & _M128), (account.spent, account.escrow)
        if contract != replayed:
            names = [f"spent {spent}, escrow {escrow}" for spent, escrow in (contract, replayed)]
            yield Fault("chain.account", server, None, to_hex(payer), *names)
    for server, balance in balances.servers.items():
        word = int(await at.settlement("server_state", server))
        if (word & _M96, word >> 160) != (balance.bond, balance.open):
            yield Fault("chain.bond", server, None, "", str(word & _M96), str(balance.bond))
    for (server, number), epoch in balances.epochs.items():
        posted = epoch.posted
        header = EpochHeader(posted.root, posted.total, rest(posted.digest, posted.counts, posted.data))
        if bytes(await at.settlement("commitment", server, number)) != commitment(header):
            yield Fault("chain.commit", server, number)
        word = int(await at.settlement("epoch_meta", server, number))
        chain = (word & _M96, word >> 96 & _M96, bool(word >> 255))
        rebuilt = (epoch.left, epoch.fee, epoch.void)
        if chain != rebuilt:
            texts = [f"left {left}, fee {fee}{', void' if void else ''}" for left, fee, void in (chain, rebuilt)]
            yield Fault("chain.epoch", server, number, "", *texts)


def standing(balances: Balances) -> Iterator[EpochBalance]:
    """All posts that were not refunded, by epoch and server."""
    for _, epoch in sorted(balances.epochs.items(), key=lambda item: (item[0][1], item[0][0])):
        yield epoch
