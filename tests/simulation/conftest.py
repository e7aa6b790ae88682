"""The simulation needs an EVM in this process."""

from __future__ import annotations

import pytest

pytest.importorskip("pyrevm", reason="no wheel of the EVM for this Python yet")
