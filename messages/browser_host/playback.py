"""Requests about streams: opening, playing and paying for a content."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from messages.fields import (
    Address,
    Count,
    HeaderBytes,
    Index,
    Key,
    Name,
    Number,
    Text,
    Wei,
)
from messages.signed import SignedSession, SignedTicket, SignedVoucher


class Hello(Struct):
    """The first request: the protocol the extension speaks."""

    protocol: Number
    extension: Text = ""
    browser: Text = ""


class Open(Struct):
    """A content shown on a page: its signed header, the page's origin, and the renderer's X25519 key.

    ``codecs``: what the browser decodes; ``kbps``: how fast the file arrives; ``site``: origin of the tab's page, where
    this one is a frame in it.
    """

    stream: Name
    header: HeaderBytes
    origin: Annotated[str, Meta(max_length=512)]
    key: Key
    codecs: Annotated[list[Text], Meta(max_length=16)] | None = None
    kbps: Number | None = None
    site: Annotated[str, Meta(max_length=512)] = ""


class Identify(Struct):
    """The wallet's session for this station, or null: the host's own listener."""

    stream: Name
    session: SignedSession | None = None


class Prepare(Struct):
    """The station's ticket for the next play.

    ``tracking``: whether the person agreed to be counted; null: they said nothing.
    """

    stream: Name
    ticket: SignedTicket
    tracking: bool | None = None


class Rejoin(Struct):
    """Resume an interrupted play: under this ticket, or under the one that ``open`` found."""

    stream: Name
    ticket: SignedTicket | None = None


class Invoke(Struct):
    """One action; ``segment`` is the first whose key is wanted, null for none."""

    stream: Name
    action: Name
    position_ms: Number
    segment: Index | None = None
    count: Count = 0


class Problem(Struct):
    """The player has stopped for a reason of its own, such as audio that does not match the file's data."""

    stream: Name
    code: Name


class Close(Struct):
    """The player was closed."""

    stream: Name


class Owed(Struct):
    """The voucher that the listener should sign now."""

    stream: Name


class Pay(Struct):
    """The wallet's voucher that ``owed`` returned."""

    stream: Name
    voucher: SignedVoucher


class Site(Struct):
    """A change of a site's grant; "*": the budget of all sites together."""

    origin: Annotated[str, Meta(min_length=1, max_length=512)]
    state: Literal["allowed", "paused", "revoked"] | None = None
    day_wei: Wei | None = None


class Sites(Struct):
    """Every site's grant; ``wallet``: whose earnings are returned with it, as in ``summary``."""

    wallet: Address | None = None
