"""The settlement game, short: contract and model in any order of moves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from typing import Final

from contracts.compile import HERE
from tests.contracts.settlement_model import NOBODY

WANTED: Final = {
    "games": 100, "step": 4000, "plays": 1000, "deposit": 500, "request": 300, "withdraw": 300, "bond": 200,
    "retire": 3, "unbond": 2, "post honest": 150, "post omit": 10, "post lower": 5, "post bot": 5,
    "challenge by a watcher": 150, "challenge by a griefer": 5, "challenge by the liar itself": 30, "answer": 10,
    "slash": 150, "slash of a bond": 80, "slash voids": 80, "slash does not void": 10, "refund": 50, "claim own": 80,
    "claim signed": 5, "claim relayed": 5, "collect": 20, "debit": 50, "post in parts": 20,
    "undo": 50, "dismiss": 5, "challenge by a thief": 50, "claim addressed": 5, "end: paid": 100, "end: slashed": 100,
}  # fmt: skip
"""How often each thing must at least have happened."""

REFUSED: Final = {
    "request": ("settlement: escrow too low",),
    "withdraw": (
        "settlement: nothing requested",
        "settlement: delay not over",
    ),
    "bond": (
        "settlement: server retired",
        "settlement: not the bond owner",
    ),
    "retire": (
        "settlement: not the bond owner",
        "settlement: server retired",
    ),
    "unbond": (
        "settlement: not the bond owner",
        "settlement: server not retired",
        "settlement: delay not over",
        "settlement: no bond",
    ),
    "challenge": (
        "settlement: invalid receipt",
        "settlement: receipt over zero",
        "settlement: not challengeable",
        "settlement: already challenged",
        "settlement: no bond",
        "settlement: already answered",
    ),
    "post": (
        "settlement: outside post period",
        "settlement: server retired",
        "settlement: epoch posted",
        "settlement: last epoch pending",
        "settlement: invalid voucher",
        "settlement: voucher expired",
        "settlement: voucher cap exceeded",
        "settlement: escrow too low",
        "settlement: bond exceeded",
    ),
    "claim": (
        "settlement: epoch not final",
        "settlement: index out of range",
        "settlement: invalid proof",
        "settlement: invalid signature",
        "settlement: leaf claimed",
        "settlement: tip exceeds sum",
        NOBODY,
    ),
    "answer": (
        "settlement: invalid proof",
        "settlement: leaf below challenge",
    ),
    "slash": (
        "settlement: no open challenge",
        "settlement: deadline not over",
    ),
    "debit": (
        "settlement: outside post period",
        "settlement: last epoch pending",
        "settlement: draft differs",
        "settlement: escrow too low",
        "settlement: bond exceeded",
    ),
    "undo": (
        "settlement: epoch posted",
        "settlement: no draft",
        "settlement: not undoable yet",
        "settlement: debits differ",
    ),
    "dismiss": (
        "settlement: no open challenge",
        "settlement: not answered",
    ),
    "refund": ("settlement: epoch not void",),
    "collect": (
        "settlement: epoch not final",
        "settlement: fee collected",
    ),
}


def test_no_order_of_moves_violates_an_invariant() -> None:
    """Contract and model agree on every outcome and every word; all invariants hold.

    Each kind of event occurs.
    """
    # In a process of its own: hypothesis draws on the constants of whatever is loaded, and these must be the same games
    # everywhere.
    command = [sys.executable, "-m", "tests.contracts.settlement_game", "--examples", "160", "--steps", "30", "--same"]
    done = subprocess.run(
        command, cwd=HERE.parent, env={**os.environ, "PYTHONHASHSEED": "0"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-8000:]
    found: Counter[str] = Counter(json.loads(done.stdout)["counts"])
    assert found["post skew"] + found["post double"] + found["post hide"] > 0
    rare = {name: found[name] for name, least in WANTED.items() if found[name] < least}
    assert not rare, rare
    missing = {f"{name}: {why}" for name, reasons in REFUSED.items() for why in reasons if not found[f"{name}: {why}"]}
    assert not missing, missing
