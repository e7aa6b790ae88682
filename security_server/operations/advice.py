"""Advice to an operator, from an overview (docs/operate-server.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from pywallet.encoding.hex import to_hex
from pywallet.errors import SENTENCES
from security_server.operations.overview import Overview
from security_server.operations.readiness import AGREEMENT, DATABASE, DRAINING

LATE_EPOCHS: Final = 3
"""Epochs without a post from which on the page says so: one or two wait for their turn."""

_BY_CODE: Final[Mapping[str, str]] = {
    "station.escrow.short": "The station has to deposit more for this server.",
    "station.credit.exhausted": "The station does not sign vouchers: ask its operator whether it runs.",
    "station.unknown": "The station is not in the registry, or is suspended.",
    "station.right.missing": "The station plays a song that the band has not licensed to it.",
    "ticket.mismatch": "The station's terms differ from the band's: it runs an older list of songs or another release.",
    "invocation.time": "Clocks of hosts differ from the chain's. Where it is all of them, check the node.",
    "session.busy": "Listeners play at two places at once. Nothing to do.",
    "server.busy": "A limit is reached: see the quotas and the limits by network address.",
    "server.mismatch.chain": "Import the epochs that differ.",
    "chain.unreachable": "Check the node.",
}


@dataclass(frozen=True)
class Advice:
    """One thing to do.

    Attributes:
        level: ``stop``: plays or the bond are at risk; ``dial``: soon.
        text: What to do, and why.
    """

    level: Literal["stop", "dial"]
    text: str


def advice_for_code(code: str) -> str:
    """Meaning of a frequent refusal for the operator."""
    return _BY_CODE.get(code, SENTENCES.get(code, ""))


def advise(now: Overview) -> Iterator[Advice]:
    """Next steps, most urgent first."""
    if now.differing:
        numbers = ", ".join(str(epoch) for epoch in now.differing)
        yield Advice("stop", f"Import the published data of the epochs {numbers}: gomaa server import-epoch FILE.")
    elif AGREEMENT in now.missing:
        yield Advice("stop", "Check the node: the database was not compared with the chain yet, and no play begins.")
    if DATABASE in now.missing:
        yield Advice("stop", "Check the database and its disk: it does not answer.")
    if now.stored.challenges:
        yield Advice(
            "stop", f"{now.stored.challenges} challenges are open. Keep the server, its node and coins for gas."
        )
    if len(now.stored.unposted) >= LATE_EPOCHS:
        first = now.stored.unposted[0][0]
        yield Advice("stop", f"Epoch {first} and later ones are not posted. Check the log, the node and the coins.")
    if now.standing.state == "low":
        yield Advice("dial", f"Send coins of the network to the relayer {to_hex(now.relayer)}.")
    if now.standing.state == "spent":
        yield Advice("dial", "The relayer's budget is nearly spent: see relay_hour_wei and relay_day_wei.")
    short = sum(one.escrow_wei is not None and one.escrow_wei < one.owed.net_wei for one in now.stations)
    if short:
        yield Advice("dial", f"{short} stations owe more than their free escrow: their plays are refused.")
    if DRAINING in now.missing:
        yield Advice("dial", "The server ends: hosts move to another process.")
