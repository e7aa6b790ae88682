"""Wallet operations, as JavaScript calls them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pywallet.encoding.hex import from_hex, to_b64, to_hex
from pywallet.errors import GomaaError
from pywallet.protocol import (
    Claim,
    Domain,
    Session,
    Signed,
    digest,
    signer,
)
from pywallet.rewards.points_request import PointsRequest
from pywallet.worker_api import call, call_json, wallet

WORDS = "test test test test test test test test test test test junk"
ACCOUNT = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"
STATION, DEVICE, SERVER, OTHER = (to_hex(bytes([n]) * 20) for n in (1, 2, 3, 4))
WHERE = {"chain_id": 31337, "settlement": to_hex(b"\x5e" * 20)}
DOMAIN = Domain(31337, b"\x5e" * 20)
ASKED = {**WHERE, "station": STATION, "device": DEVICE, "now_s": 1_800_000_000, "days": 7, "rewards": True}


@pytest.fixture(autouse=True)
def _locked() -> Iterator[None]:
    wallet._open = None
    yield
    wallet._open = None


async def unlock() -> None:
    """Open the known wallet without a vault, which takes a while."""
    await wallet._unlock(WORDS)


async def failing(op: str, payload: dict[str, Any]) -> str:
    """The code with which an operation fails."""
    with pytest.raises(GomaaError) as caught:
        await call(op, payload)
    return caught.value.code


async def test_from_proposal_to_lock() -> None:
    """A created wallet would open with another account, or the vault show the words."""
    words = (await call("wallet.propose", {"words": 12}))["mnemonic"]
    made = await call("wallet.create", {"mnemonic": words, "password": "a good password"})
    assert made["locked"] is False
    assert words.split()[0].encode() not in made["vault"].encode()
    assert await call("wallet.lock", {}) == {"locked": True, "account": None}
    assert await failing("session.sign", ASKED) == "wallet.locked"
    opened = await call("wallet.open", {"vault": made["vault"], "password": "a good password"})
    assert opened == {"locked": False, "account": made["account"]}
    assert await call("wallet.status", {}) == opened


async def test_words_are_checked_before_a_wallet_is_created() -> None:
    """An abbreviated, misspelt or misplaced word would not be reported."""
    words = [
        "legal",
        "winner",
        "thank",
        "year",
        "wave",
        "sausage",
        "worth",
        "useful",
        "legal",
        "winner",
        "thank",
        "yellow",
    ]
    short = " ".join(word[:4] for word in words)
    assert await call("wallet.spelling", {"words": short}) == {"words": words, "slips": [], "size": True, "holds": True}
    slipped = await call("wallet.spelling", {"words": " ".join(words).replace("sausage", "susage").upper()})
    assert [slip["position"] for slip in slipped["slips"]] == [6]
    assert slipped["slips"][0]["near"][0] == "sausage"
    assert slipped["holds"] is False
    assert await call("wallet.spelling", {"words": " ".join(reversed(words))}) == {
        "words": words[::-1],
        "slips": [],
        "size": True,
        "holds": False,
    }
    for ending in ("", "xylophoned"):
        told = await call("wallet.spelling", {"words": " ".join([*words[:11], ending])})
        assert told["holds"] is False
        assert told["size"] is (ending != "")


@pytest.mark.parametrize("size", [12, 15, 18, 21, 24])
async def test_words_of_every_size_are_a_wallet(size: int) -> None:
    """A mnemonic of some length would not open."""
    words = (await call("wallet.propose", {"words": size}))["mnemonic"]
    assert await call("wallet.spelling", {"words": words}) == {
        "words": words.split(),
        "slips": [],
        "size": True,
        "holds": True,
    }
    assert (await call("wallet.create", {"mnemonic": words, "password": "a good password"}))["locked"] is False


async def test_a_locked_wallet_has_no_keys() -> None:
    """An operation would work without unlocking."""
    assert await call("wallet.status", {}) == {"locked": True, "account": None}
    for op in ("session.sign", "claim.sign", "payees", "candidates"):
        assert await failing(op, {}) == "wallet.locked"


async def test_bad_words_passwords_and_vaults() -> None:
    """An error would have another code, or open the wallet."""
    assert (
        await failing("wallet.create", {"mnemonic": WORDS + " junk", "password": "a good password"})
        == "wallet.mnemonic"
    )
    assert await failing("wallet.create", {"mnemonic": WORDS, "password": "short"}) == "wallet.password.weak"
    assert await failing("wallet.open", {"vault": "%%%", "password": "a good password"}) == "wallet.vault"
    assert await failing("wallet.open", {"vault": to_b64(b"damaged"), "password": "a good password"}) == "wallet.vault"
    assert (await call("wallet.status", {}))["locked"] is True


async def test_a_session() -> None:
    """A session would have another signer, time or number."""
    await unlock()
    made = await call("session.sign", ASKED)
    signed = Signed.from_json(Session, made["session"])
    session = signed.message
    assert signer(signed, DOMAIN) == session.listener
    assert (to_hex(session.station), to_hex(session.device), to_hex(session.payee)) == (STATION, DEVICE, made["payee"])
    assert session.not_before <= 1_800_000_000 < session.not_after == made["expires_s"] == 1_800_000_000 + 7 * 86_400
    assert made["number"] == 500_000
    assert made["id"] == to_hex(digest(session, DOMAIN))
    again = await call("payees", {"stations": [{"station": STATION, "numbers": [1, made["number"]]}]})
    assert [entry["payee"] for entry in again["payees"]][1] == made["payee"]


async def test_the_times_of_a_session_are_rounded() -> None:
    """Two stations could link a fan by the error of the clock."""
    await unlock()
    hour_s = 1_800_000_000
    made = [
        (await call("session.sign", {**ASKED, "now_s": hour_s + at}))["session"]["message"] for at in (0, 1, 97, 3_599)
    ]
    assert all(one == made[0] for one in made)
    assert (await call("session.sign", {**ASKED, "now_s": hour_s + 3_600}))["session"]["message"] != made[0]


async def test_a_session_without_rewards() -> None:
    """A session without rewards would have a payee."""
    await unlock()
    made = await call("session.sign", {**ASKED, "rewards": False})
    assert (made["payee"], made["number"]) == ("0x" + "00" * 20, None)


async def test_a_points_request() -> None:
    """A request would be valid at another station, site or time, or a locked wallet sign."""
    await unlock()
    session = Signed.from_json(Session, (await call("session.sign", ASKED))["session"]).message
    asked = {"station": STATION, "domain": "harbour.example", "time_s": 1_800_000_000, "what": "buy shirt 9"}
    signature = from_hex((await call("points.sign", asked))["signature"], 65)
    word = PointsRequest(from_hex(STATION, 20), "harbour.example", 1_800_000_000, "buy shirt 9")
    assert word.listener(signature, 1_800_000_000) == session.listener
    for change in ({"domain": "other.example"}, {"command": "look"}, {"time_s": 1_800_000_001}, {"station": bytes(20)}):
        assert replace(word, **change).listener(signature, 1_800_000_000) != session.listener
    await call("wallet.lock", {})
    with pytest.raises(GomaaError, match=r"wallet\.locked"):
        await call("points.sign", asked)


async def test_a_claim() -> None:
    """A claim would have another signer or recipient."""
    await unlock()
    made = await call("session.sign", ASKED)
    asked = {
        **WHERE,
        "server": SERVER,
        "epoch": 77,
        "station": STATION,
        "number": made["number"],
        "payee": made["payee"],
    }
    signed = Signed.from_json(Claim, (await call("claim.sign", asked))["claim"])
    assert to_hex(signer(signed, DOMAIN)) == to_hex(signed.message.payee) == made["payee"]
    assert (to_hex(signed.message.to), signed.message.epoch, signed.message.tip) == (ACCOUNT, 77, 0)
    elsewhere = Signed.from_json(Claim, (await call("claim.sign", {**asked, "to": OTHER, "tip": "5"}))["claim"])
    assert (to_hex(elsewhere.message.to), elsewhere.message.tip) == (OTHER, 5)


@pytest.mark.parametrize(
    "change", [{"payee": OTHER}, {"to": "0x" + "00" * 20}, {"number": -1}, {"tip": 5}, {"epoch": "77"}]
)
async def test_a_malformed_claim_is_refused(change: dict[str, Any]) -> None:
    """A claim of another payee or to the zero address would be signed."""
    await unlock()
    asked = {**WHERE, "server": SERVER, "epoch": 77, "station": STATION, "number": 1, **change}
    assert await failing("claim.sign", asked) == "message.schema"


@pytest.mark.parametrize(
    "change",
    [
        {"station": "0x01"},
        {"device": None},
        {"chain_id": 0},
        {"chain_id": "31337"},
        {"now_s": 1.5},
        {"days": 0},
        {"days": 91},
        {"days": True},
        {"rewards": "no"},
        {"number": 1 << 31},
    ],
)
async def test_a_malformed_session_is_refused(change: dict[str, Any]) -> None:
    """A session with malformed fields would be signed."""
    await unlock()
    assert await failing("session.sign", {**ASKED, **change}) == "message.schema"


async def test_json_in_and_out() -> None:
    """Results or errors would not be JSON."""
    assert json.loads(await call_json("wallet.status", "{}")) == {
        "ok": True,
        "result": {"locked": True, "account": None},
    }
    refused = json.loads(await call_json("session.sign", json.dumps(ASKED)))
    assert refused["ok"] is False
    assert refused["error"]["code"] == "wallet.locked"
    assert refused["error"]["message"]


@pytest.mark.parametrize(
    ("op", "payload"),
    [
        ("wallet.destroy", "{}"),
        ("wallet.status", "[]"),
        ("wallet.status", "{"),
        ("wallet.status", ""),
        ("payees", "[" * 5_000),
    ],
)
async def test_other_json_is_refused(op: str, payload: str) -> None:
    """An unknown operation or malformed JSON would raise."""
    assert json.loads(await call_json(op, payload))["error"]["code"] == "message.schema"


async def test_an_unexpected_exception_is_internal_without_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception's text could reveal a secret."""

    def broken(words: int) -> str:
        raise RuntimeError(WORDS)

    monkeypatch.setattr("pywallet.wallet.mnemonic.propose", broken)
    answer = await call_json("wallet.propose", "{}")
    assert json.loads(answer)["error"]["code"] == "internal"
    assert "RuntimeError" in answer
    assert "junk" not in answer


async def test_the_blob_may_be_any_bytes() -> None:
    """Bytes would not reach an operation, or null would."""
    for blob in (None, b"", bytearray(b"x"), memoryview(b"x"), object()):
        assert json.loads(await call_json("wallet.status", "{}", blob))["ok"] is True


RECORDED: Any = json.loads((Path(__file__).parents[3] / "vectors" / "vault.json").read_text())


@pytest.mark.long
async def test_an_old_vault_is_encrypted_again_when_opened() -> None:
    """A vault of version 1 would stay, or a current one be replaced."""
    old = {"vault": RECORDED["cpython"], "password": RECORDED["password"]}
    opened = await call("wallet.open", old)
    again = await call("wallet.open", {**old, "vault": opened["vault"]})
    assert again == {"locked": False, "account": opened["account"]}
    assert await call("wallet.words", {**old, "vault": opened["vault"]}) == await call("wallet.words", old)


async def test_the_words_need_the_password() -> None:
    """An open wallet would give its words without the password."""
    old = {"vault": RECORDED["cpython"], "password": RECORDED["password"]}
    assert (await call("wallet.words", old))["mnemonic"] == RECORDED["secret"]
    assert (await call("wallet.status", {}))["locked"] is True
    await unlock()
    assert await failing("wallet.words", {**old, "password": "wrong wrong"}) == "wallet.password"


@pytest.mark.long
async def test_a_changed_password() -> None:
    """The old password would open, or a weak one be accepted."""
    old = {"vault": RECORDED["cpython"], "password": RECORDED["password"]}
    changed = (await call("wallet.password", {**old, "new": "another password"}))["vault"]
    assert (await call("wallet.words", {"vault": changed, "password": "another password"}))["mnemonic"] == RECORDED[
        "secret"
    ]
    assert await failing("wallet.words", {**old, "vault": changed}) == "wallet.password"
    assert await failing("wallet.password", {**old, "new": "short"}) == "wallet.password.weak"
    assert (
        await failing("wallet.password", {**old, "password": "wrong wrong", "new": "another password"})
        == "wallet.password"
    )
