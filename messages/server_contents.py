"""Bodies of the security server's HTTP routes about contents: uploads, handovers and moves."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from messages.fields import Address, Base64, Index, Key, Number, SignatureText, WrappedKeys


class Upload(Struct, forbid_unknown_fields=True):
    """PUT /v1/contents/{content}: a content's header and its content keys.

    The content keys are wrapped like segment keys, with info "sps/1 upload" and AAD content ‖ uint32 epoch. The
    body is at most 8 MiB.

    Attributes:
        header: The signed header (COSE), in base64.
        ephemeral: X25519 key of the wrapping.
        keys: Key epoch and wrapped content key; at most 4,096.
        signature: The owner's, over keccak("gomaa/1 upload" ‖ content ‖ sha256(header) ‖ sha256(ephemeral ‖ the
            wrapped keys in order)).
    """

    header: str
    ephemeral: Key
    keys: Annotated[WrappedKeys, Meta(min_length=1, max_length=4096)]
    signature: SignatureText


class UploadResult(Struct, frozen=True):
    """A stored upload.

    Attributes:
        content: The content's address.
        epochs: Key epochs whose keys are stored.
    """

    content: Address
    epochs: list[Index]


class HandoverRequest(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """POST /v1/handovers: asks for keys and counters of a content, for the server to which its owner moves it.

    Any other server is refused with ``server.handover``.

    Attributes:
        content: The content's address.
        server: Address of the asking server.
        time_s: Time of the request, Unix seconds.
        signature: The asking server's, over keccak("gomaa/1 handover" ‖ content ‖ asked server ‖ server ‖ after ‖
            uint64 time_s); ``after`` is zero for the first part.
        after: Last listener of the part before; null or absent for the first part.
    """

    content: Address
    server: Address
    time_s: Number
    signature: SignatureText
    after: Address | None = None


class HandoverResult(Struct, frozen=True):
    """One part of a handover, sealed to the X25519 key that the registry has for the asking server.

    Attributes:
        ephemeral: X25519 key of the sealing.
        sealed: MessagePack of the part (below), sealed with info "sps/1 handover" and AAD content ‖
            former server ‖ new server.
        signature: The former server's, over keccak("gomaa/1 handed over" ‖ content ‖ server ‖ after ‖
            sha256(ephemeral ‖ sealed)).
    """

    ephemeral: Base64
    sealed: Base64
    signature: SignatureText


class MoveRequest(Struct, forbid_unknown_fields=True):
    """POST /v1/moves: asks this server to take over a content that its owner has proposed to it.

    With ``accept_moves = false`` only with the bearer admin token (docs/settlement.md, "Moving a content's
    server").

    Attributes:
        content: The content's address.
    """

    content: Address


class MoveResult(Struct, frozen=True):
    """An accepted move; a repeated request has the same result.

    Attributes:
        content: The content's address.
        server: Address of this server.
        from_epoch: First epoch in which this server serves the content.
    """

    content: Address
    server: Address
    from_epoch: Number
