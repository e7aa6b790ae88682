"""The networks this host knows: those of the release, and one deployment file for each that was added."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from native_host.paths import Paths
from pywallet.errors import GomaaError, InputError

if TYPE_CHECKING:
    from chain.deployment import Deployment

RELEASED: Final = Path(__file__).with_name("released")
_BAD: Final = (OSError, ValueError, KeyError, TypeError, GomaaError)


def load(paths: Paths) -> dict[int, Deployment]:
    """Deployments by chain id: the release's, and those added, which may name another node. A damaged file is left out."""
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


def add(paths: Paths, file: Path) -> Deployment:
    """Know the network of a deployment file. Raises InputError when it is none."""
    from chain.deployment import Deployment

    try:
        deployment = Deployment.load(file)
    except _BAD as e:
        raise InputError("message.schema", file=str(file), reason=str(e)) from None
    return keep(paths, deployment)


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
    """The network that a station's record names. Raises InputError ``message.schema``."""
    from chain.deployment import Deployment

    if not isinstance(raw, Mapping):
        raise InputError("message.schema", field="network")
    return Deployment.from_json(raw)
