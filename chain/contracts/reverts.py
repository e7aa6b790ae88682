"""Revert reasons of the contracts that callers distinguish."""

from __future__ import annotations

from typing import Final

LEAF_CLAIMED: Final = "settlement: leaf claimed"
"""The leaf is paid already."""

INVALID_CLAIM: Final = "settlement: invalid signature"
"""A claim is not signed by its payee."""

NO_OPEN_CHALLENGE: Final = "settlement: no open challenge"
"""All challenges that a transaction is about are closed."""
