"""What a site may ask the account to sign, read and shown before it is signed (EIP-191, EIP-712, EIP-4361, calls of
contracts).
"""

from pywallet.provider.calls import Call, node, read_call
from pywallet.provider.personal import Personal, SignIn, personal_digest, read_personal
from pywallet.provider.typed import TypedData, read_typed
from pywallet.provider.typed_tree import TypedDataView, show
from pywallet.provider.types import Types

__all__ = [
    "Call",
    "Personal",
    "SignIn",
    "TypedData",
    "TypedDataView",
    "Types",
    "node",
    "personal_digest",
    "read_call",
    "read_personal",
    "read_typed",
    "show",
]
