"""Deployment files of networks: those of the release, and one for each added network."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from native_host.paths import Paths
from pywallet.errors import GomaaError, InputError

if TYPE_CHECKING:
    from chain.deployment import Deployment

RELEASED: Final = Path(__file__).with_name("released")
_BAD: Final = (OSError, ValueError, KeyError, TypeError, GomaaError)


def load(paths: Paths) -> dict[int, Deployment]:
    """Deployments by chain id: the release's, replaced by added ones, which may have another node.

    Damaged files are skipped.
    """
    from chain.deployment import Deployment

    deployments: dict[int, Deployment] = {}
    for file in (*sorted(RELEASED.glob("*.json")), *sorted(paths.networks.glob("*.json"))):
        try:
            deployment = Deployment.load(file)
        except _BAD:
            continue
        deployments[deployment.chain_id] = deployment
    return deployments


def damaged(paths: Paths) -> list[Path]:
    """Files of added networks that hold no valid deployment."""
    from chain.deployment import Deployment

    bad = []
    for file in sorted(paths.networks.glob("*.json")):
        try:
            Deployment.load(file)
        except _BAD:
            bad.append(file)
    return bad


def add(paths: Paths, file: Path, replace: bool = False) -> Deployment:
    """Add the network of a deployment file.

    Args:
        paths: The host's folders.
        file: The deployment file.
        replace: Replace another network with its chain id.

    Raises:
        InputError: ``message.schema`` for a file that holds no deployment, ``host.network.insecure`` where others can
            change its node's responses, ``host.network.taken`` where there is another network with its chain id.
    """
    from chain.deployment import Deployment

    try:
        deployment = Deployment.load(file)
    except _BAD as e:
        raise InputError("message.schema", file=str(file), reason=str(e)) from None
    if not _is_secure(deployment.rpc):
        raise InputError("host.network.insecure", chain_id=deployment.chain_id)
    present = load(paths).get(deployment.chain_id)
    if present is not None and not replace and not is_same(present, deployment):
        raise InputError("host.network.taken", chain_id=deployment.chain_id)
    return save(paths, deployment)


def _is_secure(url: str) -> bool:
    """Return whether a node is reached over TLS, or within a private network."""
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


def save(paths: Paths, deployment: Deployment) -> Deployment:
    """Write a deployment file, in place of one with the same chain id."""
    target = paths.make().networks / f"{deployment.chain_id}.json"
    temporary = target.with_suffix(".new")
    temporary.write_text(json.dumps(deployment.to_json(), indent=2) + "\n", encoding="utf-8")
    temporary.replace(target)
    return deployment


def is_same(deployment: Deployment, other: Deployment) -> bool:
    """Return whether two deployments have the same contracts; their nodes may differ."""
    names = ("chain_id", "token", "registry", "settlement")
    return all(getattr(deployment, name) == getattr(other, name) for name in names)


def from_record(raw: Any) -> Deployment:
    """The network in a station's record. Raises InputError ``station.answer``."""
    from chain.deployment import Deployment

    try:
        return Deployment.from_json(raw)
    except InputError:
        raise InputError("station.answer") from None
