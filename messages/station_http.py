"""Bodies of a station's HTTP routes (docs/protocol.md section 5, docs/rewards.md)."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from messages.fields import Address, Index, Number, SignatureText
from messages.signed import SignedSession, SignedTicket

BODY_HEADER: Final = "GoMAA-Ask"
"""Header of a GET with its request: base64url of a JSON object (decision 0048)."""

Decimal = Annotated[str, Meta(pattern=r"^[0-9]{1,19}$")]


class StationRecordResult(Struct, frozen=True):
    """GET /.well-known/gomaa.json: the station's record.

    Attributes:
        station: Address of the station.
        name: Its name, for people.
        domain: Its domain in the registry, ``host[:port]``.
        tickets: Path of the route for tickets.
        points: Path of the route for points.
        passages: Path below which a content's passages are.
        servers: Addresses of the security servers of its songs, in order.
        network: Deployment file of its network, with the public node as ``rpc``; absent without a public node.
    """

    station: Address
    name: str
    domain: str
    tickets: str
    points: str
    passages: str
    servers: list[Address]
    network: dict[str, Any] | UnsetType = UNSET


class PassagesResult(Struct, frozen=True):
    """GET /gomaa/passages/{content}: how many listeners heard each passage of a song, from published data.

    Attributes:
        segment_s: Length of a passage, seconds.
        listeners: Of each passage from the song's beginning, over all epochs; 0 where too few heard it in each of them.
    """

    segment_s: Index
    listeners: list[Index]


class TicketRequest(Struct, frozen=True):
    """GET (header ``GoMAA-Ask``) and POST /gomaa/tickets: asks for a ticket of one play.

    Attributes:
        session: Signed ``Session``.
        content: The content's address.
    """

    session: SignedSession
    content: Address


class TicketResult(Struct, frozen=True):
    """An issued ticket.

    Attributes:
        ticket: Signed ``Ticket``.
    """

    ticket: SignedTicket


class PointsPost(Struct, frozen=True):
    """GET (header ``GoMAA-Ask``) and POST /gomaa/points: a listener's command about points and passes.

    Attributes:
        time_s: Time of the command, Unix seconds, within two minutes of the station's clock.
        what: ``look``, ``buy NAME BALANCE`` or ``redeem SERIAL``.
        signature: The listener's, over station, domain, time and command.
    """

    time_s: Number
    what: Annotated[str, Meta(max_length=100)]
    signature: str


class OfferEntry(Struct, frozen=True):
    """A pass that the station sells.

    Attributes:
        name: Name of the offer.
        kind: ``offer`` (used up when it is redeemed) or ``ad-free`` (valid until it ends).
        cost: Price in points.
        days: Validity in days.
        text: Description for people.
    """

    name: str
    kind: str
    cost: Number
    days: Number
    text: str


class PassEntry(Struct, frozen=True):
    """A pass that the listener has bought.

    Attributes:
        serial: Serial number.
        offer: Name of the offer.
        kind: ``offer`` or ``ad-free``.
        text: Description for people.
        ends_s: End of validity, Unix seconds.
        redeemed_s: When it was redeemed, Unix seconds, or null.
    """

    serial: Decimal
    offer: str
    kind: str
    text: str
    ends_s: Number
    redeemed_s: Number | None


class SignedPassResult(Struct, frozen=True):
    """A pass, signed by the station.

    Attributes:
        issuer: Address of the station.
        holder: Address of the listener at the station.
        kind: ``offer`` or ``ad-free``.
        serial: Serial number.
        not_after: End of validity, Unix seconds.
        text: Description for people.
        signature: The station's, over keccak("gomaa/1 pass" ‖ the fields before).
    """

    issuer: Address
    holder: Address
    kind: str
    serial: Decimal
    not_after: Number
    text: str
    signature: SignatureText


class PointsResult(Struct, frozen=True):
    """The listener's account after the command.

    Attributes:
        points: Balance.
        points_per_minute: Points for a minute of a paid play.
        minimum_s: Heard time below which a play gives no points.
        cap_per_day: Most points of one UTC day.
        discovery_percent: Addition for the first counted play of an artist.
        offers: Passes that the station sells.
        passes: The listener's latest 100 passes, newest first.
        bought: The pass that the command bought; absent for other commands.
        redeemed: The pass that the command redeemed; absent for other commands.
    """

    points: Number
    points_per_minute: Number
    minimum_s: Number
    cap_per_day: Number
    discovery_percent: Number
    offers: list[OfferEntry]
    passes: list[PassEntry]
    bought: SignedPassResult | UnsetType = UNSET
    redeemed: SignedPassResult | UnsetType = UNSET


class SimilarSong(Struct, frozen=True):
    """A similar song of the catalogue.

    Attributes:
        name: Name of the song in URLs.
        content: The content's address.
        title: Title.
        artist: Artist.
        genre: Genre, or null.
        by: What is similar.
        distance: Distance of the sound in weighted standard deviations; null unless ``by`` is ``sound``.
    """

    name: str
    content: Address
    title: str
    artist: str
    genre: str | None
    by: Literal["sound", "artist", "genre"]
    distance: float | None


class SimilarResult(Struct, frozen=True):
    """GET /gomaa/songs/{name}/similar?limit=4: similar songs, nearest first (docs/genre.md).

    Attributes:
        song: Name of the song in URLs.
        similar: At most ``limit`` songs, 1 to 50.
    """

    song: str
    similar: list[SimilarSong]
