"""Terms of a recording as data (policies), and the function that decides on an action by them."""

from pywallet.policy.decision import MOST_UNUSED_HOLDS, Context, Decision, Usage, decide, is_free, recurrence_start
from pywallet.policy.describe import PartyNames, Terms, describe
from pywallet.policy.extent import extent
from pywallet.policy.meter import FASTEST, Meter
from pywallet.policy.model import Policy
from pywallet.policy.narrowing import require_narrower, wider
from pywallet.policy.parts import ACTIONS, Count, OfflineLease, PlayablePart, Price, Renewal
from pywallet.rules.key_window import Extent

__all__ = [
    "ACTIONS",
    "FASTEST",
    "MOST_UNUSED_HOLDS",
    "Context",
    "Count",
    "Decision",
    "Extent",
    "Meter",
    "OfflineLease",
    "PartyNames",
    "PlayablePart",
    "Policy",
    "Price",
    "Renewal",
    "Terms",
    "Usage",
    "decide",
    "describe",
    "extent",
    "is_free",
    "recurrence_start",
    "require_narrower",
    "wider",
]
