"""The keys of an unlocked wallet and what they sign."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import islice

from pywallet.crypto import address_of, keccak256, public_keys
from pywallet.encoding.hex import ZERO_ADDRESS
from pywallet.protocol import (
    Claim,
    Domain,
    Session,
    Signed,
    Sweep,
    Voucher,
    sign,
)
from pywallet.rewards.points_request import PointsRequest
from pywallet.wallet.derivation import (
    ACCOUNT,
    HARDENED,
    account_path,
    derive,
    extended_key,
    listener_path,
    payee_parent,
    payee_path,
)


class Keyring:
    """Derives from the 64-byte seed as needed. Private keys leave it through ``private_key`` only."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        # Derivation costs several milliseconds in the browser, and the popup asks for the same few keys again.
        self.private_key = cache(self._derive)
        self._address = cache(lambda path: address_of(self.private_key(path)))

    def _derive(self, path: str) -> bytes:
        return derive(self._seed, path)

    @property
    def account(self) -> bytes:
        """The address where the fan's tokens are."""
        return self._address(ACCOUNT)

    def account_at(self, index: int) -> bytes:
        """The address of the fan's account number ``index``; 0 is ``account``."""
        return self._address(account_path(index))

    def listener(self, station: bytes) -> bytes:
        """The address that this wallet shows to one station, and to no other."""
        return self._address(listener_path(station))

    def payee(self, station: bytes, number: int) -> bytes:
        """The one-time address that session ``number`` at a station is paid to."""
        return self._address(payee_path(station, number))

    def payees(self, places: Sequence[tuple[bytes, Sequence[int]]]) -> list[list[bytes]]:
        """The one-time addresses of many numbers at stations, for each place in their order.

        All in one batch; none of them is kept.
        """
        keys = []
        for station, numbers in places:
            parent = extended_key(self._seed, payee_parent(station))
            keys += [parent.child(HARDENED + number).key for number in numbers]
        found = iter(keccak256(key)[12:] for key in public_keys(keys))
        return [list(islice(found, len(numbers))) for _, numbers in places]

    def sign_session(
        self, domain: Domain, station: bytes, device: bytes, number: int | None, not_before: int, not_after: int
    ) -> Signed[Session]:
        """Let ``device`` act at ``station`` between two Unix times.

        ``number`` None declines rewards: the payee is zero.
        """
        payee = ZERO_ADDRESS if number is None else self.payee(station, number)
        session = Session(station, self.listener(station), device, payee, not_before, not_after)
        return sign(session, domain, self.private_key(listener_path(station)))

    def sign_voucher(self, domain: Domain, station: bytes, voucher: Voucher) -> Signed[Voucher]:
        """Pay with the key that this wallet shows to ``station``."""
        return sign(voucher, domain, self.private_key(listener_path(station)))

    def sign_points_request(self, asking: PointsRequest) -> bytes:
        """Ask a station about points with the key that this wallet shows to it; 65 bytes."""
        return asking.sign(self.private_key(listener_path(asking.station)))

    def sign_claim(
        self,
        domain: Domain,
        server: bytes,
        epoch: int,
        station: bytes,
        number: int,
        to: bytes | None = None,
        tip: int = 0,
    ) -> Signed[Claim]:
        """Send what a payee earned in one epoch at one server to ``to`` (None.

        This wallet's account), ``tip`` wei to the relayer.
        """
        claim = Claim(server, epoch, self.payee(station, number), self.account if to is None else to, tip)
        return sign(claim, domain, self.private_key(payee_path(station, number)))

    def sign_sweep(self, domain: Domain, station: bytes, number: int, sweep: Sweep) -> Signed[Sweep]:
        """Order a relayer to send what lies at a payee, with that payee's key."""
        return sign(sweep, domain, self.private_key(payee_path(station, number)))
