"""The players' figures over a line on which every request takes 50 ms longer, for ours and the peers alike.

The line is the page's: song, peers' files, tickets. The host's own lines to
security server and chain are not made longer.
"""

from __future__ import annotations

from typing import Any, Final

from benchmarks import players

DELAY_S: Final = 0.05


def run(here: players.Scene | None = None) -> list[dict[str, Any]]:
    """Measure; three figures. In a scene of its own, or in ``here``."""
    return players.run(here, DELAY_S, "_50ms")
