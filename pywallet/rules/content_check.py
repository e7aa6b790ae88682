"""Whether a content is what its header says, by what the chain has of it. Each component reads its own facts."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from pywallet.errors import GomaaError


class Flags(Protocol):
    """Flags of a content's contract."""

    @property
    def revoked(self) -> bool:
        """The owner has withdrawn it: nothing is played any more."""

    @property
    def destroyed(self) -> bool:
        """The owner has asked for its keys and copies to be destroyed."""


class ContentState(Flags, Protocol):
    """A content's contract as the chain has it."""

    @property
    def owner(self) -> bytes:
        """Address of its owner, 20 bytes."""

    @property
    def policy_hash(self) -> bytes:
        """Hash of its terms, 32 bytes."""


class Fault(NamedTuple):
    """Why a content is not played: the error's code and detail."""

    code: str
    detail: dict[str, Any]

    def error(self, kind: type[GomaaError]) -> GomaaError:
        """The error to raise."""
        return kind(self.code, **self.detail)


def withdrawal(flags: Flags) -> str | None:
    """Code of a withdrawn content, ``content.destroyed`` or ``content.revoked``; None: not withdrawn."""
    if flags.destroyed:
        return "content.destroyed"
    return "content.revoked" if flags.revoked else None


def terms_fault(state: ContentState, policy_hash: bytes) -> Fault | None:
    """The fault of a header with other terms than the chain's."""
    if state.policy_hash == policy_hash:
        return None
    return Fault("sps.policy.mismatch", {"header": policy_hash.hex(), "chain": state.policy_hash.hex()})


def content_fault(state: ContentState | None, content: bytes, owner: bytes, policy_hash: bytes) -> Fault | None:
    """The first difference between a header and the chain.

    Args:
        state: The content's contract; None where the registry has made none at this address.
        content: Address of the content, 20 bytes.
        owner: Owner by the header, 20 bytes.
        policy_hash: Hash of the terms in the header, 32 bytes.

    Returns:
        The fault with ``content.unknown``, ``content.owner`` or ``sps.policy.mismatch``, or None.
    """
    if state is None:
        return Fault("content.unknown", {"content": content.hex()})
    if state.owner != owner:
        return Fault("content.owner", {"header": owner.hex(), "chain": state.owner.hex()})
    return terms_fault(state, policy_hash)
