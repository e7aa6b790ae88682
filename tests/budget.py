"""Budgets of property tests.

Examples in proportion to the Hypothesis profile, so that one variable makes every search long.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings


def examples(weight: float = 1.0) -> int:
    """``weight`` times the examples of the profile that is loaded, at least one."""
    return max(1, round(weight * settings.default.max_examples))


def budget(weight: float = 1.0, **changes: Any) -> settings:
    """The profile's settings with ``weight`` times its examples, for a property that costs less or more than others.

    Args:
        weight: Below 1 for a property whose examples take long.
        changes: Further Hypothesis settings.
    """
    return settings(max_examples=examples(weight), **changes)
