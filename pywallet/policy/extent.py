"""How much of a song keys may be given for.

The part the band allows, the preview, and the listening time that is left.
"""

from __future__ import annotations

from dataclasses import dataclass

from pywallet.policy.decision import Usage
from pywallet.policy.model import Policy
from pywallet.policy.parts import SEGMENT_S


@dataclass(frozen=True)
class Extent:
    """Positions in ms; ``to_ms`` None: to the end.

    ``ahead_ms``: at most so much sound beyond what was heard, None: any.
    """

    from_ms: int = 0
    to_ms: int | None = None
    ahead_ms: int | None = None

    def clip(self, low_ms: int, high_ms: int, position_ms: int) -> tuple[int, int]:
        """A window of positions, cut to this extent; ``position_ms`` is where the music is. Low above high: nothing."""
        high = high_ms if self.to_ms is None else min(high_ms, self.to_ms)
        if self.ahead_ms is not None:
            high = min(high, position_ms + self.ahead_ms)
        return max(low_ms, self.from_ms), high


def extent(policy: Policy, usage: Usage, started: str) -> Extent:
    """The extent of a play that ``started`` with play, preview or live_join."""
    start_s, end_s = (policy.part.from_s, policy.part.to_s) if policy.part else (0, None)
    if started == "preview" and policy.preview_s is not None:
        end_s = policy.preview_s if end_s is None else min(end_s, policy.preview_s)
    seconds = [] if policy.metered_s is None else [policy.metered_s - usage.seconds]
    for count in policy.counts.values():
        if count.unit == "second":
            seconds.append(count.limit - usage.seconds)
        elif count.unit == "segment":
            seconds.append(count.limit * SEGMENT_S - usage.seconds)
    ahead = max(0, min(seconds)) * 1000 if seconds else None
    return Extent(start_s * 1000, None if end_s is None else end_s * 1000, ahead)
