"""Wallet operations: create, unlock, lock, sign sessions and claims, derive payees."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from pywallet.encoding.hex import from_b64, to_b64, to_hex
from pywallet.errors import InputError, WalletError
from pywallet.protocol import digest
from pywallet.rewards.recovery import HOURS
from pywallet.wallet import mnemonic, vault
from pywallet.wallet.derivation import HARDENED
from pywallet.wallet.keyring import Keyring
from pywallet.worker_api.fields import Payload

Handler = Callable[[Payload, bytes | None], Awaitable[dict[str, Any]]]

_MAX_S: Final = 1 << 53
_HOUR_S: Final = 3600
_DAY_S: Final = 86_400
_MAX_DAYS: Final = 90
# Difference between the clocks of host and server: a session must not begin in the server's future.
_BACKDATED_S: Final = 60

_open: Keyring | None = None


def keyring() -> Keyring:
    """The keys of the open wallet. Raises WalletError wallet.locked."""
    if _open is None:
        raise WalletError("wallet.locked")
    return _open


async def _unlock(words: str) -> dict[str, Any]:
    global _open
    _open = Keyring(await mnemonic.seed(words))
    return await status(Payload({}))


async def propose(payload: Payload, blob: bytes | None = None) -> dict[str, Any]:
    """{words: 12|15|18|21|24} → {mnemonic}: a new BIP 39 mnemonic; not stored."""
    return {"mnemonic": mnemonic.propose(payload.integer("words", 1, 24, 12))}


async def spelling(payload: Payload, blob: bytes | None = None) -> dict[str, Any]:
    """{words (as typed)} → {words (list, completed), slips: [{position from 1, near (list)}], size, holds}.

    Suggests corrections for misspelt words. ``size``: the number of words is a valid one; ``holds``: the BIP 39
    checksum is right.
    """
    checked = mnemonic.spelling(payload.text("words"))
    slips = [{"position": slip.position, "near": list(slip.suggestions)} for slip in checked.slips]
    return {
        "words": list(checked.words),
        "slips": slips,
        "size": len(checked.words) in mnemonic.SIZES,
        "holds": checked.holds,
    }


async def create(payload: Payload, blob: bytes | None = None) -> dict[str, Any]:
    """{mnemonic, password} → {vault (base64, for the engine to store), locked, account}.

    The wallet is unlocked afterwards.
    """
    words = mnemonic.check(payload.text("mnemonic"))
    sealed = await vault.seal(words.encode(), payload.text("password"))
    return {"vault": to_b64(sealed), **await _unlock(words)}


async def open_vault(payload: Payload, blob: bytes | None = None) -> dict[str, Any]:
    """{vault (base64), password} → {locked, account, vault?}. Errors wallet.password, wallet.vault.

    ``vault`` is present when the stored one has an older format: the same words re-encrypted, to replace it.
    """
    stored, password = _stored(payload), payload.text("password")
    words = (await vault.unseal(stored, password)).decode()
    opened = await _unlock(words)
    if not vault.is_current(stored):
        opened["vault"] = to_b64(await vault.seal(words.encode(), password))
    return opened


async def words(payload: Payload, blob: bytes | None = None) -> dict[str, Any]:
    """{vault (base64), password} → {mnemonic}: the recovery words; the wallet stays as it is."""
    return {"mnemonic": (await vault.unseal(_stored(payload), payload.text("password"))).decode()}


async def change_password(payload: Payload, blob: bytes | None = None) -> dict[str, Any]:
    """{vault (base64), password, new} → {vault (base64)} under the new password.

    Errors wallet.password, wallet.password.weak.
    """
    secret = await vault.unseal(_stored(payload), payload.text("password"))
    return {"vault": to_b64(await vault.seal(secret, payload.text("new")))}


def _stored(payload: Payload) -> bytes:
    try:
        return from_b64(payload.text("vault"))
    except InputError:
        raise WalletError("wallet.vault", reason="not base64") from None


async def lock(payload: Payload, blob: bytes | None = None) -> dict[str, Any]:
    """{} → {locked: true, account: null}; drops the seed and every derived key."""
    global _open
    _open = None
    return await status(payload)


async def status(payload: Payload, blob: bytes | None = None) -> dict[str, Any]:
    """{} → {locked, account (hex) or null}."""
    return {"locked": _open is None, "account": None if _open is None else to_hex(_open.account)}


async def sign_session(payload: Payload, blob: bytes | None = None) -> dict[str, Any]:
    """{station, device, chain_id, settlement, now_s, days, rewards, number?} → {session, id, payee, number, expires_s}.

    ``number`` selects the payee; the default is the hour of ``now_s`` since 1970, so that a restored wallet finds
    its payees by enumerating hours. Without rewards, payee is the zero address and number null. The session begins at
    the full hour of ``now_s`` and lasts ``days``: rounded times reveal neither the time of the signature nor the
    clock's error.
    """
    keys = keyring()
    now_s = payload.integer("now_s", 0, _MAX_S)
    days = payload.integer("days", 1, _MAX_DAYS, 7)
    station, domain = payload.address("station"), payload.domain()
    number: int | None = None
    if payload.flag("rewards", True):
        number = payload.integer("number", 0, HARDENED - 1, now_s // _HOUR_S % HARDENED)
    begin_s = now_s - now_s % _HOUR_S
    until = begin_s + days * _DAY_S
    signed = keys.sign_session(
        domain, station, payload.address("device"), number, max(0, begin_s - _BACKDATED_S), until
    )
    return {
        "session": signed.to_json(),
        "id": to_hex(digest(signed.message, domain)),
        "payee": to_hex(signed.message.payee),
        "number": number,
        "expires_s": until,
    }


async def sign_claim(payload: Payload, blob: bytes | None = None) -> dict[str, Any]:
    """{chain_id, settlement, server, epoch, station, number, payee?, to?, tip?} → {claim}.

    ``to`` defaults to the wallet's account, ``tip`` (wei) to 0. Error message.schema for a payee
    that the wallet does not derive for that station and number.
    """
    keys = keyring()
    station, number = payload.address("station"), payload.integer("number", 0, HARDENED - 1)
    if payload.has("payee") and payload.address("payee") != keys.payee(station, number):
        raise InputError("message.schema", field="payee", reason="not this wallet's")
    to = payload.address("to") if payload.has("to") else None
    if to is not None and not any(to):
        raise InputError("message.schema", field="to", reason="the zero address")
    server, epoch = payload.address("server"), payload.integer("epoch", 0, _MAX_S)
    signed = keys.sign_claim(payload.domain(), server, epoch, station, number, to, payload.amount("tip", 0))
    return {"claim": signed.to_json()}


async def payees(payload: Payload, blob: bytes | None = None) -> dict[str, Any]:
    """{stations: [{station, numbers: […]}]} → {payees: [{station, number, payee}]}."""
    keys = keyring()
    out = []
    for entry in payload.parts("stations"):
        station = entry.address("station")
        numbers = entry.integers("numbers", 0, HARDENED - 1)
        (addresses,) = keys.payees([(station, numbers)])
        for number, payee in zip(numbers, addresses, strict=True):
            out.append({"station": to_hex(station), "number": number, "payee": to_hex(payee)})
    return {"payees": out}


async def candidates(payload: Payload, blob: bytes | None = None) -> dict[str, Any]:
    """{wants: [{station, day (since 1970)}], 64 at most} → {candidates: [{station, day, payees (base64)}]}.

    ``payees``: the addresses of the day's 24 hourly sessions, 20 bytes each; the host searches published data for them.
    """
    keys = keyring()
    wants = [
        (entry.address("station"), entry.integer("day", 0, (HARDENED - 1) // HOURS - 1))
        for entry in payload.parts("wants")
    ]
    derived = keys.payees([(station, range(day * HOURS, (day + 1) * HOURS)) for station, day in wants])
    return {
        "candidates": [
            {"station": to_hex(station), "day": day, "payees": to_b64(b"".join(payees))}
            for (station, day), payees in zip(wants, derived, strict=True)
        ]
    }


OPS: Final[dict[str, Handler]] = {
    "wallet.propose": propose,
    "wallet.spelling": spelling,
    "wallet.create": create,
    "wallet.open": open_vault,
    "wallet.words": words,
    "wallet.password": change_password,
    "wallet.lock": lock,
    "wallet.status": status,
    "session.sign": sign_session,
    "claim.sign": sign_claim,
    "payees": payees,
    "candidates": candidates,
}
