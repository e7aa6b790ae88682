"""The types of the core's operations in JavaScript, held against what the operations read and return."""

from __future__ import annotations

import json
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pywallet import worker_api
from pywallet.encoding.hex import to_b64, to_hex
from pywallet.policy import ACTIONS
from pywallet.worker_api import songs, wallet
from tests.unit.pywallet.provider.test_personal import ACCOUNT, ORIGIN, SIGN_IN
from tests.unit.pywallet.provider.typed_samples import mail

ROOT = Path(__file__).parents[3]
TYPES = ROOT / "extension" / "engine" / "core_operations"
RECORDED: Any = json.loads((ROOT / "tests" / "vectors" / "sps" / "song.json").read_text())
FILE = bytes.fromhex(RECORDED["file"])
COSE = FILE[12 : 12 + int.from_bytes(FILE[8:12], "big")]
WORDS = "test test test test test test test test test test test junk"
PASSWORD = "a password of the types"
STATION, SERVER, TOKEN, RELAYER, SETTLEMENT = (to_hex(bytes([n]) * 20) for n in (1, 2, 3, 4, 5))
NOW_S = 1_800_000_000
DOMAIN = {"chain_id": 31337, "settlement": SETTLEMENT}


class Recorded(dict[str, Any]):
    """A payload that records which of its fields are read, at every level."""

    def __init__(self, fields: dict[str, Any]) -> None:
        super().__init__({name: _recorded(value) for name, value in fields.items()})
        self.read: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        """Value of a field."""
        self.read.add(name)
        return super().get(name, default)

    def check(self) -> None:
        """Fails where a nested object has other fields than those that were read."""
        for value in self.values():
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, Recorded):
                    assert part.read == set(part)
                    part.check()


def _recorded(value: Any) -> Any:
    if isinstance(value, dict):
        return Recorded(value)
    return [_recorded(item) for item in value] if isinstance(value, list) else value


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    wallet._open = None
    songs._songs.clear()
    yield
    wallet._open = None
    songs._songs.clear()


def _song_calls() -> Iterator[tuple[str, dict[str, Any]]]:
    stream = {"stream": "one"}
    yield "header.load", {**stream, "header": to_b64(COSE), "codecs": ["flac"], "kbps": 900}
    uses = dict.fromkeys(sorted(ACTIONS), 1)
    usage = {"plays": 1, "seeks": 1, "seconds": 1, "first_play_s": NOW_S, "counts": uses, "last_s": uses}
    context = {
        "now_s": NOW_S,
        "domain": "radio.example",
        "wallet": True,
        "revoked": False,
        "destroyed": False,
        "territory": "CH",
        "purpose": "private",
        "devices": 1,
        "device_known": True,
        "streams": 1,
        "renewed_s": NOW_S,
        "position_s": 1,
        "rolled_back": False,
    }
    names = {"station": "Radio"}
    shown = {"usage": usage, "context": context, "names": names, "language": "en", "bps": 1000, "rewards": True}
    yield "terms", {**stream, **shown}
    yield "player.pays", {**stream, "on": True}
    yield "mark.check", {**stream, "segment": 0, "soft": [0.5] * 420}
    yield "stream.close", stream


def _wallet_calls(vault: str) -> Iterator[tuple[str, dict[str, Any]]]:
    stored = {"vault": vault, "password": PASSWORD}
    account, payee = to_hex(wallet.keyring().account), to_hex(wallet.keyring().payee(bytes.fromhex(STATION[2:]), 9))
    payer = to_hex(wallet.keyring().listener(bytes.fromhex(STATION[2:])))
    yield "wallet.open", stored
    yield "wallet.words", stored
    yield "wallet.password", {**stored, "new": PASSWORD + "!"}
    yield "wallet.status", {}
    session = {"station": STATION, "device": SERVER, "now_s": NOW_S, "days": 7}
    yield "session.sign", {**DOMAIN, **session, "rewards": True, "number": 9}
    yield "session.sign", {**DOMAIN, **session, "rewards": False}
    claim = {"server": SERVER, "epoch": 1, "station": STATION, "number": 9, "payee": payee}
    yield "claim.sign", {**DOMAIN, **claim, "to": SERVER, "tip": "1"}
    yield "payees", {"stations": [{"station": STATION, "numbers": [9]}]}
    yield "candidates", {"wants": [{"station": STATION, "day": 20_000}]}
    yield "account", {"index": 1}
    yield "recipient", {"text": account}
    yield "amount", {"text": "1.5", "zero": False}
    yield "transfer", {"to": SERVER, "amount_wei": "1"}
    fees = {"chain_id": 31337, "nonce": 7, "gas": 60_000, "tip_wei": "1", "max_fee_wei": "7"}
    yield "transaction.sign", {**fees, "index": 1, "to": TOKEN, "data": "0x", "value_wei": "0"}
    yield "transaction.sign", {**fees, "station": STATION, "to": TOKEN, "data": "0x"}
    voucher = {"server": SERVER, "payer": payer, "station": STATION, "cap_wei": "1", "until": 1}
    yield "voucher.sign", {**DOMAIN, **voucher}
    yield "listener", {"station": STATION}
    yield "escrow.calls", {"settlement": SETTLEMENT, "server": SERVER, "payer": payer, "to": TOKEN, "amount_wei": "1"}
    yield "points.sign", {"station": STATION, "domain": "radio.example", "time_s": 1, "what": "look"}
    sweep = {"chain_id": 31337, "token": TOKEN, "station": STATION, "number": 9, "payee": payee, "amount_wei": "7"}
    terms = {"nonce": 2, "deadline": NOW_S}
    yield "sweep.sign", {**sweep, **terms, "index": 1}
    yield "sweep.sign", {**sweep, **terms, "to": SERVER, "relayer": RELAYER, "settlement": SETTLEMENT}
    typed = {"data": mail(), "chain_id": 1, "own": [SETTLEMENT]}
    yield "typed.read", typed
    yield "typed.sign", {**typed, "index": 0, "account": account}
    site = {"origin": ORIGIN, "account": to_hex(ACCOUNT), "chain_id": 31337}
    yield "personal.read", {**site, "data": SIGN_IN, "now_s": NOW_S}
    yield "personal.read", {**site, "data": "0xff"}
    yield "personal.sign", {"hex": "0xff", "index": 0, "account": account}
    approval = "0x095ea7b3" + "00" * 12 + "07" * 20 + "ff" * 32
    yield "call.read", {"data": approval, "standard": "erc20", "account": account}
    yield "wallet.lock", {}


async def test_types_of_the_core(tmp_path: Path) -> None:
    """Every operation has a type; its arguments are the fields that are read, its result is what is returned."""
    sent: dict[str, list[Any]] = defaultdict(list)
    results: dict[str, list[Any]] = defaultdict(list)
    read: dict[str, set[str]] = defaultdict(set)

    async def run(op: str, fields: dict[str, Any]) -> Any:
        payload = Recorded(fields)
        result = await worker_api.call(op, payload)
        payload.check()
        assert payload.read >= set(payload), op
        read[op] |= payload.read
        sent[op].append(fields)
        results[op].append(result)
        return result

    for op, fields in _song_calls():
        await run(op, fields)
    await run("wallet.propose", {"words": 12})
    await run("wallet.spelling", {"words": "tset test"})
    created = await run("wallet.create", {"mnemonic": WORDS, "password": PASSWORD})
    for op, fields in _wallet_calls(created["vault"]):
        await run(op, fields)
    assert set(results) == set(worker_api._OPS)

    module = json.dumps(str(TYPES))
    literals = {
        '{[Op in keyof Ops]: Ops[Op]["arguments"][]}': sent,
        '{[Op in keyof Ops]: Ops[Op]["result"][]}': results,
        # Also an argument that no call has is one that the operation does not read.
        '{[Op in keyof Ops]: Record<keyof Ops[Op]["arguments"], true>}': {
            op: dict.fromkeys(sorted(names), True) for op, names in read.items()
        },
    }
    lines = [f"import type {{CoreOperations as Ops}} from {module};"]
    lines += [
        f"export const checked{i}: {kind} = {json.dumps(value)};" for i, (kind, value) in enumerate(literals.items())
    ]
    (tmp_path / "checked.ts").write_text("\n".join(lines))
    tsc = [ROOT / "node_modules" / ".bin" / "tsc", "--noEmit", "--strict", "--target", "es2023", "checked.ts"]
    done = subprocess.run(tsc, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[:4000]
