"""The gate on the fan's machine: verifies, decides, counts durably, and only then lets a key through."""

from typing import Final

PROTOCOL: Final = 1
"""Version of docs/protocol.md sections 3 and 4 that this host speaks."""

HOST_NAME: Final = "io.gomaa.host"
"""Name of the native-messaging host in every browser's manifest."""

CAPABILITIES: Final = ("lease", "revocation", "claim", "counts", "send")
