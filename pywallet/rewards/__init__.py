"""Points that a station or band gives for listening, and the passes they buy (docs/rewards.md). No tokens move here."""

from pywallet.rewards.passes import KINDS, Pass, SignedPass
from pywallet.rewards.points_rules import (
    Award,
    Heard,
    Programme,
    Rules,
)

__all__ = ["KINDS", "Award", "Heard", "Pass", "Programme", "Rules", "SignedPass"]
