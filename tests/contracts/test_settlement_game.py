"""The settlement game, short: contract and model in any order of moves."""

from __future__ import annotations

from typing import Final

from tests.contracts.settlement_game import play
from tests.contracts.settlement_model import NOBODY
from tests.contracts.settlement_rules import Game

WANTED: Final = {
    "games": 100, "step": 4000, "plays": 1500, "deposit": 800, "request": 500, "withdraw": 500, "bond": 300,
    "retire": 10, "unbond": 5, "post honest": 200, "post omit": 30, "post lower": 20, "post bot": 20, "post skew": 10, "post double": 1,
    "post hide": 5, "challenge by a watcher": 300, "challenge by a griefer": 20, "challenge by the liar itself": 100, "answer": 30,
    "slash": 300, "slash of a bond": 200, "slash voids": 200, "slash does not void": 50, "refund": 150, "claim push": 200,
    "claim signed": 30, "claim relayed": 30, "collect": 50, "end: paid": 200, "end: slashed": 200,
}  # fmt: skip
"""How often each thing must at least have happened; the run does it several times as often."""

REFUSED: Final = {
    "request": ("escrow",), "withdraw": ("request", "delay"), "bond": ("retired", "owner"), "retire": ("owner", "retired"),
    "unbond": ("owner", "active", "delay", "bond"), "challenge": ("receipt", "amount", "time", "open", "bond"),
    "post": ("time", "retired", "posted", "pending", "voucher", "expired", "cap", "escrow", "exposure"),
    "claim": ("final", "index", "proof", "signature", "claimed", "tip", NOBODY), "answer": ("proof", "low"), "slash": ("none", "time"),
    "refund": ("void",), "collect": ("final", "collected"),
}  # fmt: skip


def test_no_order_of_moves_robs_anybody() -> None:
    """Contract and model agree on every outcome and every word; what must hold does; and each thing that matters really happened."""
    found = play(Game, 220, 30)
    rare = {name: found[name] for name, least in WANTED.items() if found[name] < least}
    assert not rare, rare
    missing = {f"{name}: {why}" for name, reasons in REFUSED.items() for why in reasons if not found[f"{name}: {why}"]}
    assert not missing, missing
