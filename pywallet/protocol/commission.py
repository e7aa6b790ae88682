"""Rounding of the network's commission: basis points of a net sum in wei, rounded down once per payer and epoch."""

from __future__ import annotations

from typing import Final

BASIS_POINTS: Final = 10_000
"""Basis points of the whole."""


def commission(net: int, bps: int) -> int:
    """Commission on ``net`` wei at ``bps`` basis points, rounded down. Only for whole-epoch sums."""
    return net * bps // BASIS_POINTS


def gross(net: int, bps: int) -> int:
    """Debit of a payer for ``net`` wei at ``bps`` basis points. Only for whole-epoch sums."""
    return net + commission(net, bps)


def gross_bound(net: int, bps: int) -> int:
    """Upper bound of the debit for a part of a sum, wei: rounding of the sum may add one wei to a part."""
    return net - (-net * bps // BASIS_POINTS)


def largest_net(gross_wei: int, bps: int) -> int:
    """The largest net whose gross is at most ``gross_wei``; 0 for a negative one."""
    # gross(net) <= amount holds exactly for net < (amount + 1) * 10,000 / (10,000 + bps).
    return ((gross_wei + 1) * BASIS_POINTS - 1) // (BASIS_POINTS + bps) if gross_wei >= 0 else 0


def smallest_net(gross_wei: int, bps: int) -> int:
    """The smallest net whose gross before rounding is at least ``gross_wei``."""
    return -(-gross_wei * BASIS_POINTS // (BASIS_POINTS + bps))
