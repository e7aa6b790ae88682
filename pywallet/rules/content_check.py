"""Check of a content's header against its contract. Each component passes the state that it has read itself."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from pywallet.errors import GomaaError


class Flags(Protocol):
    """Flags of a content's contract."""

    @property
    def revoked(self) -> bool:
        """True once the owner has withdrawn it: it is not played any more."""

    @property
    def destroyed(self) -> bool:
        """True once the owner has ordered its keys and copies to be destroyed."""


class OnChainContent(Flags, Protocol):
    """State of a content's contract."""

    @property
    def owner(self) -> bytes:
        """Address of its owner, 20 bytes."""

    @property
    def policy_hash(self) -> bytes:
        """Hash of its terms, 32 bytes."""


class ContentFault(NamedTuple):
    """Reason for which a content is not played: code and detail of the error."""

    code: str
    detail: dict[str, Any]

    def error(self, kind: type[GomaaError]) -> GomaaError:
        """The error to raise."""
        return kind(self.code, **self.detail)


def withdrawal(flags: Flags) -> str | None:
    """Code of a withdrawn content: ``content.destroyed``, ``content.revoked``, or None where it is not withdrawn."""
    if flags.destroyed:
        return "content.destroyed"
    return "content.revoked" if flags.revoked else None


def terms_fault(state: OnChainContent, policy_hash: bytes) -> ContentFault | None:
    """The fault of a header whose terms are not the contract's, or None."""
    if state.policy_hash == policy_hash:
        return None
    return ContentFault("sps.policy.mismatch", {"header": policy_hash.hex(), "chain": state.policy_hash.hex()})


def content_fault(
    state: OnChainContent | None, content: bytes, owner: bytes, policy_hash: bytes
) -> ContentFault | None:
    """The first difference between a header and its contract.

    Args:
        state: The content's contract; None where the registry has created none at this address.
        content: Address of the content, 20 bytes.
        owner: Owner by the header, 20 bytes.
        policy_hash: Hash of the terms in the header, 32 bytes.

    Returns:
        The fault with ``content.unknown``, ``content.owner`` or ``sps.policy.mismatch``, or None.
    """
    if state is None:
        return ContentFault("content.unknown", {"content": content.hex()})
    if state.owner != owner:
        return ContentFault("content.owner", {"header": owner.hex(), "chain": state.owner.hex()})
    return terms_fault(state, policy_hash)
