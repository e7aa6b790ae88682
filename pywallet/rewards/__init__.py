"""Points of a station for listening, passes that they buy, and caps of token rewards (docs/rewards.md)."""

from pywallet.rewards.passes import KINDS, Pass, SignedPass
from pywallet.rewards.points_rules import (
    Award,
    PaidPlay,
    PointsRules,
    Programme,
)

__all__ = ["KINDS", "Award", "PaidPlay", "Pass", "PointsRules", "Programme", "SignedPass"]
