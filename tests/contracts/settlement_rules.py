"""Rules (random moves) of the settlement game."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from pywallet.settlement import gross
from tests.contracts.settlement_game import HonestSoftware
from tests.contracts.settlement_game_base import (
    BOND,
    BOT,
    DONE,
    GRIEFER,
    HONEST,
    LIAR,
    OPERATOR,
    PAYEES,
    SCHEDULE,
    STATIONS,
    STRANGER,
    UNWATCHED,
    WATCHED,
    WATCHING,
    name_of,
)  # fmt: skip

SERVERS = st.sampled_from((HONEST, LIAR))
STATION = st.sampled_from(STATIONS)
PAYEE = st.sampled_from((*WATCHED, UNWATCHED))
PLAYS = st.lists(st.tuples(STATION, PAYEE, st.integers(1, 3000), st.sampled_from((0, 0, 700))), min_size=1, max_size=4)
LATE = st.sampled_from((0, 0, 3, 20, 45))
LIES = ("honest", "omit", "lower", "bot", "skew", "double", "hide", "overdebit")
FLAWS = ("voucher", "expired", "cap", "escrow", "again", "early", "late")
WAYS = ("push", "own", "own", "addressed", "signed", "relayed", "greedy", "stolen", "unsigned", "raised", "alias")
PICKS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(WAYS), st.integers(1, 4)), min_size=1, max_size=6)


class Game(HonestSoftware):
    """Hypothesis rules of all actors."""

    def current(self) -> int:
        """The running epoch."""
        return self.now // SCHEDULE.length

    @rule(server=SERVERS, plays=PLAYS)
    def listen(self, server: bytes, plays: list[tuple[bytes, bytes, int, int]]) -> None:
        """Let fans listen at stations."""
        for station, payee, amount, lead in plays:
            self.earn(server, station, payee, amount, lead)

    def earn(self, server: bytes, station: bytes, payee: bytes, amount: int, lead: int = 0) -> None:
        """Count plays, sign their voucher (possibly above their cost), then their receipts."""
        epoch, ledger = self.current(), self.ledgers[server]
        payer, state = name_of(station), self.m.server_state(ledger.address)
        # Refused by every host, and by the honest server besides (docs/settlement.md, Rules off chain).
        if state.bond == 0 or state.retired is not None:
            DONE["plays refused: server state"] += 1
            return
        net, due = ledger.net.setdefault(epoch, Counter()), ledger.due.setdefault(epoch, Counter())
        posts = [e for server_, e in self.m.posts if server_ == ledger.address]
        need = ledger.open_gross(payer, posts) - gross(net[payer], 250) + gross(net[payer] + amount, 250)
        asked = self.m.asked.get((ledger.address, payer), (0, 0))[0]
        fits = need <= self.m.escrow[ledger.address, payer] - asked and sum(net.values()) + amount <= state.bond
        if server == HONEST and not fits:
            DONE["plays refused: escrow or bond"] += 1
            return
        net[payer] += amount
        due[name_of(payee)] += amount
        ledger.cap[payer] = max(ledger.cap[payer], self.m.spent[ledger.address, payer] + need + lead)
        self.receipts[ledger.address, epoch, name_of(payee)] = due[name_of(payee)]
        DONE["plays"] += 1

    @rule(seconds=st.sampled_from((1, 4, 10, 30, 60)))
    def wait(self, seconds: int) -> None:
        """Advance the time."""
        self.advance(seconds)

    @rule(server=SERVERS, station=STATION, amount=st.integers(1, 20_000))
    def fill(self, server: bytes, station: bytes, amount: int) -> None:
        """Deposit more escrow."""
        self.deposit(station, server, station, amount)

    @rule(server=SERVERS, station=STATION, part=st.sampled_from((1, 4, 8, 9)), wait=st.booleans())
    def leave(self, server: bytes, station: bytes, part: int, wait: bool) -> None:
        """Request a withdrawal and possibly withdraw at the first second.

        The amount is one to nine eighths of the escrow; nine is too much.
        """
        self.request(station, server, self.m.escrow[name_of(server), name_of(station)] * part // 8 + part // 9)
        if wait:
            ready = self.m.asked.get((name_of(server), name_of(station)), (0, self.now))[1]
            self.advance(max(0, ready - self.now - 1))
            self.withdraw(station, server)
            self.advance(1)
        self.withdraw(station, server)

    @rule(amount=st.integers(1, BOND), who=st.sampled_from((OPERATOR, OPERATOR, STRANGER)))
    def rebond(self, amount: int, who: bytes) -> None:
        """Raise the lying server's bond."""
        self.bond(who, LIAR, amount)

    def fitting(self, epoch: int) -> list[tuple[bytes, int]]:
        """Return the debits that the lying server can really make of each station for an epoch."""
        ledger, found = self.ledgers[LIAR], []
        for station in STATIONS:
            payer = name_of(station)
            room = min(self.m.escrow[ledger.address, payer], ledger.cap[payer] - self.m.spent[ledger.address, payer])
            net = min(ledger.net[epoch][payer], room * 10_000 // 10_250)
            found.append((station, max(net, 0)))
        return found

    @rule(
        lie=st.sampled_from(LIES),
        late=st.sampled_from((0, 0, 3, 20, 45)),
        loud=st.booleans(),
        plays=PLAYS,
        after=st.sampled_from((0, 10, 45)),
    )
    def lies(self, lie: str, late: int, loud: bool, plays: list[tuple[bytes, bytes, int, int]], after: int) -> None:
        """Let fans listen at the lying server, which posts the epoch with one of its lies."""
        if self.m.server_state(name_of(LIAR)).bond < 1000:
            self.bond(OPERATOR, LIAR, BOND)
        self.listen(LIAR, plays)
        epoch = self.current()
        self.advance(SCHEDULE.ends(epoch) + late - self.now)
        self.lie(epoch, lie, loud)
        self.advance(after)

    @rule(lie=st.sampled_from(LIES[:4]), plays=PLAYS)
    def hurry(self, lie: str, plays: list[tuple[bytes, bytes, int, int]]) -> None:
        """Post an epoch of the lying server in its last second, and the next one at once."""
        if self.m.server_state(name_of(LIAR)).bond < 1000:
            self.bond(OPERATOR, LIAR, BOND)
        for _ in range(2):
            self.listen(LIAR, plays)
            self.advance(SCHEDULE.ends(self.current()) - self.now)
        self.lie(self.current() - 2, "honest", True)
        self.lie(self.current() - 1, lie, True)
        self.advance(SCHEDULE.window)
        self.lie(self.current() - 1, lie, True)

    @rule(lie=st.sampled_from(LIES[:4]), plays=PLAYS, first=st.booleans())
    def repost(self, lie: str, plays: list[tuple[bytes, bytes, int, int]], first: bool) -> None:
        """The liar lets its post be voided by a receipt that nothing honours, bonds again, and posts the same epoch
        with a lie.
        """
        if self.m.server_state(name_of(LIAR)).bond < 1000:
            self.bond(OPERATOR, LIAR, BOND)
        self.listen(LIAR, plays)
        epoch = self.current()
        self.advance(SCHEDULE.ends(epoch) - self.now)
        self.lie(epoch, "honest", True)
        self.advance(SCHEDULE.grace)
        self.challenge(GRIEFER, LIAR, epoch, name_of(BOT), 10**9, label=" by the liar itself")
        if first:
            self.challenge(GRIEFER, LIAR, epoch, name_of(plays[0][1]), 1, label=" by the liar itself")
        self.advance(SCHEDULE.answer + 1)
        self.bond(OPERATOR, LIAR, BOND)
        self.lie(epoch, lie, True)

    def lie(self, epoch: int, lie: str, loud: bool) -> None:
        """Post an epoch of the liar's."""
        ledger = self.ledgers[LIAR]
        if (ledger.address, epoch) in self.m.posts or not sum(ledger.net.get(epoch, Counter()).values()):
            return
        debits, leaves = self.fitting(epoch), sorted(ledger.due[epoch].items())
        total = sum(net for _, net in debits)
        victim = next((n for n, (payee, _) in enumerate(leaves) if payee in WATCHING), 0)
        payee, amount = leaves[victim]
        bot = name_of(BOT)
        changed: dict[str, Sequence[tuple[bytes, int]]] = {
            "omit": [*leaves[:victim], (bot, amount), *leaves[victim + 1 :]],
            "lower": [*leaves[:victim], (payee, amount // 2), *leaves[victim + 1 :], (bot, amount - amount // 2)],
            "bot": [(bot, total)],
            "skew": [*leaves, (bot, total // 2 + 1)],
            "double": [*leaves, (payee, amount)],
        }
        if lie == "overdebit":
            station, _ = debits[0]
            account = (ledger.address, name_of(station))
            debits[0] = (station, max(self.m.escrow[account], ledger.cap[name_of(station)] - self.m.spent[account]) + 1)
        rows = [
            self.entry(LIAR, station, net, ledger.cap[name_of(station)], epoch + 3) for station, net in debits if net
        ]
        if not rows:
            return
        done = self.post(LIAR, epoch, list(changed.get(lie, leaves)), rows, lie)
        assert not (done and lie == "overdebit")
        if done and (lie == "hide" or (not loud and lie in changed)):
            ledger.hidden.add(epoch)

    @rule(server=SERVERS, flaw=st.sampled_from(FLAWS), station=STATION, net=st.integers(0, 500))
    def misposts(self, server: bytes, flaw: str, station: bytes, net: int) -> None:
        """Try a post that must revert."""
        ledger, epoch, payer = self.ledgers[server], self.current() - 1, name_of(station)
        spent, escrow = self.m.spent[ledger.address, payer], self.m.escrow[ledger.address, payer]
        enough, until, signer = spent + gross(net, 250), epoch, station
        if flaw == "again":
            posted = [e for s, e in self.m.posts if s == ledger.address]
            epoch = until = max(posted, default=epoch)
        if flaw in ("early", "late"):
            epoch = until = self.current() - (-1 if flaw == "early" else 3)
        if flaw == "escrow":
            net = escrow + 1
            enough = spent + gross(net, 250)
        if flaw == "voucher":
            signer = STRANGER
        if flaw == "expired":
            until -= 1
        if self.drafted(server, epoch):
            # Without the flaw, its post would follow the draft's entries.
            return
        cap = enough - 1 if flaw == "cap" and enough else enough
        row = self.entry(server, station, net, cap, until, signer)
        flawed = flaw in ("voucher", "expired", "escrow") or (flaw == "cap" and net)
        if flawed or flaw in ("early", "late") or (ledger.address, epoch) in self.m.posts:
            assert not self.post(server, epoch, [(name_of(BOT), net)], [row], f"with a flaw: {flaw}")

    @precondition(lambda self: self.receipts)
    @rule(data=st.data(), part=st.sampled_from((1, 2, 2, 2, 3)), forged=st.sampled_from((False, False, True)))
    def grieve(self, data: st.DataObject, part: int, forged: bool) -> None:
        """Challenge a posted amount (half, all), or one of a receipt that the challenger signed itself."""
        server, epoch, payee = data.draw(st.sampled_from(sorted(self.receipts)))
        private = self.private(server)
        amount = self.receipts[server, epoch, payee] * part // 2
        signer = STRANGER if forged or part == 3 else None
        self.challenge(GRIEFER, private, epoch, payee, amount, signer, " by a griefer")
        self.act()

    @precondition(lambda self: self.receipts)
    @rule(data=st.data(), count=st.integers(2, 12))
    def horde(self, data: st.DataObject, count: int) -> None:
        """Challenge all receipts of one payee before anybody can answer."""
        server, epoch, payee = data.draw(st.sampled_from(sorted(self.receipts)))
        top = self.receipts[server, epoch, payee]
        for amount in range(max(1, top - count), top + 1):
            self.challenge(GRIEFER, self.private(server), epoch, payee, amount, label=" by a thief")
        self.act()
        if server == name_of(HONEST):
            assert not [
                one for one in self.m.demands if one[:3] == (server, epoch, payee) and (server, epoch) in self.m.posts
            ]

    @rule(server=SERVERS, split=st.integers(0, 2), pause=st.booleans())
    def habit(self, server: bytes, split: int, pause: bool) -> None:
        """Set the number of debits before each following post, possibly with a break after them."""
        self.ledgers[server].split, self.ledgers[server].pause = split, pause and bool(split)

    @rule(
        plays=PLAYS,
        wait=st.sampled_from((0, 10, 55, 65)),
        who=st.sampled_from((LIAR, STRANGER)),
        kept=st.integers(0, 1),
    )
    def strand(self, plays: list[tuple[bytes, bytes, int, int]], wait: int, who: bytes, kept: int) -> None:
        """Abandon a draft of the lying server; it or another account undoes what may be undone."""
        if self.m.server_state(name_of(LIAR)).bond < 1000:
            self.bond(OPERATOR, LIAR, BOND)
        self.listen(LIAR, plays)
        epoch, ledger = self.current(), self.ledgers[LIAR]
        self.advance(SCHEDULE.ends(epoch) - self.now)
        if not sum(ledger.net.get(epoch, Counter()).values()):
            return
        rows = [
            self.entry(LIAR, station, net, ledger.cap[name_of(station)], epoch + 3)
            for station, net in self.fitting(epoch)
            if net
        ]
        self.debit(LIAR, epoch, rows)
        self.debit(LIAR, epoch, rows, bytes(32))
        self.debit(LIAR, epoch + 1, rows)
        self.advance(wait)
        draft = self.drafted(LIAR, epoch)
        if draft:
            self.undo(who, LIAR, epoch, 0, [*draft[:-1], (draft[-1][0], draft[-1][1] - 1)])
        self.undo(who, LIAR, epoch, min(kept, len(draft)))
        self.undo(LIAR, LIAR, epoch)

    @rule(server=SERVERS, data=st.data())
    def misundo(self, server: bytes, data: st.DataObject) -> None:
        """Try to undo what is posted, or was never debited."""
        epochs = sorted(e for s, e in self.m.posts if s == name_of(server))
        self.undo(server, server, data.draw(st.sampled_from(epochs)) if epochs else self.current())

    @precondition(lambda self: self.m.demands)
    @rule(data=st.data())
    def misdismiss(self, data: st.DataObject) -> None:
        """Try to dismiss a challenge that was perhaps never answered, or never made."""
        server, epoch, payee, asked = data.draw(st.sampled_from(sorted(self.m.demands)))
        self.dismiss(self.private(server), epoch, payee, asked + 1)
        self.dismiss(self.private(server), epoch, payee, asked)

    @precondition(lambda self: any(server == name_of(LIAR) for server, _ in self.m.posts))
    @rule(data=st.data(), amount=st.sampled_from((0, 1, 10**9)))
    def collude(self, data: st.DataObject, amount: int) -> None:
        """Challenge the lying server by itself.

        To keep a victim's challenge out, to void its own post, or to lose its bond to a friend.
        """
        epoch = data.draw(st.sampled_from(sorted(e for server, e in self.m.posts if server == name_of(LIAR))))
        payee = data.draw(st.sampled_from(sorted(PAYEES)))
        if self.challenge(GRIEFER, LIAR, epoch, payee, amount, label=" by the liar itself"):
            self.challenge(GRIEFER, LIAR, epoch, payee, amount)
            if self.ledgers[LIAR].posted[epoch][0]:
                self.answer(LIAR, epoch, payee, amount, 0)
            self.dismiss(LIAR, epoch, payee, amount)

    @precondition(lambda self: self.m.demands)
    @rule(data=st.data(), raised=st.booleans())
    def misanswer(self, data: st.DataObject, raised: bool) -> None:
        """Answer with another leaf, or with an amount that the leaf does not have."""
        server, epoch, payee, asked = data.draw(st.sampled_from(sorted(self.m.demands)))
        private = self.private(server)
        if self.ledgers[private].posted.get(epoch, ((), None))[0]:
            leaf = data.draw(st.integers(0, len(self.ledgers[private].posted[epoch][0]) - 1))
            # Twice, and before it one without a challenge: both are skipped.
            shown = (payee, asked, leaf, asked + 1 if raised else None)
            self.answers(private, epoch, [(payee, asked + 10**6, leaf, None), shown, shown])

    @precondition(lambda self: self.m.demands)
    @rule(data=st.data())
    def missslash(self, data: st.DataObject) -> None:
        """Try to slash too early, or for a challenge that nobody made."""
        server, epoch, payee, asked = data.draw(st.sampled_from(sorted(self.m.demands)))
        private = self.private(server)
        self.slash(private, epoch, payee, asked + 1)
        self.slash(private, epoch, payee, asked)

    @rule(data=st.data(), server=SERVERS)
    def misrefund(self, data: st.DataObject, server: bytes) -> None:
        """Try to refund a post that is not void."""
        epochs = sorted(e for s, e in self.m.posts if s == name_of(server))
        self.refund(server, data.draw(st.sampled_from(epochs)) if epochs else self.current())

    @rule(server=SERVERS, plays=PLAYS, picks=PICKS)
    def harvest(
        self, server: bytes, plays: list[tuple[bytes, bytes, int, int]], picks: list[tuple[int, str, int]]
    ) -> None:
        """Run an epoch without lies, from its plays to its claims."""
        self.listen(server, plays)
        epoch = self.current()
        self.advance(SCHEDULE.ends(epoch) - self.now)
        if server == LIAR:
            self.lie(epoch, "honest", True)
        self.advance(SCHEDULE.grace + SCHEDULE.window - 1)
        for late in (0, 1):
            self.advance(late)
            if (name_of(server), epoch) in self.m.posts:
                self.collect(server, epoch)
                self.pick(server, epoch, picks if late else picks[:1])

    def pick(self, server: bytes, epoch: int, picks: list[tuple[int, str, int]]) -> None:
        """Choose the leaves of an epoch to claim, the way, and the alias."""
        for number, way, alias in picks:
            if leaves := self.ledgers[server].posted.get(epoch, ((), None))[0]:
                self.claim(server, epoch, number % len(leaves), way, alias)

    @precondition(lambda self: self.m.posts)
    @rule(data=st.data(), picks=PICKS, ripe=st.booleans())
    def claims(self, data: st.DataObject, picks: list[tuple[int, str, int]], ripe: bool) -> None:
        """Claim leaves, some by other accounts than their payees, some early, some again."""
        server, epoch = data.draw(st.sampled_from(sorted(self.m.posts)))
        private = self.private(server)
        if ripe:
            self.advance(max(0, self.m.posts[server, epoch].ready - self.now))
        self.pick(private, epoch, picks)

    @precondition(lambda self: self.m.posts)
    @rule(data=st.data())
    def commission(self, data: st.DataObject) -> None:
        """Pay the commission, possibly early or again."""
        server, epoch = data.draw(st.sampled_from(sorted(self.m.posts)))
        self.collect(self.private(server), epoch)

    @rule(server=SERVERS, really=st.sampled_from((False, False, True)), who=st.sampled_from((OPERATOR, STRANGER)))
    def close_shop(self, server: bytes, really: bool, who: bytes) -> None:
        """Retire a server, and withdraw its bond as soon as possible."""
        if really:
            self.retire(who, server)
            self.retire(who, server)
            self.bond(who, server, 1)
        self.unbond(who, server)
        state = self.m.server_state(name_of(server))
        if state.retired is not None and really:
            last = SCHEDULE.ends(state.retired) + SCHEDULE.grace + SCHEDULE.late + SCHEDULE.answer
            self.advance(max(0, last - self.now))
            self.unbond(who, server)
            self.advance(1)
            self.unbond(who, server)
            epoch = self.current() - 1
            assert not self.post(server, epoch, [], [], "after its retirement")

    @invariant()
    def all_is_well(self) -> None:
        """Check the invariants after every move."""
        DONE["step"] += 1
        self.agree()
