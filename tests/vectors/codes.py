"""Write docs/format/codes.md from the register: ``python -m tests.vectors.codes``; with ``--check`` only compare."""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path

from pywallet.errors import SENTENCES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "format" / "codes.md"
TITLES = {
    "sps": "The file",
    "policy": "The terms",
    "content": "The content on the chain",
    "ticket": "Tickets",
    "session": "Sessions",
    "invocation": "Invocations",
    "lease": "Leases",
    "host": "The native host",
    "server": "The security server",
    "station": "The station",
    "chain": "The chain",
    "wallet": "The wallet",
    "site": "Sites",
    "listener": "Listeners who pay",
    "claim": "Claims",
}
INTRO = """# Codes

A refusal, a failure or a fault has one of these codes, wherever it happens: in the player, the host, a server or a command.
Codes are only added, never renamed or given another meaning; a reader that meets one it doesn't know treats it like `internal`
and shows it. The sentence is for people and may change.

`python -m tests.vectors.codes` writes this page from `pywallet/errors.py`; a test compares them.
"""


def page() -> str:
    """The page as it should be."""
    out = [INTRO]
    ordered = sorted(
        SENTENCES, key=lambda code: (list(TITLES).index(_group(code)) if _group(code) in TITLES else len(TITLES), _group(code))
    )
    for group, codes in groupby(ordered, _group):
        rows = [f"| `{code}` | {SENTENCES[code]} |" for code in codes]
        out.append("\n".join([f"## {TITLES.get(group, group.capitalize())}", "", "| code | sentence |", "|---|---|", *rows, ""]))
    return "\n".join(out)


def _group(code: str) -> str:
    return code.partition(".")[0]


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(PAGE.read_text() != page())
    PAGE.write_text(page())
