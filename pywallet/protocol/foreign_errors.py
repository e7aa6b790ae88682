"""The rule for errors that a station or a security server answers: which codes count, and what of a detail is kept.

Whoever answers may be hostile, and what it answers is shown to a person as our sentence. So a code counts only where it
is registered and about what that side decides; anything else becomes one code that says so. Texts never count, and of a
detail only numbers, hexadecimal and single words are kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal

from pywallet.errors import PUBLIC_DETAIL, SENTENCES, GomaaError, Refusal, Unavailable

Side = Literal["station", "server"]

_BOTH: Final = (
    "chain",
    "content",
    "invocation",
    "message",
    "policy",
    "server",
    "session",
    "station",
    "statement",
    "ticket",
    "voucher",
)
AREAS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {"station": frozenset(_BOTH), "server": frozenset((*_BOTH, "claim", "lease", "listener", "sps"))}
)
"""First words of the codes that a side may answer: nothing of this computer, its wallet, sites, player or host."""

_VALUE: Final = re.compile(r"0x[0-9a-fA-F]{1,130}|-?[0-9]{1,78}|[a-z][a-z_]{0,23}")
_FURTHEST: Final = 1 << 128


def code_from(side: Side, code: Any) -> str:
    """A code that a side answered, or ``station.answer`` or ``server.answer`` in its place."""
    good = isinstance(code, str) and code in SENTENCES and code.partition(".")[0] in AREAS[side]
    return str(code) if good else f"{side}.answer"


def details_from(detail: Any) -> dict[str, Any]:
    """What of an answered detail is kept: registered fields with a number, hexadecimal or a single word."""
    if not isinstance(detail, Mapping):
        return {}
    return {name: value for name, value in detail.items() if name in PUBLIC_DETAIL and _plain(value)}


def error_from(side: Side, error: Any, **own: Any) -> GomaaError:
    """The error that a side answered, as an exception of ours.

    Args:
        side: Who answered.
        error: The value of the answer's ``error``.
        own: Fields of the detail that we know ourselves, such as the address.
    """
    said = error if isinstance(error, Mapping) else {}
    code = code_from(side, said.get("code"))
    kind = Unavailable if code.endswith((".unreachable", ".answer")) else Refusal
    return kind(code, **{**details_from(said.get("detail")), **own})


def _plain(value: Any) -> bool:
    if value is None or isinstance(value, bool):
        return True
    if isinstance(value, int):
        return abs(value) < _FURTHEST
    return isinstance(value, str) and _VALUE.fullmatch(value) is not None
