"""Base of a host's requests."""

from __future__ import annotations

from msgspec import Struct

from messages.fields import Number


class Request(Struct, tag_field="op", forbid_unknown_fields=True):
    """An operation of a host. ``id`` is repeated by the reply."""

    id: Number
