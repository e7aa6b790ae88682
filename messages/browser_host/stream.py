"""Messages that open and close a stream, and bind it to a session."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from messages.browser_host.playback import SessionPart, TicketPart
from messages.fields import Address, HeaderBytes, Key, Name, Number, Origin, Sha256, Text, Wei
from messages.signed import SignedSession, SignedTicket


class Open(Struct, frozen=True):
    """Opens a stream: verifies a content's header and compares it with the chain. Replaces a stream of the same name.

    Prepares the next play with it, as ``prepare`` does, where no interrupted play can be resumed.

    Attributes:
        stream: Name of the stream, unique in this connection.
        header: The signed header (COSE_Sign1).
        origin: Origin of the page; set by the background.
        key: X25519 public key of the renderer, to which segment keys are wrapped.
        codecs: Codecs that the browser decodes, such as ``flac``; absent: all.
        kbps: Throughput of the file's download, kilobits per second. With ``codecs`` it selects the rendition
            (``pywallet.sps.rendition_choice``).
        site: Origin of the tab's page, where the page is a frame of it: the site whose limits apply; set by the
            background. Empty: ``origin``.
        session: As of ``prepare``; absent: none.
        ticket: As of ``prepare``.
        tracking: As of ``prepare``.
    """

    stream: Name
    header: HeaderBytes
    origin: Origin
    key: Key
    codecs: Annotated[list[Text], Meta(max_length=16)] | None = None
    kbps: Number | None = None
    site: Origin = ""
    session: SignedSession | UnsetType | None = UNSET
    ticket: SignedTicket | None = None
    tracking: bool | None = None


class InitPart(Struct, frozen=True):
    """Place of the rendition's init segment in the file.

    Attributes:
        offset: Bytes from the file's start.
        size: Length, bytes.
        sha256: SHA-256 of its bytes.
    """

    offset: Number
    size: Number
    sha256: Sha256


class StationEntry(Struct, frozen=True):
    """The registered station of the page's domain.

    Attributes:
        address: Address of the station.
        name: Registered name.
        domain: Registered domain, ``host[:port]``.
    """

    address: Address
    name: str
    domain: str


class ServerEntry(Struct, frozen=True):
    """The security server of a content.

    Attributes:
        address: Address of the server.
        url: Registered URL.
    """

    address: Address
    url: str


class Usage(Struct, frozen=True):
    """The listener's use of a content, the input of the policy's decision.

    Attributes:
        plays: Plays so far.
        seeks: Seeks so far.
        seconds: Seconds heard so far.
        first_play_s: Unix seconds of the first play; null if there is none.
        counts: Uses of an action that count against its limit now, where they differ from the cumulative number.
        last_s: Unix seconds at which an action last counted.
    """

    plays: Number
    seeks: Number
    seconds: Number
    first_play_s: int | None
    counts: dict[str, int]
    last_s: dict[str, int]


class DecisionContext(Struct, frozen=True):
    """Circumstances of a play, the other input of the policy's decision (``pywallet.policy.Context``).

    Attributes:
        now_s: Trusted time, Unix seconds.
        domain: Domain of the station; null without one.
        wallet: True if a wallet collects the reward.
        revoked: True if the content is revoked.
        destroyed: True if the content is destroyed.
        territory: Territory of the listener according to the server; null if not known.
        purpose: Purpose of the station according to the server; null if not known.
        devices: Other devices of this listener that have used the content.
        device_known: True if this device is among those counted.
        streams: Other streams of this listener that are playing.
        renewed_s: Unix seconds of the last contact with the server; null: now.
        rolled_back: True if this computer's clock was set back against trusted time.
        position_s: Position of the action, seconds; null if there is none.
    """

    now_s: Number
    domain: str | None
    wallet: bool
    revoked: bool
    destroyed: bool
    territory: str | None
    purpose: str | None
    devices: int
    device_known: bool
    streams: int
    renewed_s: int | None
    rolled_back: bool
    position_s: int | None


class InterruptedPlay(Struct, frozen=True):
    """A play of this content at this station that a crash interrupted; ``rejoin`` resumes it.

    Attributes:
        state: State at the last invocation.
        position_ms: Position of the last invocation, milliseconds.
    """

    state: Literal["playing", "paused"]
    position_ms: Number


class OpenResult(Struct, frozen=True):
    """The verified content, and this listener's standing with it. Nothing is counted yet.

    Attributes:
        stream: Name of the stream.
        content: Address of the content.
        title: Title, without control characters.
        artist: Artist, without control characters.
        duration_ms: Length of the rendition, milliseconds.
        mime: MIME type of the rendition with its codec.
        rendition: Id of the selected rendition.
        codec: Codec of the selected rendition.
        key_epochs: [key epoch, first segment] of each key epoch of the rendition.
        init: The init segment.
        segments: [offset (bytes from the file's start), size (bytes), start_ms, duration_ms, sha256] of each segment.
        ephemeral: The host's X25519 public key for this stream, for unwrapping segment keys.
        policy: The content's terms (docs/policy.md).
        device: Address of this host's device, which a session for this content has to name; null without a station.
        station: The page's station; null if its domain is not registered.
        usage: The listener's use of the content.
        context: Circumstances of the policy's decision.
        left: Remaining uses of each counted action.
        server: The content's security server.
        owner: Address of the content's owner.
        interval_s: Length of a paid interval, seconds.
        price_wei: The owner's price of an interval.
        reward_wei: The listener's reward for an interval.
        bps: Commission, basis points.
        chain_id: Chain of the content.
        settlement: Address of the settlement contract, for EIP-712.
        now_s: Trusted time, Unix seconds.
        going: The interrupted play; null if there is none.
        session: Result or error of the session.
        ticket: Result or error of the ticket.
    """

    stream: str
    content: Address
    title: str
    artist: str
    duration_ms: Number
    mime: str
    rendition: Number
    codec: str
    key_epochs: list[tuple[Number, Number]]
    init: InitPart
    segments: list[tuple[Number, Number, Number, Number, Sha256]]
    ephemeral: Key
    policy: dict[str, Any]
    device: Address | None
    station: StationEntry | None
    usage: Usage
    context: DecisionContext
    left: dict[str, int]
    server: ServerEntry
    owner: Address
    interval_s: Number
    price_wei: Wei
    reward_wei: Wei
    bps: Number
    chain_id: Number
    settlement: Address
    now_s: Number
    going: InterruptedPlay | None
    session: SessionPart
    ticket: TicketPart


class Problem(Struct, frozen=True):
    """Records that the player stopped by itself, such as for audio that does not match the file's data.

    Attributes:
        stream: Name of an open stream.
        code: Registered code of the cause, such as ``watermark.mismatch``; recorded as a refusal with amount zero.
    """

    stream: Name
    code: Name


class Close(Struct, frozen=True):
    """Closes a stream. A play that is not over is recorded as stopped; closing twice is no error.

    Attributes:
        stream: Name of the stream.
    """

    stream: Name
