"""Watcher of receipts: checks posts against receipts, challenges, slashes and refunds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from audit.events import posted_entries
from audit.file_check import Post
from audit.post_check import post_faults, posts
from audit.receipts import highest, read_all
from audit.run import registered_urls
from audit.sources import Sources
from audit.tables import EpochFile
from chain.client import Chain
from chain.contracts.settlement import EpochState, Settlement
from chain.contracts.token import Token
from chain.deployment import Deployment
from pywallet.crypto import address_of
from pywallet.encoding.hex import to_hex
from pywallet.errors import GomaaError, InputError
from pywallet.protocol import Receipt, Signed
from pywallet.settlement import EpochHeader, SumRoot, rest

MAX_CHALLENGES: Final = 32
"""Most challenges to one epoch; with withheld data each payee is challenged separately."""

REORG_DEPTH: Final = 64
"""Blocks that are read again, since a reorganisation may have moved a post."""

ReceiptsByPayee = dict[bytes, Signed[Receipt]]


@dataclass(frozen=True)
class WatchEvent:
    """One event of the watcher; ``what`` is checked, lie, challenge, slash, refund or warning."""

    what: str
    server: bytes
    epoch: int
    payee: bytes | None = None
    amount: int = 0
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """The JSON form."""
        payee = None if self.payee is None else to_hex(self.payee)
        return {
            "did": self.what,
            "server": to_hex(self.server),
            "epoch": self.epoch,
            "payee": payee,
            "amount": str(self.amount),
            "reason": self.reason,
        }


@dataclass
class Watcher:
    """One watcher.

    Attributes:
        chain: A node.
        deployment: The network.
        receipts: Files and folders of receipts.
        places: Folders and URLs of published data.
        key: Private key for challenges; without it the watcher only reports.
        patience_s: Time after the grace period, or after a post, for which missing data are tolerated, seconds; None:
            half of the challenge window.
        say: Called with each event.
        public: Check the published data of every post, also without a receipt.
    """

    chain: Chain
    deployment: Deployment
    receipts: Sequence[Path]
    places: Sequence[str] = ()
    key: bytes | None = None
    patience_s: int | None = None
    say: Callable[[WatchEvent], None] = lambda _: None
    public: bool = False
    _posts: dict[tuple[bytes, int], Post] = field(default_factory=dict)
    _since: int | None = None
    _read: set[bytes] = field(default_factory=set)
    _done: set[tuple[bytes, int]] = field(default_factory=set)
    _logged: set[WatchEvent] = field(default_factory=set)

    @property
    def settlement(self) -> Settlement:
        """The settlement's contract client."""
        return Settlement(self.chain, self.deployment)

    async def run(self) -> None:
        """Run a round at every block until cancelled; failures are retried at the next."""
        async for _ in self.chain.heads():
            try:
                await self.round()
            except GomaaError as error:
                self._log(WatchEvent("warning", bytes(20), 0, reason=str(error)))

    async def round(self) -> None:
        """Check every epoch after its grace period for which there is a receipt."""
        held = await asyncio.to_thread(lambda: highest(read_all(self.receipts, self.deployment.domain)))
        wanted = {key: by_payee for key, by_payee in held.items() if key not in self._done}
        block = await self.chain.block()
        now_s = block.timestamp
        if self.public:
            begin = self.deployment.block if self._since is None else self._since
            self._posts |= await posts(self.chain, self.deployment, begin)
            self._since = max(begin, block.number - REORG_DEPTH)
        if not wanted and not self._posts:
            return
        urls = await registered_urls(self.chain, self.deployment, {server for server, _ in (*wanted, *self._posts)})
        async with Sources(tuple(self.places), urls.get) as sources:
            for (server, epoch), by_payee in sorted(wanted.items(), key=lambda item: item[0][1]):
                await self._check_epoch(server, epoch, by_payee, now_s, sources)
            for where in sorted(self._posts, key=lambda item: item[1]):
                await self._report_faults(self._posts[where], now_s, sources)

    def _log(self, entry: WatchEvent) -> None:
        if entry not in self._logged:
            self._logged.add(entry)
            self.say(entry)

    async def _check_epoch(
        self, server: bytes, epoch: int, by_payee: ReceiptsByPayee, now_s: int, sources: Sources
    ) -> None:
        schedule = self.deployment.schedule
        grace_end_s = schedule.ends(epoch) + schedule.grace
        if now_s < grace_end_s:
            return
        state = await self.settlement.epoch(server, epoch)
        if await self._pursue(server, epoch, by_payee, now_s, state):
            return
        if now_s > grace_end_s + schedule.late:
            self._done.add((server, epoch))
            return
        if state.void:
            return
        broken, reason = await self._broken_receipts(server, epoch, by_payee, now_s, state, sources)
        if not reason:
            return
        if not broken:
            self._log(WatchEvent("checked", server, epoch, reason=reason))
            if state.final:
                self._done.add((server, epoch))
            return
        for signed in broken:
            await self._challenge(signed, reason)

    async def _broken_receipts(
        self, server: bytes, epoch: int, by_payee: ReceiptsByPayee, now_s: int, state: EpochState, sources: Sources
    ) -> tuple[list[Signed[Receipt]], str]:
        """The receipts to challenge, and the reason; an empty reason: not decided yet."""
        schedule = self.deployment.schedule
        grace_end_s = schedule.ends(epoch) + schedule.grace
        patience = schedule.window // 2 if self.patience_s is None else self.patience_s
        ranked = sorted(
            (signed for signed in by_payee.values() if signed.message.amount), key=lambda signed: -signed.message.amount
        )
        if not state.ready:
            return (ranked[:MAX_CHALLENGES], "unposted") if now_s >= grace_end_s + patience else ([], "")
        posted = await self._posted(server, epoch)
        path = await sources.find(posted)
        verdict = None if path is None else await asyncio.to_thread(_broken_payees, path, posted, by_payee)
        if verdict is None:
            since = state.ready - schedule.window
            return (
                (ranked[:MAX_CHALLENGES], "withheld") if now_s >= min(since + patience, state.ready - 1) else ([], "")
            )
        if verdict == "root":
            # No leaf under such a root can be proven with that total: one challenge takes the whole bond.
            return ranked[:1], "root"
        # The highest broken receipt cannot be answered, so further stakes gain nothing.
        return [signed for signed in ranked if signed.message.payee in verdict][:1], "low" if verdict else "kept"

    async def _report_faults(self, posted: Post, now_s: int, sources: Sources) -> None:
        """Report the faults of one post's published data, once.

        A receipt turns some of them into a challenge (``_broken_receipts``).
        """
        server, epoch = posted.server, posted.epoch
        if posted.transaction in self._read:
            return
        state = await self.settlement.epoch(server, epoch)
        if state.void or not state.ready:
            return
        path = await sources.find(posted)
        schedule = self.deployment.schedule
        if path is None:
            patience = schedule.window // 2 if self.patience_s is None else self.patience_s
            if now_s >= state.ready - schedule.window + patience:
                self._log(WatchEvent("lie", server, epoch, reason="data.missing"))
            return
        for fault in await post_faults(self.chain, self.deployment, posted, path):
            self._log(WatchEvent("lie", server, epoch, reason=f"{fault.kind} {fault.subject}".strip()))
        self._read.add(posted.transaction)

    async def _posted(self, server: bytes, epoch: int) -> Post:
        log = (await self.settlement.history("Posted", server, epoch))[-1]
        facts = {
            name: log.fields[name] for name in ("server", "epoch", "root", "total", "fee", "digest", "counts", "data")
        }
        return Post(**facts, entries=None, transaction=log.transaction)

    async def _challenge(self, signed: Signed[Receipt], reason: str) -> None:
        message = signed.message
        where = (message.server, message.epoch, message.payee, message.amount)
        if await self.settlement.open_challenge(*where) is not None or await self._is_proven(*where):
            return
        if self.key is None:
            self._log(WatchEvent("warning", *where, reason=reason))
            return
        await Token(self.chain, self.deployment).approve(self.key, self.deployment.settlement, self.deployment.stake)
        try:
            await self.settlement.challenge(self.key, signed)
        except GomaaError as error:
            # A server without a bond cannot be challenged.
            self._log(WatchEvent("warning", *where, reason=f"{reason}: {error.detail.get('reason', error.code)}"))
            return
        self._log(WatchEvent("challenge", *where, reason=reason))

    async def _pursue(
        self, server: bytes, epoch: int, by_payee: ReceiptsByPayee, now_s: int, state: EpochState
    ) -> bool:
        """Slash for overdue challenges, and refund void debits. True while an own challenge is open."""
        waiting = False
        for signed in by_payee.values():
            where = (server, epoch, signed.message.payee, signed.message.amount)
            challenge = await self.settlement.open_challenge(*where)
            if challenge is None:
                continue
            if now_s <= challenge.deadline or self.key is None:
                waiting = True
                continue
            if await self._is_proven(*where):
                # The server can dismiss the challenge, so it cannot be slashed.
                continue
            await self.settlement.slash(self.key, *where)
            self._log(WatchEvent("slash", *where))
            state = await self.settlement.epoch(server, epoch)
        if state.void and self.key is not None:
            await self._refund(server, epoch)
        return waiting

    async def _is_proven(self, server: bytes, epoch: int, payee: bytes, amount: int) -> bool:
        """True if an answer has proven at least this amount in the present post."""
        state = await self.settlement.epoch(server, epoch)
        return not state.void and await self.settlement.answered(state.commit, payee) >= amount

    async def _refund(self, server: bytes, epoch: int) -> None:
        posted = await self._posted(server, epoch)
        entries = await posted_entries(self.chain, self.deployment, posted.transaction)
        if self.key is None or entries is None:
            return
        header = EpochHeader(posted.root, posted.total, rest(posted.digest, posted.counts, posted.data))
        await self.settlement.refund(self.key, server, epoch, header, posted.counts, posted.data, entries)
        self._log(WatchEvent("refund", server, epoch, amount=posted.total))

    @property
    def address(self) -> bytes | None:
        """The account that pays stakes and receives bonds."""
        return None if self.key is None else address_of(self.key)


def _broken_payees(path: Path, posted: Post, by_payee: ReceiptsByPayee) -> set[bytes] | str | None:
    """Payees whose leaf is absent or low; ``root`` where the leaves are not those that were posted.

    None: not the posted data.
    """
    try:
        with EpochFile(path) as file:
            if file.hash != posted.data:
                return None
            tree = SumRoot()
            broken = {payee for payee, signed in by_payee.items() if signed.message.amount}
            for payee, amount, _ in file.payees():
                tree.add(payee, amount)
                if payee in broken and amount >= by_payee[payee].message.amount:
                    broken.discard(payee)
            return broken if tree.end() == (posted.root, posted.total) else "root"
    except InputError:
        # The posted hash is of bytes that are no data: no leaf can be read.
        return None


__all__ = ["WatchEvent", "Watcher"]
