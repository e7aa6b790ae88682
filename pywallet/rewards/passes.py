"""Passes, which a listener buys with points: signed by the station, for one listener, for one use or for a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pywallet.crypto import keccak256, recover, sign
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import InputError, Refusal

KINDS: Final = ("offer", "ad-free")
"""Kinds of passes: an offer is used once; an ad-free pass is valid from its redemption until it ends."""


@dataclass(frozen=True)
class Pass:
    """A station's promise to a listener.

    Attributes:
        issuer: Address of the station, 20 bytes.
        holder: Listener address at that station, 20 bytes.
        kind: One of ``KINDS``.
        serial: Number of the pass.
        not_after: End, Unix seconds.
        text: The promise, at most 500 characters.
    """

    issuer: bytes
    holder: bytes
    kind: str
    serial: int
    not_after: int
    text: str

    def __post_init__(self) -> None:
        if self.kind not in KINDS or len(self.issuer) != 20 or len(self.holder) != 20 or len(self.text) > 500:
            raise InputError("message.schema", field="pass")
        if (
            type(self.serial) is not int
            or type(self.not_after) is not int
            or not 0 <= self.serial < 1 << 63
            or not 0 <= self.not_after < 1 << 53
        ):
            raise InputError("message.schema", field="pass", reason="serial or time")

    @property
    def digest(self) -> bytes:
        """The digest that the issuer signs, 32 bytes."""
        numbers = self.serial.to_bytes(8, "big") + self.not_after.to_bytes(8, "big")
        return keccak256(
            b"gomaa/1 pass"
            + self.issuer
            + self.holder
            + bytes([KINDS.index(self.kind)])
            + numbers
            + keccak256(self.text.encode())
        )


@dataclass(frozen=True)
class SignedPass:
    """A pass with its issuer's signature."""

    message: Pass
    signature: bytes

    @classmethod
    def issue(cls, message: Pass, private_key: bytes) -> SignedPass:
        """Sign a pass with the issuer's key."""
        return cls(message, sign(private_key, message.digest))

    def require(self, issuer: bytes, holder: bytes, now_s: int) -> None:
        """Verify the pass.

        Raises:
            Refusal: ``ticket.signature`` for another issuer or holder, ``ticket.expired``.
        """
        try:
            signer = recover(self.message.digest, self.signature)
        except InputError:
            signer = b""
        if signer != issuer or self.message.issuer != issuer or self.message.holder != holder:
            raise Refusal("ticket.signature", reason="pass")
        if now_s >= self.message.not_after:
            raise Refusal("ticket.expired", reason="pass")

    def to_json(self) -> dict[str, Any]:
        """The JSON form."""
        m = self.message
        names = {
            "issuer": to_hex(m.issuer),
            "holder": to_hex(m.holder),
            "kind": m.kind,
            "serial": str(m.serial),
            "not_after": m.not_after,
        }
        return {**names, "text": m.text, "signature": to_hex(self.signature)}

    @classmethod
    def from_json(cls, raw: Any) -> SignedPass:
        """Parse the JSON form. Raises InputError ``message.schema``."""
        if not isinstance(raw, Mapping):
            raise InputError("message.schema", field="pass")
        serial, text = raw.get("serial"), raw.get("text")
        if (
            not isinstance(serial, str)
            or not (serial.isascii() and serial.isdecimal() and len(serial) < 20)
            or not isinstance(text, str)
        ):
            raise InputError("message.schema", field="pass")
        issuer, holder = (from_hex(raw.get(name, ""), 20) for name in ("issuer", "holder"))
        message = Pass(issuer, holder, str(raw.get("kind")), int(serial), raw.get("not_after", -1), text)
        return cls(message, from_hex(raw.get("signature", ""), 65))
