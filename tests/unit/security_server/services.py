"""Services of the security server over given parts, as ``create_app`` builds them."""

from __future__ import annotations

from typing import Any

from security_server.billing.billing import Billing
from security_server.billing.books import Resynchronisation
from security_server.billing.claim_mixing import ClaimMixer
from security_server.billing.claim_relay import ClaimRelay
from security_server.billing.epoch_transactions import EpochTransactions
from security_server.billing.fair_slots import EpochBounds
from security_server.billing.payee_sweeps import PayeeSweeps
from security_server.billing.receipts import Receipts
from security_server.content.serving import Serving
from security_server.content.takeover import RequestHandover, Takeover
from security_server.epochs.chain_events import ChainEvents
from security_server.epochs.challenge_responder import ChallengeResponder
from security_server.epochs.closing import EpochCloser
from security_server.epochs.publishing import EpochPublisher
from security_server.parts import ServerParts
from security_server.playback.admission import Admission
from security_server.playback.invocation_facts import InvocationFacts
from security_server.playback.key_service import KeyService
from security_server.retention import Retention


def _of(parts: ServerParts, *names: str) -> dict[str, Any]:
    """The named parts as keyword arguments."""
    return {name: getattr(parts, name) for name in names}


def publisher(parts: ServerParts) -> EpochPublisher:
    """Proofs of closed epochs."""
    return EpochPublisher(**_of(parts, "keys", "store", "chain", "agreement"))


def closer(parts: ServerParts, publishing: EpochPublisher) -> EpochCloser:
    """Closes and posts."""
    needed = _of(parts, "keys", "schedule", "store", "chain", "hosts", "agreement")
    return EpochCloser(**needed, publishing=publishing, every_s=parts.config.close_every_s)


def responder(parts: ServerParts, publishing: EpochPublisher, closing: EpochCloser) -> ChallengeResponder:
    """Answers challenges."""
    needed = _of(parts, "keys", "schedule", "store", "chain")
    events = ChainEvents(parts.store, parts.chain)
    every_s = parts.config.close_every_s
    return ChallengeResponder(**needed, publishing=publishing, closing=closing, events=events, every_s=every_s)


def receipts(parts: ServerParts) -> Receipts:
    """Pushes and returns receipts."""
    return Receipts(**_of(parts, "address", "store", "chain", "hosts"))


def transactions(parts: ServerParts) -> EpochTransactions:
    """Runs transactions about payers."""
    needed = _of(parts, "keys", "domain", "schedule", "store", "chain")
    return EpochTransactions(**needed, bounds=EpochBounds.from_config(parts.config))


def billing(parts: ServerParts) -> Billing:
    """Statements and vouchers."""
    needed = _of(parts, "keys", "domain", "schedule", "store", "chain", "agreement")
    return Billing(**needed, receipts=receipts(parts), transactions=transactions(parts))


def resynchronisation(parts: ServerParts) -> Resynchronisation:
    """Resynchronises payers."""
    return Resynchronisation(**_of(parts, "keys", "domain", "store", "chain"), transactions=transactions(parts))


def relay(parts: ServerParts, publishing: EpochPublisher | None = None) -> ClaimRelay:
    """Relays claims."""
    needed = _of(parts, "config", "keys", "domain", "store", "chain")
    return ClaimRelay(**needed, publishing=publishing or publisher(parts))


def mixer(parts: ServerParts, relaying: ClaimRelay) -> ClaimMixer:
    """Holds claims until their round."""
    return ClaimMixer(**_of(parts, "config", "schedule", "store", "chain"), relay=relaying)


def sweeps(parts: ServerParts, relaying: ClaimRelay) -> PayeeSweeps:
    """Transfers payees' tokens."""
    return PayeeSweeps(**_of(parts, "config", "keys", "domain", "store", "chain"), relay=relaying)


def serving(parts: ServerParts) -> Serving:
    """Server of a content in each epoch."""
    return Serving(**_of(parts, "address", "schedule", "store", "chain"))


def takeover(parts: ServerParts, request_handover: RequestHandover) -> Takeover:
    """Takes contents over."""
    needed = _of(parts, "keys", "schedule", "store", "chain", "songs")
    return Takeover(**needed, serving=serving(parts), request_handover=request_handover)


def admission(parts: ServerParts, taking: Takeover) -> Admission:
    """Opens tickets."""
    needed = _of(parts, "config", "keys", "domain", "schedule", "store", "chain", "songs", "agreement")
    return Admission(**needed, takeover=taking)


def key_service(parts: ServerParts) -> KeyService:
    """Gives keys and counts."""
    facts = InvocationFacts(**_of(parts, "config", "domain", "schedule", "store", "chain", "songs"))
    limits = {"silence_s": parts.config.silence_s, "buffer_s": parts.config.buffer_s}
    return KeyService(store=parts.store, songs=parts.songs, facts=facts, serving=serving(parts), **limits)


def retention(parts: ServerParts) -> Retention:
    """Deletes old rows."""
    needed = _of(parts, "schedule", "store", "chain", "songs")
    config = parts.config
    return Retention(**needed, keep_days=config.keep_days, keep_receipts_days=config.keep_receipts_days)
