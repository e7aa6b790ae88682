"""Writer of docs/format/codes.md and extension/shared/codes.js from the register: ``python -m tests.vectors.codes``.

With ``--check`` it only compares.
"""

from __future__ import annotations

import json
import sys
from itertools import groupby
from pathlib import Path

from pywallet.errors import PUBLIC_DETAIL, SENTENCES
from pywallet.protocol.foreign_errors import AREAS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "format" / "codes.md"
MODULE = ROOT / "extension" / "shared" / "codes.js"
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

A refusal, a failure or a fault has one of these codes, wherever it happens: in the player, the host, a server or a
command. Codes are only added, never renamed or given another meaning; a reader that meets one it doesn't know treats it
like `internal` and shows it. The sentence is for people and may change.

`python -m tests.vectors.codes` writes this page from `pywallet/errors.py`; a test compares them.
"""


def page() -> str:
    """The page as it should be."""
    out = [INTRO]
    ordered = sorted(
        SENTENCES,
        key=lambda code: (list(TITLES).index(_group(code)) if _group(code) in TITLES else len(TITLES), _group(code)),
    )
    for group, codes in groupby(ordered, _group):
        rows = [f"| `{code}` | {SENTENCES[code]} |" for code in codes]
        out.append(
            "\n".join(
                [f"## {TITLES.get(group, group.capitalize())}", "", "| code | sentence |", "|---|---|", *rows, ""]
            )
        )
    return "\n".join(out)


def module() -> str:
    """The extension's module as it should be."""
    lines = [
        "/**",
        " * The register of codes, and what a side outside may answer (`python -m tests.vectors.codes` writes it).",
        " */",
        "",
    ]
    lines += ["export const CODES = new Set([", *(f'  "{code}",' for code in sorted(SENTENCES)), "]);", ""]
    lines += [
        "/** First words of the codes that a side may answer. @type {Readonly<Record<string, readonly string[]>>} */"
    ]
    lines += [
        "export const AREAS = {",
        *(line for side, areas in AREAS.items() for line in _array(side, sorted(areas))),
        "};",
        "",
    ]
    lines += ["/** Fields of a detail that may come from beside the extension. */"]
    lines += ["export const DETAILS = new Set([", *(f'  "{name}",' for name in sorted(PUBLIC_DETAIL)), "]);"]
    return "\n".join(lines) + "\n"


def _array(name: str, items: list[str]) -> list[str]:
    """A property of an object as prettier writes it: on one line where that has at most 120 columns."""
    line = f"  {name}: {json.dumps(items)},"
    return [line] if len(line) <= 120 else [f"  {name}: [", *(f"    {json.dumps(item)}," for item in items), "  ],"]


def _group(code: str) -> str:
    return code.partition(".")[0]


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(PAGE.read_text() != page() or MODULE.read_text() != module())
    PAGE.write_text(page())
    MODULE.write_text(module())
