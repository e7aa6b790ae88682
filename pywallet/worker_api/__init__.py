"""Operations of the core that the extension's Worker calls.

``call`` takes an operation's name and a JSON-like payload; ``call_json`` is the same for JavaScript, with errors as
data. The unlocked seed is held in this package only; ``wallet.lock`` drops it.

Operations: wallet.propose, wallet.spelling, wallet.create, wallet.open, wallet.words,
wallet.password, wallet.lock, wallet.status, session.sign, claim.sign, payees
(pywallet.worker_api.wallet); account, recipient, amount, transfer, transaction.sign
(pywallet.worker_api.accounts); voucher.sign, listener, escrow.calls, points.sign (pywallet.worker_api.listening_money);
sweep.sign (pywallet.worker_api.payee_sweep);
typed.read, typed.sign, personal.read, personal.sign, call.read
(pywallet.worker_api.signing_requests);
header.load, terms, player.pays, mark.check, stream.close
(pywallet.worker_api.songs). Each function's docstring gives payload and result.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from pywallet.errors import GomaaError, InputError
from pywallet.worker_api import (
    accounts,
    listening_money,
    payee_sweep,
    signing_requests,
    songs,
    wallet,
)
from pywallet.worker_api.fields import Payload

_OPS: Final = {
    **wallet.OPS,
    **accounts.OPS,
    **listening_money.OPS,
    **payee_sweep.OPS,
    **signing_requests.OPS,
    **songs.OPS,
}


async def call(op: str, payload: Mapping[str, Any], blob: bytes | None = None) -> dict[str, Any]:
    """Run one operation.

    Args:
        op: Name of the operation.
        payload: Its JSON-like payload.
        blob: Binary part of the payload (a signed header).

    Raises:
        GomaaError: ``message.schema`` for an unknown operation; otherwise as the operation.
    """
    handler = _OPS.get(op)
    if handler is None:
        raise InputError("message.schema", field="op", op=op)
    return await handler(Payload(payload), blob)


def _bytes(blob: Any) -> bytes | None:
    # JavaScript's null and undefined arrive as objects of own types, a Uint8Array as a proxy.
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
    except Exception as e:  # defects reach the engine as data too
        # The class only: an exception's text might contain recovery words or keys.
        error = GomaaError("internal", type=type(e).__name__)
    return json.dumps({"ok": False, "error": error.to_json()}, ensure_ascii=False)
