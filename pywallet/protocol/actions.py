"""Actions of an invocation: their codes on the wire, and the sets that playback rules are written in."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class Action(IntEnum):
    """Append-only; the value is ``Invocation.action``, the lower-case name stands in policies and requests."""

    PLAY = 1
    PAUSE = 2
    RESUME = 3
    STOP = 4
    SEEK = 5
    FORWARD = 6
    REWIND = 7
    RATE = 8
    PREVIEW = 9
    LIVE_JOIN = 10
    DOWNLOAD = 11
    TRANSFER = 12
    RENEW = 13
    COPY = 14

    @property
    def word(self) -> str:
        """The name as policies write it."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> Action:
        """The action of a policy's word; KeyError for an unknown one."""
        return cls[word.upper()]


STARTS: Final = frozenset({"play", "preview", "live_join"})
"""Begin the play of a ticket."""
RESUMES: Final = frozenset({"resume"})
"""Continue a paused play."""
BEGINS: Final = STARTS | RESUMES
"""After these the play is playing."""
ENDS: Final = frozenset({"pause", "stop"})
"""After these it is not. Always allowed: a listener can end a play whatever the terms have become."""
JUMPS: Final = STARTS | {"seek", "forward", "rewind"}
"""After these the play continues at the position that they name; the others leave the metered position."""
SOUNDS: Final = BEGINS | {"seek", "forward", "rewind", "renew"}
"""After these there is sound at the position that they name."""
ADVANCES: Final = ENDS | {"renew", "rate"}
"""Count heard time only as far as the reported position has advanced."""
