"""Points that a station or band gives for listening, and the passes they buy (docs/rewards.md). No tokens move here."""

from pywallet.rewards.passes import KINDS, Pass, SignedPass
from pywallet.rewards.points_rules import (
    Award,
    PaidPlay,
    PointsRules,
    Programme,
)

__all__ = ["KINDS", "Award", "PaidPlay", "Pass", "PointsRules", "Programme", "SignedPass"]
