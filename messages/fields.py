"""Types of message fields with their limits."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

Address = Annotated[str, Meta(pattern=r"^0x[0-9a-f]{40}$")]
"""An address: 20 bytes in lower-case hexadecimal."""
AddressOrEmpty = Annotated[str, Meta(pattern=r"^0x([0-9a-f]{40})?$")]
"""An address; ``0x`` where it is not known."""
ChecksumAddress = Annotated[str, Meta(pattern=r"^0x[0-9a-fA-F]{40}$")]
"""An address in the mixed case of EIP-55."""
Hash = Annotated[str, Meta(pattern=r"^0x[0-9a-f]{64}$")]
"""A hash or the id of a signed message: 32 bytes in lower-case hexadecimal."""
Hex = Annotated[str, Meta(max_length=131_074, pattern=r"^0x([0-9a-f]{2})*$")]
"""Bytes in lower-case hexadecimal, at most 64 KiB: no transaction of a wallet is longer."""
Wei = Annotated[str, Meta(max_length=78, pattern=r"^[0-9]+$")]
"""An amount in wei, decimal."""
Key = Annotated[str, Meta(pattern=r"^[A-Za-z0-9+/]{43}=$")]
"""A key of 32 bytes in base64."""
Sha256 = Annotated[str, Meta(pattern=r"^[A-Za-z0-9+/]{43}=$", title="Sha256")]
"""A SHA-256 digest in base64."""
Base64 = Annotated[str, Meta(pattern=r"^[A-Za-z0-9+/]*={0,2}$")]
"""Bytes in base64."""
HeaderBytes = Annotated[str, Meta(max_length=(4 << 20) * 4 // 3 + 4, pattern=r"^[A-Za-z0-9+/]*={0,2}$")]
"""A header as long as the format allows, in base64."""
Origin = Annotated[str, Meta(max_length=512)]
"""A web origin: scheme, host and port."""
Name = Annotated[str, Meta(min_length=1, max_length=64)]
"""A name."""
Text = Annotated[str, Meta(max_length=256)]
"""A text of limited length."""
Number = Annotated[int, Meta(ge=0, lt=1 << 53)]
"""An integer that JavaScript represents exactly."""
Index = Annotated[int, Meta(ge=0, lt=1 << 32)]
"""A 32-bit integer."""
Count = Annotated[int, Meta(ge=0, le=256)]
"""A number of segments."""
Message = dict[str, Any]
"""A signed message; pywallet.protocol checks its fields."""
SignatureText = Annotated[str, Meta(pattern=r"^0x[0-9a-f]{130}$")]
"""A signature r‖s‖v, 65 bytes in lower-case hexadecimal."""
Numbers = Annotated[list[Index], Meta(max_length=2_000)]
"""Ticket numbers."""
AgreedLines = Annotated[list[tuple[Index, Index]], Meta(max_length=2_000)]
"""[ticket number, whole intervals] each."""
Acknowledgements = Annotated[list[Message], Meta(max_length=256)]
WrappedKey = Annotated[str, Meta(max_length=256, title="WrappedKey")]
"""A key that is wrapped to the key of one receiver, in base64."""
WrappedKeys = list[tuple[Index, WrappedKey]]
"""Segment index or key epoch, and the wrapped key."""
Code = Annotated[str, Meta(max_length=64)]
"""A code of the error registry (docs/protocol.md section 7)."""


class Empty(Struct, frozen=True):
    """An object without fields."""


class ErrorObject(Struct, frozen=True):
    """A failure, in replies of every connection.

    Attributes:
        code: Registered in ``pywallet/errors.py``; stable.
        message: The code's sentence for a person, in English.
        detail: Data about this failure; only fields of ``PUBLIC_DETAIL`` in ``pywallet/errors.py``.
    """

    code: str
    message: str
    detail: dict[str, Any]
