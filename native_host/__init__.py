"""The native-messaging host: verifies, decides and records every invocation before it returns a key."""

from typing import Final

PROTOCOL: Final = 1
"""Version of docs/protocol.md sections 3 and 4 that this host speaks."""

HOST_NAME: Final = "io.gomaa.host"
"""Name of the native-messaging host in every browser's manifest."""

CAPABILITIES: Final = ("lease", "revocation", "claim", "counts", "send")
