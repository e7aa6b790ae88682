"""Messages of personal_sign and sign-ins."""

from __future__ import annotations

import pytest

from pywallet.crypto import recover
from pywallet.encoding.hex import checksum, to_hex
from pywallet.errors import GomaaError, InputError
from pywallet.provider import personal_digest, read_personal
from pywallet.worker_api import call
from tests.unit.pywallet.provider.typed_samples import mail

ACCOUNT = bytes.fromhex("c02aaa39b223fe8d0a0e5c4f27ead9083c756cc2")
ORIGIN = "https://tunes.example"
SIGN_IN = f"""tunes.example wants you to sign in with your Ethereum account:
{checksum(ACCOUNT)}

I accept the terms

URI: https://tunes.example/login
Version: 1
Chain ID: 31337
Nonce: 32891756
Issued At: 2026-09-30T16:25:24Z"""


def wrong(text: str, origin: str = ORIGIN, now_s: int | None = None) -> tuple[str, ...]:
    """Parts of a sign-in that do not fit the site."""
    read = read_personal(text, origin, ACCOUNT, 31337, now_s)
    assert read.sign_in is not None
    return read.sign_in.wrong


def test_texts_are_displayed_and_other_bytes_are_hex() -> None:
    """Bytes would be displayed as text, or invisible characters hidden."""
    for asked in ("Hello 世界\n", to_hex("Hello 世界\n".encode())):
        read = read_personal(asked, ORIGIN, ACCOUNT, 1)
        assert (read.text, read.hidden, read.sign_in) == ("Hello 世界\n", False, None)
    for asked in ("0x00", "0xff", to_hex(b"\x1b[2J"), to_hex(b"\xc2\x85")):
        assert read_personal(asked, ORIGIN, ACCOUNT, 1).text is None
    hidden = read_personal("a\u202eb\u200b\ufe0f", ORIGIN, ACCOUNT, 1)
    assert (hidden.text, hidden.hidden) == ("a\\u{202e}b\\u{200b}\\u{fe0f}", True)
    assert read_personal("0xzz", ORIGIN, ACCOUNT, 1).text == "0xzz"
    with pytest.raises(InputError):
        read_personal("\ud800", ORIGIN, ACCOUNT, 1)
    with pytest.raises(InputError):
        read_personal("x" * 65_537, ORIGIN, ACCOUNT, 1)


def test_a_sign_in_for_another_site_account_or_chain_is_wrong() -> None:
    """A sign-in for another site, account or network would be signed without a warning."""
    assert wrong(SIGN_IN) == ()
    assert wrong("https://" + SIGN_IN) == ()
    assert wrong(SIGN_IN, "https://evil.example") == ("domain", "uri")
    assert wrong(SIGN_IN, "https://tunes.example:444") == ("domain", "uri")
    assert wrong("http://" + SIGN_IN) == ("scheme",)
    assert wrong(SIGN_IN.replace(checksum(ACCOUNT), checksum(ACCOUNT).lower())) == ("account",)
    assert wrong(SIGN_IN.replace("31337", "1")) == ("chain",)
    assert wrong(SIGN_IN.replace("https://tunes.example/", "https://tunes.example.evil/")) == ("uri",)
    assert wrong(SIGN_IN.replace("32891756", "1")) == ("form",)
    assert wrong(SIGN_IN.replace("tunes.example wants", "tunes.еxample wants")) == ("domain",)


def test_a_sign_in_of_another_form_is_wrong() -> None:
    """Repeated, reordered, additional or invisible lines would pass."""
    for good in (
        SIGN_IN.replace("I accept the terms\n", ""),
        SIGN_IN + "\nExpiration Time: 2026-10-01T00:00:00.000Z\nNot Before: 2026-09-01T00:00:00+02:00\nRequest ID: "
        "5\nResources:\n- https://a.example",
        SIGN_IN.replace("\n", "\r\n"),
    ):
        assert wrong(good) == (), good
    for bad in (
        SIGN_IN + "\nURI: https://tunes.example/other",
        SIGN_IN.replace("I accept the terms", "I accept the terms\nChain ID: 1"),
        SIGN_IN.replace("I accept the terms", "I accept\u200b the terms"),
        SIGN_IN.replace("Version: 1\n", "").replace("URI", "Version: 1\nURI"),
        SIGN_IN + "\n\nI also sell my house",
        SIGN_IN.replace("2026-09-30T16:25:24Z", "today"),
        SIGN_IN.replace("Nonce: 32891756", "Nonce: 3289-1756"),
    ):
        assert "form" in wrong(bad), bad


NOW_S = 1_790_785_600
"""2026-09-30T16:26:40Z."""


@pytest.mark.parametrize(
    ("lines", "good"),
    [
        ("", True),
        ("\nExpiration Time: 2026-09-30T16:30:00Z", True),
        ("\nExpiration Time: 2026-09-30T16:26:40Z", False),
        ("\nExpiration Time: 2026-09-30T18:26:00+02:00", False),
        ("\nExpiration Time: 2020-01-01T00:00:00.000Z", False),
        ("\nNot Before: 2026-09-30T16:00:00Z", True),
        ("\nNot Before: 2026-10-30T16:00:00Z", False),
        ("\nExpiration Time: 2026-99-99T99:99:99Z", False),
    ],
)
def test_a_sign_in_outside_its_time_is_wrong(lines: str, good: bool) -> None:
    """An expired, future or malformed time would pass."""
    assert wrong(SIGN_IN + lines, now_s=NOW_S) == (() if good else ("time",))
    assert wrong(SIGN_IN, now_s=NOW_S - 86_400) == ("time",)


def test_only_invisible_characters_are_reported() -> None:
    """A visible backslash would be reported, or whitespace that hides text would not."""
    read = read_personal("a\\u{41}", ORIGIN, ACCOUNT, 1)
    assert (read.text, read.hidden) == ("a\\\\u{41}", False)
    read = read_personal("a" + "\n" * 500 + "I give you my house", ORIGIN, ACCOUNT, 1)
    assert (read.text or "").count("\n") == 3
    assert read.hidden


def test_a_text_similar_to_a_sign_in_is_checked() -> None:
    """A sign-in in another form would pass as a plain text."""
    assert wrong("\n" + SIGN_IN) == ("form",)
    assert wrong(SIGN_IN.replace("wants you to sign", "wants  you to SIGN")) == ("form",)


async def test_the_operations_sign_the_displayed_bytes() -> None:
    """Other bytes than the displayed ones would be signed, or a locked wallet would sign."""
    words = (await call("wallet.propose", {"words": 12}))["mnemonic"]
    opened = await call("wallet.create", {"mnemonic": words, "password": "a good password"})
    account = opened["account"]
    asked = {"data": mail(), "chain_id": 1, "own": ["0x" + "55" * 20]}
    read = await call("typed.read", asked)
    signature = (await call("typed.sign", {**asked, "index": 0, "account": account}))["signature"]
    assert to_hex(recover(bytes.fromhex(read["digest"][2:]), bytes.fromhex(signature[2:]))) == account
    text = await call("personal.read", {"data": "hello", "origin": ORIGIN, "account": account, "chain_id": 1})
    assert (text["text"], text["hex"]) == ("hello", "0x68656c6c6f")
    late = {"data": SIGN_IN, "origin": ORIGIN, "account": to_hex(ACCOUNT), "chain_id": 31337, "now_s": 1}
    assert (await call("personal.read", late))["sign_in"]["wrong"] == ["time"]
    signature = (await call("personal.sign", {"index": 0, "hex": text["hex"], "account": account}))["signature"]
    assert to_hex(recover(personal_digest(b"hello"), bytes.fromhex(signature[2:]))) == account
    assert (await call("call.read", {"data": "0x", "standard": "none", "account": account}))["kind"] == "coin"
    with pytest.raises(GomaaError):
        await call("personal.sign", {"index": 1, "hex": "0x00", "account": account})
    await call("wallet.lock", {})
    with pytest.raises(GomaaError) as caught:
        await call("typed.sign", {**asked, "index": 0})
    assert caught.value.code == "wallet.locked"


@pytest.mark.parametrize("asked", ["0x68e282ac", "0X68E282AC", "0x68E282aC"])
def test_hex_is_parsed_in_any_case(asked: str) -> None:
    """The case of a prefix or digit would change the bytes."""
    assert read_personal(asked, ORIGIN, ACCOUNT, 1).text == "h\u20ac"
