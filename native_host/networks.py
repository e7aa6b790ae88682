"""The networks this host knows: one deployment file each, copied in by ``gomaa host install --deployment``."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from native_host.paths import Paths
from pywallet.errors import GomaaError, InputError

if TYPE_CHECKING:
    from chain.deployment import Deployment


def load(paths: Paths) -> dict[int, Deployment]:
    """Deployments by chain id. A damaged file is left out: ``doctor`` names it."""
    from chain.deployment import Deployment

    found: dict[int, Deployment] = {}
    for file in sorted(paths.networks.glob("*.json")):
        try:
            deployment = Deployment.load(file)
        except (OSError, ValueError, KeyError, TypeError, GomaaError):
            continue
        found[deployment.chain_id] = deployment
    return found


def add(paths: Paths, file: Path) -> Deployment:
    """Copy a deployment file into the configuration. Raises InputError when it is none."""
    from chain.deployment import Deployment

    try:
        deployment = Deployment.load(file)
    except (OSError, ValueError, KeyError, TypeError, GomaaError) as e:
        raise InputError("message.schema", file=str(file), reason=str(e)) from None
    target = paths.make().networks / f"{deployment.chain_id}.json"
    temporary = target.with_suffix(".new")
    shutil.copyfile(file, temporary)
    temporary.replace(target)
    return deployment
