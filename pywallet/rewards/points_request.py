"""Signed request of a listener to a station about points; the key is derived for that station."""

from __future__ import annotations

from dataclasses import dataclass

from pywallet.crypto import keccak256, recover, sign
from pywallet.errors import InputError, Refusal
from pywallet.rules.limits import request_is_fresh


@dataclass(frozen=True)
class PointsRequest:
    """A command to a station's points account.

    A purchase names the balance that it starts from, so a replayed request buys nothing.

    Attributes:
        station: Address, 20 bytes.
        domain: The site in the listener's browser; a request cannot be relayed to another site.
        time_s: Unix seconds.
        command: ``look``, ``buy NAME BALANCE`` or ``redeem SERIAL``.
    """

    station: bytes
    domain: str
    time_s: int
    command: str

    @property
    def digest(self) -> bytes:
        """``keccak("gomaa/1 points" ‖ station 20 ‖ keccak(domain) ‖ time u64 ‖ keccak(command))``."""
        domain, time = keccak256(self.domain.encode()), self.time_s.to_bytes(8, "big")
        return keccak256(b"gomaa/1 points" + self.station + domain + time + keccak256(self.command.encode()))

    def sign(self, private_key: bytes) -> bytes:
        """Signature over the digest, 65 bytes."""
        return sign(private_key, self.digest)

    def listener(self, signature: bytes, now_s: int) -> bytes:
        """The address that signed the request.

        Args:
            signature: 65 bytes.
            now_s: Unix seconds.

        Raises:
            Refusal: ``invocation.time``, ``session.signature``.
        """
        if not request_is_fresh(self.time_s * 1000, now_s * 1000):
            raise Refusal("invocation.time", now_s=now_s)
        try:
            return recover(self.digest, signature)
        except InputError:
            raise Refusal("session.signature", reason="points") from None
