"""What a listener may do with a recording: the terms as data, and the one function that decides."""

from pywallet.policy.decision import Context, Decision, Usage, decide, recurrence_start
from pywallet.policy.meter import MAX_GAP_MS, Meter
from pywallet.policy.model import Count, Lease, Policy, Price
from pywallet.policy.terms import Names, Terms, describe

__all__ = [
    "MAX_GAP_MS",
    "Context",
    "Count",
    "Decision",
    "Lease",
    "Meter",
    "Names",
    "Policy",
    "Price",
    "Terms",
    "Usage",
    "decide",
    "describe",
    "recurrence_start",
]
