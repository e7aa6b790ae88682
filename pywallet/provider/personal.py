"""Messages of personal_sign: texts (EIP-191), and sign-in texts (EIP-4361)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pywallet.crypto import keccak256
from pywallet.encoding.hex import checksum, from_hex
from pywallet.errors import InputError
from pywallet.provider.safe_text import is_invisible, visible

MAX_BYTES: Final = 64 * 1024
CLOCK_LAG_S: Final = 300
"""Most that this computer's clock may be behind the site's, seconds."""
_FIRST: Final = re.compile(r"(?:([a-zA-Z][a-zA-Z0-9+.-]*)://)?(\S+) wants you to sign in with your Ethereum account:\Z")
# Looser than the standard, so that a text similar to a sign-in is checked as one.
_SIMILAR: Final = "wants you to sign in with your"
_TIME: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9:]{8}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
# The standard's lines in the standard's order, each once, and no other.
_FORM: Final = re.compile(
    r"[^\n]+\n0x[0-9A-Fa-f]{40}\n\n(?:[^\n]+\n|\n)?\n?URI: \S+\nVersion: 1\nChain ID: [0-9]+\nNonce: [A-Za-z0-9]{8,}\n"
    rf"Issued At: {_TIME}(?:\nExpiration Time: {_TIME})?(?:\nNot Before: {_TIME})?(?:\nRequest ID: "
    rf"[^\n]*)?(?:\nResources:(?:\n- \S+)*)?\Z"
)
_FIELD: Final = re.compile(r"(URI|Version|Chain ID|Nonce|Issued At|Expiration Time|Not Before|Request ID): (.*)\Z")


def personal_digest(data: bytes) -> bytes:
    """Digest of a message: keccak of its EIP-191 version 0x45 form."""
    return keccak256(b"\x19Ethereum Signed Message:\n%d" % len(data) + data)


@dataclass(frozen=True)
class SignIn:
    """A sign-in text.

    ``wrong`` lists its parts that do not fit the site: domain, scheme, account, chain, uri, form, time.
    """

    domain: str
    uri: str
    nonce: str
    wrong: tuple[str, ...]


@dataclass(frozen=True)
class Personal:
    """A message.

    Attributes:
        data: Its bytes.
        text: The text with invisible characters escaped; None where the bytes are no text.
        hidden: True if the text has invisible characters.
        sign_in: The sign-in text, if it is one.
    """

    data: bytes
    text: str | None
    hidden: bool
    sign_in: SignIn | None


def read_personal(message: str, origin: str, account: bytes, chain_id: int, now_s: int | None = None) -> Personal:
    """Parse a message that a site requests to sign.

    Args:
        message: The message as the site sends it: 0x-hex, or text.
        origin: Origin of the site by the browser; a sign-in for another domain is phishing.
        account: Address of the signing account, 20 bytes.
        chain_id: Number of the site's network.
        now_s: Time by which a sign-in must be valid, Unix seconds; None: times are not checked.

    Raises:
        InputError: ``message.schema`` for a message that is too long or no valid Unicode.
    """
    data = _bytes(message)
    if len(data) > MAX_BYTES:
        raise InputError("message.schema", field="data", reason=f"at most {MAX_BYTES} bytes")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return Personal(data, None, False, None)
    if any((ord(c) < 32 and c not in "\n\r\t") or 127 <= ord(c) < 160 for c in text):
        return Personal(data, None, False, None)
    lines = text.replace("\r\n", "\n")
    shown = visible(lines)
    # Doubled backslashes escape no invisible character.
    hidden = shown.replace("\\", "") != lines.replace("\\", "")
    return Personal(data, shown, hidden, _sign_in(text, origin, account, chain_id, now_s))


def _bytes(message: str) -> bytes:
    if message[:2].lower() == "0x":
        try:
            return from_hex("0x" + message[2:])
        except InputError:
            pass
    try:
        return message.encode()
    except UnicodeEncodeError:
        raise InputError("message.schema", field="data", reason="half a character") from None


def _sign_in(text: str, origin: str, account: bytes, chain_id: int, now_s: int | None) -> SignIn | None:
    lines = text.replace("\r\n", "\n").split("\n")
    if _SIMILAR not in " ".join(text.casefold().split()):
        return None
    first = _FIRST.match(lines[0])
    fields = {found[1]: found[2] for line in lines[2:] if (found := _FIELD.match(line))}
    if first is None:
        return SignIn("", visible(fields.get("URI", "")), "", ("form",))
    scheme, _, host = origin.partition("://")
    wrong = []
    # No other normalisation than lower case: a similar letter is another domain.
    if first[2].lower() != host:
        wrong.append("domain")
    if first[1] is not None and first[1].lower() != scheme:
        wrong.append("scheme")
    if len(lines) < 2 or lines[1] != checksum(account):
        wrong.append("account")
    if fields.get("Chain ID") != str(chain_id):
        wrong.append("chain")
    uri = fields.get("URI", "")
    if uri.lower() != origin and not uri.lower().startswith((origin + "/", origin + "?", origin + "#")):
        wrong.append("uri")
    if not _FORM.match("\n".join(lines)) or any(is_invisible(c) for c in text if c != "\r"):
        wrong.append("form")
    if now_s is not None and not _in_time(fields, now_s):
        wrong.append("time")
    return SignIn(visible(first[2]), visible(uri), visible(fields.get("Nonce", "")), tuple(wrong))


def _in_time(fields: Mapping[str, str], now_s: int) -> bool:
    """True if a sign-in is valid at a time; False also for a malformed time."""
    try:
        issued, expires, begins = (
            datetime.fromisoformat(fields[name].upper()).timestamp() if name in fields else None
            for name in ("Issued At", "Expiration Time", "Not Before")
        )
    except (ValueError, OverflowError):
        return False
    late = now_s + CLOCK_LAG_S
    return (
        (issued is None or issued <= late)
        and (begins is None or begins <= late)
        and (expires is None or expires > now_s)
    )
