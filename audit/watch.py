"""Watcher of receipts: checks posts against receipts, challenges, slashes and refunds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from audit.epochs import Posted
from audit.events import posted_entries
from audit.public import lies, posts
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

MOST: Final = 32
"""Most challenges to one epoch; with withheld data each payee is challenged separately."""

REORGANISED: Final = 64
"""Blocks that are read again, since a reorganisation may have moved a post."""

Mine = dict[bytes, Signed[Receipt]]


@dataclass(frozen=True)
class WatchEvent:
    """One entry of the watcher's log: checked, lie, challenge, slash, refund, warning."""

    what: str
    server: bytes
    epoch: int
    payee: bytes | None = None
    amount: int = 0
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """The JSON of the entry."""
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

    Without a ``key`` it only tells. ``patience_s``: how long after its due time a server may be late or silent.

    ``public``: look at the published data of every post, also where no receipt is held.
    """

    chain: Chain
    deployment: Deployment
    receipts: Sequence[Path]
    places: Sequence[str] = ()
    key: bytes | None = None
    patience_s: int | None = None
    say: Callable[[WatchEvent], None] = lambda _: None
    public: bool = False
    _posts: dict[tuple[bytes, int], Posted] = field(default_factory=dict)
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
        """Check every due epoch for which there is a receipt."""
        held = await asyncio.to_thread(lambda: highest(read_all(self.receipts, self.deployment.domain)))
        wanted = {key: mine for key, mine in held.items() if key not in self._done}
        block = await self.chain.block()
        now_s = block.timestamp
        if self.public:
            begin = self.deployment.block if self._since is None else self._since
            self._posts |= await posts(self.chain, self.deployment, begin)
            self._since = max(begin, block.number - REORGANISED)
        if not wanted and not self._posts:
            return
        urls = await registered_urls(self.chain, self.deployment, {server for server, _ in (*wanted, *self._posts)})
        async with Sources(tuple(self.places), urls.get) as sources:
            for (server, epoch), mine in sorted(wanted.items(), key=lambda item: item[0][1]):
                await self._check_epoch(server, epoch, mine, now_s, sources)
            for where in sorted(self._posts, key=lambda item: item[1]):
                await self._lies(self._posts[where], now_s, sources)

    def _log(self, entry: WatchEvent) -> None:
        if entry not in self._logged:
            self._logged.add(entry)
            self.say(entry)

    async def _check_epoch(self, server: bytes, epoch: int, mine: Mine, now_s: int, sources: Sources) -> None:
        schedule = self.deployment.schedule
        due = schedule.ends(epoch) + schedule.grace
        if now_s < due:
            return
        state = await self.settlement.epoch(server, epoch)
        if await self._pursue(server, epoch, mine, now_s, state):
            return
        if now_s > due + schedule.late:
            self._done.add((server, epoch))
            return
        if state.void:
            return
        broken, reason = await self._broken(server, epoch, mine, now_s, state, sources)
        if not reason:
            return
        if not broken:
            self._log(WatchEvent("checked", server, epoch, reason=reason))
            if state.final:
                self._done.add((server, epoch))
            return
        for signed in broken:
            await self._challenge(signed, reason)

    async def _broken(
        self, server: bytes, epoch: int, mine: Mine, now_s: int, state: EpochState, sources: Sources
    ) -> tuple[list[Signed[Receipt]], str]:
        """The receipts to challenge and the reason; no reason: not yet decided."""
        schedule = self.deployment.schedule
        due = schedule.ends(epoch) + schedule.grace
        patience = schedule.window // 2 if self.patience_s is None else self.patience_s
        some = sorted((one for one in mine.values() if one.message.amount), key=lambda one: -one.message.amount)
        if not state.ready:
            return (some[:MOST], "unposted") if now_s >= due + patience else ([], "")
        posted = await self._posted(server, epoch)
        path = await sources.find(posted)
        verdict = None if path is None else await asyncio.to_thread(_held, path, posted, mine)
        if verdict is None:
            since = state.ready - schedule.window
            return (some[:MOST], "withheld") if now_s >= min(since + patience, state.ready - 1) else ([], "")
        if verdict == "root":
            # No leaf under such a root can be shown with that total: one challenge takes it all.
            return some[:1], "root"
        # The highest broken promise cannot be answered; more stakes would win nothing.
        return [one for one in some if one.message.payee in verdict][:1], "low" if verdict else "kept"

    async def _lies(self, posted: Posted, now_s: int, sources: Sources) -> None:
        """Report the faults of one post's published data, once.

        A receipt turns some of it into a challenge (``_broken``).
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
        for fault in await lies(self.chain, self.deployment, posted, path):
            self._log(WatchEvent("lie", server, epoch, reason=f"{fault.kind} {fault.subject}".strip()))
        self._read.add(posted.transaction)

    async def _posted(self, server: bytes, epoch: int) -> Posted:
        log = (await self.settlement.history("Posted", server, epoch))[-1]
        facts = {
            name: log.fields[name] for name in ("server", "epoch", "root", "total", "fee", "digest", "counts", "data")
        }
        return Posted(**facts, entries=None, transaction=log.transaction)

    async def _challenge(self, signed: Signed[Receipt], reason: str) -> None:
        message = signed.message
        where = (message.server, message.epoch, message.payee, message.amount)
        if await self.settlement.open_challenge(*where) is not None or await self._shown(*where):
            return
        if self.key is None:
            self._log(WatchEvent("warning", *where, reason=reason))
            return
        await Token(self.chain, self.deployment).approve(self.key, self.deployment.settlement, self.deployment.stake)
        try:
            await self.settlement.challenge(self.key, signed)
        except GomaaError as error:
            # A server without a bond has nothing to lose any more; its payers and payees know by the same record.
            self._log(WatchEvent("warning", *where, reason=f"{reason}: {error.detail.get('reason', error.code)}"))
            return
        self._log(WatchEvent("challenge", *where, reason=reason))

    async def _pursue(self, server: bytes, epoch: int, mine: Mine, now_s: int, state: EpochState) -> bool:
        """Slash for overdue challenges and refund void debits. True while an own challenge is open."""
        waiting = False
        for signed in mine.values():
            where = (server, epoch, signed.message.payee, signed.message.amount)
            found = await self.settlement.open_challenge(*where)
            if found is None:
                continue
            if now_s <= found.deadline or self.key is None:
                waiting = True
                continue
            if await self._shown(*where):
                # The stake is the server's to collect; nothing is left to slash.
                continue
            await self.settlement.slash(self.key, *where)
            self._log(WatchEvent("slash", *where))
            state = await self.settlement.epoch(server, epoch)
        if state.void and self.key is not None:
            await self._refund(server, epoch)
        return waiting

    async def _shown(self, server: bytes, epoch: int, payee: bytes, amount: int) -> bool:
        """Whether an answer has proven at least this amount in the present post."""
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


def _held(path: Path, posted: Posted, mine: Mine) -> set[bytes] | str | None:
    """Payees whose leaf is absent or low; ``root`` where the leaves are not those that were posted.

    None: not the posted data.
    """
    try:
        with EpochFile(path) as file:
            if file.hash != posted.data:
                return None
            tree = SumRoot()
            broken = {payee for payee, signed in mine.items() if signed.message.amount}
            for payee, amount, _ in file.payees():
                tree.add(payee, amount)
                if payee in broken and amount >= mine[payee].message.amount:
                    broken.discard(payee)
            return broken if tree.end() == (posted.root, posted.total) else "root"
    except InputError:
        # The posted hash is of bytes that are no data: no leaf can be seen.
        return None


__all__ = ["WatchEvent", "Watcher"]
