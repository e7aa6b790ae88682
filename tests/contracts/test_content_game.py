"""A stateful game: a content is proposed, accepted, sold and revoked at random beside a model.

Every epoch keeps its server.
"""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.budget import budget
from tests.contracts.revm_world import Refused
from tests.contracts.test_rights_game import market, people

LENGTH = 60
NOBODY = bytes(20)
HASH = bytes([1]) * 32


class Servers(RuleBasedStateMachine):
    """Four accounts: one owns the content, all but the last are listed as security servers."""

    def __init__(self) -> None:
        super().__init__()
        self.w, self.content = market()
        self.mark, self.began = self.w.evm.snapshot(), self.w.now
        self.people = people(self.w)
        self.w.addresses["Content"] = self.content
        for who in self.people[:3]:
            self.w.send(self.w.platform, "Registry", "set_server", who, "http://x", bytes(32), True)
        self.owner, self.proposed, self.revoked, self.changes = self.people[0], NOBODY, False, 0
        self.moves = [(0, bytes([1]) * 20)]
        self.seen: dict[int, bytes] = {}

    def teardown(self) -> None:
        self.w.evm.revert(self.mark)
        self.w.at(self.began)

    @property
    def epoch(self) -> int:
        return self.w.now // LENGTH

    def at(self, epoch: int) -> bytes:
        return next(server for first, server in reversed(self.moves) if first <= epoch)

    def tried(self, who: bytes, reason: str | None, name: str, *args: object) -> None:
        """Send a transaction and assert that it reverts with this reason, or succeeds for None."""
        if reason is None:
            self.w.send(who, "Content", name, *args)
            return
        with pytest.raises(Refused) as refused:
            self.w.send(who, "Content", name, *args)
        assert refused.value.reason == reason

    @rule(who=st.integers(0, 11), server=st.integers(-1, 3))
    def propose(self, who: int, server: int) -> None:
        """Propose, as the owner and between moves, another listed server, or nobody."""
        account, named = self.people[who] if who < 4 else self.owner, NOBODY if server < 0 else self.people[server]
        if account != self.owner:
            reason: str | None = "content: not the owner"
        elif self.revoked:
            reason = "content: revoked"
        elif self.moves[-1][0] > self.epoch:
            reason = "content: move pending"
        elif named == NOBODY:
            reason = "content: no proposal" if self.proposed == NOBODY else None
        else:
            inactive = "content: server not active" if server == 3 else None
            reason = "content: same server" if named == self.moves[-1][1] else inactive
        self.tried(account, reason, "propose_server", named)
        if reason is None:
            self.proposed, self.changes = named, self.changes + 1

    @rule(who=st.integers(0, 11))
    def accept(self, who: int) -> None:
        """Accept as the proposed server; it begins with the next epoch."""
        account = self.people[who % 4] if who < 4 or self.proposed == NOBODY else self.proposed
        revoked = "content: revoked" if self.revoked else None
        reason = "content: not the proposed server" if account != self.proposed else revoked
        self.tried(account, reason, "accept_server")
        if reason is None:
            self.moves.append((self.epoch + 1, account))
            self.proposed = NOBODY

    @rule(to=st.integers(0, 3))
    def sell(self, to: int) -> None:
        """Sell the content; the old owner's proposal ends."""
        if self.revoked:
            return
        self.w.send(self.owner, "Content", "offer_to", self.people[to], 0)
        seen = (HASH, 0, self.changes, self.w.read("Rights", "changes", self.content))
        self.w.send(self.people[to], "Content", "accept", 0, seen)
        self.owner, self.proposed = self.people[to], NOBODY

    @rule(seconds=st.integers(1, 200))
    def wait(self, seconds: int) -> None:
        """Advance the time."""
        self.w.at(self.w.now + seconds)

    @rule(sure=st.integers(0, 19))
    def revoke(self, sure: int) -> None:
        """Revoke the content, rarely."""
        if sure == 0 and not self.revoked:
            self.w.send(self.owner, "Content", "revoke")
            self.revoked = True

    @invariant()
    def every_epoch_has_its_server(self) -> None:
        """Each epoch's server is the model's, and the answer for an epoch that has begun never changes."""
        for epoch in {0, self.epoch - 1, self.epoch, self.epoch + 1, *self.seen}:
            server = bytes.fromhex(self.w.read("Content", "server_at", epoch)[2:])
            assert server == self.at(epoch)
            if epoch <= self.epoch:
                assert self.seen.setdefault(epoch, server) == server
            served = {who for who in self.people if self.w.read("Content", "served", who, epoch)}
            assert served == {server for first, server in self.moves if first <= epoch} & set(self.people)
        assert self.w.read("Content", "server") == self.w.read("Content", "state")[4]
        assert bytes.fromhex(self.w.read("Content", "proposed_server")[2:]) == self.proposed
        assert self.w.read("Content", "changes") == self.changes


Servers.TestCase.settings = budget(0.3, stateful_step_count=30, deadline=None)
TestServers = Servers.TestCase
