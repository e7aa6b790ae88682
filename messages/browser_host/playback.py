"""Messages of a play: its ticket, its actions and their keys."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from messages.fields import Base64, Count, ErrorObject, Hash, Index, Key, Name, Number
from messages.signed import SignedSession, SignedTicket


class BoundSession(Struct, frozen=True):
    """The stream's session.

    Attributes:
        session: The signed ``Session``.
        id: Its EIP-712 digest.
        now_s: Trusted time, Unix seconds. Where its hour is over, the wallet signs another session.
    """

    session: SignedSession
    id: Hash
    now_s: Number


class SessionPart(Struct, frozen=True):
    """Result or error of the session; both fields are null where the request has none.

    Attributes:
        result: The session that the stream has now.
        error: The refusal, such as ``session.device``, whose detail ``device`` is the one that a session has to name.
    """

    result: BoundSession | None = None
    error: ErrorObject | None = None


class LeaseEntry(Struct, frozen=True):
    """The lease of a play.

    Attributes:
        first: First segment of the lease.
        count: Number of its segments.
        expires_s: End of the lease, Unix seconds.
        budget: Number of actions that it covers.
    """

    first: Number
    count: Number
    expires_s: Number
    budget: int


class OpenedTicket(Struct, frozen=True):
    """The ticket is open at the security server.

    Attributes:
        lease: Its lease; null where the terms have none.
    """

    lease: LeaseEntry | None


class TicketPart(Struct, frozen=True):
    """Result or error of the ticket; both fields are null where the request has none, or its session was refused.

    Attributes:
        result: The opened ticket.
        error: The refusal of host or security server.
    """

    result: OpenedTicket | None = None
    error: ErrorObject | None = None


class Prepare(Struct, frozen=True):
    """Prepares the next play: binds the stream to a session, then opens a ticket and leases its first keys.

    Attributes:
        stream: Name of an open stream.
        session: The wallet's ``Session``, signed by the listener key; null: the host signs one with a listener key of
            its own, without a payee, anew each hour; absent: the session that the stream has.
        ticket: The ``Ticket``, signed by the station; null: none yet.
        tracking: The listener's consent to counts per segment; null: no choice was made.
    """

    stream: Name
    session: SignedSession | UnsetType | None = UNSET
    ticket: SignedTicket | None = None
    tracking: bool | None = None


class PrepareResult(Struct, frozen=True):
    """Session and ticket; the refusal of the ticket leaves the session bound.

    Attributes:
        session: Result or error of the session.
        ticket: Result or error of the ticket.
    """

    session: SessionPart
    ticket: TicketPart


class Rejoin(Struct, frozen=True):
    """Resumes a play that a crash of host, engine or browser interrupted. It is not counted again.

    Attributes:
        stream: Name of an open stream.
        ticket: The play's signed ``Ticket``; null: that of ``going`` in the result of ``open``.
    """

    stream: Name
    ticket: SignedTicket | None = None


class RejoinResult(Struct, frozen=True):
    """State of the resumed play.

    Attributes:
        state: State at its last invocation.
        position_ms: Position of its last invocation, milliseconds.
        heard_ms: Time heard, milliseconds.
        intervals: Whole intervals heard.
        rewarded: True if the session has a payee.
        expiry_s: End of the ticket, Unix seconds.
    """

    state: Literal["playing", "paused"]
    position_ms: Number
    heard_ms: Number
    intervals: Number
    rewarded: bool
    expiry_s: Number


class Invoke(Struct, frozen=True):
    """Decides and records one action, and returns the keys of segments that it permits.

    An action whose keys did not arrive may be invoked again with the same position: it is the same invocation.

    Attributes:
        stream: Name of a stream with a ticket.
        action: Name of the action, such as ``play``.
        position_ms: Position, milliseconds; of a seek its target.
        segment: First segment whose key is wanted; null for none.
        count: Number of segments whose keys are wanted.
    """

    stream: Name
    action: Name
    position_ms: Number
    segment: Index | None = None
    count: Count = 0


class GrantWait(Struct, frozen=True):
    """Reason for which the server releases no keys yet.

    Attributes:
        code: Code of the reason.
        retry_ms: Time before the same action is invoked again, milliseconds; 60,000 at most.
    """

    code: str
    retry_ms: Number


class Grant(Struct, frozen=True):
    """Segment keys, wrapped to the renderer.

    Attributes:
        ephemeral: X25519 public key of the side that wrapped them, the host or the server.
        keys: [segment, nonce, ciphertext and tag in base64] of each key; 32 at most.
        expires_s: Time from which the keys are not used, Unix seconds.
        wait: Present where keys are not released yet.
    """

    ephemeral: Key
    keys: list[tuple[Index, Base64]]
    expires_s: Number
    wait: GrantWait | UnsetType = UNSET


class InvokeResult(Struct, frozen=True):
    """The recorded invocation and its keys.

    Attributes:
        sequence: Sequence number of the invocation in its session.
        grant: Segment keys; null if none were wanted or none lie in the window.
        left: Remaining uses of each counted action.
        heard_ms: Time heard in this play, milliseconds.
        intervals: Whole intervals heard in this play.
    """

    sequence: Number
    grant: Grant | None
    left: dict[str, int]
    heard_ms: Number
    intervals: Number
