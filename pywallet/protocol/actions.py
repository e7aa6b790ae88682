"""Actions of an invocation: their codes on the wire, and the sets that playback rules are written in."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class Action(IntEnum):
    """An action. Append-only: the value is ``Invocation.action``; policies and requests use the lower-case name."""

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
    HOLD = 15
    RELEASE = 16

    @property
    def word(self) -> str:
        """Name in policies and requests."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> Action:
        """The action of a name; KeyError for an unknown one."""
        return cls[word.upper()]


STARTS: Final = frozenset({"play", "preview", "live_join"})
"""Actions that begin the play of a ticket."""
RESUMES: Final = frozenset({"resume"})
"""Actions that continue a paused play."""
BEGINS: Final = STARTS | RESUMES
"""Actions after which the play is playing."""
ENDS: Final = frozenset({"pause", "stop"})
"""Actions after which it is not. Always allowed: a listener can end a play under any terms."""
HOLDS: Final = frozenset({"hold", "release"})
"""Reservation of a play before it is wanted, and its end. Terms name neither: a hold is decided like a play."""
FREE: Final = ENDS | {"release"}
"""Actions that no terms refuse."""
JUMPS: Final = STARTS | {"hold", "seek", "forward", "rewind"}
"""Actions that set the metered position to theirs; the others leave it."""
SOUNDS: Final = BEGINS | {"hold", "seek", "forward", "rewind", "renew"}
"""Actions after which there is, or may soon be, sound at their position."""
ADVANCES: Final = ENDS | {"renew", "rate"}
"""Actions that add heard time only as far as the reported position has advanced."""
