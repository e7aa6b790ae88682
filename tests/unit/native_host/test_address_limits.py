"""URLs of nodes and servers may not be in a more private network than the page or node that names them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from native_host.playback import content_check
from native_host.remote.network_setup import require_safe
from pywallet.errors import GomaaError, InputError

ADDRESS = bytes(20)


@pytest.mark.parametrize(
    ("origin", "rpc", "good"),
    [
        ("https://radio.example", "wss://node.example", True),
        ("https://radio.example", "https://10.0.0.1", False),
        ("https://radio.example", "wss://2130706433:8545", False),
        ("https://radio.example", "wss://0x7f.1", False),
        ("https://radio.example", "wss://[::ffff:127.0.0.1]", False),
        ("https://radio.example", "wss://localhost.", False),
        ("https://radio.example", "wss://node.lan", False),
        ("https://radio.example", "wss://node", False),
        ("https://nas.lan", "wss://10.0.0.1", True),
        ("https://nas.lan", "wss://127.0.0.1", False),
        ("http://nas.lan", "wss://node.example", False),
        ("http://localhost.", "ws://127.0.0.1", True),
        ("http://evil.localdomain", "wss://node.example", False),
        ("http://1.2.x.3", "wss://node.example", False),
        ("http://localhost", "ws://evil.localdomain", False),
    ],
)
def test_a_station_cannot_name_a_more_private_node(origin: str, rpc: str, good: bool) -> None:
    """A node on this computer or in a private network is accepted only from a station there, in any notation."""
    named: Any = SimpleNamespace(rpc=rpc)
    if good:
        return require_safe(origin, named)
    with pytest.raises(InputError) as caught:
        require_safe(origin, named)
    assert caught.value.code == "host.network.insecure"
    return None


def network(url: str, rpc: str) -> Any:
    """A network with one server at a URL."""
    state = SimpleNamespace(owner=ADDRESS, policy_hash=b"", destroyed=False, revoked=False)
    found = SimpleNamespace(
        state=state,
        serving=ADDRESS,
        server=SimpleNamespace(url=url, active=True),
        bond=SimpleNamespace(bond=1, retired=None),
        bps=0,
        station=None,
        licensed=False,
    )

    async def facts(*_: Any) -> Any:
        return found

    return SimpleNamespace(facts=facts, forget=lambda _: None, deployment=SimpleNamespace(rpc=rpc))


@pytest.mark.parametrize(
    ("url", "origin", "rpc", "good"),
    [
        ("https://server.example", "https://radio.example", "wss://node.example", True),
        ("http://192.168.1.1", "https://radio.example", "wss://node.example", False),
        ("http://0x7f000001:8080", "https://radio.example", "wss://node.example", False),
        ("http://localhost:631", "http://nas.lan", "wss://node.example", False),
        ("http://192.168.1.7", "http://nas.lan", "wss://node.example", True),
        ("http://127.0.0.1:8420", "https://radio.example", "ws://127.0.0.1:8545", True),
    ],
)
async def test_a_private_server_address_is_refused_for_a_public_page(
    url: str, origin: str, rpc: str, good: bool
) -> None:
    """A content of an internet page whose server has a private address is refused; within that network it opens."""
    header: Any = SimpleNamespace(
        content=ADDRESS, owner=ADDRESS, policy_hash=b"", server=SimpleNamespace(address=ADDRESS)
    )
    if good:
        assert (await content_check.check_content(network(url, rpc), header, origin)).server_url == url
        return
    with pytest.raises(GomaaError) as caught:
        await content_check.check_content(network(url, rpc), header, origin)
    assert caught.value.code == "server.unreachable"
