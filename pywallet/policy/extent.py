"""Extent of a play by its terms: the playable part, the preview, and the listening time that is left."""

from __future__ import annotations

from pywallet.policy.decision import Usage
from pywallet.policy.model import Policy
from pywallet.policy.parts import SEGMENT_S
from pywallet.rules.key_window import Extent


def extent(policy: Policy, usage: Usage, started: str) -> Extent:
    """The positions of a song that a play may sound.

    Args:
        policy: The song's terms.
        usage: The listener's use before the play.
        started: Action that the play started with: play, preview or live_join.
    """
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
