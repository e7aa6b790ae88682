"""Requests of web pages to sign: texts, typed data and contract calls, parsed and rendered for approval.

Source: EIP-191, EIP-712, EIP-4361.
"""

from pywallet.provider.calls import Call, argument_tree, read_call
from pywallet.provider.personal import Personal, SignIn, personal_digest, read_personal
from pywallet.provider.typed import TypedData, read_typed
from pywallet.provider.typed_tree import TypedDataView, view_of
from pywallet.provider.types import Types

__all__ = [
    "Call",
    "Personal",
    "SignIn",
    "TypedData",
    "TypedDataView",
    "Types",
    "argument_tree",
    "personal_digest",
    "read_call",
    "read_personal",
    "read_typed",
    "view_of",
]
