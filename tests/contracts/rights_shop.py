"""A content with terms, and shortcuts to trade rights to it."""

from __future__ import annotations

from typing import Any

import pytest

from pywallet.crypto import address_of
from tests.contracts.anvil_world import World

POLICY, NEW, SALT = bytes([1]) * 32, bytes([2]) * 32, bytes([4]) * 32
PRICE, RENT, ROYALTY, DAY = 10**18, 10**16, 1000, 86_400
NO_PERMIT = (0, 0, bytes(32), bytes(32))


class Shop:
    """A content with terms, and shortcuts to trade rights to it."""

    def __init__(self, w: World) -> None:
        self.w = w
        receipt = w.send(w.owner, "Registry", "create", POLICY, 10, 30, address_of(w.server), False, SALT)
        self.content = bytes(w.events("Registry", "ContentCreated", receipt)[0]["content"])
        self.do(w.owner, "set_terms", self.content, PRICE, RENT, ROYALTY)
        for key in (w.fan, w.other):
            w.send(w.platform, "GoMAA", "transfer", address_of(key), 100 * PRICE)
            w.send(key, "GoMAA", "approve", w.deployment.rights, 100 * PRICE)

    def do(self, key: bytes, name: str, *args: Any) -> dict[str, Any]:
        """Send a transaction to the rights contract."""
        return self.w.send(key, "Rights", name, *args, to=self.w.deployment.rights)

    def ask(self, name: str, *args: Any) -> Any:
        """Call a view of the rights contract."""
        return self.w.call("Rights", name, *args, to=self.w.deployment.rights)

    def holds(self, key: bytes, time: int | None = None) -> bool:
        """Return whether a key's account has a right, by default now."""
        return bool(self.ask("holds", address_of(key), self.content, self.w.now() if time is None else time))

    def seen(self) -> tuple[int, bytes, int]:
        """Values that a buyer of a new right confirms: version and hash of the policy, royalty."""
        version, policy = (self.w.call("Content", name, to=self.content) for name in ("version", "policy_hash"))
        return version, policy, self.ask("terms", self.content)[2]

    def facts(self, number: int) -> tuple[bytes, int, tuple[int, bytes, int]]:
        """Values that a buyer of a listed right confirms: content, end, and its policy and royalty."""
        content, expires, policy, version, royalty = self.ask("rights", number)
        return bytes.fromhex(content[2:]), expires, (version, policy, royalty)

    def buy(self, key: bytes, price: int = PRICE) -> int:
        """Buy a right without end; return its number."""
        return self.made(self.do(key, "buy", self.content, address_of(key), self.seen(), price, NO_PERMIT))

    def rent(self, key: bytes, days: int = 1) -> int:
        """Rent a right for some days; return its number."""
        return self.made(self.do(key, "rent", self.content, address_of(key), days, self.seen(), days * RENT, NO_PERMIT))

    def purchase(self, key: bytes, number: int, most: int, permit: Any = NO_PERMIT) -> dict[str, Any]:
        """Buy a listed right under its current values."""
        return self.do(key, "purchase", number, *self.facts(number), most, permit)

    def made(self, receipt: dict[str, Any]) -> int:
        """Return the number of the right that a receipt granted."""
        return int(self.w.events("Rights", "Granted", receipt)[0]["id"])


@pytest.fixture
def shop(w: World) -> Shop:
    """The owner's content, for sale and for rent."""
    return Shop(w)
