"""Folders of the host's files. If GOMAA_HOME is set, all of them are inside it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pywallet.errors import Unavailable


@dataclass(frozen=True)
class Paths:
    """The host's two directories: ``data`` (device key, ledger) and ``config`` (networks, launcher)."""

    data: Path
    config: Path

    @property
    def device_key(self) -> Path:
        """The device's private key, mode 0600."""
        return self.data / "device.key"

    @property
    def ledger(self) -> Path:
        """The SQLite ledger."""
        return self.data / "ledger.sqlite"

    @property
    def networks(self) -> Path:
        """Folder with a deployment file for each added network."""
        return self.config / "networks"

    @property
    def log(self) -> Path:
        """The host's log: stdout is the browser's, and browsers hide stderr."""
        return self.data / "host.log"

    def make(self) -> Paths:
        """Create the directories, private to this user.

        Raises:
            Unavailable: As ``native_host.ledger.faults.failure``.
        """
        try:
            for directory in (self.data, self.config, self.networks):
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as e:
            from native_host.ledger.faults import failure  # on first use: the browser waits for the start

            raise failure(e) from None
        return self


def locate() -> Paths:
    """The directories of this user, or those in GOMAA_HOME.

    Raises:
        Unavailable: ``host.folder.denied`` where this user has no home.
    """
    home = os.environ.get("GOMAA_HOME")
    try:
        if home:
            root = Path(home).expanduser().absolute()
            return Paths(root / "data", root / "config")
        import platformdirs  # on first use: the browser waits for the start

        paths = Paths(
            Path(platformdirs.user_data_dir("gomaa", False)), Path(platformdirs.user_config_dir("gomaa", False))
        )
    except RuntimeError as e:
        raise Unavailable("host.folder.denied", reason=str(e)) from None
    if not (paths.data.is_absolute() and paths.config.is_absolute()):
        # A relative folder would depend on the browser's working directory.
        raise Unavailable("host.folder.denied", reason=f"this user has no home: {paths.data}")
    return paths
