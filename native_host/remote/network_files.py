"""Deployment files of the known networks: those of the release, and one for each that was added."""

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
    """Deployments by chain id: the release's, and the added ones, which may name another node.

    Damaged files are skipped.
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
    """The added files that hold no deployment."""
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
        InputError: ``message.schema`` where the file is none, ``host.network.insecure`` where others can change its
            node's answers, ``host.network.taken`` where another network with its chain id is known.
    """
    from chain.deployment import Deployment

    try:
        deployment = Deployment.load(file)
    except _BAD as e:
        raise InputError("message.schema", file=str(file), reason=str(e)) from None
    if not _is_secure(deployment.rpc):
        raise InputError("host.network.insecure", chain_id=deployment.chain_id)
    known = load(paths).get(deployment.chain_id)
    if known is not None and not replace and not same(known, deployment):
        raise InputError("host.network.taken", chain_id=deployment.chain_id)
    return keep(paths, deployment)


def _is_secure(url: str) -> bool:
    """Whether a node is reached over TLS, or within the person's own network."""
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
    """Write a deployment file; one with the same chain id is replaced."""
    target = paths.make().networks / f"{deployment.chain_id}.json"
    temporary = target.with_suffix(".new")
    temporary.write_text(json.dumps(deployment.to_json(), indent=2) + "\n", encoding="utf-8")
    temporary.replace(target)
    return deployment


def same(one: Deployment, other: Deployment) -> bool:
    """Whether two deployments have the same contracts, by whatever node."""
    names = ("chain_id", "token", "registry", "settlement")
    return all(getattr(one, name) == getattr(other, name) for name in names)


def from_record(raw: Any) -> Deployment:
    """The network in a station's record. Raises InputError ``station.answer``."""
    from chain.deployment import Deployment

    try:
        return Deployment.from_json(raw)
    except InputError:
        raise InputError("station.answer") from None
