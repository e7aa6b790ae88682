"""A listener's word to a station about points: signed by the key the listener has for that station only."""

from __future__ import annotations

from dataclasses import dataclass

from pywallet.crypto import keccak256, recover, sign
from pywallet.errors import InputError, Refusal
from pywallet.rules.limits import request_is_fresh


@dataclass(frozen=True)
class Asking:
    """``what`` the listener wants of a station at a time (Unix s): ``look``, ``buy NAME BALANCE`` or ``redeem SERIAL``.

    A purchase names the balance it starts from, so that the same word again buys nothing. ``domain`` is the site that
    the listener's browser is at: no other site can pass the word on to the station.
    """

    station: bytes
    domain: str
    time_s: int
    what: str

    @property
    def digest(self) -> bytes:
        """``keccak("gomaa/1 points" ‖ station 20 ‖ keccak(domain) ‖ time u64 ‖ keccak(what))``."""
        where, when = keccak256(self.domain.encode()), self.time_s.to_bytes(8, "big")
        return keccak256(b"gomaa/1 points" + self.station + where + when + keccak256(self.what.encode()))

    def sign(self, private_key: bytes) -> bytes:
        """65 bytes."""
        return sign(private_key, self.digest)

    def listener(self, signature: bytes, now_s: int) -> bytes:
        """Whose word it is. Raises Refusal ``invocation.time``, ``session.signature``."""
        if not request_is_fresh(self.time_s * 1000, now_s * 1000):
            raise Refusal("invocation.time", now_s=now_s)
        try:
            return recover(self.digest, signature)
        except InputError:
            raise Refusal("session.signature", reason="points") from None
