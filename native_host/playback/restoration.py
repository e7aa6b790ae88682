"""Restoration of a play after the server has refused one of its invocations."""

from __future__ import annotations

from native_host.ledger import Ledger
from native_host.playback.pacing import Pacer
from native_host.playback.stream import Stream
from pywallet.policy import Meter
from pywallet.rules.admissibility import PlayState, state_after


def restore(ledger: Ledger, stream: Stream) -> None:
    """Set meter, state and pacing of a stream's ticket by its invocations without the refused ones.

    A seek that was not made leaves the play where it was, as at the server. A ticket that is over stays as it is.

    Args:
        ledger: The ledger.
        stream: A stream.
    """
    with ledger.write():
        ticket = None if stream.ticket is None else ledger.ticket(stream.ticket)
        if ticket is None or ticket.state == "ended":
            return
        usage = ledger.usage(ticket.listener, ticket.content, stream.policy, ticket.time_ms // 1000, ticket.id)
        meter, pacer = Meter(), Pacer(fastest=stream.policy.fastest)
        state: PlayState = "none"
        for entry in ledger.accepted(ticket.id):
            meter = stream.metered(meter, usage, entry.action, entry.position_ms, entry.time_ms)
            pacer = pacer.after(entry.action, entry.position_ms, entry.time_ms)
            state = state_after(entry.action, meter.playing)
        ledger.set_meter(ticket.id, meter, state)
    stream.pacer = pacer
