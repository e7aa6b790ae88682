"""Alembic's entry point: runs the migrations on the connection that ``station.db.versions`` passes.

Only the program runs it, inside its own transaction; there is no ``alembic.ini`` and no offline mode.
"""

from __future__ import annotations

from alembic import context

from station.db.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()
