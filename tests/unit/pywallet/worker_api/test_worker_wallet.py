"""The engine's wallet operations, as JavaScript calls them."""

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
    """Propose, create, lock, open: the same account, and the vault alone doesn't show the words."""
    words = (await call("wallet.propose", {"words": 12}))["mnemonic"]
    made = await call("wallet.create", {"mnemonic": words, "password": "a good password"})
    assert made["locked"] is False
    assert words.split()[0].encode() not in made["vault"].encode()
    assert await call("wallet.lock", {}) == {"locked": True, "account": None}
    assert await failing("session.sign", ASKED) == "wallet.locked"
    opened = await call("wallet.open", {"vault": made["vault"], "password": "a good password"})
    assert opened == {"locked": False, "account": made["account"]}
    assert await call("wallet.status", {}) == opened


async def test_words_are_looked_at_before_a_wallet_is_made_of_them() -> None:
    """Beginnings of four letters are made whole, a slip is named with what it may be, a wrong order is told from
    both.
    """
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
    """Proposed, looked at and opened."""
    words = (await call("wallet.propose", {"words": size}))["mnemonic"]
    assert await call("wallet.spelling", {"words": words}) == {
        "words": words.split(),
        "slips": [],
        "size": True,
        "holds": True,
    }
    assert (await call("wallet.create", {"mnemonic": words, "password": "a good password"}))["locked"] is False


async def test_nothing_is_open_before() -> None:
    """Without unlocking, the status is locked and everything that needs keys says so."""
    assert await call("wallet.status", {}) == {"locked": True, "account": None}
    for op in ("session.sign", "claim.sign", "payees", "candidates"):
        assert await failing(op, {}) == "wallet.locked"


async def test_bad_words_passwords_and_vaults() -> None:
    """Each has its own code, and a failure opens nothing."""
    assert (
        await failing("wallet.create", {"mnemonic": WORDS + " junk", "password": "a good password"})
        == "wallet.mnemonic"
    )
    assert await failing("wallet.create", {"mnemonic": WORDS, "password": "short"}) == "wallet.password.weak"
    assert await failing("wallet.open", {"vault": "%%%", "password": "a good password"}) == "wallet.vault"
    assert await failing("wallet.open", {"vault": to_b64(b"damaged"), "password": "a good password"}) == "wallet.vault"
    assert (await call("wallet.status", {}))["locked"] is True


async def test_a_session() -> None:
    """Signed by the station's own listener key for seven days; the number is the hour, so the payee is found again."""
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


async def test_the_times_of_a_session_tell_the_hour_and_nothing_of_the_clock() -> None:
    """To the second, two stations could tell a fan by how far the clock goes wrong, or by sessions that were signed at
    one moment.
    """
    await unlock()
    hour_s = 1_800_000_000
    made = [
        (await call("session.sign", {**ASKED, "now_s": hour_s + at}))["session"]["message"] for at in (0, 1, 97, 3_599)
    ]
    assert all(one == made[0] for one in made)
    assert (await call("session.sign", {**ASKED, "now_s": hour_s + 3_600}))["session"]["message"] != made[0]


async def test_a_session_without_rewards() -> None:
    """Payee zero and no number."""
    await unlock()
    made = await call("session.sign", {**ASKED, "rewards": False})
    assert (made["payee"], made["number"]) == ("0x" + "00" * 20, None)


async def test_a_word_about_points() -> None:
    """Signed by the key of sessions at that station, for that site, time and wish only.

    Nothing while the wallet is locked.
    """
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
    """Signed by the payee, to the account unless another address is given."""
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
async def test_a_strange_claim_is_not_signed(change: dict[str, Any]) -> None:
    """Another's payee, the zero address and fields of a wrong kind are message.schema."""
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
async def test_a_strange_session_is_not_signed(change: dict[str, Any]) -> None:
    """Fields of a wrong kind and days out of range are message.schema."""
    await unlock()
    assert await failing("session.sign", {**ASKED, **change}) == "message.schema"


async def test_json_in_and_out() -> None:
    """Results and expected errors are data."""
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
    """Unknown operations, other values and broken text are message.schema."""
    assert json.loads(await call_json(op, payload))["error"]["code"] == "message.schema"


async def test_a_mistake_of_ours_is_internal_and_tells_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected exception becomes code internal with its class only, never its text."""

    def broken(words: int) -> str:
        raise RuntimeError(WORDS)

    monkeypatch.setattr("pywallet.wallet.mnemonic.propose", broken)
    answer = await call_json("wallet.propose", "{}")
    assert json.loads(answer)["error"]["code"] == "internal"
    assert "RuntimeError" in answer
    assert "junk" not in answer


async def test_the_blob_may_be_any_bytes() -> None:
    """Bytes of any kind reach an operation; JavaScript's null does not."""
    for blob in (None, b"", bytearray(b"x"), memoryview(b"x"), object()):
        assert json.loads(await call_json("wallet.status", "{}", blob))["ok"] is True


RECORDED: Any = json.loads((Path(__file__).parents[3] / "vectors" / "vault.json").read_text())


@pytest.mark.long
async def test_an_old_vault_is_sealed_anew_when_it_is_opened() -> None:
    """Opening version 1 gives back a vault of today with the same words; opening that one gives none."""
    old = {"vault": RECORDED["cpython"], "password": RECORDED["password"]}
    opened = await call("wallet.open", old)
    again = await call("wallet.open", {**old, "vault": opened["vault"]})
    assert again == {"locked": False, "account": opened["account"]}
    assert await call("wallet.words", {**old, "vault": opened["vault"]}) == await call("wallet.words", old)


async def test_the_words_come_out_behind_the_password_alone() -> None:
    """An open wallet gives its words to nobody who doesn't know the password; reading them opens nothing."""
    old = {"vault": RECORDED["cpython"], "password": RECORDED["password"]}
    assert (await call("wallet.words", old))["mnemonic"] == RECORDED["secret"]
    assert (await call("wallet.status", {}))["locked"] is True
    await unlock()
    assert await failing("wallet.words", {**old, "password": "wrong wrong"}) == "wallet.password"


@pytest.mark.long
async def test_a_changed_password() -> None:
    """The new one opens, the old one doesn't; a weak one and a wrong old one change nothing."""
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
