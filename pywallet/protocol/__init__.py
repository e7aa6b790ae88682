"""Signed messages (docs/protocol.md section 2): EIP-712 structs, their digests and signatures."""

from pywallet.protocol.actions import Action
from pywallet.protocol.details import (
    SettledLine,
    StatementLine,
    receipt_detail,
    settled_lines_hash,
    statement_lines_hash,
)
from pywallet.protocol.digests import (
    destruction_digest,
    hello_digest,
    receipts_digest,
    statement_digest,
    upload_digest,
)
from pywallet.protocol.signing import (
    Signed,
    compact,
    require_signer,
    sign,
    signer,
)
from pywallet.protocol.structs import (
    Claim,
    Domain,
    Invocation,
    Message,
    Receipt,
    Session,
    Statement,
    Sweep,
    Ticket,
    Voucher,
    digest,
)

__all__ = [
    "Action",
    "Claim",
    "Domain",
    "Invocation",
    "Message",
    "Receipt",
    "Session",
    "SettledLine",
    "Signed",
    "Statement",
    "StatementLine",
    "Sweep",
    "Ticket",
    "Voucher",
    "compact",
    "destruction_digest",
    "digest",
    "hello_digest",
    "receipt_detail",
    "receipts_digest",
    "require_signer",
    "settled_lines_hash",
    "sign",
    "signer",
    "statement_digest",
    "statement_lines_hash",
    "upload_digest",
]
