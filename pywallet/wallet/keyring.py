"""Keys of an unlocked wallet, and the messages that they sign."""

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
    """Derives keys from the 64-byte seed on demand; ``private_key`` is the only method that returns one."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        # Derivation takes several milliseconds in the browser, and the popup needs the same few keys repeatedly.
        self.private_key = cache(self._derive)
        self._address = cache(lambda path: address_of(self.private_key(path)))

    def _derive(self, path: str) -> bytes:
        return derive(self._seed, path)

    @property
    def account(self) -> bytes:
        """The address of the fan's first account."""
        return self._address(ACCOUNT)

    def account_at(self, index: int) -> bytes:
        """The address of the fan's account number ``index``; 0 is ``account``."""
        return self._address(account_path(index))

    def listener(self, station: bytes) -> bytes:
        """The listener address at one station, unlinkable to that at another."""
        return self._address(listener_path(station))

    def payee(self, station: bytes, number: int) -> bytes:
        """The one-time address that receives the rewards of session ``number`` at a station."""
        return self._address(payee_path(station, number))

    def payees(self, places: Sequence[tuple[bytes, Sequence[int]]]) -> list[list[bytes]]:
        """Derive many payees in one batch, without caching them.

        Args:
            places: (station, session numbers) pairs.

        Returns:
            The addresses of each pair, in the order of its numbers.
        """
        keys = []
        for station, numbers in places:
            parent = extended_key(self._seed, payee_parent(station))
            keys += [parent.child(HARDENED + number).key for number in numbers]
        addresses = iter(keccak256(key)[12:] for key in public_keys(keys))
        return [list(islice(addresses, len(numbers))) for _, numbers in places]

    def sign_session(
        self, domain: Domain, station: bytes, device: bytes, number: int | None, not_before: int, not_after: int
    ) -> Signed[Session]:
        """Sign a session that authorises a device at a station.

        Args:
            domain: EIP-712 domain of the network.
            station: Address, 20 bytes.
            device: Address of the host's key, 20 bytes.
            number: Session number that selects the payee; None declines rewards, and the payee is zero.
            not_before: Start, Unix seconds.
            not_after: End, Unix seconds.
        """
        payee = ZERO_ADDRESS if number is None else self.payee(station, number)
        session = Session(station, self.listener(station), device, payee, not_before, not_after)
        return sign(session, domain, self.private_key(listener_path(station)))

    def sign_voucher(self, domain: Domain, station: bytes, voucher: Voucher) -> Signed[Voucher]:
        """Sign a voucher with the listener key at ``station``."""
        return sign(voucher, domain, self.private_key(listener_path(station)))

    def sign_points_request(self, request: PointsRequest) -> bytes:
        """Sign a request about points with the listener key at its station, 65 bytes."""
        return request.sign(self.private_key(listener_path(request.station)))

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
        """Sign a claim of a payee's leaf with the payee's key.

        Args:
            domain: EIP-712 domain of the network.
            server: Address of the security server, 20 bytes.
            epoch: Number of the epoch.
            station: Address, 20 bytes.
            number: Session number of the payee.
            to: Recipient, 20 bytes; None: this wallet's first account.
            tip: Part of the relayer, wei.
        """
        claim = Claim(server, epoch, self.payee(station, number), self.account if to is None else to, tip)
        return sign(claim, domain, self.private_key(payee_path(station, number)))

    def sign_sweep(self, domain: Domain, station: bytes, number: int, sweep: Sweep) -> Signed[Sweep]:
        """Sign a sweep of a payee's tokens with the payee's key."""
        return sign(sweep, domain, self.private_key(payee_path(station, number)))
