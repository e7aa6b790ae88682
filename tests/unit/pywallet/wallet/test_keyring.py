"""Messages that an unlocked wallet signs."""

from __future__ import annotations

import pytest

from pywallet.encoding.hex import ZERO_ADDRESS
from pywallet.protocol import Domain, signer
from pywallet.wallet.keyring import Keyring

DOMAIN = Domain(31337, b"\x5e" * 20)
STATION, OTHER, DEVICE, SERVER = (bytes([n]) * 20 for n in (1, 2, 3, 4))


@pytest.fixture(scope="module")
def keyring() -> Keyring:
    """A wallet of a known seed."""
    return Keyring(bytes(range(64)))


def test_a_session_is_signed_by_the_listener_key(keyring: Keyring) -> None:
    """A session would reveal the account, or have another station's keys."""
    signed = keyring.sign_session(DOMAIN, STATION, DEVICE, 9, 100, 200)
    session = signed.message
    assert signer(signed, DOMAIN) == session.listener == keyring.listener(STATION)
    assert (session.station, session.device, session.not_before, session.not_after) == (STATION, DEVICE, 100, 200)
    assert session.payee == keyring.payee(STATION, 9)
    assert (
        len({session.listener, session.payee, keyring.account, keyring.listener(OTHER), keyring.payee(OTHER, 9)}) == 5
    )


def test_declined_rewards(keyring: Keyring) -> None:
    """A session without rewards would have a payee or another listener."""
    signed = keyring.sign_session(DOMAIN, STATION, DEVICE, None, 100, 200)
    assert signed.message.payee == ZERO_ADDRESS
    assert signed.message.listener == keyring.listener(STATION)


def test_a_claim_is_signed_by_its_payee(keyring: Keyring) -> None:
    """A claim would have another signer, recipient or tip."""
    signed = keyring.sign_claim(DOMAIN, SERVER, 5, STATION, 9)
    assert signer(signed, DOMAIN) == signed.message.payee == keyring.payee(STATION, 9)
    assert (signed.message.to, signed.message.tip) == (keyring.account, 0)
    assert keyring.sign_claim(DOMAIN, SERVER, 5, STATION, 9, OTHER, 7).message.to == OTHER


def test_a_keyring_shows_no_secrets(keyring: Keyring) -> None:
    """Repr or str would contain the seed or a key."""
    shown = repr(keyring) + str(keyring) + repr(keyring.private_key)
    assert bytes(range(64)).hex()[:16] not in shown
    assert keyring.private_key("m/0'").hex()[:16] not in shown
