"""Filter of errors in responses of a station or security server, which may be hostile.

A person is shown this program's own sentence for a code. A code is accepted only if it is registered and in an area of
that side, otherwise it is replaced by ``station.answer`` or ``server.answer``. Of a detail only numbers, hexadecimal
and single words are kept; texts are dropped.
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
"""Areas (first words) of the codes accepted from a side; none of this computer, its wallet, player or host."""

_VALUE: Final = re.compile(r"0x[0-9a-fA-F]{1,130}|-?[0-9]{1,78}|[a-z][a-z_]{0,23}")
_MAX_INTEGER: Final = 1 << 128


def code_from(side: Side, code: Any) -> str:
    """A code from a response, or ``station.answer`` or ``server.answer`` in its place."""
    accepted = isinstance(code, str) and code in SENTENCES and code.partition(".")[0] in AREAS[side]
    return str(code) if accepted else f"{side}.answer"


def details_from(detail: Any) -> dict[str, Any]:
    """The registered fields of a detail whose value is a number, hexadecimal or a single word."""
    if not isinstance(detail, Mapping):
        return {}
    return {name: value for name, value in detail.items() if name in PUBLIC_DETAIL and _is_plain(value)}


def error_from(side: Side, error: Any, **own: Any) -> GomaaError:
    """Convert the error of a response to an exception.

    Args:
        side: Side that sent the response.
        error: The response's ``error``.
        own: Further fields of the detail, such as the address.
    """
    fields = error if isinstance(error, Mapping) else {}
    code = code_from(side, fields.get("code"))
    kind = Unavailable if code.endswith((".unreachable", ".answer")) else Refusal
    return kind(code, **{**details_from(fields.get("detail")), **own})


def _is_plain(value: Any) -> bool:
    if value is None or isinstance(value, bool):
        return True
    if isinstance(value, int):
        return abs(value) < _MAX_INTEGER
    return isinstance(value, str) and _VALUE.fullmatch(value) is not None
