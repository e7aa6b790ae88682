"""The networks this host knows: those of the release, and one deployment file for each that was added."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from native_host.install.paths import Paths
from pywallet.errors import GomaaError, InputError

if TYPE_CHECKING:
    from chain.deployment import Deployment

RELEASED: Final = Path(__file__).with_name("released")
_BAD: Final = (OSError, ValueError, KeyError, TypeError, GomaaError)


def load(paths: Paths) -> dict[int, Deployment]:
    """Deployments by chain id: the release's, and those added, which may name another node.

    A damaged file is left out.
    """
    from chain.deployment import Deployment

    found: dict[int, Deployment] = {}
    for file in (*sorted(RELEASED.glob("*.json")), *sorted(paths.networks.glob("*.json"))):
        try:
            deployment = Deployment.load(file)
        except _BAD:
            continue
        found[deployment.chain_id] = deployment
    return found


def damaged(paths: Paths) -> list[Path]:
    """The files among those added that are no deployment."""
    from chain.deployment import Deployment

    bad = []
    for file in sorted(paths.networks.glob("*.json")):
        try:
            Deployment.load(file)
        except _BAD:
            bad.append(file)
    return bad


def add(paths: Paths, file: Path, replace: bool = False) -> Deployment:
    """Know the network of a deployment file.

    Args:
        paths: The host's folders.
        file: The deployment file.
        replace: Take it also where another network with its number is known.

    Raises:
        InputError: ``message.schema`` where the file is none, ``host.network.insecure`` where others can change what
            its node says,
            ``host.network.taken`` where another network with its number is known.
    """
    from chain.deployment import Deployment

    try:
        deployment = Deployment.load(file)
    except _BAD as e:
        raise InputError("message.schema", file=str(file), reason=str(e)) from None
    if not _near(deployment.rpc):
        raise InputError("host.network.insecure", chain_id=deployment.chain_id)
    known = load(paths).get(deployment.chain_id)
    if known is not None and not replace and not same(known, deployment):
        raise InputError("host.network.taken", chain_id=deployment.chain_id)
    return keep(paths, deployment)


def _near(url: str) -> bool:
    """Whether nobody outside the person's own network stands between this computer and a node."""
    try:
        node = urlsplit(url)
        if node.scheme in ("wss", "https"):
            return True
        host = node.hostname or ""
    except ValueError:
        return False
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".localhost", ".local", ".internal", ".home.arpa"))


def keep(paths: Paths, deployment: Deployment) -> Deployment:
    """Write a deployment into the configuration; one of the same number is replaced."""
    target = paths.make().networks / f"{deployment.chain_id}.json"
    temporary = target.with_suffix(".new")
    temporary.write_text(json.dumps(deployment.to_json(), indent=2) + "\n", encoding="utf-8")
    temporary.replace(target)
    return deployment


def same(one: Deployment, other: Deployment) -> bool:
    """Whether two deployments are one network: the same contracts, by whatever node."""
    names = ("chain_id", "token", "registry", "settlement")
    return all(getattr(one, name) == getattr(other, name) for name in names)


def offered(raw: Any) -> Deployment:
    """The network that a station's record names. Raises InputError ``station.answer``."""
    from chain.deployment import Deployment

    try:
        return Deployment.from_json(raw)
    except InputError:
        raise InputError("station.answer") from None
