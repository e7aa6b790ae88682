"""Every limit, set of actions, digest and status that components share is defined in one module."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pywallet.protocol.actions import BEGINS, ENDS, JUMPS, RESUMES, SOUNDS, STARTS

ROOT = Path(__file__).resolve().parents[3]
ROOMS = ("pywallet", "native_host", "security_server", "station", "studio", "audit", "chain", "common", "messages")
ALLOWED = {
    # what: where it may stand
    r'"live_join"': {"pywallet/protocol/actions.py", "pywallet/policy/describe.py", "pywallet/policy/sentences.py"},
    r'b"gomaa/1 (host|statement|upload|receipts|destroyed)"': {"pywallet/protocol/digests.py"},
    r"\w*(SKEW|SILENCE_M?S|MAX_GAP|CLOCK_AHEAD|REQUEST_AGE)\w*(: Final)? = \d": {"pywallet/rules/limits.py"},
    r"\w*BEHIND\w*(: Final)? = \d": {"pywallet/rules/key_window.py"},
    r"\bbps // ": {"pywallet/protocol/commission.py"},
    r"\* 1000 // (self\.)?(rendition\.)?rate\b": {"pywallet/sps/segment_index.py", "studio/convert.py"},
    r"def (http_status|status_of)\(": {"pywallet/protocol/http_status.py"},
    r'"content\.destroyed" if ': {"studio/moving.py", "studio/ownership.py"},
}


def sources() -> Iterator[Path]:
    """Modules of the components."""
    for room in ROOMS:
        yield from (ROOT / room).rglob("*.py")


@pytest.mark.parametrize("pattern", ALLOWED)
def test_a_rule_is_defined_once(pattern: str) -> None:
    """A copy of a rule could differ from it."""
    found = {str(path.relative_to(ROOT)) for path in sources() if re.search(pattern, path.read_text(encoding="utf-8"))}
    assert found <= ALLOWED[pattern]


def test_the_sets_of_actions() -> None:
    """A start would be no jump, or an action both begin and end."""
    assert STARTS < JUMPS < SOUNDS
    assert STARTS | RESUMES == BEGINS < SOUNDS
    assert not BEGINS & ENDS


def test_the_player_has_the_same_starts() -> None:
    """The extension would begin a play by another action."""
    text = (ROOT / "extension/engine/playback/invocation_client.js").read_text(encoding="utf-8")
    sets = {
        name: set(re.findall(r'"(\w+)"', body)) for name, body in re.findall(r"const (\w+) = new Set\((.*?)\);", text)
    }
    assert sets["STARTS"] == STARTS
    assert sets["KEYED"] <= JUMPS | RESUMES
