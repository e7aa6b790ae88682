"""The fixtures of the end-to-end tests."""

from tests.e2e.money import wallet
from tests.e2e.world import browser_name, packed, world

__all__ = ["browser_name", "packed", "wallet", "world"]
