"""Services of the security server over given parts, as ``create_app`` makes them."""

from __future__ import annotations

from typing import Any

from security_server.billing.billing import Billing
from security_server.billing.claim_mixing import ClaimMixer
from security_server.billing.claim_relay import ClaimRelay
from security_server.billing.fair_slots import EpochBounds
from security_server.billing.payee_sweeps import PayeeSweeps
from security_server.billing.receipts import Receipts
from security_server.content.moves import Ask, Moves
from security_server.context import Core
from security_server.db.retention import Retention
from security_server.epochs.chain_events import ChainEvents
from security_server.epochs.challenge_responder import ChallengeResponder
from security_server.epochs.closing import EpochCloser
from security_server.epochs.publishing import EpochPublisher


def _of(parts: Core, *names: str) -> dict[str, Any]:
    """The named parts as keyword arguments."""
    return {name: getattr(parts, "hub" if name == "hosts" else name) for name in names}


def publisher(parts: Core) -> EpochPublisher:
    """Proofs of closed epochs."""
    return EpochPublisher(**_of(parts, "keys", "store", "chain", "agreement"))


def closer(parts: Core, publishing: EpochPublisher) -> EpochCloser:
    """Closes and posts."""
    needed = _of(parts, "keys", "schedule", "store", "chain", "hosts", "agreement")
    return EpochCloser(**needed, publishing=publishing, every_s=parts.config.close_every_s)


def responder(parts: Core, publishing: EpochPublisher, closing: EpochCloser) -> ChallengeResponder:
    """Answers challenges."""
    needed = _of(parts, "keys", "schedule", "store", "chain")
    events = ChainEvents(parts.store, parts.chain)
    every_s = parts.config.close_every_s
    return ChallengeResponder(**needed, publishing=publishing, closing=closing, events=events, every_s=every_s)


def receipts(parts: Core) -> Receipts:
    """Gives out receipts."""
    return Receipts(**_of(parts, "address", "store", "chain", "hosts"))


def billing(parts: Core) -> Billing:
    """Statements and vouchers."""
    needed = _of(parts, "keys", "domain", "schedule", "store", "chain", "agreement")
    return Billing(**needed, receipts=receipts(parts), bounds=EpochBounds.from_config(parts.config))


def relay(parts: Core, publishing: EpochPublisher | None = None) -> ClaimRelay:
    """Relays claims."""
    needed = _of(parts, "config", "keys", "domain", "store", "chain")
    return ClaimRelay(**needed, publishing=publishing or publisher(parts))


def mixer(parts: Core, relaying: ClaimRelay) -> ClaimMixer:
    """Holds claims until their round."""
    return ClaimMixer(**_of(parts, "config", "schedule", "store", "chain"), relay=relaying)


def sweeps(parts: Core, relaying: ClaimRelay) -> PayeeSweeps:
    """Sends payees' tokens on."""
    return PayeeSweeps(**_of(parts, "config", "keys", "domain", "store", "chain"), relay=relaying)


def moves(parts: Core, ask: Ask) -> Moves:
    """Moves contents between servers."""
    needed = _of(parts, "keys", "schedule", "store", "chain", "songs")
    return Moves(**needed, ask=ask, every_s=parts.config.content_age_s)


def retention(parts: Core) -> Retention:
    """Deletes old rows."""
    needed = _of(parts, "schedule", "store", "chain", "songs")
    config = parts.config
    return Retention(**needed, keep_days=config.keep_days, keep_receipts_days=config.keep_receipts_days)
