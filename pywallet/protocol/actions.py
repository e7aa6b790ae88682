"""The actions of an invocation and their codes on the wire."""

from __future__ import annotations

from enum import IntEnum


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
