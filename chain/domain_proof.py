"""Proof that a station controls a domain: a signed file under ``/.well-known/``, verified before the listing."""

from __future__ import annotations

import ipaddress
import json
import re
from dataclasses import dataclass
from typing import Any, Final

from common.http_body import read_up_to
from pywallet import crypto
from pywallet.crypto import keccak256
from pywallet.encoding.hex import from_hex, to_hex
from pywallet.errors import GomaaError, InputError, Unavailable

PATH: Final = "/.well-known/gomaa-station.json"
MAX_BYTES: Final = 4096
"""Longest file, bytes."""
TIMEOUT_S: Final = 10.0
"""Limit of a fetch, seconds."""
_TAG: Final = b"GoMAA domain proof 1"
_DOMAIN: Final = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:[1-9][0-9]{0,4})?\Z"
)


@dataclass(frozen=True)
class DomainProof:
    """A verified proof: the station, its domain, and keccak of the file."""

    station: bytes
    domain: str
    hash: bytes


def digest(chain_id: int, registry: bytes, domain: str, station: bytes) -> bytes:
    """The signed digest: keccak(tag ‖ chain id (32) ‖ registry ‖ station ‖ domain)."""
    return keccak256(_TAG + chain_id.to_bytes(32, "big") + registry + station + domain.encode())


def make(private_key: bytes, chain_id: int, registry: bytes, domain: str) -> bytes:
    """Create the file's bytes for the key's station.

    Raises:
        InputError: ``message.schema`` unless ``domain`` is a lower-case ``host[:port]``.
    """
    _require(domain)
    station = crypto.address_of(private_key)
    signature = crypto.sign(private_key, digest(chain_id, registry, domain, station))
    fields = {
        "chain": chain_id,
        "registry": to_hex(registry),
        "domain": domain,
        "station": to_hex(station),
        "signature": to_hex(signature),
    }
    return (json.dumps(fields, indent=1) + "\n").encode()


def check(raw: bytes, chain_id: int, registry: bytes, domain: str, station: bytes | None = None) -> DomainProof:
    """Verify a file's bytes.

    Raises:
        InputError: ``message.schema`` unless it is a proof for that domain on that network, by ``station`` if given.
    """
    _require(domain)
    try:
        fields = json.loads(raw)
        values = {name: fields[name] for name in ("chain", "registry", "domain", "station", "signature")}
        signer = from_hex(values["station"], 20)
        signature = from_hex(values["signature"], 65)
        network_and_domain = (values["chain"], from_hex(values["registry"], 20), values["domain"])
    except (KeyError, TypeError, ValueError, RecursionError, GomaaError) as e:
        raise _refused(domain, f"not a proof: {type(e).__name__}") from None
    if network_and_domain != (chain_id, registry, domain) or type(network_and_domain[0]) is not int:
        raise _refused(domain, "the proof is for another network or domain")
    if station is not None and signer != station:
        raise _refused(domain, "the proof is another station's")
    try:
        recovered = crypto.recover(digest(chain_id, registry, domain, signer), signature)
    except GomaaError:
        recovered = b""
    if recovered != signer:
        raise _refused(domain, "the station did not sign it")
    return DomainProof(signer, domain, keccak256(raw))


async def fetch(domain: str, *, session: Any = None) -> bytes:
    """Fetch the file from the domain: over https, or http on the loopback interface; redirects are refused.

    Raises:
        InputError: ``message.schema`` for an invalid domain, or if there is no such file.
        Unavailable: ``chain.unreachable``.
    """
    import aiohttp

    _require(domain)
    url = f"{'http' if _is_loopback(domain) else 'https'}://{domain}{PATH}"
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    client = session or aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
    try:
        async with client.get(url, allow_redirects=False, timeout=timeout) as response:
            # A redirect would let another host prove this domain.
            if response.status != 200:
                raise _refused(domain, f"status {response.status}")
            raw = await read_up_to(response.content, MAX_BYTES + 1)
    except (aiohttp.ClientError, OSError, TimeoutError) as e:
        raise Unavailable("chain.unreachable", url=url, reason=type(e).__name__) from None
    finally:
        if session is None:
            await client.close()
    if len(raw) > MAX_BYTES:
        raise _refused(domain, f"more than {MAX_BYTES} bytes")
    return raw


async def verify(
    domain: str, chain_id: int, registry: bytes, station: bytes | None = None, *, session: Any = None
) -> DomainProof:
    """Fetch and check a domain's proof. Raises as ``fetch`` and ``check``."""
    return check(await fetch(domain, session=session), chain_id, registry, domain, station)


def _is_loopback(domain: str) -> bool:
    host = domain.rsplit(":", 1)[0]
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _require(domain: str) -> None:
    if not isinstance(domain, str) or not _DOMAIN.match(domain):
        raise InputError("message.schema", field="domain", reason="a lower-case host[:port]")


def _refused(domain: str, reason: str) -> InputError:
    return InputError("message.schema", field="domain proof", domain=domain, reason=reason)
