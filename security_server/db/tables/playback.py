"""Tables of playback: sessions, tickets, invocations, and what is counted of them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table, UniqueConstraint

from security_server.db.tables.columns import METADATA, binary, integer, text, wei

sessions: Final = Table(
    "sessions",
    METADATA,
    binary("id", 32, "Digest of the session", key=True),
    binary("station_address", 20, "The station that it is for"),
    binary("listener", 20, "The listener"),
    binary("device", 20, "The device that signs its invocations"),
    binary("payee", 20, "Recipient of the rewards; zero: they are declined"),
    integer("not_before_s", "Start of its validity"),
    integer("not_after_s", "End of its validity"),
    binary("signature", 65, "The listener's, under the session"),
    integer("opened_ms", "When this server first saw it, the chain's time"),
    integer("last_sequence", "Highest sequence number that was received in it", default=0),
    Index("sessions_payee", "payee"),
    Index("sessions_over", "not_after_s"),
)

tickets: Final = Table(
    "tickets",
    METADATA,
    binary("id", 32, "Digest of the ticket", key=True),
    binary("session", 32, "The session"),
    binary("station_address", 20, "The station that signed it"),
    binary("listener", 20, "The session's listener"),
    binary("payee", 20, "The session's payee"),
    binary("content", 20, "The content that it plays"),
    binary("header_owner", 20, "The owner that the content's header named when the ticket was opened"),
    integer("number", "The station's number of the ticket"),
    wei("price", "Wei per interval for the owner"),
    wei("reward", "Wei per interval for the listener"),
    binary("payer", 20, "Payer of price and reward: the station, or the listener where the policy says so"),
    integer("bps", "Commission that the ticket names, basis points"),
    integer("interval_s", "Length of a paid interval"),
    integer("expiry_s", "End of its validity"),
    binary("signature", 65, "The station's, under the ticket"),
    integer("opened_ms", "When it was opened here, the chain's time"),
    text("play_state", 8, "State of its one play: none, held, playing, paused or ended", default="none"),
    text("start_action", 16, "The action that began the play: play, preview or live_join; null: none yet", null=True),
    integer("heard_ms", "Duration that was metered as heard and is paid", default=0),
    integer("sounded_ms", "Duration that sounded, also unpaid beside another stream of the listener", default=0),
    # Both together define the window of segments whose keys may be given (pywallet/policy/meter.py).
    integer("position_ms", "Metered position in the song, milliseconds from its start", default=0),
    integer("anchor_position_ms", "Target of the last jump, milliseconds from the song's start", default=0),
    integer("last_signed_ms", "Time in its last counted invocation, by the host's clock", default=0),
    integer("last_received_ms", "When that invocation was received, the chain's time", default=0),
    integer("seeks", "Counted seeks in the play", default=0),
    integer("last_sequence", "Sequence number of its last counted invocation", default=0),
    binary("last_invocation", 32, "Digest of its last counted invocation; null: none yet", null=True),
    integer("heard_intervals", "Whole intervals that were heard", default=0),
    integer("vouchered_intervals", "Of those, intervals that a voucher has settled", default=0),
    integer("unvouchered_intervals", "Heard intervals that have to be paid and no voucher has settled", default=0),
    integer("kept_refusals", "Refused plays of it that are kept with their signature", default=0),
    UniqueConstraint("station_address", "number"),
    Index("tickets_due", "payer", "unvouchered_intervals"),
    Index("tickets_owing", "unvouchered_intervals"),
    Index("tickets_number", "payer", "number"),
    Index("tickets_listener", "listener", "content"),
    Index("tickets_sounding", "listener", "play_state", "last_received_ms"),
    Index("tickets_session", "session"),
    Index("tickets_over", "expiry_s"),
)

tracked: Final = Table(
    "tracked",
    METADATA,
    binary("ticket", 32, "A ticket whose listener may be counted per segment (the policy's ``tracking``)", key=True),
)

invocations: Final = Table(
    "invocations",
    METADATA,
    binary("session", 32, "The session", key=True),
    integer("sequence", "Its number within the session", key=True),
    binary("id", 32, "Digest of the invocation"),
    binary("ticket", 32, "The ticket that it is for"),
    text("action", 16, "The policy's name of the action"),
    integer("position_ms", "Position in the song that it names, milliseconds from its start"),
    integer("signed_ms", "The time in the signed message, by the host's clock"),
    integer("received_ms", "When it was decided, the chain's time"),
    integer("epoch", "The epoch that ran then"),
    binary("signature", 65, "The device's"),
    text("code", 32, "Error code of its refusal; null: it was counted", null=True),
    Index("invocations_refused", "epoch", "code"),
    Index("invocations_ticket", "ticket", "epoch"),
    # Written once, and read again only for a repeated request.
    info={"is_kept": False},
)

# Seconds with given keys, and the waiting state of decision 0043.
given_keys: Final = Table(
    "given_keys",
    METADATA,
    binary("listener", 20, "The listener with the keys", key=True),
    binary("content", 20, "The content's address", key=True),
    binary("second_bits", None, "Seconds of the song that keys were given for: bit k, little-endian, is second k"),
    integer("waited_ms", "Duration of song that was opened by waiting, in all", default=0),
    integer("wait_since_ms", "Start of the current wait, the chain's time; 0: none", default=0),
)

listeners: Final = Table(
    "listeners",
    METADATA,
    binary("listener", 20, "The listener", key=True),
    binary("playing_ticket", 32, "Their ticket that is metered now; null: none", null=True),
    integer("counted_until_ms", "Time up to which any of their tickets was metered: no time is metered twice"),
)

usages: Final = Table(
    "usages",
    METADATA,
    binary("listener", 20, "The listener", key=True),
    binary("content", 20, "The content's address", key=True),
    integer("plays", "Counted plays, cumulative", default=0),
    integer("seeks", "Counted seeks, cumulative", default=0),
    integer("heard_ms", "Duration that was metered as heard and paid, cumulative", default=0),
    integer("first_play_s", "When the first play began; null: none did", null=True),
    text(
        "actions",
        None,
        "JSON: action to [uses, first use, uses in the current window, that window's start, last use], times in "
        "Unix seconds",
        default="{}",
    ),
)

# Counted, not listed: anyone can cause any number of refusals.
refusal_counts: Final = Table(
    "refusal_counts",
    METADATA,
    integer("day", "Days since 1970-01-01", key=True),
    text("request_kind", 16, "Kind of the refused request: ticket or invocation", key=True),
    text("code", 64, "The error code", key=True),
    integer("count", "Number of refusals", default=0),
)

# Terms of tickets that a station opened in an epoch: their number is bounded.
epoch_terms: Final = Table(
    "epoch_terms",
    METADATA,
    integer("epoch", "The epoch in which a ticket with these terms was opened", key=True),
    binary("station_address", 20, "The station that signed it", key=True),
    wei("price", "Wei per interval for the owner", key=True),
    wei("reward", "Wei per interval for the listener", key=True),
    integer("interval_s", "Length of a paid interval", key=True),
)

epoch_refused: Final = Table(
    "epoch_refused",
    METADATA,
    integer("epoch", "The epoch", key=True),
    binary("station_address", 20, "The station whose tickets they were", key=True),
    integer("kept_refusals", "Refused plays in this epoch that are kept with their signature"),
)
