"""Adding the network of a station: fetch the station's record, compare it with the node, save it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from common.address_class import COMPUTER, place_of_url, standing_of_url
from native_host.paths import Paths
from native_host.remote import network_files
from pywallet.errors import GomaaError, InputError, Unavailable

if TYPE_CHECKING:
    from chain.deployment import Deployment

RECORD: Final = "/.well-known/gomaa.json"
MAX_RECORD: Final = 1 << 16
"""Bytes of a station's record."""
ANSWER_S: Final = 10.0


def require_safe(origin: str, deployment: Deployment) -> None:
    """Refuse a record or node that others could change, and a node in a more private network than its station.

    Raises:
        InputError: ``host.network.insecure``.
    """
    try:
        station, node = standing_of_url(origin), place_of_url(deployment.rpc)
        scheme, node_scheme = urlsplit(origin).scheme, urlsplit(deployment.rpc).scheme
    except ValueError:
        raise InputError("host.network.insecure") from None
    safe = scheme == "https" or (scheme == "http" and station == COMPUTER)
    if (
        not safe
        or node > station
        or not (node_scheme in ("https", "wss") or standing_of_url(deployment.rpc) == COMPUTER)
    ):
        raise InputError("host.network.insecure")


async def fetch_record(origin: str) -> Any:
    """Fetch a station's record.

    Args:
        origin: ``scheme://host[:port]``.

    Raises:
        GomaaError: ``station.unreachable``, ``station.answer``.
    """
    import aiohttp
    import msgspec

    try:
        timeout = aiohttp.ClientTimeout(total=ANSWER_S)
        async with (
            aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(), skip_auto_headers=("User-Agent",), timeout=timeout
            ) as session,
            session.get(f"{origin}{RECORD}", allow_redirects=False) as response,
        ):
            raw = bytearray()
            async for chunk in response.content.iter_chunked(MAX_RECORD):
                raw += chunk
                if response.status != 200 or len(raw) > MAX_RECORD:
                    raise ValueError
            return msgspec.json.decode(raw)
    except (aiohttp.ClientError, TimeoutError, OSError) as e:
        raise Unavailable("station.unreachable", reason=type(e).__name__) from None
    except (ValueError, RecursionError):
        raise InputError("station.answer") from None


async def fetch_network(origin: str) -> Deployment:
    """Fetch the network in the record of the station at an origin.

    Args:
        origin: ``https://host[:port]``; http for a station of this computer.

    Raises:
        GomaaError: ``host.network.none`` where the record has none, ``host.network.insecure``,
            ``station.unreachable``, ``station.answer``, ``message.schema`` for an invalid origin.
    """
    try:
        parts = urlsplit(origin)
    except ValueError:
        raise InputError("message.schema", field="origin") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError("message.schema", field="origin")
    site = f"{parts.scheme}://{parts.netloc}"
    value = await fetch_record(site)
    if not isinstance(value, dict) or value.get("network") is None:
        raise InputError("host.network.none")
    deployment = network_files.from_record(value["network"])
    require_safe(site, deployment)
    return deployment


async def check(deployment: Deployment) -> None:
    """Check a network against its node: chain id, and code at the contracts' addresses.

    Raises:
        GomaaError: ``chain.unreachable``, ``host.network.mismatch``.
    """
    from native_host.remote.network import Network

    network = Network(deployment, lambda content, code: None)
    try:
        await network.ready()
        addresses = (deployment.token, deployment.registry, deployment.settlement)
        codes = await asyncio.gather(*(network.chain.code(address) for address in addresses))
    except GomaaError as e:
        if e.code == "chain.mismatch":
            raise InputError("host.network.mismatch", chain_id=deployment.chain_id) from None
        raise
    finally:
        await network.close()
    if not all(codes):
        raise InputError("host.network.mismatch", chain_id=deployment.chain_id)


async def add_network(paths: Paths, origin: str, deployment: Deployment) -> None:
    """Check a network and save it. A station's record never replaces a network that is saved already.

    Raises:
        GomaaError: As ``check``; ``host.network.taken``, ``host.network.insecure``.
    """
    require_safe(origin, deployment)
    present = network_files.load(paths).get(deployment.chain_id)
    if present is not None:
        if network_files.is_same(present, deployment):
            return
        raise InputError("host.network.taken", chain_id=deployment.chain_id)
    await check(deployment)
    network_files.save(paths, deployment)
