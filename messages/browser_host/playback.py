"""Messages of a play: its ticket, its actions and their keys."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from messages.fields import Base64, Count, Index, Key, Name, Number
from messages.signed import SignedTicket


class Prepare(Struct, frozen=True):
    """Opens the station's ticket for the next play at the security server, and fetches a lease if the terms have one.

    Attributes:
        stream: Name of a stream with a session.
        ticket: The ``Ticket``, signed by the station.
        tracking: The listener's consent to counts per segment; null: no choice was made.
    """

    stream: Name
    ticket: SignedTicket
    tracking: bool | None = None


class PrepareResult(Struct, frozen=True):
    """The lease of the play; the result is null without one.

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
