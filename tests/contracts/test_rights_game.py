"""A stateful game: rights traded at random among four accounts, beside a model of every right.

No account is blocked, and no right is displaced.
"""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chain.contracts.registry import predict_content
from contracts.compile import artifacts
from pywallet.crypto import address_of
from pywallet.settlement import Schedule
from tests.budget import budget
from tests.contracts.revm_world import Refused, Revm, key
from tests.contracts.rights_shop import DAY, NO_PERMIT, POLICY, PRICE, RENT, ROYALTY, SALT

FOREVER = 2**200


def people(w: Revm) -> list[bytes]:
    """The owner of the content, and three more."""
    return [w.platform, *(address_of(key(name)) for name in ("anna", "ben", "cleo"))]


@cache
def market() -> tuple[Revm, bytes]:
    """The contracts, a content that is for sale and for rent, and four accounts with tokens."""
    w, made = Revm(Schedule(60, 5, 15, 15, 150, 75), 0, 5), artifacts()
    me, server = w.platform, bytes([1]) * 20
    rights = w.create(made["Rights"]["bytecode"], ("address", "address"), (w.token, w.registry))
    implementation = w.create(
        made["Content"]["bytecode"], ("address", "address", "address"), (w.registry, w.token, rights)
    )
    w.addresses["Rights"] = rights
    w.send(me, "Registry", "set_implementation", implementation)
    w.send(me, "Registry", "set_server", server, "http://x", bytes(32), True)
    w.send(me, "Registry", "create", POLICY, 10, 30, server, False, SALT)
    content = predict_content(w.registry, implementation, me, SALT)
    w.send(me, "Rights", "set_terms", content, PRICE, RENT, ROYALTY)
    for who in people(w):
        w.send(me, "GoMAA", "transfer", who, 1000 * PRICE)
        w.send(who, "GoMAA", "approve", rights, 2**255)
    return w, content


class Places(RuleBasedStateMachine):
    """Four accounts trade rights to one content.

    The model keeps every right; the contract checks four of each account.
    """

    def __init__(self) -> None:
        super().__init__()
        self.w, self.content = market()
        self.mark, self.began = self.w.evm.snapshot(), self.w.now
        self.people = people(self.w)
        self.rights: dict[int, tuple[bytes, int]] = {}
        self.loans: dict[int, tuple[bytes, int]] = {}

    def teardown(self) -> None:
        self.w.evm.revert(self.mark)
        self.w.at(self.began)

    def usable(self, who: bytes, time: int) -> set[int]:
        """Return the rights that permit an account to play at a time, by default now."""
        mine = {
            n
            for n, (owner, end) in self.rights.items()
            if owner == who and time < end and not time < self.loans.get(n, (b"", 0))[1]
        }
        return mine | {n for n, (borrower, until) in self.loans.items() if borrower == who and time < until}

    def holds(self, who: bytes, time: int) -> bool:
        return bool(self.w.read("Rights", "holds", who, self.content, time))

    def grown(self, end: int, to: bytes) -> int:
        number = int(self.w.events("Rights", "Granted")[0]["id"])
        self.rights[number] = (to, end)
        return number

    def lasting(self) -> list[int]:
        """Return the rights that can be moved or lent now."""
        now = self.w.now
        return [
            n for n, (_, end) in sorted(self.rights.items()) if now < end and not now < self.loans.get(n, (b"", 0))[1]
        ]

    def unharmed(self, actors: set[bytes], before: dict[tuple[bytes, int], bool]) -> None:
        """Assert that no account loses a right by another account's action."""
        for (who, time), held in before.items():
            assert who in actors or not held or self.holds(who, time), (who.hex(), time)

    def looks(self) -> dict[tuple[bytes, int], bool]:
        times = (self.w.now, self.w.now + 3600, self.w.now + 5 * DAY, FOREVER)
        return {(who, time): self.holds(who, time) for who in self.people for time in times}

    @rule(buyer=st.integers(0, 3), days=st.integers(0, 3), to=st.integers(0, 3))
    def buy(self, buyer: int, days: int, to: int) -> None:
        """Buy a right: always succeeds, and an account that bought for itself holds it at once."""
        who, target, before = self.people[buyer], self.people[to], self.looks()
        seen = (0, POLICY, ROYALTY)
        if days:
            self.w.send(who, "Rights", "rent", self.content, target, days, seen, days * RENT, NO_PERMIT)
        else:
            self.w.send(who, "Rights", "buy", self.content, target, seen, PRICE, NO_PERMIT)
        self.grown(self.w.now + days * DAY if days else FOREVER + 1, target)
        assert buyer != to or self.holds(who, self.w.now)
        self.unharmed({who}, before)

    @precondition(lambda self: self.lasting())
    @rule(data=st.data(), to=st.integers(0, 3), sale=st.booleans())
    def move(self, data: st.DataObject, to: int, sale: bool) -> None:
        """Transfer or sell a right: succeeds whatever the receiver has."""
        number = data.draw(st.sampled_from(self.lasting()))
        (owner, end), target, before = self.rights[number], self.people[to], self.looks()
        if sale and target != owner:
            self.w.send(owner, "Rights", "list", number, 5)
            expires = 0 if end > FOREVER else end
            self.w.send(target, "Rights", "purchase", number, self.content, expires, (0, POLICY, ROYALTY), 5, NO_PERMIT)
            assert self.holds(target, self.w.now)
        else:
            self.w.send(owner, "Rights", "transferFrom", owner, target, number)
        self.rights[number] = (target, end)
        self.loans.pop(number, None)
        # Seller and buyer act for themselves.
        self.unharmed({owner, target} if sale else {owner}, before)

    @precondition(lambda self: self.lasting())
    @rule(data=st.data(), to=st.integers(0, 3), hours=st.integers(1, 24))
    def loan(self, data: st.DataObject, to: int, hours: int) -> None:
        """Lend a right: succeeds whatever the borrower has."""
        number = data.draw(st.sampled_from(self.lasting()))
        (owner, end), borrower, before = self.rights[number], self.people[to], self.looks()
        until = min(self.w.now + hours * 3600, end)
        if borrower == owner:
            with pytest.raises(Refused, match="rights: invalid borrower"):
                self.w.send(owner, "Rights", "loan", number, borrower, until)
            return
        self.w.send(owner, "Rights", "loan", number, borrower, until)
        self.loans[number] = (borrower, until)
        self.unharmed({owner}, before)

    @rule(data=st.data(), who=st.integers(0, 3))
    def pick(self, data: st.DataObject, who: int) -> None:
        """Pick a right: any right that permits its picker to play does so afterwards; picking for others is refused."""
        account = self.people[who]
        usable = sorted(self.usable(account, self.w.now))
        if not usable:
            others = [n for n in self.rights if self.rights[n][0] != account]
            if others:
                with pytest.raises(Refused, match="rights: not the holder"):
                    self.w.send(account, "Rights", "activate", others[0])
            return
        before = self.looks()
        self.w.send(account, "Rights", "activate", data.draw(st.sampled_from(usable)))
        assert self.holds(account, self.w.now)
        self.unharmed({account}, before)

    @rule(hours=st.integers(1, 40))
    def wait(self, hours: int) -> None:
        """Advance the time."""
        self.w.at(self.w.now + hours * 3600)

    @invariant()
    def only_what_is_usable_plays(self) -> None:
        """`holds` is false without a right, and true with one among at most four."""
        for who in self.people:
            for time in (self.w.now, self.w.now + DAY, FOREVER):
                usable, held = self.usable(who, time), self.holds(who, time)
                assert bool(usable) or not held
                ever = {n for n, (owner, _) in self.rights.items() if owner == who} | {
                    n for n, (b, _) in self.loans.items() if b == who
                }
                assert held or not usable or len(ever) > 4


Places.TestCase.settings = budget(0.2, stateful_step_count=30, deadline=None)
TestPlaces = Places.TestCase
