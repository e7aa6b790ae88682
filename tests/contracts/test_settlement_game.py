"""The settlement game, short: contract and model in any order of moves."""

from __future__ import annotations

from typing import Final

from tests.contracts.settlement_game import play
from tests.contracts.settlement_model import NOBODY
from tests.contracts.settlement_rules import Game

WANTED: Final = {
    "games": 100, "step": 4000, "plays": 1000, "deposit": 500, "request": 300, "withdraw": 300, "bond": 200,
    "retire": 3, "unbond": 2, "post honest": 150, "post omit": 10, "post lower": 5, "post bot": 5, "post skew": 1, "post double": 1,
    "post hide": 1, "challenge by a watcher": 150, "challenge by a griefer": 5, "challenge by the liar itself": 30, "answer": 10,
    "slash": 150, "slash of a bond": 80, "slash voids": 80, "slash does not void": 10, "refund": 50, "claim push": 80,
    "claim signed": 5, "claim relayed": 5, "collect": 20, "end: paid": 100, "end: slashed": 100,
}  # fmt: skip
"""How often each thing must at least have happened. Runs differ with what else is loaded (hypothesis draws on its constants)."""

REFUSED: Final = {
    "request": ("escrow",), "withdraw": ("request", "delay"), "bond": ("retired", "owner"), "retire": ("owner", "retired"),
    "unbond": ("owner", "active", "delay", "bond"), "challenge": ("receipt", "amount", "time", "open", "bond"),
    "post": ("time", "retired", "posted", "pending", "voucher", "expired", "cap", "escrow", "exposure"),
    "claim": ("final", "index", "proof", "signature", "claimed", "tip", NOBODY), "answer": ("proof", "low"), "slash": ("none", "time"),
    "refund": ("void",), "collect": ("final", "collected"),
}  # fmt: skip


def test_no_order_of_moves_robs_anybody() -> None:
    """Contract and model agree on every outcome and every word; what must hold does; and each thing that matters really happened."""
    found = play(Game, 160, 30)
    rare = {name: found[name] for name, least in WANTED.items() if found[name] < least}
    assert not rare, rare
    missing = {f"{name}: {why}" for name, reasons in REFUSED.items() for why in reasons if not found[f"{name}: {why}"]}
    assert not missing, missing
