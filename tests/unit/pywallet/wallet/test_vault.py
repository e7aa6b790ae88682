"""The vault."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pywallet.encoding import cbor
from pywallet.encoding.hex import from_b64
from pywallet.errors import WalletError
from pywallet.wallet import vault

RECORDED: Any = json.loads((Path(__file__).parents[3] / "vectors" / "vault.json").read_text())
STORED = from_b64(RECORDED["cpython"])
PASSWORD = RECORDED["password"]


async def code_of(stored: bytes, password: str = PASSWORD) -> str:
    """The code with which a vault is refused."""
    with pytest.raises(WalletError) as caught:
        await vault.unseal(stored, password)
    return caught.value.code


@pytest.mark.parametrize("maker", ["cpython", "pyodide"])
async def test_a_vault_opens_on_the_other_platform(maker: str) -> None:
    """A vault of CPython would not open under Pyodide, or the reverse."""
    assert (await vault.unseal(from_b64(RECORDED[maker]), PASSWORD)).decode() == RECORDED["secret"]


async def test_a_password_may_be_typed_in_another_form() -> None:
    """A password typed on another system would be wrong."""
    assert (await vault.unseal(STORED, RECORDED["password_other_form"])).decode() == RECORDED["secret"]


async def test_a_new_vault_is_encrypted_and_random() -> None:
    """The secret would be readable, or two vaults share random values."""
    secret = b"twelve words"
    one, two = await vault.seal(secret, "password"), await vault.seal(secret, "password")
    assert await vault.unseal(one, "password") == secret
    assert secret not in one
    first, second = cbor.loads(one), cbor.loads(two)
    assert all(first[name] != second[name] for name in ("salt", "nonce", "data", "sum"))
    assert first["iterations"] >= 600_000


@pytest.mark.parametrize(
    "password", ["", "password", PASSWORD + " ", PASSWORD[:-1], PASSWORD.upper(), "\ud800 lone surrogate"]
)
async def test_a_wrong_password(password: str) -> None:
    """A wrong password would open, or be reported as damage."""
    assert await code_of(STORED, password) == "wallet.password"


async def test_every_damaged_byte_is_damage() -> None:
    """Damage would be reported as a wrong password."""
    for at in range(len(STORED)):
        damaged = bytearray(STORED)
        damaged[at] ^= 0x01
        assert await code_of(bytes(damaged)) == "wallet.vault", at


async def test_a_truncated_vault_is_damage() -> None:
    """Missing or additional bytes would be reported as a wrong password."""
    for stored in (
        *(STORED[:end] for end in range(0, len(STORED), 7)),
        STORED + b"\0",
        b"\xff" * 100,
        bytes(5000),
        cbor.dumps([1]),
        cbor.dumps({}),
    ):
        assert await code_of(stored) == "wallet.vault"


def forged(**changes: Any) -> bytes:
    """A vault with changed fields and a right sum."""
    fields = {**cbor.loads(STORED), **changes}
    del fields["sum"]
    return cbor.dumps({**fields, "sum": vault._sum(fields)})


@pytest.mark.parametrize(
    "changes",
    [
        {"v": 2},
        {"v": True},
        {"kdf": "pbkdf2-sha512"},
        {"cipher": "aes-128-gcm"},
        {"iterations": 599_999},
        {"iterations": 1 << 40},
        {"iterations": "600000"},
        {"salt": b""},
        {"nonce": bytes(11)},
        {"data": "text"},
        {"more": 1},
    ],
)
async def test_other_parameters_are_not_tried(changes: Any) -> None:
    """Weaker or slower parameters would be used."""
    assert await code_of(forged(**changes)) == "wallet.vault"


@pytest.mark.parametrize(
    "changes", [{"iterations": 600_001}, {"salt": bytes(16)}, {"nonce": bytes(12)}, {"data": bytes(40)}, {"data": b""}]
)
async def test_forged_parameters_do_not_open(changes: Any) -> None:
    """Changed parameters with a right sum would open the vault."""
    assert await code_of(forged(**changes)) == "wallet.password"


async def test_weak_passwords_and_few_rounds_are_refused() -> None:
    """A short password or few iterations would be accepted."""
    with pytest.raises(WalletError) as caught:
        await vault.seal(b"secret", "1234567")
    assert caught.value.code == "wallet.password.weak"
    with pytest.raises(ValueError, match="iterations"):
        await vault.seal(b"secret", "12345678", 599_999)


@pytest.mark.long
async def test_the_size_of_a_vault_is_constant() -> None:
    """The size would reveal the number of words."""
    few, many = await vault.seal(b"one " * 12, "password"), await vault.seal(b"wonderful " * 24, "password")
    assert len(few) == len(many)
    assert await vault.unseal(many, "password") == b"wonderful " * 24


async def test_a_vault_of_version_1_opens_and_is_not_current() -> None:
    """An old vault would not open, or never be encrypted again."""
    assert cbor.loads(STORED)["v"] == 1
    assert not vault.is_current(STORED)
    assert vault.is_current(await vault.seal(b"secret", "password"))
    with pytest.raises(WalletError):
        vault.is_current(STORED[:-1])


async def test_a_vault_of_a_later_version_is_not_tried() -> None:
    """A vault of another version would be decrypted."""
    assert await code_of(forged(v=3, kdf="pbkdf2-sha512")) == "wallet.vault"


async def test_a_secret_that_does_not_fit_is_refused() -> None:
    """A long secret would be truncated."""
    with pytest.raises(ValueError, match="510"):
        await vault.seal(bytes(511), "password")
