"""The door through which the extension's Worker calls the core.

``call`` takes an operation's name and a JSON-like payload; ``call_json`` is the
same for JavaScript, with errors as data. The unlocked seed lives in this
package's state and nowhere else; ``wallet.lock`` forgets it.

Operations: wallet.propose, wallet.spelling, wallet.create, wallet.open, wallet.words,
wallet.password, wallet.lock, wallet.status, session.sign, claim.sign, payees
(pywallet.engine.purse); account, recipient, amount, transfer, transaction.sign
(pywallet.engine.money); voucher.sign, listener, escrow.calls, points.sign (pywallet.engine.paying);
sweep.sign (pywallet.engine.sweeping);
typed.read, typed.sign, personal.read, personal.sign, call.read
(pywallet.engine.requests);
header.load, terms, player.begin, player.event, stream.close
(pywallet.engine.songs). Each function's docstring gives payload and result.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from pywallet.engine import money, paying, purse, requests, songs, sweeping
from pywallet.engine.fields import Payload
from pywallet.errors import GomaaError, InputError

_OPS: Final = {**purse.OPS, **money.OPS, **paying.OPS, **sweeping.OPS, **requests.OPS, **songs.OPS}


async def call(op: str, payload: Mapping[str, Any], blob: bytes | None = None) -> dict[str, Any]:
    """Run one operation. ``blob`` carries what would be wasteful as text (a header). Raises GomaaError."""
    handler = _OPS.get(op)
    if handler is None:
        raise InputError("message.schema", field="op", op=op)
    return await handler(Payload(payload), blob)


def _bytes(blob: Any) -> bytes | None:
    # JavaScript's null and undefined arrive as objects of their own, a Uint8Array as a proxy.
    if hasattr(blob, "to_bytes") and not isinstance(blob, int):
        return bytes(blob.to_bytes())
    return bytes(blob) if isinstance(blob, (bytes, bytearray, memoryview)) else None


async def call_json(op: str, payload_json: str, blob: Any = None) -> str:
    """``{"ok": true, "result": …}`` or ``{"ok": false, "error": {code, message, detail}}``; never raises.

    ``blob`` may be bytes or a Uint8Array of the browser.
    """
    try:
        payload = json.loads(payload_json)
        if not isinstance(payload, dict):
            raise InputError("message.schema", field="payload", reason="an object expected")
        result = await call(op, payload, _bytes(blob))
        return json.dumps({"ok": True, "result": result}, ensure_ascii=False)
    except GomaaError as e:
        error = e
    except (json.JSONDecodeError, RecursionError):
        error = InputError("message.schema", field="payload", reason="not JSON")
    except Exception as e:  # a mistake of ours must reach the page as data too
        # The class only: an exception's text might hold words or keys.
        error = GomaaError("internal", type=type(e).__name__)
    return json.dumps({"ok": False, "error": error.to_json()}, ensure_ascii=False)
