"""${message}."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = ${repr(up_revision)}
down_revision: Final = ${repr(down_revision)}


def upgrade() -> None:
    """Change the tables of version ${down_revision} to those of ${up_revision}."""
    ${upgrades if upgrades else "pass"}
