"""Tables of contents: headers, content keys, moves between servers."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table

from security_server.db.tables.columns import METADATA, binary, integer, text

contents: Final = Table(
    "contents",
    METADATA,
    binary("content", 20, "The content's address", key=True),
    binary("header_owner", 20, "The owner that the signed header names, who has signed the upload"),
    binary("policy_hash", 32, "Hash of the header's policy"),
    binary("header", None, "The signed header (COSE), as it was uploaded"),
    integer("uploaded_ms", "When it was uploaded, the chain's time"),
    integer("keys_deleted_ms", "When the content keys were deleted; null: they are stored", null=True),
    text("keys_deleted_code", 32, "Code of requests for the keys since then; null: the keys are stored", null=True),
)

content_keys: Final = Table(
    "content_keys",
    METADATA,
    binary("content", 20, "The content's address", key=True),
    integer("key_epoch", "Number of the key epoch in the header", key=True),
    binary("sealed_key", None, "The content key under the master key: AES-GCM nonce (12 bytes) and ciphertext"),
)

# The first device's message about a content counts.
destructions: Final = Table(
    "destructions",
    METADATA,
    binary("content", 20, "The content's address", key=True),
    binary("listener", 20, "The listener of the keys", key=True),
    binary("device", 20, "The device that signs that it has destroyed its keys", key=True),
    integer("signed_ms", "The time in the signed message"),
    text("code", 64, "Code of the refusal that required it"),
    binary("signature", 65, "The device's"),
)

takeovers: Final = Table(
    "takeovers",
    METADATA,
    binary("content", 20, "A content that another server has handed over, or is about to", key=True),
    binary("former_server", 20, "Address of that server"),
    integer("from_epoch", "The first epoch in which this server serves it; null: not accepted on the chain", null=True),
    integer("counters_final", "1 if the counters were copied after the former server's last epoch, else 0", default=0),
)

# Plays at former servers, where the terms count devices or plays by how long they were heard.
former_plays: Final = Table(
    "former_plays",
    METADATA,
    binary("ticket", 32, "Digest of the play's ticket", key=True),
    binary("listener", 20, "The listener"),
    binary("content", 20, "The content's address"),
    binary("device", 20, "The device that played it"),
    text("start_action", 16, "The action that began the play: play, preview or live_join", null=True),
    integer("opened_ms", "When the ticket was opened, by the former server's clock"),
    integer("heard_ms", "Duration that was metered as heard and paid"),
    Index("former_plays_listener", "listener", "content"),
)
