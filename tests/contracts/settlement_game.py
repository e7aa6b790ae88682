"""Settlement game: stations, fans, an honest and a lying server, watchers and thieves, on contract and model.

``python -m tests.contracts.settlement_game --examples 2000 --steps 60`` runs long and prints how often each action
happened.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from functools import cache

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from pywallet.settlement import entries_digest, gross
from tests.contracts.revm_world import Revm
from tests.contracts.settlement_game_base import (
    BPS,
    DONE,
    HONEST,
    LIAR,
    RICH,
    SCHEDULE,
    STAKE,
    STATIONS,
    STEP,
    STRANGER,
    WATCHED,
    WATCHER,
    WATCHING,
    GameBase,
    ServerLedger,
    name_of,
    people,
)  # fmt: skip
from tests.contracts.settlement_model import CONTRACT, TREASURY, ServerState


class HonestSoftware(GameBase):
    """Actions of honest software as time passes, and the invariants."""

    def teardown(self) -> None:
        """Finish the game, then revert to its initial state."""
        try:
            self.finish()
        finally:
            self.w.evm.revert(self.mark)

    def advance(self, seconds: int) -> None:
        """Advance the time in small steps; honest software acts after each."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + STEP, (self.now // SCHEDULE.length + 1) * SCHEDULE.length)
            self.m.now = self.now
            self.w.at(self.now)
            self.act()

    def act(self) -> None:
        """Post and answer as the honest server; compare as watchers; slash and refund as anybody."""
        honest = self.ledgers[HONEST]
        for epoch in sorted(honest.net):
            if (honest.address, epoch) not in self.m.posts and self.now >= SCHEDULE.ends(epoch):
                caps = [(station, honest.net[epoch][name_of(station)]) for station in STATIONS]
                rows = [self.entry(HONEST, s, net, honest.cap[name_of(s)], epoch + 3) for s, net in caps if net]
                done = self.post(HONEST, epoch, sorted(honest.due[epoch].items()), rows, "honest")
                assert done or (honest.pause and self.drafted(HONEST, epoch)), "the honest server could not post"
                if not done:
                    # The next call completes the draft.
                    honest.pause = False
                    break
        for server, epoch in {demand[:2] for demand in self.m.demands}:
            self.respond(self.ledgers[self.private(server)], epoch)
        for server, epoch, payee, amount in list(self.m.demands):
            if amount <= self.m.shown(server, epoch, payee):
                self.dismiss(self.private(server), epoch, payee, amount)
        self.watch()
        for (server, epoch, payee, amount), demand in list(self.m.demands.items()):
            if self.now > demand.deadline:
                self.slash(self.private(server), epoch, payee, amount)
        for (server, epoch), post in list(self.m.posts.items()):
            if post.void:
                self.refund(self.private(server), epoch)
        for (server, epoch), draft in list(self.m.drafts.items()):
            stale = (server, epoch) in self.m.unwinding or self.now > SCHEDULE.post_until(epoch)
            if draft and stale and (server, epoch) not in self.m.posts:
                # One by one, by any account.
                assert self.undo(STRANGER, self.private(server), epoch, len(draft) - 1), (
                    "nobody could unwind a stale draft"
                )

    def private(self, server: bytes) -> bytes:
        """Return a server's private key."""
        return LIAR if server == name_of(LIAR) else HONEST

    def respond(self, ledger: ServerLedger, epoch: int) -> None:
        """Answer the challenges of an epoch in one transaction.

        One answer for each payee whose leaf exists and is not hidden.
        """
        if (ledger.address, epoch) not in self.m.posts or epoch in ledger.hidden:
            return
        shown: dict[bytes, tuple[bytes, int, int, int | None]] = {}
        for server, when, payee, asked in sorted(self.m.demands):
            if (server, when) == (ledger.address, epoch):
                leaf = self.best(ledger, epoch, payee)
                if leaf is not None and ledger.posted[epoch][0][leaf][1] >= asked:
                    shown.setdefault(payee, (payee, asked, leaf, None))
        if shown:
            self.answers(ledger.key, epoch, list(shown.values()))

    def best(self, ledger: ServerLedger, epoch: int, payee: bytes) -> int | None:
        """Return the index of the payee's greatest leaf."""
        mine = [(amount, leaf) for leaf, (who, amount) in enumerate(ledger.posted[epoch][0]) if who == payee]
        return max(mine)[1] if mine else None

    def watch(self) -> None:
        """Challenge, for watched payees, what the published data omit, and epochs without data."""
        for (server, epoch, payee), amount in self.receipts.items():
            due = SCHEDULE.ends(epoch) + SCHEDULE.grace
            if (
                payee not in WATCHING
                or not due <= self.now <= due + SCHEDULE.late
                or (server, epoch, payee, amount) in self.m.demands
            ):
                continue
            ledger, post = self.ledgers[self.private(server)], self.m.posts.get((server, epoch))
            pending = post is not None and not post.void and self.now < post.ready
            if not pending and (not self.m.server_state(server).bond or (server, epoch, payee, amount) in self.avenged):
                continue
            if post and not post.void and epoch not in ledger.hidden:
                leaf = self.best(ledger, epoch, payee)
                leaves, tree = ledger.posted[epoch]
                if leaf is not None and leaves[leaf][1] >= amount and tree.total == post.header.total:
                    continue
            self.challenge(WATCHER, ledger.key, epoch, payee, amount, label=" by a watcher")

    # Invariants.

    def agree(self) -> None:
        """Every word of the contract is the model's, and tokens are conserved."""
        m, read = self.m, self.w.read
        held = read("GoMAA", "balanceOf", self.w.settlement)
        assert held == m.balance[CONTRACT] == m.owed()
        for who in m.balance:
            if who not in (CONTRACT, TREASURY):
                assert read("GoMAA", "balanceOf", who) == m.balance[who]
        assert read("GoMAA", "balanceOf", self.w.treasury) == m.balance[TREASURY]
        for private in (HONEST, LIAR):
            server = name_of(private)
            state = m.server_states.get(server, ServerState())
            word = state.open << 160 | (0 if state.retired is None else state.retired + 1) << 128
            assert (
                read("Settlement", "server_state", server)
                == word | (0 if state.last is None else state.last + 1) << 96 | state.bond
            )
            for station in STATIONS:
                payer = name_of(station)
                word = read("Settlement", "account", server, payer)
                assert (word >> 128, word & (1 << 128) - 1) == (m.spent[server, payer], m.escrow[server, payer])
                assert m.escrow[server, payer] >= 0
                assert m.spent[server, payer] <= self.ledgers[private].cap[payer]
                assert read("Settlement", "requests", server, payer)[0] == m.asked.get((server, payer), (0, 0))[0]
        for (server, epoch), post in m.posts.items():
            word = read("Settlement", "epoch_meta", server, epoch)
            expected = (
                post.void << 255 | m.blocked[server, epoch] << 232 | post.ready << 192 | post.fee << 96 | post.left
            )
            assert word == expected
            assert read("Settlement", "final", server, epoch) == m.final(server, epoch)
            if m.final(server, epoch):
                self.unrobbed(server, epoch)
            else:
                assert not post.paid
        for (server, epoch), draft in m.drafts.items():
            assert read("Settlement", "draft", server, epoch) == (entries_digest(draft), len(draft))
            if (server, epoch) not in m.posts:
                fee = sum(gross(net, BPS) - net for _, net in draft)
                word = (
                    ((server, epoch) in m.unwinding) << 255
                    | m.blocked[server, epoch] << 232
                    | fee << 96
                    | sum(net for _, net in draft)
                )
                assert read("Settlement", "epoch_meta", server, epoch) == word
        for (committed, payee), amount in m.answered.items():
            assert read("Settlement", "answered", committed, payee) == amount

    def unrobbed(self, server: bytes, epoch: int) -> None:
        """A final epoch pays every watched receipt."""
        ledger = self.ledgers[self.private(server)]
        for (who, when, payee), amount in self.receipts.items():
            if (who, when) == (server, epoch) and payee in WATCHING:
                leaf = self.best(ledger, epoch, payee)
                assert leaf is not None, "a final epoch without a watched leaf"
                assert ledger.posted[epoch][0][leaf][1] >= amount, "a final epoch robs a watched payee"

    def finish(self) -> None:
        """Pass all windows and claim everything: watched receipts are paid or their server was slashed.

        All escrow is withdrawn.
        """
        self.advance(3 * SCHEDULE.length)
        for private, ledger in self.ledgers.items():
            for epoch in list(ledger.posted):
                for leaf, (payee, amount) in enumerate(ledger.posted[epoch][0]):
                    if amount and self.m.final(ledger.address, epoch) and not self.paid[ledger.address, epoch, payee]:
                        self.claim(private, epoch, leaf, "own")
        for (server, epoch, payee), amount in self.receipts.items():
            if payee in WATCHING:
                settled = self.paid[server, epoch, payee] >= amount
                DONE["end: paid" if settled else "end: slashed"] += 1
                assert settled or (server == name_of(LIAR) and LIAR in self.slashed), "neither paid nor slashed"
        for private in self.ledgers:
            for station in STATIONS:
                self.request(station, private, self.m.escrow[name_of(private), name_of(station)])
        self.advance(SCHEDULE.delay)
        for private in self.ledgers:
            for station in STATIONS:
                self.withdraw(station, private)
        assert sum(self.m.escrow.values()) == 0
        self.agree()
        DONE["games"] += 1


@cache
def furnished() -> Revm:
    """Deploy the contracts and give everybody tokens."""
    world = Revm(SCHEDULE, BPS, STAKE)
    for who in people():
        world.fund(who, RICH)
    world.own(name_of(WATCHED[2]))
    return world


def play(
    machine: type[HonestSoftware], examples: int, steps: int, *, derandomize: bool = True, shrink: bool = True
) -> Counter[str]:
    """Run games and return the counts. Raises AssertionError for the first broken invariant."""
    DONE.clear()
    here = type("Here", (machine,), {"world": furnished()})
    how = settings(
        derandomize=derandomize, max_examples=examples, stateful_step_count=steps, deadline=None, database=None,
        phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(here, settings=how)
    return Counter(DONE)


def main() -> None:
    """Run many new random games and print the counts."""
    from tests.contracts.settlement_rules import Game

    parser = argparse.ArgumentParser(description="Play settlement games and count what happened.")
    parser.add_argument("--examples", type=int, default=300)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--same", action="store_true", help="the same games every time")
    options = parser.parse_args()
    begun = time.monotonic()
    found = play(Game, options.examples, options.steps, derandomize=options.same)
    seconds = round(time.monotonic() - begun, 1)
    print(json.dumps({"seconds": seconds, "steps": found["step"], "counts": dict(sorted(found.items()))}, indent=1))


if __name__ == "__main__":
    # Counts belong to the module that rules import, not to this one under another name.
    from tests.contracts import settlement_game

    settlement_game.main()
